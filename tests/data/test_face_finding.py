"""The box of a face that is found is that of the training's crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image

from facelib.data.face_finding import find_face, find_points
from facelib.data.photographs import FaceBox, Photograph
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.scene import SceneSettings, render


def example(name: str) -> Photograph:
    """A photograph that scikit-image brings along."""
    pixels = np.array(Image.open(Path(skimage.__file__).parent / "data" / f"{name}.png").convert("RGB"))
    return Photograph(torch.from_numpy(pixels).permute(2, 0, 1) / 255)


def test_the_box_that_is_found_is_the_landmarks(face_model: MorphableModel, caplog: pytest.LogCaptureFixture) -> None:
    """Two faces side by side: the larger one is taken, with the box that the training's crops are made from."""
    scenes = [SceneSettings(image_size=300, crop=crop, crop_jitter=0, background="plain") for crop in (1.8, 3.0)]
    vertices, albedo = face_model.mean[None], face_model.texture_mean[None]
    large, small = (
        render(face_model, vertices, albedo, torch.zeros(1, 3), scene, torch.Generator().manual_seed(1))
        for scene in scenes
    )
    landmarks = large.landmarks[0] + torch.tensor([300.0, 0.0])
    box = find_face(Photograph(torch.cat((small.image[0], large.image[0]), dim=2)))
    side = (landmarks.amax(dim=0) - landmarks.amin(dim=0)).max()
    middle = (landmarks.amax(dim=0) + landmarks.amin(dim=0)) / 2

    assert (box.right - box.left) / side == pytest.approx(1, abs=0.12)
    assert [(box.left + box.right) / 2, (box.top + box.bottom) / 2] == pytest.approx(
        middle.tolist(), abs=0.1 * float(side)
    )
    assert "2 faces were found" in caplog.text


def test_a_person_is_found_at_any_size_of_the_photograph() -> None:
    """A reduced copy, which says so, gives the box in the pixels of the file."""
    person = example("astronaut")
    half = torch.nn.functional.avg_pool2d(person.pixels[None], 2)[0]
    doubled = person.pixels.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)  # larger than is searched

    whole = find_face(person).corners
    assert whole == pytest.approx((179, 87, 272, 178), abs=6)  # dlib's landmarks
    assert find_face(Photograph(half, reduction=2.0)).corners == pytest.approx(whole, abs=10)
    assert find_face(Photograph(doubled)).corners == pytest.approx([4 * place for place in whole], abs=40)


@pytest.mark.parametrize("name", ["brick", "coffee", "grass"])
def test_without_a_face_a_box_is_asked_for(name: str) -> None:
    with pytest.raises(BadInput, match=r"no face was found: give its box, from brows to chin.*--box left,top"):
        find_face(example(name))


def test_small_photographs() -> None:
    with pytest.raises(BadInput, match="the photograph has 40 x 15 pixels: expected at least 16 a side"):
        find_face(Photograph(torch.ones(3, 15, 40)))
    for height, width in ((16, 16), (39, 39), (16, 500), (16, 50_000)):
        with pytest.raises(BadInput, match="no face was found"):
            find_face(Photograph(torch.full((3, height, width), 0.4)))


@pytest.mark.parametrize("yaw", [-85.0, -50.0, 0.0, 30.0, 85.0])
@pytest.mark.parametrize("crop", [1.6, 6.0])
def test_faces_that_look_aside_and_fill_the_photograph_are_found(
    face_model: MorphableModel, yaw: float, crop: float
) -> None:
    scene = SceneSettings(image_size=240, crop=crop, crop_jitter=0, background="plain")
    pose = torch.tensor([[yaw, 0.0, 0.0]]).deg2rad()
    vertices, albedo = face_model.mean[None], face_model.texture_mean[None]
    face = render(face_model, vertices, albedo, pose, scene, torch.Generator().manual_seed(1))
    low, high = face.landmarks[0].amin(dim=0), face.landmarks[0].amax(dim=0)
    box = find_face(Photograph(face.image[0]))
    side = (high - low).max()

    middle = torch.tensor([box.left + box.right, box.top + box.bottom]) / 2
    assert float((middle - (low + high) / 2).norm() / side) < 0.15
    assert (box.right - box.left) / float(side) == pytest.approx(1, abs=0.3)


def test_points_are_those_of_the_face_in_the_box() -> None:
    """Beside dlib's middles of the eyes, tip of the nose and middle of the lips; of a reduced copy, too."""
    person, box = example("astronaut"), FaceBox(179, 87, 272, 178)
    half = Photograph(torch.nn.functional.avg_pool2d(person.pixels[None], 2)[0], reduction=2.0)
    expected = torch.tensor([[203.5, 101.7], [246.8, 103.7], [225.0, 127.0], [222.8, 145.5]])

    for photograph in (person, half):
        found = find_points(photograph, box)
        assert found is not None
        assert (found - expected).norm(dim=1).max() < 6
    for other in (FaceBox(20, 400, 80, 460), FaceBox(270, 100, 360, 190)):  # the second one beside the face
        assert find_points(person, other) is None
