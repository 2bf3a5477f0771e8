"""Faces are found with dlib and without it, and the box that comes of it is that of the training's crops."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image

from facelib.data import mtcnn
from facelib.data.face_finding import DLIB, MTCNN, chosen_detector, find_face
from facelib.data.mtcnn import face_boxes
from facelib.data.photographs import Photograph
from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.scene import SceneSettings, render


@pytest.fixture(params=["dlib", "MTCNN"])
def detector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With dlib, where it is installed, and as if it were not."""
    if request.param == "dlib":
        pytest.importorskip("dlib")
    else:
        monkeypatch.setitem(sys.modules, "dlib", None)
    return request.param


def example(name: str) -> Photograph:
    """A photograph that scikit-image brings along."""
    pixels = np.array(Image.open(Path(skimage.__file__).parent / "data" / f"{name}.png").convert("RGB"))
    return Photograph(torch.from_numpy(pixels).permute(2, 0, 1) / 255)


def test_dlib_is_chosen_where_it_is_installed(detector: str) -> None:
    assert chosen_detector() is {"dlib": DLIB, "MTCNN": MTCNN}[detector]


def test_the_box_that_is_found_is_the_landmarks(
    detector: str, face_model: MorphableModel, caplog: pytest.LogCaptureFixture
) -> None:
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


def test_a_person_is_found_at_any_size_of_the_photograph(detector: str) -> None:
    """A reduced copy, which says so, gives the box in the pixels of the file."""
    person = example("astronaut")
    half = torch.nn.functional.avg_pool2d(person.pixels[None], 2)[0]
    doubled = person.pixels.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)  # larger than is searched

    whole = find_face(person).corners
    assert whole == pytest.approx((180, 90, 270, 180), abs=10)  # dlib's landmarks: 180, 88, 273, 179
    assert find_face(Photograph(half, reduction=2.0)).corners == pytest.approx(whole, abs=10)
    assert find_face(Photograph(doubled)).corners == pytest.approx([4 * place for place in whole], abs=40)


@pytest.mark.parametrize("name", ["brick", "coffee", "grass"])
def test_without_a_face_a_box_is_asked_for(detector: str, name: str) -> None:
    with pytest.raises(BadInput, match=rf"{detector} found no face: give its --box left,top,right,bottom") as caught:
        find_face(example(name))
    assert ("facelib-companion[photographs]" in str(caught.value)) == (detector == "MTCNN")


def test_small_photographs(detector: str) -> None:
    with pytest.raises(BadInput, match="the photograph has 40 x 15 pixels: expected at least 16 a side"):
        find_face(Photograph(torch.ones(3, 15, 40)))
    for height, width in ((16, 16), (39, 39), (16, 500), (16, 50_000)):
        with pytest.raises(BadInput, match="found no face"):
            find_face(Photograph(torch.rand(3, height, width)))


def test_the_boxes_of_all_faces() -> None:
    """A person and her mirror image, none of them twice."""
    person = example("astronaut").pixels[:, 20:240, 120:340]
    alone = face_boxes(person)
    together = face_boxes(torch.cat((person, person.flip(2)), dim=2))

    assert alone.shape == (1, 4)
    assert together.shape == (2, 4)
    left, right = together[together[:, 0].argsort()]
    torch.testing.assert_close(left, alone[0], atol=8, rtol=0)
    mirrored = torch.stack((440 - alone[0, 2], alone[0, 1], 440 - alone[0, 0], alone[0, 3]))
    torch.testing.assert_close(right, mirrored, atol=8, rtol=0)
    with pytest.raises(BadInput, match="image has shape"):
        face_boxes(person[:1])


def test_of_boxes_that_overlap_the_likeliest_stays() -> None:
    """The second shares 0.9 with the first, the third 0.2 with the first and 2/9 with the second."""
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 2], [50, 0, 60, 10]])
    probability = torch.tensor([0.9, 0.8, 0.95, 0.7])

    assert mtcnn._distinct(boxes, probability, 0.3).tolist() == [2, 0, 3]
    assert mtcnn._distinct(boxes, probability, 0.19).tolist() == [2, 3]
    assert mtcnn._distinct(boxes, probability, 0.95).tolist() == [2, 0, 1, 3]
    assert mtcnn._distinct(boxes[:0], probability[:0], 0.3).tolist() == []


def test_weights_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pnet.lz4"
    path.write_bytes(b"no weights")

    with pytest.raises(CorruptFile, match=r"pnet\.lz4 is damaged or of another version .*pip install .*mtcnn"):
        mtcnn._filled(mtcnn._proposing(), path)
    monkeypatch.setitem(sys.modules, "mtcnn", None)
    mtcnn._trained.cache_clear()
    with pytest.raises(MissingPart, match="needs the weights of the package mtcnn: pip install"):
        face_boxes(torch.rand(3, 64, 64))
