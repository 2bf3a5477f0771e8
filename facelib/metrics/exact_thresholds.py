"""Exact results after a histogram: the second pass of `facelib.metrics.streaming` resolves what bins leave unresolved.

What must be known exactly: for each target the impostors in the bin of its threshold; those in the bin where FAR and
FRR cross; and for the area under the curve how impostors and genuine scores in one bin compare.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch

from facelib.errors import FacelibError
from facelib.geometry.threads import share_among_threads
from facelib.metrics.score_histogram import ScoreHistogram
from facelib.metrics.sorted_scores import accepts_allowed, equal_error_rate_between, next_above, rates_apart
from facelib.metrics.streaming_kernels import HOLDS_GENUINE, IS_WANTED, resolve_tile
from facelib.metrics.verification import VerificationSummary
from facelib.metrics.verification_bounds import Tails, exact_dot


@dataclass
class UnresolvedBins:
    """Bins of a histogram and what the impostors in them turn out to be.

    Args:
        histogram: of all scores.
        genuine: all genuine scores, ascending.
        flags: (bins,) what to do with an impostor of each bin.
        place_of_bin: (bins + 1,) where each bin's genuine scores begin.
        beaten: twice the pairs won within bins, plus those tied; a number for each thread.
        scores, counts: distinct impostor scores in wanted bins and how often each occurs, piece by piece.
    """

    histogram: ScoreHistogram
    genuine: np.ndarray
    flags: np.ndarray
    place_of_bin: np.ndarray
    beaten: np.ndarray
    scores: list[np.ndarray] = field(default_factory=list)
    counts: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def of(cls, histogram: ScoreHistogram, genuine: np.ndarray, fars: Sequence[float]) -> UnresolvedBins:
        """What the first pass leaves undecided.

        Args:
            histogram: of all impostor scores; the genuine ones are added to it.
            genuine: all genuine scores, ascending.
            fars: targets.
        """
        histogram.add(genuine=genuine)
        tails = Tails(histogram)
        flags = np.where(histogram.genuine > 0, HOLDS_GENUINE, 0).astype(np.uint8)
        wanted = {tails.bin_of_threshold(far) for far in fars} - {-1} | {tails.bin_of_crossing()}
        flags[list(wanted)] |= IS_WANTED
        places = np.concatenate([[0], np.cumsum(histogram.genuine)])
        return cls(histogram, genuine, flags, places, np.zeros(torch.get_num_threads(), np.int64))

    def resolve(self, tile: np.ndarray, spans: np.ndarray) -> None:
        """Take in one tile, as `streaming_kernels` describes it."""
        parts = len(self.beaten)
        wanted = np.empty((parts, -(-len(tile) // parts) * tile.shape[1]), tile.dtype)  # touched where written only
        found = np.empty(parts, np.int64)
        bins = (self.histogram.low, self.histogram.scale, self.flags, self.genuine, self.place_of_bin)
        share_among_threads(resolve_tile, parts, tile, spans, *bins, self.beaten, wanted, found)
        pieces = [part[:count] for part, count in zip(wanted, found, strict=True)]
        scores, counts = np.unique(np.concatenate(pieces), return_counts=True)
        self.scores.append(scores)
        self.counts.append(counts)

    def distinct_impostors(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct scores in the wanted bins, ascending, and how often each occurs.

        Raises:
            FacelibError: if there are more or fewer than in the first pass.
        """
        scores, place = np.unique(np.concatenate(self.scores), return_inverse=True)
        counts = np.zeros(len(scores), np.int64)
        np.add.at(counts, place, np.concatenate(self.counts))
        expected = int(self.histogram.impostor[(self.flags & IS_WANTED) > 0].sum())
        if int(counts.sum()) != expected:
            raise FacelibError(
                f"{int(counts.sum())} impostor scores near the thresholds in the second pass, {expected} in the first: "
                "the matrix product does not repeat itself on this machine; use streamed_bounds"
            )
        return scores, counts


def exact_summary(bins: UnresolvedBins, fars: Sequence[float]) -> VerificationSummary:
    """The exact summary, after all tiles have been resolved, for the targets that the bins were chosen for."""
    tails, genuine, counted = Tails(bins.histogram), bins.genuine, bins.histogram.genuine
    impostors, total = int(tails.impostor[0]), len(genuine)
    resolved = _ResolvedBins(*bins.distinct_impostors(), bins.histogram, tails)
    thresholds = tuple(resolved.threshold(far) for far in fars)
    won_across_bins = exact_dot(counted, impostors - tails.impostor[:-1])
    return VerificationSummary(
        genuine=total,
        impostors=impostors,
        fars=tuple(fars),
        thresholds=thresholds,
        tars=tuple((total - int(np.searchsorted(genuine, genuine.dtype.type(t)))) / total for t in thresholds),
        eer=resolved.equal_error_rate(genuine),
        auc=(2 * won_across_bins + int(bins.beaten.sum())) / (2 * total * impostors),
    )


@dataclass(frozen=True)
class _ResolvedBins:
    """Distinct impostor scores in wanted bins, ascending, how often each occurs, and the counts of all bins."""

    scores: np.ndarray
    counts: np.ndarray
    histogram: ScoreHistogram
    tails: Tails

    def threshold(self, far: float) -> float:
        """The lowest threshold whose FAR is at most the target; minus infinity if all may be accepted."""
        number = self.tails.bin_of_threshold(far)
        if number < 0:
            return -np.inf
        scores, accepted = self._inside(number)
        rejected = accepted[:-1] > accepts_allowed(far, int(self.tails.impostor[0]))
        return next_above(scores[rejected][-1])

    def equal_error_rate(self, genuine: np.ndarray) -> float:
        """As `SortedScores.equal_error_rate`, among the scores of one bin."""
        number, impostors = self.tails.bin_of_crossing(), int(self.tails.impostor[0])
        scores, accepted_impostors = self._inside(number)
        first, last = (len(genuine) - self.tails.genuine[edge] for edge in (number, number + 1))

        def accepted(score: float, side: Literal["left", "right"] = "left") -> tuple[int, int]:
            impostor_place, genuine_place = (np.searchsorted(part, score, side) for part in (scores, genuine))
            return int(accepted_impostors[impostor_place]), len(genuine) - int(genuine_place)

        candidates = np.union1d(scores, genuine[first:last])
        place = bisect_left(candidates, True, key=lambda score: rates_apart(accepted(score), impostors, len(genuine)))
        crossing = candidates[place - 1]
        return equal_error_rate_between(accepted(crossing, "right"), accepted(crossing), impostors, len(genuine))

    def _inside(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Distinct impostor scores (n,) of a bin, and how many impostors (n + 1,) of all are at or above each."""
        chosen = self.histogram.bins_of(self.scores) == number
        accepted = np.append(np.cumsum(self.counts[chosen][::-1])[::-1], 0) + self.tails.impostor[number + 1]
        return self.scores[chosen], accepted
