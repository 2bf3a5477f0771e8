"""Histograms of genuine and impostor scores: 2^20 bins over a stated range, counted by several threads.

Scores outside the range count in the outer bins. Counts are 64-bit integers, so 1e9 pairs and more do not overflow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numba import njit

from facelib.errors import BadInput
from facelib.geometry.threads import share_among_threads
from facelib.metrics.inputs import Array, score_array

BINS = 2**20
MOST_COUNTED = 2**31 - 1  # scores that 32 bits can count
PIECE = 2**30  # scores counted in one go
BLOCK = 256  # scores whose bins are computed at once, so that the compiler can use vector instructions


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
                self._count(score_array(name, scores), counts)

    def _count(self, scores: np.ndarray, counts: np.ndarray) -> None:
        thread_counts = ThreadCounts(counts)
        for first in range(0, len(scores), PIECE):
            piece = scores[first : first + PIECE]
            parts = thread_counts.reserve(len(piece))
            share_among_threads(_count_part, len(parts), piece, self.low, self.scale, parts)
        thread_counts.flush()

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


class ThreadCounts:
    """Counts for each thread, in 32 bits that stay in its cache, added to 64-bit counts before they could overflow."""

    def __init__(self, counts: np.ndarray) -> None:
        self._counts = counts
        self._parts = np.zeros((torch.get_num_threads(), len(counts)), np.int32)
        self._reserved = 0

    def reserve(self, scores: int) -> np.ndarray:
        """The counts (threads, bins) to which this many scores will be added."""
        if self._reserved + scores > MOST_COUNTED:
            self.flush()
        self._reserved += scores
        return self._parts

    def flush(self) -> None:
        for part in self._parts:
            self._counts += part
        self._parts[:] = 0
        self._reserved = 0


@njit(cache=True, nogil=True, inline="always")
def bin_of(score, low, scale, last_bin):  # type: ignore[no-untyped-def]
    """Never falls as the score rises, whatever is rounded: so bins hold the scores between two edges."""
    return np.int32(min(max((np.float64(score) - low) * scale, 0.0), np.float64(last_bin)))


@njit(cache=True, nogil=True)
def count_scores(scores, low, scale, counts):  # type: ignore[no-untyped-def]
    """Add one for each score to the count of its bin."""
    numbers = np.empty(BLOCK, np.int32)
    for start in range(0, len(scores), BLOCK):
        block = scores[start : start + BLOCK]
        for k in range(len(block)):
            numbers[k] = bin_of(block[k], low, scale, len(counts) - 1)
        for k in range(len(block)):
            counts[numbers[k]] += 1


@njit(cache=True, nogil=True)
def _count_part(first, last, scores, low, scale, parts):  # type: ignore[no-untyped-def]
    for part in range(first, last):
        piece = scores[part * len(scores) // len(parts) : (part + 1) * len(scores) // len(parts)]
        count_scores(piece, low, scale, parts[part])
