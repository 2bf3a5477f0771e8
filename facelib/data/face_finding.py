"""Where the face of a photograph is: dlib's frontal detector where dlib is installed, else MTCNN."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from facelib.data.mtcnn import face_boxes
from facelib.data.photographs import FaceBox, Photograph, check_side
from facelib.errors import BadInput

SEARCHED = 1280  # pixels of the longer side in which a face is looked for

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Detector:
    """What finds faces, and how the box of the 68 landmarks lies in its boxes.

    Args:
        name: for people.
        find: boxes (N, 4) of left, top, right and bottom in pixels, of the faces in an image (3, H, W) in [0, 1].
        side: larger side of the landmarks' box over that of a box found.
        fall: of the landmarks' box's centre below that of a box found, in larger sides of the latter.
    """

    name: str
    find: Callable[[torch.Tensor], torch.Tensor]
    side: float
    fall: float


def _by_dlib(image: torch.Tensor) -> torch.Tensor:
    import dlib

    pixels = (image * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    detector = dlib.get_frontal_face_detector()
    found: Any = detector(pixels, 0) or detector(pixels, 1)  # doubled, it finds faces of 40 pixels
    corners = [(face.left(), face.top(), face.right() + 1, face.bottom() + 1) for face in found]
    return torch.tensor(corners, dtype=torch.float32).reshape(-1, 4)


# Measured on 400 embedded faces of up to 40 degrees of yaw (0.94 +- 0.09 and 0.12 +- 0.05; 0.97 and 0.11 below 15
# degrees); dlib's own landmarks say 0.96 and 0.11.
DLIB = Detector("dlib", _by_dlib, side=0.95, fall=0.11)
# Measured on 300 embedded faces of up to 40 degrees of yaw: 0.77 +- 0.06 and 0.14 +- 0.02.
MTCNN = Detector("MTCNN", face_boxes, side=0.77, fall=0.14)


def chosen_detector() -> Detector:
    """dlib where it can be imported, else MTCNN."""
    try:
        import dlib  # noqa: F401
    except ImportError:
        return MTCNN
    return DLIB


def find_face(photograph: Photograph) -> FaceBox:
    """The box around the landmarks of the largest face that is found.

    Raises:
        BadInput: when there is none, or for a photograph of fewer than 16 pixels a side.
    """
    check_side(photograph)
    shrink = min(1.0, SEARCHED / max(photograph.pixels.shape[1:]))
    image = photograph.pixels
    if shrink < 1:
        size = [max(1, round(shrink * count)) for count in image.shape[1:]]
        image = functional.interpolate(image[None], size, mode="bilinear", antialias=True)[0]
    detector = chosen_detector()
    boxes = detector.find(image.clamp(0, 1))
    if not len(boxes):
        extra = "" if detector is DLIB else ", or look with dlib: pip install 'facelib-companion[photographs]'"
        raise BadInput(
            f"{detector.name} found no face: give its --box left,top,right,bottom, from brows to chin, in pixels{extra}"
        )
    if len(boxes) > 1:
        _log.warning("%d faces were found: the largest is taken; give a --box for another", len(boxes))
    boxes = boxes * (photograph.width / image.shape[2])  # in pixels of the file
    sizes = boxes[:, 2:] - boxes[:, :2]
    largest = sizes.prod(dim=1).argmax()
    side = float(sizes[largest].max())
    column, row = ((boxes[largest, :2] + boxes[largest, 2:]) / 2).tolist()
    row, half = row + detector.fall * side, detector.side * side / 2
    return FaceBox(column - half, row - half, column + half, row + half)
