"""Verification from histograms of the scores: any number of pairs in fixed memory, with bounds that hold.

At the edges between bins FAR and TAR are known exactly; what lies inside a bin is not. So every result is a pair of
bounds between which the exact value lies:
- a threshold is known to one bin (2e-6 for cosines),
- TAR at FAR, EER and AUC to what one bin holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facelib.errors import BadInput
from facelib.metrics.score_histogram import ScoreHistogram
from facelib.metrics.sorted_scores import accepts_allowed, rates_apart
from facelib.metrics.verification import MIN_IMPOSTORS, check_fars


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


def verification_bounds(
    histogram: ScoreHistogram, fars: Sequence[float] = (0.01, 0.001), min_impostors: int = MIN_IMPOSTORS
) -> VerificationBounds:
    """Bounds of TAR at several FARs, EER and AUC.

    Raises:
        BadInput: without genuine scores, for too few impostors, or a target outside [0, 1].
    """
    tails = Tails(histogram)
    if tails.genuine[0] == 0:
        raise BadInput("no genuine scores: expected at least one")
    check_fars(fars, int(tails.impostor[0]), min_impostors)
    bins = [tails.bin_of_threshold(far) for far in fars]
    edge = histogram.edge
    return VerificationBounds(
        genuine=int(tails.genuine[0]),
        impostors=int(tails.impostor[0]),
        fars=tuple(fars),
        thresholds=tuple(Bounds(edge(b), edge(b + 1) if b >= 0 else -np.inf) for b in bins),
        tars=tuple(tails.true_accept_rates(b) for b in bins),
        eer=tails.equal_error_rates(),
        auc=_areas(histogram, tails),
    )


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


def _areas(histogram: ScoreHistogram, tails: Tails) -> Bounds:
    """Pairs in one bin are undecided: all lost or all won."""
    below = tails.impostor[0] - tails.impostor[:-1]
    pairs = int(tails.genuine[0]) * int(tails.impostor[0])
    won = exact_dot(histogram.genuine, below)
    return Bounds(won / pairs, (won + exact_dot(histogram.genuine, histogram.impostor)) / pairs)
