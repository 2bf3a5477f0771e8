"""Verification from histograms of the scores: any number of pairs in fixed memory, with bounds that hold.

Scores are counted in 2^20 bins over a stated range. At the edges between bins FAR and TAR are known exactly; what lies
inside a bin is not. So every result is a pair of bounds between which the exact value lies:
- a threshold is known to one bin (2e-6 for cosines),
- TAR at FAR, EER and AUC to what one bin holds.

Scores outside the range count in the outer bins. Counts are 64-bit integers, so 1e9 pairs and more do not overflow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from facelib.errors import BadInput
from facelib.metrics.inputs import Array, score_array
from facelib.metrics.score_histogram import add_scores
from facelib.metrics.sorted_scores import accepts_allowed, rates_apart
from facelib.metrics.verification import MIN_IMPOSTORS, check_fars

BINS = 2**20


class Bounds(NamedTuple):
    """The exact value is at least the lower and at most the upper one."""

    lower: float
    upper: float


@dataclass(frozen=True)
class VerificationBounds:
    """`VerificationSummary` as far as histograms tell it.

    Args:
        genuine, impostors: how many comparisons of each kind.
        fars: the targets (F,), as asked.
        thresholds: (F,); the upper one keeps the target, the lower one does not, and an infinite one is beyond the
            range of the bins.
        tars: (F,), the true accept rates at the lowest threshold that keeps the target.
        eer, auc: as there.
    """

    genuine: int
    impostors: int
    fars: tuple[float, ...]
    thresholds: tuple[Bounds, ...]
    tars: tuple[Bounds, ...]
    eer: Bounds
    auc: Bounds


@dataclass(frozen=True)
class ScoreHistogram:
    """Counts of genuine and impostor scores, filled piece by piece.

    Args:
        low, high: the range that the bins divide evenly, [-1, 1] for cosines.
        genuine, impostor: (bins,) int64 counts, changed by `add`.

    Raises:
        BadInput: for a range that is empty or not finite, or counts that do not fit each other.
    """

    low: float = -1.0
    high: float = 1.0
    genuine: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))
    impostor: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def __post_init__(self) -> None:
        for counts in (self.genuine, self.impostor):
            if counts.ndim != 1 or counts.dtype != np.int64 or len(counts) != len(self.genuine) or not len(counts):
                raise BadInput(f"counts {counts.dtype} {counts.shape}: expected int64 (bins,), as many of both kinds")
        finest = 4 * np.spacing(max(abs(self.low), abs(self.high)))  # of bins that float64 tells apart
        if not finest < (self.high - self.low) / len(self.genuine) < np.inf:
            raise BadInput(
                f"range {self.low} to {self.high} in {len(self.genuine)} bins: expected a lower and a higher number, "
                "far enough apart for bins that differ in float64"
            )

    @property
    def scale(self) -> float:
        """Bins in one unit of score."""
        return len(self.genuine) / (self.high - self.low)

    def add(self, genuine: Array | None = None, impostor: Array | None = None) -> None:
        """Count more scores; None for none of a kind.

        Raises:
            BadInput: for empty or unusable scores.
        """
        for name, scores, counts in (("genuine", genuine, self.genuine), ("impostor", impostor, self.impostor)):
            if scores is not None:
                add_scores(score_array(name, scores), self.low, self.scale, counts)

    def summary(self, fars: Sequence[float] = (0.01, 0.001), min_impostors: int = MIN_IMPOSTORS) -> VerificationBounds:
        """Bounds of TAR at several FARs, EER and AUC.

        Raises:
            BadInput: without genuine scores, for too few impostors, or a target outside [0, 1].
        """
        tails = Tails(self)
        if tails.genuine[0] == 0:
            raise BadInput("no genuine scores: expected at least one")
        check_fars(fars, int(tails.impostor[0]), min_impostors)
        bins = [tails.bin_of_threshold(far) for far in fars]
        return VerificationBounds(
            genuine=int(tails.genuine[0]),
            impostors=int(tails.impostor[0]),
            fars=tuple(fars),
            thresholds=tuple(Bounds(self.edge(b), self.edge(b + 1) if b >= 0 else -np.inf) for b in bins),
            tars=tuple(tails.true_accept_rates(b) for b in bins),
            eer=tails.equal_error_rates(),
            auc=self._areas(tails),
        )

    def bins_of(self, scores: np.ndarray) -> np.ndarray:
        """The bin of each score, as the kernels compute it."""
        return np.clip((scores.astype(np.float64) - self.low) * self.scale, 0, len(self.genuine) - 1).astype(np.int64)

    def edge(self, number: int) -> float:
        """The lowest score that falls into a bin; minus infinity for the first, infinity beyond the last.

        Rounding moves it off low + number / scale by a little: found by halving, so that it holds to the last bit.
        """
        if number <= 0 or number >= len(self.genuine):
            return -np.inf if number <= 0 else np.inf
        below, inside = self.low + (number - 2) / self.scale, self.low + (number + 1) / self.scale
        while below < (middle := below + (inside - below) / 2) < inside:
            if (middle - self.low) * self.scale >= number:
                inside = middle
            else:
                below = middle
        return inside

    def _areas(self, tails: Tails) -> Bounds:
        """Pairs in one bin are undecided: all lost or all won."""
        below = tails.impostor[0] - tails.impostor[:-1]
        pairs = int(tails.genuine[0]) * int(tails.impostor[0])
        won = exact_dot(self.genuine, below)
        return Bounds(won / pairs, (won + exact_dot(self.genuine, self.impostor)) / pairs)


class Tails:
    """How many genuine and impostor scores lie in a bin or above it: (bins + 1,) each, the last zero."""

    def __init__(self, histogram: ScoreHistogram) -> None:
        self.genuine, self.impostor = (
            np.append(np.cumsum(counts[::-1])[::-1], 0) for counts in (histogram.genuine, histogram.impostor)
        )

    def bin_of_threshold(self, far: float) -> int:
        """The highest bin whose impostors cannot all be accepted: the threshold lies in it, above one of them.

        Minus one if all impostors may be accepted.
        """
        allowed = accepts_allowed(far, int(self.impostor[0]))
        return int(np.searchsorted(-self.impostor, -allowed)) - 1

    def true_accept_rates(self, number: int) -> Bounds:
        """TAR at a threshold inside this bin."""
        total = int(self.genuine[0])
        return Bounds(int(self.genuine[number + 1]) / total, int(self.genuine[max(number, 0)]) / total)

    def bin_of_crossing(self) -> int:
        """The highest bin at whose lower edge FAR + TAR >= 1."""
        genuine, impostors = int(self.genuine[0]), int(self.impostor[0])

        def apart(number: int) -> bool:
            return rates_apart((int(self.impostor[number]), int(self.genuine[number])), impostors, genuine)

        return bisect_left(range(len(self.genuine)), True, key=apart) - 1

    def equal_error_rates(self) -> Bounds:
        """Both rates cross between the edges of one bin, FAR rising and FRR falling."""
        number, genuine, impostors = self.bin_of_crossing(), int(self.genuine[0]), int(self.impostor[0])
        far_before, far_after = (int(self.impostor[edge]) / impostors for edge in (number + 1, number))
        frr_before, frr_after = ((genuine - int(self.genuine[edge])) / genuine for edge in (number + 1, number))
        return Bounds(max(far_before, frr_after), min(far_after, frr_before))


def exact_dot(first: np.ndarray, second: np.ndarray) -> int:
    """The sum of products of counts, which may be beyond 64 bits."""
    used = (first > 0) & (second > 0)
    first, second = first[used], second[used]
    if len(first) == 0:
        return 0
    if int(first.sum()) * int(second.max()) < 2**63:
        return int(np.dot(first, second))
    return int(np.dot(first.astype(object), second.astype(object)))
