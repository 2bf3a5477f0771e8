from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.metrics import score_histogram
from facelib.metrics.score_histogram import BINS, ScoreHistogram, ThreadCounts
from facelib.metrics.verification import VerificationSummary, verification_summary
from facelib.metrics.verification_bounds import Bounds, VerificationBounds, exact_dot, verification_bounds

FARS = (0.0, 0.01, 0.3, 1.0)


def coarse(bins: int = 8, low: float = -1.0, high: float = 1.0) -> ScoreHistogram:
    return ScoreHistogram(low, high, np.zeros(bins, np.int64), np.zeros(bins, np.int64))


def holds(bounds: Bounds, exact: float) -> bool:
    return bounds.lower <= exact <= bounds.upper


def contains(found: VerificationBounds, exact: VerificationSummary, impostor: np.ndarray) -> bool:
    kept = [
        np.mean(impostor >= bounds.upper) <= far
        and (bounds.lower == -np.inf or np.mean(impostor >= bounds.lower) > far)
        for bounds, far in zip(found.thresholds, exact.fars, strict=True)
    ]
    tars = [holds(bounds, tar) for bounds, tar in zip(found.tars, exact.tars, strict=True)]
    return all(kept) and all(tars) and holds(found.eer, exact.eer) and holds(found.auc, exact.auc)


SCORES = st.lists(st.floats(-1.5, 1.5, width=32), min_size=1, max_size=30)


@given(SCORES, SCORES, st.integers(1, 40), st.sampled_from([(-1.0, 1.0), (0.0, 1.0), (-0.3, 0.7), (-1e-3, 1e-30)]))
def test_bounds_hold_the_exact_value(genuine, impostor, bins, ends):
    histogram = coarse(bins, *ends)
    histogram.add(genuine, impostor)
    exact = verification_summary(genuine, impostor, FARS, min_impostors=1)
    assert contains(verification_bounds(histogram, FARS, min_impostors=1), exact, np.array(impostor))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cosines_are_known_to_one_bin(dtype):
    generator = np.random.default_rng(0)
    genuine, impostor = (np.tanh(generator.normal(m, 0.2, n)).astype(dtype) for m, n in ((0.5, 3000), (0, 100_000)))
    histogram = ScoreHistogram()
    histogram.add(genuine, impostor)
    found, exact = verification_bounds(histogram, (0.01, 0.001)), verification_summary(genuine, impostor, (0.01, 0.001))
    assert contains(found, exact, impostor)
    for bounds, threshold in zip(found.thresholds, exact.thresholds, strict=True):
        assert holds(bounds, threshold)
        assert bounds.upper - bounds.lower == pytest.approx(2 / BINS, rel=1e-6)
    assert found.eer.upper - found.eer.lower < 1e-3
    assert 0 < found.auc.upper - found.auc.lower < 1e-4


def test_filling_in_pieces_and_by_threads_counts_each_score_once():
    generator = np.random.default_rng(1)
    scores = generator.uniform(-1.2, 1.2, 10_001).astype(np.float32)
    whole, pieces = coarse(50), coarse(50)
    whole.add(scores, scores[:7])
    for first in range(0, len(scores), 1000):
        pieces.add(genuine=scores[first : first + 1000])
    pieces.add(impostor=scores[:7])
    assert np.array_equal(whole.genuine, pieces.genuine)
    assert np.array_equal(whole.impostor, pieces.impostor)
    assert np.array_equal(whole.genuine, np.bincount(whole.bins_of(scores), minlength=50))


def test_counts_move_to_64_bits_before_32_overflow(monkeypatch):
    """With less room and smaller pieces nothing changes, and 32-bit counts never hold more than there is room for."""
    scores = np.random.default_rng(2).uniform(-1, 1, 1000)
    expected = coarse(7)
    expected.add(scores)
    monkeypatch.setattr(score_histogram, "PIECE", 30)
    monkeypatch.setattr(score_histogram, "MOST_COUNTED", 70)
    most = []
    flush = ThreadCounts.flush
    monkeypatch.setattr(ThreadCounts, "flush", lambda counts: (most.append(counts._parts.sum()), flush(counts)))
    found = coarse(7)
    found.add(scores)
    assert np.array_equal(found.genuine, expected.genuine)
    assert (max(most), sum(most)) == (60, 1000)


