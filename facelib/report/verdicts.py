"""The verdicts on a paper's claims, from measured runs.

A comparison counts only where one of the methods that it compares has skill: it must be better, by its 95 % interval,
than what knows nothing (chance, or the mean face; `Metric.knows_nothing`). Otherwise two methods that learnt nothing
would be told apart by the ways in which they fail, and the verdict is "no skill".

Of the comparisons that count: a claim is contradicted when one lies below 0 after Holm's correction for the number of
the claim's comparisons; reproduced when the 95 % interval of each lies above 0, which needs no correction as all must
pass at once; undecided otherwise. While runs are missing it is not run, unless the others contradict it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from facelib.papers.paper import Claim, Comparison
from facelib.papers.published import printed_values
from facelib.report.intervals import Estimates
from facelib.report.power import people_to_decide, runs_to_decide

REPRODUCED, CONTRADICTED, UNDECIDED = "reproduced", "contradicted", "undecided"
NO_SKILL, NOT_RUN = "no skill", "not run"
NO_VERDICT = "no verdict"  # at the smallest tier, whose runs are made to see that everything works
VERDICTS = (REPRODUCED, CONTRADICTED, UNDECIDED, NO_SKILL, NOT_RUN, NO_VERDICT)
LEVEL = 0.05  # of the corrected p-values
RULE = (
    "Reproduced: the 95 % interval (bootstrap over identities and training starts, paired between methods) of every "
    "comparison lies above 0. Contradicted: one comparison lies below 0 after Holm's correction for the number of "
    "comparisons. No skill: in some comparison no method is better than one that knows nothing. Undecided: neither."
)


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison, measured; all numbers are percentage points, or degrees or MB, without what it demands at least.

    Args:
        comparison: in words.
        difference, low, high: ours with its 95 % interval.
        printed: the same difference of the printed numbers; None where the paper prints none.
        folds: that all methods in it have run.
        p: two-sided, of the difference being 0.
        corrected_p: by Holm, for the number of the claim's comparisons that count.
        skill: whether one of its methods is better than one that knows nothing.
        unit: "points", "degrees" or "MB".
        decimals: shown.
        runs: of the method with fewest of them; 0 where it is not known.
        spread_of_people, spread_of_runs: standard deviations of the difference; None where not known.
    """

    comparison: str
    difference: float
    low: float
    high: float
    printed: float | None
    folds: tuple[int, ...]
    p: float = 1.0
    corrected_p: float = 1.0
    skill: bool = True
    unit: str = "points"
    decimals: int = 1
    runs: int = 0
    spread_of_people: float | None = None
    spread_of_runs: float | None = None

    @property
    def power(self) -> str:
        """How many runs would decide it if the effect were as printed, in words; empty where nothing is printed."""
        if self.printed is None or self.spread_of_people is None:
            return ""
        effect = f"an effect of {self.signed(self.printed)} {self.unit}, as printed"
        if self.spread_of_runs is None:
            return f"One run tells nothing of another training: how many would decide {effect}, is not known."
        needed = runs_to_decide(self.printed, self.spread_of_people, self.spread_of_runs, self.runs)
        if math.isinf(needed):
            times = people_to_decide(self.printed, self.spread_of_people)
            more = f"{times:.1f} times the people" if math.isfinite(times) else "no number of people"
            return f"No number of runs on these people would decide {effect}; it takes {more} at least."
        spread = f"{self.spread_of_runs * math.sqrt(self.runs):.{self.decimals}f}"
        return (
            f"{needed:.0f} runs of each method would decide {effect}, in four of five cases; here are {self.runs}, and "
            f"the difference varies by {spread} {self.unit} from run to run."
        )

    @property
    def is_below(self) -> bool:
        """Whether it lies below 0, corrected."""
        return self.skill and self.high < 0 and self.corrected_p < LEVEL

    @property
    def is_above(self) -> bool:
        """Whether its interval lies above 0."""
        return self.skill and self.low > 0

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
        verdict: one of VERDICTS.
        comparisons: those that could be measured.
        missing: the commands of the runs that the others need, or what no run could measure.
    """

    claim: Claim
    verdict: str
    comparisons: tuple[ComparisonResult, ...]
    missing: tuple[str, ...]

    @property
    def decisive(self) -> ComparisonResult | None:
        """The comparison that the verdict rests on: the least favourable one, among those without skill if any."""
        order = {NO_SKILL: lambda one: (one.skill, one.low), CONTRADICTED: lambda one: (not one.is_below, one.low)}
        chosen = order.get(self.verdict, lambda one: (one.high >= 0, one.low))
        return min(self.comparisons, key=chosen) if self.comparisons else None

    @property
    def tally(self) -> str:
        """How many comparisons have an interval above 0."""
        return f"{sum(one.is_above for one in self.comparisons)} of {len(self.claim.comparisons)} above 0"

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, with the rule."""
        one = self.decisive
        if self.verdict == NO_VERDICT:
            return "No verdict: runs of the smallest tier show that everything works, and no more."
        if self.verdict == NOT_RUN or one is None:
            return f"Not run: missing are {', '.join(self.missing)}. {RULE}"
        several = len(self.comparisons) > 1
        interval = f"the interval [{one.low:.2f}, {one.high:.2f}] of '{one.comparison}'"
        why = {
            REPRODUCED: f"{interval} lies above 0{', as all others do' if several else ''}",
            CONTRADICTED: f"{interval} lies below 0 (corrected p {one.corrected_p:.2g})",
            UNDECIDED: f"{interval} {'does not lie above 0, and none lies below, corrected' if several else 'holds 0'}",
            NO_SKILL: f"no method in '{one.comparison}' is better than one that knows nothing",
        }[self.verdict]
        power = f" {one.power}" if self.verdict == UNDECIDED and one.power else ""
        return f"{self.verdict.capitalize()}: {why}.{power} {RULE}"


