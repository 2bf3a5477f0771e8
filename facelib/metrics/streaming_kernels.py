"""The numba kernels of `facelib.metrics.streaming`: what is done with a tile of scores while it is in the cache.

A tile holds the scores of some probes (rows) with some gallery samples (columns, sorted by identity). For each row
`spans` says which columns are meant: from `start` on, those in [own, end) genuine and the others impostors.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from facelib.metrics.score_histogram import BLOCK, bin_of, count_scores

HOLDS_GENUINE, IS_WANTED = 1, 2  # flags of a bin


@njit(cache=True, nogil=True)
def count_tile(first, last, tile, spans, places, low, scale, counts, genuine):  # type: ignore[no-untyped-def]
    """Count impostors in bins, counts (parts, bins), and write genuine scores where `places` says."""
    parts, rows = len(counts), len(tile)
    for part in range(first, last):
        for row in range(part * rows // parts, (part + 1) * rows // parts):
            start, own, end = spans[row]
            scores = tile[row]
            count_scores(scores[start:own], low, scale, counts[part])
            count_scores(scores[end:], low, scale, counts[part])
            genuine[places[row] : places[row] + end - own] = scores[own:end]


@njit(cache=True, nogil=True)
def resolve_tile(first, last, tile, spans, low, scale, flags, genuine, place_of_bin, beaten, wanted, found):  # type: ignore[no-untyped-def]
    """Compare impostors with the genuine scores of their bin, and keep those that lie in a wanted bin.

    Adds to beaten (parts,) twice the genuine scores above each impostor plus those equal to it; writes wanted
    (parts, *) and how many they are to found (parts,).
    """
    parts, rows = len(beaten), len(tile)
    for part in range(first, last):
        total, kept = 0, 0
        for row in range(part * rows // parts, (part + 1) * rows // parts):
            start, own, end = spans[row]
            for scores in (tile[row, start:own], tile[row, end:]):
                won, kept = _resolve(scores, low, scale, flags, genuine, place_of_bin, wanted[part], kept)
                total += won
        beaten[part] += total
        found[part] = kept


@njit(cache=True, nogil=True)
def rank_tile(first, last, tile, own_columns, starts, ranks):  # type: ignore[no-untyped-def]
    """Rank of each row's own identity; the columns from starts[i] to starts[i + 1] belong to one identity."""
    for row in range(first, last):
        scores = tile[row]
        begin, end = own_columns[row]
        own = scores[begin:end].max()
        if _count_from(scores[:begin], own) + _count_from(scores[end:], own) == 0:  # of most probes, and quick
            ranks[row] = 1
            continue
        rank = 0  # the own identity counts itself
        for identity in range(len(starts) - 1):
            for k in range(starts[identity], starts[identity + 1]):
                if scores[k] >= own:
                    rank += 1
                    break
        ranks[row] = rank


@njit(cache=True, nogil=True)
def _resolve(scores, low, scale, flags, genuine, place_of_bin, wanted, kept):  # type: ignore[no-untyped-def]
    total = 0
    numbers = np.empty(BLOCK, np.int32)
    for start in range(0, len(scores), BLOCK):
        block = scores[start : start + BLOCK]
        for k in range(len(block)):
            numbers[k] = bin_of(block[k], low, scale, len(flags) - 1)
        for k in range(len(block)):
            number = numbers[k]
            flag = flags[number]
            if flag & HOLDS_GENUINE:
                total += _twice_above(block[k], genuine[place_of_bin[number] : place_of_bin[number + 1]])
            if flag & IS_WANTED:
                wanted[kept] = block[k]
                kept += 1
    return total, kept


@njit(cache=True, nogil=True)
def _count_from(scores, least):  # type: ignore[no-untyped-def]
    count = np.int32(0)
    for k in range(len(scores)):
        count += np.int32(scores[k] >= least)
    return count


@njit(cache=True, nogil=True)
def _twice_above(score, ascending):  # type: ignore[no-untyped-def]
    """Twice the scores above this one, plus those equal to it."""
    below = np.searchsorted(ascending, score, side="left")
    not_above = np.searchsorted(ascending, score, side="right")
    return 2 * (len(ascending) - not_above) + (not_above - below)