def test_scores_beyond_the_range_count_in_the_outer_bins():
    histogram = coarse(4)
    histogram.add(genuine=[5.0, 1.0, 0.99], impostor=[-np.inf, -7.0, -1.0])
    assert histogram.genuine.tolist() == [0, 0, 0, 3]
    assert histogram.impostor.tolist() == [3, 0, 0, 0]
    found = verification_bounds(histogram, (0.0,), min_impostors=1)
    assert found.thresholds == (Bounds(-np.inf, -0.5),)
    assert found.tars == (Bounds(1.0, 1.0),)
    assert found.auc == Bounds(1.0, 1.0)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.1, 0.9), (-1e6, 1e-3)])
def test_an_edge_is_the_lowest_score_of_its_bin(low, high):
    histogram = coarse(1000, low, high)
    for number in (1, 2, 499, 500, 501, 999):
        edge = histogram.edge(number)
        assert histogram.bins_of(np.array([edge, np.nextafter(edge, -np.inf)])).tolist() == [number, number - 1]
    assert (histogram.edge(0), histogram.edge(1000)) == (-np.inf, np.inf)


def test_counts_far_beyond_32_bits():
    """10^12 genuine and 10^13 impostor pairs, whose products are beyond 64 bits."""
    histogram = coarse(4)
    histogram.genuine[:] = np.array([1, 1, 2, 6]) * 10**11
    histogram.impostor[:] = np.array([6, 3, 1, 0]) * 10**12
    found = verification_bounds(histogram, (0.1, 0.5), min_impostors=100)
    assert (found.genuine, found.impostors) == (10**12, 10**13)
    assert found.thresholds == (Bounds(histogram.edge(1), histogram.edge(2)), Bounds(-np.inf, histogram.edge(1)))
    assert found.tars == (Bounds(0.8, 0.9), Bounds(0.9, 1.0))
    # in bin 1 FAR goes from 0.1 to 0.4 and FRR from 0.2 to 0.1
    assert found.eer == Bounds(0.1, 0.2)
    won, tied = (1 * 6 + 2 * 9 + 6 * 10) / 100, (1 * 6 + 1 * 3 + 2 * 1) / 100
    assert found.auc == Bounds(won, won + tied)


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)), min_size=1, max_size=5))
def test_sums_of_products_are_exact(pairs):
    first, second = np.array(pairs, np.int64).T
    assert exact_dot(first, second) == sum(a * b for a, b in pairs)


def test_bad_input_is_named():
    with pytest.raises(BadInput, match=r"range 1\.0 to -1\.0"):
        ScoreHistogram(1.0, -1.0)
    with pytest.raises(BadInput, match="differ in float64"):
        ScoreHistogram(1e12, 1e12 + 1)
    with pytest.raises(BadInput, match=r"range 0\.0 to nan"):
        ScoreHistogram(0.0, float("nan"))
    with pytest.raises(BadInput, match="int64"):
        ScoreHistogram(0.0, 1.0, np.zeros(4, np.int32), np.zeros(4, np.int64))
    with pytest.raises(BadInput, match="as many of both"):
        ScoreHistogram(0.0, 1.0, np.zeros(4, np.int64), np.zeros(5, np.int64))
    histogram = coarse()
    with pytest.raises(BadInput, match="genuine scores hold 1 NaN"):
        histogram.add(genuine=[0.0, np.nan])
    with pytest.raises(BadInput, match="impostor scores hold 1 NaN or plus infinity"):
        histogram.add(impostor=[np.inf])
    with pytest.raises(BadInput, match="no genuine scores"):
        verification_bounds(histogram)
    histogram.add(genuine=[0.5], impostor=[0.1] * 99)
    with pytest.raises(BadInput, match="99 impostor scores"):
        verification_bounds(histogram)
    with pytest.raises(BadInput, match=r"0\.01 for 1 %"):
        verification_bounds(histogram, (2.0,), min_impostors=1)
