"""The Florence counterpart: twenty poses a person, and a scan that lies on the person's head but is no part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.embedded import FlorenceSettings, open_florence
from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.geometry.point_clouds import sample_surface

SETTINGS = FlorenceSettings(identities=2)
SETTINGS = replace(SETTINGS, scene=replace(SETTINGS.scene, image_size=48))


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def fine() -> MorphableModel:
    return load_face_model("fine")


@pytest.fixture(scope="module")
def heads(fine: MorphableModel) -> torch.Tensor:
    return fine.vertices(sample_people(fine, 2, SETTINGS.seed).identity)


@pytest.fixture(scope="module")
def archive() -> FaceArchive:
    return open_florence(SETTINGS)


def test_every_person_in_the_papers_twenty_poses(archive: FaceArchive) -> None:
    assert len(archive) == 40
    poses = np.rad2deg(archive.arrays["pose"]).round(3).reshape(2, 20, 3)
    expected = [(yaw, pitch, 0.0) for pitch in (-15, 0, 20, 25) for yaw in (-80, -40, 0, 40, 80)]
    assert [tuple(pose) for pose in poses[0].tolist()] == expected
    np.testing.assert_array_equal(poses[0], poses[1])
    assert archive.arrays["identity"].tolist() == archive.arrays["scan"].tolist() == [0] * 20 + [1] * 20
    assert not archive.arrays["action"].any()
    assert not archive.arrays["occluder"].any()
    assert archive.arrays["skin"].mean(axis=(1, 2)).min() > 0.2


def test_scans_lie_on_the_heads_up_to_their_noise(archive: FaceArchive, heads: torch.Tensor, fine) -> None:  # type: ignore[no-untyped-def]
    scans = archive.arrays["scans"]
    assert scans.shape == (2, 19000, 3)
    assert scans.dtype == np.float32
    surface = sample_surface(heads, fine.triangles, 400_000, torch.Generator().manual_seed(0)).numpy()
    for scan, points, other in zip(scans, surface, surface[::-1], strict=True):
        distance = cKDTree(points).query(scan)[0]
        # Samples of the surface are 0.6 mm apart, so a point on it is 0.3 mm from the nearest; noise adds 0.15 mm.
        assert distance.mean() < 0.5
        assert np.quantile(distance, 0.999) < 1.5
        assert cKDTree(other).query(scan)[0].mean() > 2 * distance.mean()


def test_a_scan_shows_the_face_and_nothing_beyond_its_reach(archive: FaceArchive, heads: torch.Tensor, fine) -> None:  # type: ignore[no-untyped-def]
    landmarks = heads[:, fine.landmarks].numpy()
    for scan, points in zip(archive.arrays["scans"], landmarks, strict=True):
        from_tip = np.linalg.norm(scan - points[30], axis=1)
        assert from_tip.max() < 95.5  # mm
        assert len(np.unique(scan, axis=0)) == 19000
        inner = points[17:60]  # brows to outer lips
        assert cKDTree(scan).query(inner)[0].max() < 4


def test_scans_are_no_mesh_of_the_model(archive: FaceArchive, heads: torch.Tensor) -> None:
    for scan, head in zip(archive.arrays["scans"], heads.numpy(), strict=True):
        assert (cKDTree(head).query(scan)[0] > 0.3).mean() > 0.8  # mm
    assert np.abs(archive.arrays["scans"][0, :100] - archive.arrays["scans"][1, :100]).max() > 20  # in no order


def test_corners_of_the_eyes(archive: FaceArchive, heads: torch.Tensor, fine) -> None:  # type: ignore[no-untyped-def]
    corners = archive.arrays["scan_corners"]

    np.testing.assert_allclose(corners, heads[:, fine.landmarks[[36, 45]]].numpy(), atol=1e-4)
    assert (np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1) > 70).all()
    assert (corners[:, 0, 0] < corners[:, 1, 0]).all()  # the right eye has the smaller x


def test_photographs_have_the_pose_they_say(archive: FaceArchive, fine: MorphableModel) -> None:
    faces = posed_faces(archive, np.array([2, 7]))  # frontal; brows may lie below hair
    landmarks = faces.pose.apply(fine.vertices(faces.shape)[:, fine.landmarks])
    column, row = landmarks[:, 27:60, :2].floor().long().unbind(-1)

    assert faces.skin[torch.arange(2)[:, None], row, column].mean() > 0.95


def test_scans_may_be_smaller_with_the_same_pictures(archive: FaceArchive) -> None:
    small = open_florence(replace(SETTINGS, identities=1, points=500))

    assert small.arrays["scans"].shape == (1, 500, 3)
    # People are made together, and the last bit of a colour depends on how many.
    np.testing.assert_allclose(small.arrays["images"].astype(int), archive.arrays["images"][:20], atol=1, rtol=0)
    # Over the whole face still, not some part of it.
    assert (np.ptp(small.arrays["scans"][0], axis=0) > 0.9 * np.ptp(archive.arrays["scans"][0], axis=0)).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identities": 0}, "0 identities"),
        ({"yaws": ()}, "0 poses"),
        ({"points": 0}, "0 points"),
        ({"points": 60000, "identities": 1}, "60000 are asked for"),
        ({"reach": 40.0, "identities": 1}, "within 40 mm of the nose"),
        ({"scene": replace(SETTINGS.scene, camera="perspective")}, "scene.camera is 'perspective'"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_florence(replace(SETTINGS, **changes))
