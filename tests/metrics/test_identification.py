import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.metrics.identification import gallery_scores, genuine_and_impostor, probe_ranks, rank1

GALLERY = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [-1.0, 0.0]])
IDS = np.array([7, 3, 7, 5])
PROBES = np.array([[2.0, 0.0], [0.0, 1.0]])


def test_hand_computed_scores():
    half = np.sqrt(0.5)
    scores, ids = gallery_scores(PROBES, GALLERY, IDS)
    assert ids.tolist() == [3, 5, 7]
    assert np.allclose(scores, [[0, -1, 1], [1, 0, half]], atol=1e-15)
    mean, _ = gallery_scores(PROBES, GALLERY, IDS, fusion="mean")
    assert np.allclose(mean, [[0, -1, (1 + half) / 2], [1, 0, half / 2]], atol=1e-15)


@pytest.mark.parametrize(
    ("probes", "gallery", "ids", "message"),
    [
        (PROBES[:0], GALLERY, IDS, "not empty"),
        (PROBES, GALLERY[:0], IDS[:0], "not empty"),
        (PROBES[0], GALLERY, IDS, "expected"),
        (None, GALLERY, IDS, "probes are object"),
        ([[1.0, 0.0], [1.0]], GALLERY, IDS, "rows of one length"),
        (PROBES[:1, :1], GALLERY, IDS, "expected"),
        (PROBES, GALLERY, IDS[:2], "gallery_ids"),
        (PROBES, GALLERY, [7, 3, np.nan, 5], "gallery_ids are float64 or hold NaN"),
        (PROBES, GALLERY, None, "gallery_ids"),
        (PROBES * np.nan, GALLERY, IDS, "probes holds 2"),
        (PROBES, GALLERY * np.array([[1], [0], [1], [1]]), IDS, "row 1"),
    ],
)
def test_refuses_bad_embeddings(probes, gallery, ids, message):
    with pytest.raises(BadInput, match=message):
        gallery_scores(probes, gallery, ids)


def test_refuses_an_unknown_fusion():
    with pytest.raises(UnknownName, match="did you mean 'max'"):
        gallery_scores(PROBES, GALLERY, IDS, fusion="maxx")


@pytest.mark.parametrize(
    ("scores", "probe_ids", "ids", "message"),
    [
        (np.zeros((2, 3)), [1], [1, 2, 3], "probe_ids"),
        (np.zeros(3), [1], [1, 2, 3], "scores"),
        (np.zeros((1, 2)), [np.nan], [1, 2], "probe_ids .* NaN"),
        (np.zeros((1, 2)), [1], [1, np.nan], "ids .* NaN"),
        (np.zeros((1, 2)), None, [1, 2], "probe_ids"),
        (np.zeros((1, 2)), ["1"], [1, 2], "the same kind of names"),
        ([["a", "b"]], [1], [1, 2], "scores are <U1"),
        (np.zeros((0, 3)), [], [1, 2, 3], "scores"),
        (np.full((1, 2), np.nan), [1], [1, 2], "NaN"),
        (np.zeros((1, 2)), [1], [1, 1], "repeat"),
    ],
)
def test_refuses_scores_that_do_not_fit(scores, probe_ids, ids, message):
    for measure in (genuine_and_impostor, rank1):
        with pytest.raises(BadInput, match=message):
            measure(scores, probe_ids, ids)


@pytest.mark.parametrize("fusion", ["max", "mean"])
def test_scores_equal_slow_loops(fusion):
    generator = np.random.default_rng(0)
    probes, gallery, ids = generator.normal(size=(6, 4)), generator.normal(size=(9, 4)), generator.integers(0, 3, 9)
    found, names = gallery_scores(probes, gallery, ids, fusion)
    for p, probe in enumerate(probes):
        for column, name in enumerate(names):
            cosines = [
                probe @ sample / np.sqrt((probe @ probe) * (sample @ sample))
                for sample, owner in zip(gallery, ids, strict=True)
                if owner == name
            ]
            assert found[p, column] == pytest.approx(max(cosines) if fusion == "max" else np.mean(cosines), abs=1e-14)


def test_order_of_the_gallery_does_not_matter():
    order = [3, 1, 0, 2]
    for fusion in ("max", "mean"):
        found = gallery_scores(PROBES, GALLERY[order], IDS[order], fusion)[0]
        assert np.allclose(found, gallery_scores(PROBES, GALLERY, IDS, fusion)[0], atol=1e-15)


def test_split_into_genuine_and_impostor():
    scores = np.arange(6.0).reshape(2, 3)
    genuine, impostor = genuine_and_impostor(scores, [5, 9], [3, 5, 7])  # 9 is not enrolled
    assert genuine.tolist() == [1.0]
    assert impostor.tolist() == [0.0, 2.0, 3.0, 4.0, 5.0]


def test_rank1_counts_ties_as_errors():
    scores = [[0.9, 0.1], [0.5, 0.5], [0.8, 0.2], [0.1, 0.3]]
    assert rank1(scores, ["a", "a", "b", "b"], ["a", "b"]) == 0.5
    assert rank1(np.zeros((4, 2)), ["a", "a", "b", "b"], ["a", "b"]) == 0.0


def test_rank1_refuses_probes_that_are_not_enrolled():
    with pytest.raises(BadInput, match="identity 9"):
        rank1(np.zeros((1, 2)), [9], [1, 2])


def test_tensors_are_taken_as_arrays():
    scores, ids = gallery_scores(*(torch.from_numpy(v) for v in (PROBES, GALLERY, IDS)))
    expected, _ = gallery_scores(PROBES, GALLERY, IDS)
    assert np.array_equal(scores, expected)
    assert rank1(torch.from_numpy(scores), torch.tensor([7, 3]), torch.from_numpy(ids)) == 1.0


def slow_ranks(scores, probe_ids, ids) -> list[int]:
    ranks = []
    for row, name in zip(scores, probe_ids, strict=True):
        own = row[list(ids).index(name)]
        ranks.append(1 + sum(score >= own for score, other in zip(row, ids, strict=True) if other != name))
    return ranks


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 8))
def test_ranks_equal_slow_loops(seed, identities, probes):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 4, (probes, identities)).astype(float)  # few values, so many ties
    ids = generator.permutation(identities)
    probe_ids = generator.integers(0, identities, probes)
    expected = np.array(slow_ranks(scores, probe_ids, ids))
    assert np.array_equal(probe_ranks(scores, probe_ids, ids), expected)
    assert rank1(scores, probe_ids, ids) == sum(expected == 1) / probes


def test_a_failed_own_comparison_is_found_at_no_rank():
    scores = np.array([[-np.inf, -np.inf], [-np.inf, 0.5]])
    assert probe_ranks(scores, [0, 0], [0, 1]).tolist() == [3, 3]
    assert rank1(np.array([[-np.inf]]), [0], [0]) == 0.0


def test_a_single_identity_is_always_found():
    assert rank1([[0.1], [0.9]], [4, 4], [4]) == 1.0


def test_half_precision_embeddings_are_compared_in_single():
    """The square of 300 is beyond half precision."""
    found, _ = gallery_scores(np.array([[300.0, 400.0]], np.float16), GALLERY, IDS)
    assert found.dtype == np.float64
    assert found == pytest.approx(gallery_scores([[3.0, 4.0]], GALLERY, IDS)[0])
