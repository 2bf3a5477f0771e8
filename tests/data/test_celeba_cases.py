"""The cases of paper 5's ablation: the same person five times, and nothing differs but what a case says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from tiny_runs import use_private_cache

from facelib.conventions import LANDMARK_GROUPS
from facelib.data.archive import FaceArchive
from facelib.data.embedded import CelebaCasesSettings, open_celeba_cases
from facelib.data.embedded.celeba_cases import CASES, SLIGHT
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import EXPRESSIONS
from facelib.faces.scene import GAMMA
from facelib.geometry.point_clouds import sample_surface

PEOPLE, SIZE = 3, 64
USUAL = CelebaCasesSettings()
SETTINGS = replace(USUAL, identities=PEOPLE, points=1500, scene=replace(USUAL.scene, image_size=SIZE))
RIGHT_EYE, LEFT_EYE = (list(LANDMARK_GROUPS[name]) for name in ("right_eye", "left_eye"))
NUMBER = {name: number for number, name in enumerate(CASES)}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def archive() -> FaceArchive:
    return open_celeba_cases(SETTINGS)


def of_case(archive: FaceArchive, array: str, case: str) -> np.ndarray:
    """The rows of an array that belong to a case, person by person; images are linear light."""
    values = archive.arrays[array][archive.arrays["case"] == NUMBER[case]]
    return (values / 255.0) ** GAMMA if array == "images" else values


def test_every_person_in_every_case(archive: FaceArchive) -> None:
    assert list(CASES) == ["plain", "covered_eyes", "uneven_light", "low_light", "smile"]
    assert USUAL.image_count == 200
    assert len(archive) == SETTINGS.image_count == 15
    assert archive.arrays["case"].tolist() == PEOPLE * [0, 1, 2, 3, 4]
    assert archive.arrays["identity"].tolist() == np.repeat(range(PEOPLE), 5).tolist()
    assert archive.arrays["scan"].tolist() == list(range(15))
    assert archive.arrays["images"].shape == (15, 3, SIZE, SIZE)
    assert archive.arrays["scans"].shape == (15, 1500, 3)
    assert archive.arrays["scan_landmarks"].shape == (15, 68, 3)
    assert archive.arrays["landmarks_2d"].shape == (15, 68, 2)


def test_cases_are_paired(archive: FaceArchive) -> None:
    plain, smile = of_case(archive, "action", "plain"), of_case(archive, "action", "smile")
    for case in CASES:
        for array in ("pose", "shape", "identity"):
            np.testing.assert_array_equal(of_case(archive, array, case), of_case(archive, array, "plain"))
        if case != "smile":
            np.testing.assert_array_equal(of_case(archive, "action", case), plain)
            np.testing.assert_array_equal(
                of_case(archive, "landmarks_2d", case), of_case(archive, "landmarks_2d", "plain")
            )
    assert plain.max() <= SLIGHT
    assert (smile.max(axis=1) > 0.9).all()
    assert (of_case(archive, "expression", "smile") == list(EXPRESSIONS).index("grin")).all()
    assert len(np.unique(of_case(archive, "pose", "plain"), axis=0)) == PEOPLE


def test_covered_eyes_hide_the_eyes_and_change_nothing_far_from_them(archive: FaceArchive) -> None:
    plain, covered = of_case(archive, "images", "plain"), of_case(archive, "images", "covered_eyes")
    skin, landmarks = of_case(archive, "skin", "covered_eyes"), of_case(archive, "landmarks_2d", "plain")
    for person in range(PEOPLE):
        for eye in (RIGHT_EYE, LEFT_EYE):
            column, row = landmarks[person, eye].mean(axis=0).astype(int)
            assert skin[person, row, column] == 0
            box = np.s_[person, :, row - 1 : row + 2, column - 2 : column + 3]
            assert covered[box].mean() < 0.7 * plain[box].mean()
        throat = np.s_[person, :, -8:]
        assert np.median(np.abs(covered[throat] - plain[throat])) < 0.02  # the camera meters some other brightness
    worn = [of_case(archive, "occluder", case) for case in CASES]
    assert [set(kinds.tolist()) for kinds in worn] == [{0}, {Occluder.SUNGLASSES}, {0}, {0}, {0}]


def test_uneven_light_comes_from_one_side(archive: FaceArchive) -> None:
    def imbalance(case: str) -> np.ndarray:
        """How many times as bright as the other the brighter side of the skin is."""
        images, skin = of_case(archive, "images", case).mean(axis=1), of_case(archive, "skin", case) == 1
        middle = of_case(archive, "landmarks_2d", case)[:, 27:31, 0].mean(axis=1)
        left = np.arange(SIZE) + 0.5 < middle[:, None, None]
        sides = [(images * (skin & side)).sum((1, 2)) / (skin & side).sum((1, 2)) for side in (left, ~left)]
        return np.exp(np.abs(np.log(sides[0] / sides[1])))

    assert (imbalance("uneven_light") > 3).all()
    assert (imbalance("plain") < 2).all()


def test_low_light_is_darker_and_noisier(archive: FaceArchive) -> None:
    plain, dark = of_case(archive, "images", "plain"), of_case(archive, "images", "low_light")
    assert (dark.mean(axis=(1, 2, 3)) < 0.35 * plain.mean(axis=(1, 2, 3))).all()

    def roughness(images: np.ndarray) -> np.ndarray:
        """Of neighbouring pixels, for as much light as the picture has."""
        return np.median(np.abs(np.diff(images, axis=3)), axis=(1, 2, 3)) / images.mean(axis=(1, 2, 3))

    assert (roughness(dark) > 2 * roughness(plain)).all()


def test_smiles_are_broad_and_show_teeth(archive: FaceArchive) -> None:
    def width(case: str) -> np.ndarray:
        landmarks = of_case(archive, "scan_landmarks", case)
        return np.linalg.norm(landmarks[:, 54] - landmarks[:, 48], axis=1)

    def teeth(case: str) -> list[float]:
        """Share of the pixels between the lips that show no skin."""
        shares = []
        for skin, lips in zip(of_case(archive, "skin", case), of_case(archive, "landmarks_2d", case), strict=True):
            (left, top), (right, bottom) = lips[61:68].min(axis=0).astype(int), np.ceil(lips[61:68].max(axis=0))
            shares.append(float((skin[top : int(bottom) + 1, left : int(right)] == 0).mean()))
        return shares

    assert (width("smile") > width("plain") + 8).all()  # mm
    assert min(teeth("smile")) > 0.05
    assert max(teeth("plain")) == 0


def test_scans_are_of_the_expressive_heads(archive: FaceArchive) -> None:
    model = load_face_model("fine")
    rows = archive.arrays["case"] == NUMBER["smile"]
    shape, action = (torch.from_numpy(archive.arrays[name][rows]) for name in ("shape", "action"))
    own, neutral = (
        sample_surface(heads, model.triangles, 200_000, torch.Generator().manual_seed(0)).numpy()
        for heads in (model.vertices(shape, action), model.vertices(shape))
    )
    for scan, head, other in zip(archive.arrays["scans"][rows], own, neutral, strict=True):
        distance = cKDTree(head).query(scan)[0]
        assert distance.mean() < 0.6  # of samples that are 0.9 mm apart
        assert cKDTree(other).query(scan)[0].mean() > 1.3 * distance.mean()


def test_same_seed_same_bits(archive: FaceArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_cache(monkeypatch, tmp_path / "cache")
    again = open_celeba_cases(SETTINGS)
    assert again.arrays.keys() == archive.arrays.keys()
    for name, values in archive.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], values, err_msg=name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identities": 0}, "0 identities"),
        ({"points": 0}, "0 points"),
        ({"points": 60000, "identities": 1}, "60000 are asked for"),
    ],
)
def test_impossible_settings(changes: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_celeba_cases(replace(SETTINGS, **changes))  # type: ignore[arg-type]
