from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, FacelibError
from facelib.metrics import exact_thresholds, score_histogram, streaming
from facelib.metrics.identification import gallery_scores, probe_ranks
from facelib.metrics.streaming import streamed_bounds, streamed_ranks, streamed_verification
from facelib.metrics.verification import VerificationSummary, verification_summary

FARS = (0.01, 0.2, 0.0, 1.0)


@pytest.fixture(autouse=True)
def small_tiles():
    """Tiles that no size below is a multiple of, and bins that hold much to resolve."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "ROWS", 7)
        patch.setattr(streaming, "COLUMNS", 11)
        patch.setattr(streaming, "LEAST_ROWS", 3)
        patch.setattr(score_histogram, "BINS", 64)
        yield


def cornered(count: int, identities: int, seed: int, dimension: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings whose coordinates are 1 or -1: their cosines are exact in any order of summation, and often tie."""
    generator = np.random.default_rng(seed)
    centres = generator.choice([-1.0, 1.0], (identities, dimension))
    ids = generator.integers(0, identities, count)
    flipped = np.where(generator.random((count, dimension)) < 0.2, -1, 1)
    return (centres[ids] * flipped * generator.choice([0.5, 1, 2], (count, 1))).astype(np.float32), ids


def whole(probes, probe_ids, gallery=None, gallery_ids=None, fars=FARS) -> VerificationSummary:
    """From the full matrix."""
    one_set = gallery is None
    gallery, gallery_ids = (probes, probe_ids) if one_set else (gallery, gallery_ids)
    unit = [np.asarray(v) / np.linalg.norm(v, axis=1, keepdims=True) for v in (probes, gallery)]
    scores = unit[0] @ unit[1].T
    meant = np.triu(np.ones(scores.shape, bool), 1) if one_set else np.ones(scores.shape, bool)
    same = np.asarray(probe_ids)[:, None] == np.asarray(gallery_ids)[None]
    return verification_summary(scores[meant & same], scores[meant & ~same], fars, min_impostors=1)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(2, 40), st.integers(2, 6))
def test_streamed_equals_the_full_matrix(seed, probes, gallery, identities):
    first, second = cornered(probes, identities, seed), cornered(gallery, identities, seed)
    first[1][0] = second[1][0] = 0
    first[1][1], second[1][1] = 0, 1  # at least one pair of each kind
    assert streamed_verification(*first, *second, FARS, 1) == whole(*first, *second)
    first[1][:2] = 0
    if len(np.unique(first[1])) > 1:
        assert streamed_verification(*first, fars=FARS, min_impostors=1) == whole(*first)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_embeddings_agree_but_for_the_rounding_of_the_products(dtype):
    generator = np.random.default_rng(3)
    centres = generator.normal(size=(20, 32))
    sets = []
    for count in (150, 230):
        ids = generator.integers(0, 20, count)
        sets += [(centres[ids] + 1.5 * generator.normal(size=(count, 32))).astype(dtype), ids]
    found, expected = streamed_verification(*sets, fars=FARS), whole(*sets)
    assert (found.genuine, found.impostors) == (expected.genuine, expected.impostors)
    assert found.thresholds == pytest.approx(expected.thresholds, abs=1e-6)
    assert found.tars == pytest.approx(expected.tars, abs=3 / found.genuine)
    assert (found.eer, found.auc) == pytest.approx((expected.eer, expected.auc), abs=1e-5)
    bounds = streamed_bounds(*sets, fars=FARS)
    assert (bounds.genuine, bounds.impostors) == (found.genuine, found.impostors)
    values = [*zip(bounds.tars, found.tars, strict=True), (bounds.eer, found.eer), (bounds.auc, found.auc)]
    assert all(low <= value <= high for (low, high), value in values)
    assert bounds.eer.lower > 0
    assert bounds.eer.upper < 0.5


def test_embeddings_that_all_coincide_are_resolved_too():
    """As of an untrained network: every pair falls into one bin."""
    embeddings, ids = np.ones((60, 4), np.float32), np.arange(60) % 5
    found = streamed_verification(embeddings, ids)
    assert (found.eer, found.auc, found.tars) == (0.5, 0.5, (0.0, 0.0))
    assert found.genuine == 5 * 12 * 11 // 2
    assert found.genuine + found.impostors == 60 * 59 // 2


def test_identities_may_be_names_and_embeddings_tensors_lists_or_half_precision():
    (probes, ids), (gallery, gallery_ids) = cornered(30, 4, 1), cornered(20, 4, 1)
    expected = streamed_verification(probes, ids, gallery, gallery_ids)
    names, gallery_names = (np.array(list("dacb"))[v] for v in (ids, gallery_ids))
    assert streamed_verification(probes, names, torch.from_numpy(gallery), gallery_names) == expected
    wide = streamed_verification(probes.tolist(), ids.tolist(), gallery, gallery_ids)
    assert (wide.tars, wide.eer, wide.auc) == (expected.tars, expected.eer, expected.auc)
    half = torch.from_numpy(probes).bfloat16(), torch.from_numpy(ids)
    assert streamed_verification(*half, gallery.astype(np.float16), gallery_ids) == expected


