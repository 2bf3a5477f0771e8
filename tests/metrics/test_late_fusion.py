from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, DegenerateInput
from facelib.metrics.identification import gallery_scores, probe_ranks, rank1
from facelib.metrics.late_fusion import FUSED, LateFusion, fused_ranks, places

PROBES = {"x": np.array([[3.0, 4.0], [0.0, 2.0]]), "z": np.array([[1.0, 0.0], [0.0, 1.0]])}
GALLERY = {"x": np.array([[3.0, 0.0], [0.0, 1.0], [-3.0, -4.0]]), "z": np.array([[9.0, 0.0], [0.0, -1.0], [0.0, 1.0]])}
HALF = 2**0.5


def drawn(seed: int, count: int, size: int = 4) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {axis: random.normal(size=(count, size)) for axis in ("x", "y", "z")}


def test_raw_distances_by_hand() -> None:
    fusion = LateFusion.of(PROBES, GALLERY, unit_length=False)
    x = [[4, 18**0.5, 10], [13**0.5, 1, 45**0.5]]
    z = [[8, HALF, HALF], [82**0.5, 2, 0]]

    np.testing.assert_allclose(fusion.distances["x"], x, atol=1e-12)
    np.testing.assert_allclose(fusion.distances["z"], z, atol=1e-12)
    np.testing.assert_allclose(fusion.mean, (np.array(x) + z) / 2, atol=1e-12)


def test_distances_at_unit_length_by_hand() -> None:
    """Of directions at an angle a they are 2 sin(a / 2)."""
    fusion = LateFusion.of(PROBES, GALLERY)
    x = [[0.8**0.5, 0.4**0.5, 2], [HALF, 0, (2 + 1.6) ** 0.5]]
    z = [[0, HALF, HALF], [HALF, 2, 0]]

    np.testing.assert_allclose(fusion.distances["x"], x, atol=1e-12)
    np.testing.assert_allclose(fusion.mean, (np.array(x) + z) / 2, atol=1e-12)
    assert rank1(-fusion.mean, ["a", "b"], ["a", "b", "c"]) == 0.5
    assert probe_ranks(-fusion.mean, ["a", "b"], ["a", "b", "c"]).tolist() == [1, 2]


def test_raw_features_of_a_large_scale_decide_alone() -> None:
    """With x a thousand times as long the fused distances order as those of x; at unit length nothing changes."""
    probes, gallery = drawn(0, 6), drawn(1, 5)
    expected = LateFusion.of(probes, gallery)
    for features in (probes, gallery):
        features["x"] = 1000 * features["x"]
    raw = LateFusion.of(probes, gallery, unit_length=False)

    np.testing.assert_allclose(LateFusion.of(probes, gallery).mean, expected.mean, atol=1e-12)
    assert (raw.mean.argsort(axis=1) == raw.distances["x"].argsort(axis=1)).all()


def test_one_feature_ranks_as_its_cosine() -> None:
    probes, gallery = drawn(0, 20)["x"], drawn(1, 7)["x"]
    ids = np.arange(7)
    scores, _ = gallery_scores(probes, gallery, ids)
    fusion = LateFusion.of({"x": probes}, {"x": gallery})

    np.testing.assert_allclose(fusion.mean**2, 2 - 2 * scores, atol=1e-12)
    asked = np.arange(20) % 7
    assert (probe_ranks(-fusion.mean, asked, ids) == probe_ranks(scores, asked, ids)).all()


@given(st.integers(0, 99), st.booleans())
def test_invariants(seed: int, unit_length: bool) -> None:
    probes, gallery = drawn(seed, 5), drawn(seed + 1, 5)
    mean = LateFusion.of(probes, gallery, unit_length).mean
    others = list(LateFusion.of(probes, gallery, unit_length).distances.values())

    np.testing.assert_allclose(LateFusion.of(gallery, probes, unit_length).mean, mean.T)
    assert (LateFusion.of(probes, probes, unit_length).mean.diagonal() < 1e-9).all()
    assert (np.min(others, axis=0) <= mean + 1e-12).all()
    assert (mean <= np.max(others, axis=0) + 1e-12).all()