def printed_difference(paper: str, comparison: Comparison) -> float | None:
    """A comparison by the paper's printed numbers, in their unit; None where it does not print them all."""
    printed = printed_values(paper)
    values = [(coefficient, printed.get((method, metric))) for coefficient, method, metric in comparison.parts]
    found = [coefficient * value for coefficient, value in values if value is not None]
    return round(sum(found) - comparison.least, 6) if len(found) == len(values) else None


def evaluate_claims(estimates: Estimates) -> list[ClaimResult]:
    """Every claim of a paper by the runs of a tier.

    Raises:
        MissingPart: when the tier has no run that a claim needs; the message says how to make them.
        UnknownName, BadInput: for a metric that the paper has not, or a run that evaluates other people than the rest
            of its fold.
    """
    claims = estimates.runs.paper.claims
    estimates.runs.require(method for one in claims for each in one.comparisons for _, method, _ in each.parts)
    results = [_evaluate(estimates, claim) for claim in claims]
    if estimates.runs.tier == estimates.runs.paper.smallest_tier:
        return [replace(one, verdict=NO_VERDICT) for one in results]
    return results


def _evaluate(estimates: Estimates, claim: Claim) -> ClaimResult:
    measured, missing = [], []
    for comparison in claim.comparisons:
        found = _measured(estimates, comparison)
        if found is None:
            commands = estimates.missing(method for _, method, _ in comparison.parts)
            missing += commands or [f"a measurement of '{comparison.label}', for which the runs have no data"]
        else:
            measured.append(found)
    corrected = _holm(measured)
    return ClaimResult(claim, _verdict(corrected, missing), tuple(corrected), tuple(dict.fromkeys(missing)))


def _measured(estimates: Estimates, comparison: Comparison) -> ComparisonResult | None:
    metric = estimates.runs.paper.metrics[comparison.parts[0][2]]
    ours = estimates.find(comparison.parts)
    if ours is None:
        return None
    difference, low, high = (value * metric.factor - comparison.least for value in (ours.value, ours.low, ours.high))
    printed = printed_difference(estimates.runs.paper.name, comparison)
    people, runs = ours.spread_of_people, ours.spread_of_runs
    return ComparisonResult(
        *(comparison.label, difference, low, high, printed, ours.folds),
        runs=ours.runs,
        spread_of_people=None if people is None else people * metric.factor,
        spread_of_runs=None if runs is None else runs * metric.factor,
        p=ours.p_value(comparison.least / metric.factor),
        skill=_any_skill(estimates, comparison),
        unit=metric.difference_unit,
        decimals=metric.decimals,
    )


def _any_skill(estimates: Estimates, comparison: Comparison) -> bool:
    """Whether one of the methods has skill in all metrics that the comparison takes of it."""
    methods = dict.fromkeys(method for _, method, _ in comparison.parts)
    return any(
        all(has_skill(estimates, name, metric) for _, method, metric in comparison.parts if method == name)
        for name in methods
    )


def has_skill(estimates: Estimates, method: str, metric: str) -> bool:
    """Whether a method is better in a metric than one that knows nothing, by its 95 % interval.

    Against a baseline the paired difference decides; where the scores for it are not here, the two intervals must not
    overlap, and where records have no interval their values decide. A metric that records do not hold, or that has no
    baseline, such as a size, needs no skill.
    """
    described = estimates.runs.paper.metrics[metric]
    baseline, sign = described.knows_nothing, 1.0 if described.direction == "higher" else -1.0
    if baseline is None:
        return True
    if baseline == method:
        return False
    if isinstance(baseline, str):
        gap = estimates.find(((sign, method, metric), (-sign, baseline, metric)))
        if gap is not None:
            return gap.low > 0
    own = _bounds(estimates, method, metric)
    other = _bounds(estimates, baseline, metric) if isinstance(baseline, str) else (baseline, baseline)
    if math.isnan(own[0] + other[0]):  # older records lack the metric: they show no want of skill
        return True
    return own[0] > other[1] if sign > 0 else own[1] < other[0]


def _bounds(estimates: Estimates, method: str, metric: str) -> tuple[float, float]:
    """The interval of a metric, or its mean over the records; NaN where these do not hold it."""
    found = estimates.find(((1.0, method, metric),))
    if found is not None:
        return found.low, found.high
    values = [record.metrics[metric]["value"] for record in estimates.runs.records(method) if metric in record.metrics]
    mean = sum(values) / len(values) if values else float("nan")
    return mean, mean


def _holm(results: list[ComparisonResult]) -> list[ComparisonResult]:
    """With Holm's correction over the comparisons that count (Scandinavian Journal of Statistics 6, 1979)."""
    counting = sorted((i for i, one in enumerate(results) if one.skill), key=lambda i: results[i].p)
    corrected, largest = list(results), 0.0
    for rank, i in enumerate(counting):
        largest = max(largest, min(1.0, (len(counting) - rank) * results[i].p))
        corrected[i] = replace(results[i], corrected_p=largest)
    return corrected


def _verdict(results: list[ComparisonResult], missing: list[str]) -> str:
    if any(one.is_below for one in results):
        return CONTRADICTED  # whatever the missing runs would say
    if missing:
        return NOT_RUN
    if not all(one.skill for one in results):
        return NO_SKILL
    return REPRODUCED if all(one.low > 0 for one in results) else UNDECIDED