def test_embeddings_may_lie_in_a_file(tmp_path):
    probes, ids = cornered(30, 4, 1)
    np.save(tmp_path / "probes.npy", probes)
    mapped = np.load(tmp_path / "probes.npy", mmap_mode="r")
    assert streamed_verification(mapped, ids, mapped, ids) == streamed_verification(probes, ids, probes, ids)


def test_the_caller_keeps_the_embeddings_as_they_were():
    probes, ids = cornered(30, 4, 1)
    before = probes.copy()
    streamed_verification(probes, ids)
    assert np.array_equal(probes, before)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(0, 30), st.integers(1, 6))
def test_streamed_ranks_equal_those_of_the_fused_scores(seed, probes, gallery, identities):
    (first, first_ids), (second, second_ids) = cornered(probes, identities, seed), cornered(gallery, identities, seed)
    second, second_ids = np.concatenate([second, first]), np.concatenate([second_ids, first_ids + 0])
    second[-probes:] *= -1  # everybody is enrolled, though unlike himself
    scores, ids = gallery_scores(first, second, second_ids)
    assert np.array_equal(streamed_ranks(first, first_ids, second, second_ids), probe_ranks(scores, first_ids, ids))


EMBEDDINGS, IDS = np.eye(3, dtype=np.float32).repeat(2, axis=0), np.array([0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((EMBEDDINGS[:0], IDS[:0]), "not empty|count, dimension"),
        ((EMBEDDINGS[0], IDS[:3]), "count, dimension"),
        ((EMBEDDINGS.astype(str), IDS), "expected numbers"),
        ((EMBEDDINGS, IDS[:5]), r"probe_ids has shape \(5,\)"),
        ((EMBEDDINGS, np.where(IDS == 2, np.nan, IDS)), "hold NaN"),
        ((EMBEDDINGS, IDS, EMBEDDINGS, None), "give both"),
        ((EMBEDDINGS, IDS, EMBEDDINGS[:, :2], IDS), "one dimension"),
        ((EMBEDDINGS, IDS, EMBEDDINGS, IDS[:1]), "gallery_ids has shape"),
        ((EMBEDDINGS, IDS, EMBEDDINGS, IDS.astype(str)), "same kind of names"),
        ((EMBEDDINGS, IDS, EMBEDDINGS, IDS + 9), "no pair of samples has one identity"),
        ((EMBEDDINGS, np.arange(6)), "no pair of samples has one identity"),
        ((EMBEDDINGS, IDS * 0), "0 impostor scores"),
        ((EMBEDDINGS, IDS), "12 impostor scores: expected at least 100"),
    ],
)
def test_bad_input_is_named(arguments, message):
    for measure in (streamed_verification, streamed_bounds):
        with pytest.raises(BadInput, match=message):
            measure(*arguments)


def test_targets_and_single_bad_embeddings_are_named():
    for measure in (streamed_verification, streamed_bounds):
        with pytest.raises(BadInput, match=r"0\.01 for 1 %"):
            measure(EMBEDDINGS, IDS, fars=(-1.0,), min_impostors=1)
        for bad in (np.nan, np.inf, 0.0):
            probes = cornered(20, 3, 1)[0]
            probes[17] = bad
            ids = np.arange(20) % 3
            with pytest.raises(BadInput, match=r"probes .* row 17"):
                measure(probes, ids)
            with pytest.raises(BadInput, match=r"probes .* row 17"):
                measure(probes, ids, probes[:3], ids[:3], min_impostors=1)
            with pytest.raises(BadInput, match=r"gallery .* row 17"):
                measure(probes[:3], ids[:3], probes, ids, min_impostors=1)


def test_ranks_refuse_strangers():
    with pytest.raises(BadInput, match="identity 7 of a probe"):
        streamed_ranks(EMBEDDINGS, np.array([0, 1, 2, 7, 8, 0]), EMBEDDINGS, IDS)


def test_products_that_do_not_repeat_themselves_are_an_error(monkeypatch):
    probes, ids = cornered(30, 4, 1)
    resolve = exact_thresholds.UnresolvedBins.resolve
    monkeypatch.setattr(
        exact_thresholds.UnresolvedBins, "resolve", lambda bins, tile, spans: resolve(bins, tile * 0.9, spans)
    )
    with pytest.raises(FacelibError, match="use streamed_bounds"):
        streamed_verification(probes, ids)
