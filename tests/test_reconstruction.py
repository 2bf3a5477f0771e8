"""`facelib.reconstruct`: every kind of image gives the same face, and what is no face is refused or told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from tiny_runs import use_private_runs
from untrained_run import make_untrained_run

import facelib
from facelib import weights
from facelib.data.face_finding import check_face
from facelib.data.given_images import as_photograph
from facelib.data.photographs import FaceBox, Photograph
from facelib.errors import BadInput, MissingPart

BOX = (179, 87, 272, 178)  # of dlib's landmarks
PERSON = Path(skimage.__file__).parent / "data" / "astronaut.png"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that was never trained: it sees a frontal mean face in the middle of whatever it is given."""
    use_private_runs(monkeypatch, tmp_path / "runs")
    return str(make_untrained_run())


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.array(Image.open(PERSON).convert("RGB"))


def test_every_kind_of_image_gives_the_same_face(run: str, pixels: np.ndarray) -> None:
    kinds: list[Any] = [PERSON, str(PERSON), Image.open(PERSON), pixels, pixels / 255, (pixels / 255).astype("float32")]
    faces = [facelib.reconstruct(kind, box=BOX, model=run) for kind in [*kinds, as_photograph(PERSON)]]

    for face in faces:
        torch.testing.assert_close(face.points, faces[0].points)
        torch.testing.assert_close(face.colours, faces[0].colours, equal_nan=True)
    assert faces[0].vertices.shape == (len(faces[0].points), 3)
    assert faces[0].landmarks.shape == (68, 3)
    assert set(faces[0].angles) == {"yaw", "pitch", "roll"}
    assert len(faces[0].to_trimesh().faces) == len(faces[0].triangles)


def test_the_callers_image_stays_as_it_was(run: str, pixels: np.ndarray) -> None:
    """One that EXIF turns by half, so that its face is where the box says only once it is turned."""
    turned = Image.fromarray(pixels[::-1, ::-1].copy())
    turned.getexif()[0x0112] = 3
    before = np.array(turned)
    straight = facelib.reconstruct(pixels, BOX, run)

    torch.testing.assert_close(facelib.reconstruct(turned, BOX, run).colours, straight.colours, equal_nan=True)
    assert (np.array(turned) == before).all()


def test_the_face_is_looked_for_without_a_box(run: str, pixels: np.ndarray) -> None:
    face = facelib.reconstruct(pixels, model=run)

    assert face.box.corners == pytest.approx(BOX, abs=6)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((1, 1, 3), np.uint8), "the photograph has 1 x 1 pixels: expected at least 16 a side"),
        (np.zeros((5, 5, 3)), "the photograph has 5 x 5 pixels: expected at least 16 a side"),
        (np.zeros((0, 40, 3)), r"the image has shape \(0, 40, 3\): expected \(height, width, 3\), RGB, no size zero"),
        (np.zeros((40, 40)), r"the image has shape \(40, 40\): expected"),
        (np.zeros((3, 40, 40)), r"the image has shape \(3, 40, 40\): expected"),
        (np.zeros((40, 40, 4)), r"the image has shape \(40, 40, 4\): expected"),
        (np.full((40, 40, 3), np.nan), "the image has values from nan to nan: expected"),
        (np.full((40, 40, 3), 200.0), r"the image has values from 200 to 200: expected \[0, 1\], or uint8"),
        (np.zeros((40, 40, 3), np.int64), "the image holds int64: expected .* uint8 or floating-point"),
        (np.zeros((40, 40, 3), bool), "the image holds bool"),
        (np.broadcast_to(np.uint8(0), (4001, 4000, 3)), "the image has 4000 x 4001 pixels, above 16 million"),
        (Image.new("F", (40, 40)), "the image holds floating-point values of unknown range"),
        (
            torch.zeros(40, 40, 3),
            r"the image is of type torch\.Tensor: expected a path, an image of Pillow, or",
        ),
        (None, "the image is of type NoneType"),
        ("nowhere.png", "there is no file nowhere.png"),
    ],
)
def test_what_is_no_image(run: str, image: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        facelib.reconstruct(image, (0, 0, 30, 30), run)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((1, 2, 3), r"the box is \(1, 2, 3\): expected left, top, right and bottom in pixels"),
        ("face", "the box is 'face': expected"),
        (7, "the box is 7: expected"),
        ((10, 10, float("nan"), 30), "is not finite"),
        ((30, 10, 10, 30), "is empty"),
        ((10, 10, 20, 20), "has a side below 16 pixels"),
        ((900, 10, 960, 60), "outside the photograph of 512 x 512"),
    ],
)
def test_what_is_no_box(run: str, pixels: np.ndarray, box: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        facelib.reconstruct(pixels, box, run)


def test_an_image_without_a_face_asks_for_a_box(run: str) -> None:
    with pytest.raises(BadInput, match=r"no face was found: .* or box=\(left, top, right, bottom\)"):
        facelib.reconstruct(np.full((80, 90, 3), 0.5), model=run)


def test_a_box_without_a_face_is_told(pixels: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    person = as_photograph(pixels)
    check_face(person, FaceBox(*BOX))
    check_face(Photograph(torch.nn.functional.avg_pool2d(person.pixels, 2), reduction=2.0), FaceBox(*BOX))
    assert caplog.text == ""

    check_face(person, FaceBox(20, 300, 120, 400))
    assert "in the box 20,300,120,400 a face has the probability 0." in caplog.text
    assert "of 0.55 that is expected" in caplog.text


def test_without_a_shipped_model_its_command_is_told(
    pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises(MissingPart, match="no trained network of sadrnet comes with this version: make one with"):
        facelib.reconstruct(pixels, BOX)


def test_the_package_knows_the_name() -> None:
    assert "reconstruct" in dir(facelib)
    with pytest.raises(AttributeError, match="module 'facelib' has no attribute 'reconstrukt'"):
        facelib.reconstrukt  # noqa: B018