def test_tensors_in_half_precision_are_features_too() -> None:
    halves = {axis: torch.from_numpy(each).to(torch.bfloat16) for axis, each in PROBES.items()}
    np.testing.assert_allclose(LateFusion.of(halves, GALLERY).mean, LateFusion.of(PROBES, GALLERY).mean, atol=1e-12)


@pytest.mark.parametrize(
    ("probes", "gallery", "message"),
    [
        ({}, {}, r"features \[\] of probes"),
        (PROBES, {"x": GALLERY["x"]}, r"features \['x', 'z'\] of probes, \['x'\] of the gallery"),
        (PROBES | {"z": PROBES["z"][:1]}, GALLERY, r"'x': \(2, 3\), 'z': \(1, 3\)"),
        (PROBES, GALLERY | {"z": GALLERY["z"][:, :1]}, "gallery .*of one dimension"),
        (PROBES | {"x": PROBES["x"][0]}, GALLERY, "probes 'x' has shape"),
        (PROBES | {"x": PROBES["x"][:0]}, GALLERY, "no size zero"),
        (PROBES | {"x": [["a", "b"]]}, GALLERY, "expected real numbers"),
    ],
)
@pytest.mark.parametrize("unit_length", [True, False])
def test_refuses_what_does_not_fit(probes, gallery, message: str, unit_length: bool) -> None:
    with pytest.raises(BadInput, match=message):
        LateFusion.of(probes, gallery, unit_length)


def test_refuses_what_has_no_distance() -> None:
    broken = GALLERY | {"z": GALLERY["z"] * np.nan}
    for unit_length in (True, False):
        with pytest.raises(DegenerateInput, match="gallery 'z' holds 6 non-finite"):
            LateFusion.of(PROBES, broken, unit_length)
    empty = PROBES | {"x": PROBES["x"] * [[1], [0]]}
    with pytest.raises(DegenerateInput, match=r"probes 'x' holds 1 embeddings that are zero.*row 1"):
        LateFusion.of(empty, GALLERY)
    assert LateFusion.of(empty, GALLERY, unit_length=False).distances["x"][1, 1] == 1


# ---- ranks ----


@given(st.integers(0, 1000), st.integers(1, 30), st.booleans())
def test_ranks_in_portions_are_those_of_all_distances(seed: int, at_once: int, unit_length: bool) -> None:
    probes, gallery, ids = drawn(seed, 23), drawn(seed + 1, 7), np.arange(7) * 3
    probe_ids = np.random.default_rng(seed).choice(ids, 23)
    fusion = LateFusion.of(probes, gallery, unit_length)
    found = fused_ranks(probes, probe_ids, gallery, ids, unit_length, at_once)
    assert found.keys() == {"x", "y", "z", FUSED}
    assert found[FUSED].tolist() == probe_ranks(-fusion.mean, probe_ids, ids).tolist()
    assert found["y"].tolist() == probe_ranks(-fusion.distances["y"], probe_ids, ids).tolist()


def test_what_cannot_be_compared_is_missed() -> None:
    """Three people, rows 0 to 2 enrolled. Row 1 failed, and so did the probes 4, by itself, and 5, of person 1."""
    features = {"x": np.array([[1.0, 0], [0, 1], [0, 1], [1, 0.1], [0, 1], [0, 1], [1, 0.2], [0, 0]])}
    identity = np.array([0, 1, 2, 0, 2, 1, 2, 0])
    usable = np.array([True, False, True, True, False, True, True, True])
    ranks, failed = places(features, usable, identity, np.arange(3), np.arange(3, 8))
    assert ranks["x"].tolist() == [1, 4, 4, 2, 4]  # the last one has no direction
    assert ranks[FUSED].tolist() == ranks["x"].tolist()
    assert failed.tolist() == [False, True, True, False, True]
    nobody, all_failed = places(features, np.zeros(8, bool), identity, np.arange(3), np.arange(3, 8))
    assert nobody[FUSED].tolist() == [4] * 5
    assert all_failed.all()
