"""The FaceWarehouse counterpart: twenty expressions a person, each with a scan of the head that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.embedded import FaceWarehouseSettings, open_facewarehouse
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scene import SceneSettings
from facelib.geometry.point_clouds import sample_surface

SMALL = SceneSettings(image_size=32, background="backdrop", crop=1.6)
SETTINGS = FaceWarehouseSettings(identities=2, points=1500, scene=SMALL)
NAMES = list(EXPRESSIONS)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def archive() -> FaceArchive:
    return open_facewarehouse(SETTINGS)


@pytest.fixture(scope="module")
def fine() -> MorphableModel:
    return load_face_model("fine")


def test_the_papers_number_of_photographs() -> None:
    assert FaceWarehouseSettings().image_count == 180


def test_every_person_shows_every_expression_once_at_its_usual_strength(
    archive: FaceArchive, fine: MorphableModel
) -> None:
    assert len(archive) == SETTINGS.image_count == 40
    assert archive.arrays["expression"].tolist() == 2 * list(range(20))
    assert archive.arrays["identity"].tolist() == [0] * 20 + [1] * 20
    assert archive.arrays["scan"].tolist() == list(range(40))
    usual = expression_coefficients(fine, NAMES).numpy()
    np.testing.assert_array_equal(archive.arrays["action"], np.concatenate([usual, usual]))
    assert archive.arrays["images"].shape == (40, 3, 32, 32)
    assert archive.arrays["scans"].shape == (40, 1500, 3)
    assert archive.arrays["scan_landmarks"].shape == (40, 68, 3)
    assert not archive.arrays["occluder"].any()


def test_people_look_at_the_camera(archive: FaceArchive) -> None:
    limits = 2.5 * np.array([SETTINGS.yaw_spread, SETTINGS.pitch_spread, SETTINGS.roll_spread])
    degrees = np.abs(np.rad2deg(archive.arrays["pose"]))
    assert (degrees <= limits + 1e-3).all()
    assert (degrees.std(axis=0) > 1).all()


def test_scans_and_landmarks_have_the_photographs_expression(archive: FaceArchive, fine: MorphableModel) -> None:
    person = sample_people(fine, 2, SETTINGS.seed, fixed_albedo=True).identity[1:]
    heads = fine.vertices(person.expand(20, -1), expression_coefficients(fine, NAMES))
    np.testing.assert_allclose(archive.arrays["scan_landmarks"][20:], heads[:, fine.landmarks].numpy(), atol=1e-3)
    surfaces = sample_surface(heads, fine.triangles, 200_000, torch.Generator().manual_seed(0)).numpy()
    neutral = cKDTree(surfaces[NAMES.index("neutral")])
    for name in ("smile", "mouth_stretch", "jaw_left", "cheek_blowing", "lip_funneler"):
        number = NAMES.index(name)
        scan = archive.arrays["scans"][20 + number]
        own = cKDTree(surfaces[number]).query(scan)[0]
        # Samples of the surface are 0.9 mm apart, so an exact point on it is half a millimetre from the nearest.
        assert own.mean() < 0.6
        assert own.max() < 2.5
        assert neutral.query(scan)[0].mean() > 1.2 * own.mean()


def test_same_seed_same_bits(archive: FaceArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_cache(monkeypatch, tmp_path / "cache")
    again = open_facewarehouse(SETTINGS)
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
        open_facewarehouse(replace(SETTINGS, **changes))  # type: ignore[arg-type]
