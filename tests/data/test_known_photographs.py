"""Photographs as reconstructors see them: as stored, or cropped about the face that five points show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded import PeopleStream, PeopleStreamSettings, WebFacesSettings
from facelib.data.known_photographs import CROP, KnownPhotographs, faces_of
from facelib.data.landmarked_faces import five_points
from facelib.data.licensed.crops import box_around, box_around_turned_five
from facelib.data.occlusion import OcclusionSettings
from facelib.data.photograph_style import PLAIN
from facelib.faces.morphable_model import MorphableModel

SIZE, FACES = 64, 60
WEB = WebFacesSettings()


@pytest.fixture(scope="module")
def batch(face_model: MorphableModel) -> dict[str, np.ndarray]:
    """People turned as on web photographs, cropped as those are."""
    settings = PeopleStreamSettings(
        skins=2,
        yaw_spread=WEB.yaw_spread,
        pitch_spread=WEB.pitch_spread,
        roll_spread=WEB.roll_spread,
        worn_share=0.0,
        occlusion=OcclusionSettings(probability=0.0),
        scene=replace(WEB.scene, image_size=SIZE, crop_jitter=0.0),
        style=PLAIN,
        dressed=False,
    )
    return PeopleStream.open(settings).batch(5, FACES)


def archive(images: np.ndarray, points: np.ndarray | None = None, name: str = "vggface2") -> FaceArchive:
    arrays = {"images": images, "identity": np.arange(len(images))}
    return FaceArchive(name, "", arrays | ({} if points is None else {"five_points": points}))


def test_photographs_without_points_are_seen_as_stored(batch: dict[str, np.ndarray]) -> None:
    images = batch["images"][:3]
    seen = faces_of(archive(images), np.array([0, 2]))
    assert torch.equal((seen * 255).round().to(torch.uint8), torch.from_numpy(images[[0, 2]]))


def test_boxes_of_turned_faces_are_found_by_five_points(batch: dict[str, np.ndarray]) -> None:
    """Against the landmarks' boxes, in sides of these."""
    off = []
    for points in batch["landmarks_2d"]:
        true, found = box_around(points), box_around_turned_five(five_points(torch.from_numpy(points)[None])[0].numpy())
        (x, y, side), (other_x, other_y, other_side) = (
            ((box.left + box.right) / 2, (box.top + box.bottom) / 2, max(box.right - box.left, box.bottom - box.top))
            for box in (true, found)
        )
        off.append(((other_x - x) / side, (other_y - y) / side, other_side / side))
    errors = np.array(off)
    assert np.abs(errors[:, :2].mean(axis=0)).max() < 0.03
    assert errors[:, :2].std(axis=0).max() < 0.07
    assert abs(errors[:, 2].mean() - 1) < 0.04
    assert errors[:, 2].std() < 0.07


def test_a_loosely_cropped_face_is_seen_as_embedded_ones_are(batch: dict[str, np.ndarray]) -> None:
    """Photographs shown 0.7 times as large, at the left of a grey one, come back at their place."""
    small, at = 45, (3, 12)
    images = torch.nn.functional.interpolate(
        torch.from_numpy(batch["images"]).float(), (small, small), mode="bilinear", antialias=True
    )
    loose = torch.full((FACES, 3, SIZE, SIZE), 128.0)
    loose[:, :, at[1] : at[1] + small, at[0] : at[0] + small] = images
    points = five_points(torch.from_numpy(batch["landmarks_2d"])).float() * small / SIZE + torch.tensor(at)
    stored = loose.round().to(torch.uint8).numpy()

    seen = faces_of(archive(stored, points.numpy()), np.arange(FACES))

    wanted = torch.from_numpy(batch["images"]).float() / 255
    inner = (..., slice(8, -8), slice(8, -8))
    before = (torch.from_numpy(stored).float() / 255 - wanted)[inner].abs().mean()
    assert (seen - wanted)[inner].abs().mean() < 0.45 * before
    assert WEB.scene.crop == CROP


@pytest.mark.parametrize(
    "points",
    [np.zeros((5, 2)), np.full((5, 2), np.nan), np.array([[5.0, 5], [6, 5], [5.5, 6], [5, 6.5], [6, 6.5]])],
    ids=["one place", "no numbers", "too small a face"],
)
def test_points_of_no_face_leave_the_photograph_as_it_is(batch: dict[str, np.ndarray], points: np.ndarray) -> None:
    images = batch["images"][:1]
    seen = faces_of(archive(images, points[None]), np.array([0]))
    assert torch.equal((seen * 255).round().to(torch.uint8), torch.from_numpy(images))


def test_shapes_of_real_photographs_are_unknown(batch: dict[str, np.ndarray], face_model: MorphableModel) -> None:
    known = KnownPhotographs.of(archive(batch["images"]), WEB)
    assert [each.shape for each in known.true] == [
        (FACES, len(face_model.identity_basis)),
        (FACES, len(face_model.expression_basis)),
    ]
    assert all(each.isnan().all() for each in known.true)
