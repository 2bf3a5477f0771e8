"""The verdicts on a paper's claims, from measured runs.

A claim is reproduced when the 95 % interval of each of its comparisons lies above 0, contradicted when that of one lies
wholly below 0 (whatever runs are missing), not run while a run is missing, and undecided otherwise. Intervals are not
corrected for the number of comparisons. For "reproduced" this is conservative, as all must pass at once; "contradicted"
is reached by chance more often the more comparisons a claim has, so look at the size of the difference there.
"""

from __future__ import annotations

from dataclasses import dataclass

from facelib.papers import load_paper
from facelib.papers.claims import Claim, Term
from facelib.papers.metric_words import DIFFERENCES, MetricWords
from facelib.papers.published import printed_values
from facelib.report.intervals import Runs, combine, draws_of_methods, missing_runs
from facelib.report.records import no_runs

REPRODUCED, CONTRADICTED, UNDECIDED, NOT_RUN = "reproduced", "contradicted", "undecided", "not run"
RULE = (
    "Reproduced: the 95 % interval (bootstrap over identities, paired between methods) of every comparison lies above "
    "0. Contradicted: that of one comparison lies wholly below 0. Undecided: neither."
)


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison, measured; all numbers are percentage points, or degrees or MB, without what it demands at least.

    Args:
        comparison: in words.
        difference, low, high: ours with its 95 % interval.
        printed: the same difference of the printed numbers; None where the paper prints none.
        folds: that all methods in it have run.
        unit: "points", "degrees" or "MB".
        decimals: shown.
    """

    comparison: str
    difference: float
    low: float
    high: float
    printed: float | None
    folds: tuple[int, ...]
    unit: str = "points"
    decimals: int = 1

    def signed(self, value: float) -> str:
        """One of its numbers as text: "+1.2"."""
        return f"{value:+.{self.decimals}f}"

    @property
    def interval(self) -> str:
        """As text: "[-0.3, +1.2]"."""
        return f"[{self.signed(self.low)}, {self.signed(self.high)}]"


@dataclass(frozen=True)
class ClaimResult:
    """A claim with its verdict.

    Args:
        claim: what the paper says.
        verdict: "reproduced", "contradicted", "undecided" or "not run".
        terms: those that could be measured.
        missing: the commands of the runs that the others need.
    """

    claim: Claim
    verdict: str
    terms: tuple[ComparisonResult, ...]
    missing: tuple[str, ...]

    @property
    def decisive(self) -> ComparisonResult | None:
        """The comparison that is least in the claim's favour."""
        return min(self.terms, key=lambda term: (term.high >= 0, term.low)) if self.terms else None

    @property
    def tally(self) -> str:
        """How many comparisons have an interval above 0."""
        return f"{sum(term.low > 0 for term in self.terms)} of {len(self.claim.terms)} above 0"

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, with the rule."""
        term = self.decisive
        if self.verdict == NOT_RUN or term is None:
            return f"Not run: missing are {', '.join(self.missing)}. {RULE}"
        place = {
            REPRODUCED: "lies above 0, as all others do" if len(self.terms) > 1 else "lies above 0",
            CONTRADICTED: "lies wholly below 0",
            UNDECIDED: "does not lie above 0, and none lies wholly below" if len(self.terms) > 1 else "holds 0",
        }[self.verdict]
        interval = f"[{term.low:.2f}, {term.high:.2f}]"
        return f"{self.verdict.capitalize()}: the interval {interval} of '{term.comparison}' {place}. {RULE}"


def printed_difference(paper: str, term: Term) -> float | None:
    """A term by the paper's printed numbers, in their unit; None where it does not print them all."""
    printed = printed_values(paper)
    values = [(coefficient, printed.get((method, metric))) for coefficient, method, metric in term.parts]
    found = [coefficient * value for coefficient, value in values if value is not None]
    return round(sum(found) - term.least, 6) if len(found) == len(values) else None


def evaluate_claims(paper: str, tier: str) -> list[ClaimResult]:
    """Every claim of a paper by the runs of a tier.

    Raises:
        MissingPart: when the tier has no run that a claim needs; the message says how to make them.
        UnknownName, BadInput: for a run that lacks a metric, or evaluates other people than the rest of its fold.
    """
    claims = load_paper(paper).CLAIMS
    methods = list(dict.fromkeys(method for claim in claims for term in claim.terms for _, method, _ in term.parts))
    draws = draws_of_methods(paper, tier, methods)
    if not draws:
        raise no_runs(paper, tier, methods[0])
    return [_evaluate(paper, tier, claim, draws) for claim in claims]


def _evaluate(paper: str, tier: str, claim: Claim, draws: dict[str, Runs]) -> ClaimResult:
    terms, missing = [], []
    for term in claim.terms:
        needed = missing_runs(paper, tier, draws, (method for _, method, _ in term.parts))
        missing += needed
        if not needed:
            terms.append(_measured(paper, term, draws))
    return ClaimResult(claim, _verdict(terms, missing), tuple(terms), tuple(dict.fromkeys(missing)))


def _measured(paper: str, term: Term, draws: dict[str, Runs]) -> ComparisonResult:
    words: MetricWords = load_paper(paper).METRIC_WORDS[term.parts[0][2]]
    ours = combine(draws, term.parts)
    difference, low, high = (value * words.factor - term.least for value in (ours.value, ours.low, ours.high))
    printed = printed_difference(paper, term)
    return ComparisonResult(
        term.comparison, difference, low, high, printed, ours.folds, DIFFERENCES[words.unit], words.decimals
    )


def _verdict(terms: list[ComparisonResult], missing: list[str]) -> str:
    if any(term.high < 0 for term in terms):
        return CONTRADICTED  # whatever the missing runs would say
    if missing:
        return NOT_RUN
    return REPRODUCED if all(term.low > 0 for term in terms) else UNDECIDED
