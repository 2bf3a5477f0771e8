"""Counting on sorted scores: the engine of `facelib.metrics.verification`, exact and in little memory.

Both kinds of scores are sorted once; then every rate is a binary search and the area under the curve one walk along
both. Counts are integers until the last division, so results are those of the definitions, correctly rounded.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit

from facelib.geometry.threads import share_among_threads

_BLOCK = 1 << 14  # genuine scores of one piece of work
_SMALL = 1 << 16  # scores that are sorted before threads would have started


@dataclass(frozen=True)
class SortedScores:
    """Genuine and impostor scores, each ascending, in one dtype, without NaN or plus infinity; as `sort_scores`."""

    genuine: np.ndarray
    impostor: np.ndarray

    def threshold(self, far: float) -> float:
        """The lowest threshold whose FAR is at most the target; minus infinity if all may be accepted."""
        allowed = accepts_allowed(far, len(self.impostor))
        if allowed == len(self.impostor):
            return -np.inf
        return next_above(self.impostor[len(self.impostor) - 1 - allowed])

    def true_accept_rate(self, threshold: float) -> float:
        return _accepted(self.genuine, threshold) / len(self.genuine)

    def equal_error_rate(self) -> float:
        """Where FAR = 1 - TAR, linear between the two neighbouring points of the ROC."""
        genuine, impostors = len(self.genuine), len(self.impostor)

        def accepted(score: float, side: str = "left") -> tuple[int, int]:
            return _accepted(self.impostor, score, side), _accepted(self.genuine, score, side)

        # The highest score at which the rates have met; the lowest of each kind does, as it accepts all of its kind.
        crossing = max(
            ascending[bisect_left(ascending, True, key=lambda s: rates_apart(accepted(s), impostors, genuine)) - 1]
            for ascending in (self.genuine, self.impostor)
        )
        return equal_error_rate_between(accepted(crossing, "right"), accepted(crossing), impostors, genuine)

    def area_under_curve(self) -> float:
        """Share of pairs in which the genuine score is higher, ties counting half (Mann-Whitney)."""
        blocks = -(-len(self.genuine) // _BLOCK)
        beaten = np.empty(blocks, np.int64)
        share_among_threads(_count_beaten, blocks, self.genuine, self.impostor, beaten)
        return int(beaten.sum()) / (2 * len(self.genuine) * len(self.impostor))


def sort_scores(scores: np.ndarray) -> np.ndarray:
    """An ascending copy, made by several threads."""
    ascending = scores.copy()
    parts = torch.get_num_threads() if len(scores) > _SMALL else 1
    bounds = [part * len(scores) // parts for part in range(parts + 1)]
    if parts > 1:
        ascending.partition(bounds[1:-1])  # now no part holds a score that belongs into another
    share_among_threads(_sort_parts, parts, ascending, bounds)
    return ascending


def accepts_allowed(far: float, count: int) -> int:
    """The most accepted impostors whose rate is at most the target, though far * count may be rounded down."""
    allowed = min(int(far * count) + 1 + count // 2**50, count)
    while allowed / count > far:
        allowed -= 1
    return allowed


def next_above(score: np.floating) -> float:
    """The next number of the score's own precision."""
    return float(np.nextafter(score, score.dtype.type(np.inf)))


def rates_apart(accepted: tuple[int, int], impostors: int, genuine: int) -> bool:
    """Whether FAR is still below FRR, with this many impostors and genuine accepted out of so many.

    True of every threshold above the one where the rates meet, false of it and all below.
    """
    return accepted[0] * genuine + accepted[1] * impostors < genuine * impostors


def equal_error_rate_between(before: tuple[int, int], after: tuple[int, int], impostors: int, genuine: int) -> float:
    """The equal error rate on the line between two points of the ROC.

    Args:
        before: accepted impostors and genuine where FAR is below FRR.
        after: the same where it is not.
        impostors, genuine: how many there are.
    """
    total = impostors * genuine
    gap_before = total - before[0] * genuine - before[1] * impostors  # FRR - FAR, positive
    gap_after = after[0] * genuine + after[1] * impostors - total  # FAR - FRR, not negative
    return (before[0] * gap_after + after[0] * gap_before) / (impostors * (gap_before + gap_after))


def _accepted(ascending: np.ndarray, threshold: float, side: str = "left") -> int:
    """How many scores are at ("left") or above ("right") a threshold."""
    place = np.searchsorted(ascending, ascending.dtype.type(threshold), side=side)  # type: ignore[call-overload]
    return len(ascending) - int(place)


def _sort_parts(first: int, last: int, scores: np.ndarray, bounds: list[int]) -> None:
    for part in range(first, last):
        scores[bounds[part] : bounds[part + 1]].sort()


@njit(cache=True, nogil=True)
def _count_beaten(first, last, genuine, impostor, beaten):  # type: ignore[no-untyped-def]
    """For each block of genuine scores: twice the impostors below them plus those equal to them."""
    count = len(impostor)
    for block in range(first, last):
        start, stop = block * _BLOCK, min((block + 1) * _BLOCK, len(genuine))
        below = not_above = np.searchsorted(impostor, genuine[start])
        total = 0
        for k in range(start, stop):
            score = genuine[k]
            if k == start or score > genuine[k - 1]:
                below = not_above
                while below < count and impostor[below] < score:
                    below += 1
                not_above = below
                while not_above < count and impostor[not_above] <= score:
                    not_above += 1
            total += below + not_above
        beaten[block] = total
