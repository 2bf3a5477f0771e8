"""Counting scores in the bins of a histogram: the engine of `facelib.metrics.histograms`."""

from __future__ import annotations

import numpy as np
import torch
from numba import njit

from facelib.geometry.threads import share_among_threads

MOST_TAKEN = 2**31 - 1  # scores that 32 bits can count
PIECE = 2**30  # scores counted in one go
BLOCK = 256  # scores whose bins are computed at once, so that the compiler can use vector instructions


def add_scores(scores: np.ndarray, low: float, scale: float, counts: np.ndarray) -> None:
    """Add one for each score to the count of its bin.

    Args:
        scores: (N,), without NaN.
        low: where the bins begin.
        scale: bins in one unit of score.
        counts: (bins,) int64, changed.
    """
    tally = Tally(counts)
    for first in range(0, len(scores), PIECE):
        piece = scores[first : first + PIECE]
        parts = tally.take(len(piece))
        share_among_threads(_count_part, len(parts), piece, low, scale, parts)
    tally.flush()


class Tally:
    """Counts for each thread, in 32 bits that stay in its cache, added to 64-bit counts before they could overflow."""

    def __init__(self, counts: np.ndarray) -> None:
        self._counts = counts
        self._parts = np.zeros((torch.get_num_threads(), len(counts)), np.int32)
        self._taken = 0

    def take(self, scores: int) -> np.ndarray:
        """The counts (threads, bins) to which this many scores will be added."""
        if self._taken + scores > MOST_TAKEN:
            self.flush()
        self._taken += scores
        return self._parts

    def flush(self) -> None:
        for part in self._parts:
            self._counts += part
        self._parts[:] = 0
        self._taken = 0


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
