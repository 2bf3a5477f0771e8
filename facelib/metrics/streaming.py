"""Verification and identification straight from embeddings: all pairs, tile by tile, the score matrix never held.

The score of a pair is the cosine of its embeddings. Given two sets, every probe is compared with every gallery sample;
given one, each pair of different samples is compared once. Samples of one identity make genuine pairs, all others
impostor pairs; gallery samples are not fused, other than for ranks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from facelib.errors import BadInput
from facelib.geometry.threads import share_among_threads
from facelib.metrics.exact_thresholds import UnresolvedBins, exact_summary
from facelib.metrics.identification import check_enrolled
from facelib.metrics.inputs import (
    Array,
    as_array,
    check_same_names,
    embedding_array,
    identity_array,
    score_dtype,
    unit_rows,
)
from facelib.metrics.score_histogram import ScoreHistogram, ThreadCounts
from facelib.metrics.sorted_scores import sort_scores
from facelib.metrics.streaming_kernels import count_tile, rank_tile
from facelib.metrics.verification import MIN_IMPOSTORS, VerificationSummary, check_fars
from facelib.metrics.verification_bounds import VerificationBounds, verification_bounds

ROWS, COLUMNS = 1024, 4096  # of a tile
LEAST_ROWS = 16  # of a tile as wide as the gallery


def streamed_verification(
    probes: Array,
    probe_ids: Array,
    gallery: Array | None = None,
    gallery_ids: Array | None = None,
    fars: Sequence[float] = (0.01, 0.001),
    min_impostors: int = MIN_IMPOSTORS,
) -> VerificationSummary:
    """`verification_summary` of all pairs of two embedding sets, exact, in two passes over the tiles.

    The first pass keeps the genuine scores and counts the impostors in a histogram; the second looks again at the
    impostors in the few bins that decide. Memory: a unit copy of the gallery, the genuine scores, 80 MiB, and 4 MiB for
    each of torch's threads.

    Args:
        probes: (P, D), of any length other than zero; may be memory-mapped.
        probe_ids: (P,).
        gallery, gallery_ids: (G, D) and (G,); None compares the probes among themselves, each pair once.
        fars, min_impostors: as verification_summary.

    Raises:
        BadInput: for unusable embeddings, shapes that do not fit, no genuine pair, too few impostor pairs, or a target
            outside [0, 1].
    """
    pairs = _pairs(probes, probe_ids, gallery, gallery_ids)
    _check_kinds(pairs, fars, min_impostors)
    histogram = ScoreHistogram()
    parts = list(_count(pairs, histogram))
    bins = UnresolvedBins.of(histogram, sort_scores(np.concatenate(parts)), fars)
    for tile in _tiles(pairs, ROWS, COLUMNS):
        bins.resolve(tile.scores, tile.spans)
    return exact_summary(bins, fars)


def streamed_bounds(
    probes: Array,
    probe_ids: Array,
    gallery: Array | None = None,
    gallery_ids: Array | None = None,
    fars: Sequence[float] = (0.01, 0.001),
    min_impostors: int = MIN_IMPOSTORS,
) -> VerificationBounds:
    """`streamed_verification` in one pass and fixed memory: `verification_bounds` of histograms.

    Args:
        probes, probe_ids, gallery, gallery_ids, fars, min_impostors: as streamed_verification.

    Raises:
        BadInput: as streamed_verification.
    """
    pairs = _pairs(probes, probe_ids, gallery, gallery_ids)
    _check_kinds(pairs, fars, min_impostors)
    histogram = ScoreHistogram()
    for genuine in _count(pairs, histogram):
        if len(genuine):
            histogram.add(genuine=genuine)
    return verification_bounds(histogram, fars, min_impostors)


def streamed_ranks(probes: Array, probe_ids: Array, gallery: Array, gallery_ids: Array) -> np.ndarray:
    """The place of each probe's own identity, `probe_ranks` of the cosines fused by their maximum.

    Args:
        probes, probe_ids, gallery, gallery_ids: as streamed_verification, every probe enrolled.

    Returns:
        (P,) integers from 1 to the number of identities.

    Raises:
        BadInput: for unusable embeddings, shapes that do not fit, or a probe that is not enrolled.
    """
    pairs = _pairs(probes, probe_ids, gallery, gallery_ids)
    check_enrolled(as_array(probe_ids), as_array(gallery_ids))
    counts = np.unique(as_array(gallery_ids), return_counts=True)[1]
    starts = np.concatenate([[0], np.cumsum(counts)])
    ranks = np.empty(len(pairs.own), np.int64)
    rows = max(ROWS * COLUMNS // len(pairs.gallery), LEAST_ROWS)
    for tile in _tiles(pairs, rows, len(pairs.gallery)):
        part = ranks[tile.first_row : tile.first_row + len(tile.scores)]
        share_among_threads(rank_tile, len(part), tile.scores, tile.spans[:, 1:], starts, part)
    return ranks


@dataclass(frozen=True)
class _Pairs:
    """Who is compared with whom.

    Args:
        probes: (P, D) as given; unit rows where they are the gallery itself.
        gallery: (G, D) unit rows, sorted by identity.
        start: (P,) the first column that a probe is compared with.
        own: (P, 2) the columns [first, last) of its own identity among these.
    """

    probes: np.ndarray
    gallery: np.ndarray
    start: np.ndarray
    own: np.ndarray

    @property
    def genuine_pairs(self) -> int:
        return int((self.own[:, 1] - self.own[:, 0]).sum())

    @property
    def impostor_pairs(self) -> int:
        return int((len(self.gallery) - self.start).sum()) - self.genuine_pairs


@dataclass(frozen=True)
class _Tile:
    """Scores (rows, columns) of neighbouring probes and gallery samples, and for each row the columns that are meant:
    spans (rows, 3) of start, own first and own last, as the kernels take them."""

    first_row: int
    scores: np.ndarray
    spans: np.ndarray


def _pairs(probes: Array, probe_ids: Array, gallery: Array | None, gallery_ids: Array | None) -> _Pairs:
    if (gallery is None) != (gallery_ids is None):
        raise BadInput("one of gallery and gallery_ids is None: give both, or neither to compare the probes only")
    values = embedding_array("probes", probes)
    ids = identity_array("probe_ids", probe_ids, len(values))
    one_set = gallery is None or gallery_ids is None
    others = values if gallery is None else embedding_array("gallery", gallery)
    other_ids = ids if gallery_ids is None else identity_array("gallery_ids", gallery_ids, len(others))
    if values.shape[1] != others.shape[1]:
        raise BadInput(f"probes {values.shape}, gallery {others.shape}: expected (P, D) and (G, D) of one dimension")
    check_same_names("probe_ids", ids, "gallery_ids", other_ids)
    dtype = score_dtype(np.result_type(values, others))
    order = np.argsort(other_ids, kind="stable")
    directions = _unit_copy("probes" if one_set else "gallery", others, dtype, order)
    sorted_ids = other_ids[order]
    if one_set:
        values, ids = directions, sorted_ids
    start = np.arange(1, len(ids) + 1) if one_set else np.zeros(len(ids), np.int64)
    own = np.stack([np.searchsorted(sorted_ids, ids, side) for side in ("left", "right")], axis=1)  # type: ignore[call-overload]
    return _Pairs(values, directions, start, np.maximum(own, start[:, None]))


def _check_kinds(pairs: _Pairs, fars: Sequence[float], min_impostors: int) -> None:
    if pairs.genuine_pairs == 0:
        raise BadInput("no pair of samples has one identity: expected at least one genuine comparison")
    check_fars(fars, pairs.impostor_pairs, min_impostors)


def _unit_copy(name: str, embeddings: np.ndarray, dtype: np.dtype, order: np.ndarray) -> np.ndarray:
    """Unit rows in another order, made piece by piece."""
    unit = np.empty(embeddings.shape, dtype)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    for first in range(0, len(order), ROWS):
        rows = slice(first, first + ROWS)
        unit[place[rows]] = unit_rows(name, embeddings[rows].astype(dtype), first)
    return unit


def _count(pairs: _Pairs, histogram: ScoreHistogram) -> Iterator[np.ndarray]:
    """Yield each tile's genuine scores; once all are taken, the histogram holds the impostors."""
    thread_counts = ThreadCounts(histogram.impostor)
    for tile in _tiles(pairs, ROWS, COLUMNS):
        places = np.concatenate([[0], np.cumsum(tile.spans[:, 2] - tile.spans[:, 1])])
        genuine = np.empty(places[-1], tile.scores.dtype)
        counts = thread_counts.reserve(tile.scores.size)
        share_among_threads(
            count_tile, len(counts), tile.scores, tile.spans, places, histogram.low, histogram.scale, counts, genuine
        )
        yield genuine
    thread_counts.flush()


def _tiles(pairs: _Pairs, rows: int, columns: int) -> Iterator[_Tile]:
    """All scores that are meant; a tile is overwritten by the next, and the same tiles come back bit for bit."""
    # NumPy's product rather than torch's: measured 1.4 times as fast on an AMD EPYC.
    gallery = pairs.gallery
    rows, columns = min(rows, len(pairs.probes)), min(columns, len(gallery))
    buffer = np.empty(rows * columns, gallery.dtype)
    for row in range(0, len(pairs.probes), rows):
        probes = pairs.probes[row : row + rows].astype(gallery.dtype, copy=False)
        unit = probes if pairs.probes is gallery else unit_rows("probes", probes, row)
        for column in range(int(pairs.start[row]), len(gallery), columns):
            part = gallery[column : column + columns]
            scores = buffer[: len(unit) * len(part)].reshape(len(unit), len(part))
            np.matmul(unit, part.T, out=scores)
            columns_meant = np.column_stack([pairs.start[row : row + rows], pairs.own[row : row + rows]])
            yield _Tile(row, scores, np.clip(columns_meant - column, 0, len(part)))
