"""Where the face of a photograph is, as the box around its landmarks, of which training's crops are made."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import torch

from facelib.data.blazeface import ACCEPTED, SIZE, face_probability, find_faces
from facelib.data.photographs import FaceBox, Photograph, check_side
from facelib.data.resampling import resampled_square
from facelib.errors import BadInput

FRAMES = (1.0, 2.0)  # sides of what is looked at over the photograph's longer side, until a face is found
AROUND = (2.4, 3.6)  # sides of what is looked at over a given box's longer side

# Where the landmarks' box lies in BlazeFace's, measured in the latter's sides on 240 rendered faces of up to 90 degrees
# of yaw, a sixth to two thirds of their images wide. Of these 98 % are found; the middle is then off by 0.05 of
# its side on average, and its log side by 0.08. dlib's frontal detector finds 46 % of them, off by 0.15 and 0.09.
LANDMARKS_SIDE = 0.90  # the larger side of the landmarks' box
FALL = 0.087  # of its middle below that of the box found
ACROSS = 0.73  # share of the way from the box's middle to that of the points found: a turned head is behind its face

_log = logging.getLogger(__name__)


def find_face(photograph: Photograph) -> FaceBox:
    """The square around the landmarks of the largest face that is found.

    Faces are found from about a fifteenth of the photograph's longer side on.

    Raises:
        BadInput: when there is none, or for a photograph of fewer than 16 pixels a side.
    """
    boxes = face_boxes(photograph)
    if not boxes:
        raise BadInput(
            "no face was found: give its box, from brows to chin, in pixels of the photograph "
            "(--box left,top,right,bottom or box=(left, top, right, bottom))"
        )
    if len(boxes) > 1:
        _log.warning("%d faces were found: the largest is taken; give a --box for another", len(boxes))
    return boxes[0]


def face_boxes(photograph: Photograph) -> list[FaceBox]:
    """As `find_face`, of all faces that are found, the largest first."""
    check_side(photograph)
    image = photograph.pixels.clamp(0, 1)
    faces = next(filter(len, (find_faces(image, frame) for frame in FRAMES)), None)
    if faces is None:
        return []
    faces = faces * photograph.reduction  # in pixels of the file
    order = (faces[:, 1] - faces[:, 0]).prod(dim=1).argsort(descending=True, stable=True)
    return [_landmarks_box(face) for face in faces[order]]


def _landmarks_box(face: torch.Tensor) -> FaceBox:
    """Around the landmarks of a face (8, 2) of `find_faces`."""
    low, high, points = face[0], face[1], face[2:]
    side = float((high - low).max())
    column, row = ((low + high) / 2).tolist()
    reached = float((points[:, 0].amin() + points[:, 0].amax()) / 2)
    column, row, half = column + ACROSS * (reached - column), row + FALL * side, LANDMARKS_SIDE * side / 2
    return FaceBox(column - half, row - half, column + half, row + half)


def check_face(photograph: Photograph, box: FaceBox) -> None:
    """Warn, with the probability that decides, where the detector sees no face in the middle of a box."""
    probability = max(face_probability(square) for square, *_ in _squares(photograph, box))
    if probability <= ACCEPTED:
        _log.warning(
            "in the box %s a face has the probability %.2f, of %g that is expected: look whether it is one",
            box, probability, ACCEPTED,
        )  # fmt: skip


def find_points(photograph: Photograph, box: FaceBox) -> torch.Tensor | None:
    """Eyes (the one on the image's left first), tip of the nose and mouth, (4, 2) pixels of the file, of the face that
    is found in the middle of a box; None where none is found."""
    reach = max(box.right - box.left, box.bottom - box.top) / 2
    for square, left, top, scale in _squares(photograph, box):
        faces = find_faces(square)
        off = scale * (faces[:, :2].mean(dim=1) - SIZE / 2).norm(dim=1)
        if len(faces) and off.min() < reach:
            return scale * faces[off.argmin(), 2:6] + torch.tensor([left, top])
    return None


def _squares(photograph: Photograph, box: FaceBox) -> Iterator[tuple[torch.Tensor, float, float, float]]:
    """What is looked at around a box: (3, 192, 192), its left and top in the file, and pixels of the file in one."""
    column, row = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    for around in AROUND:
        side = around * max(box.right - box.left, box.bottom - box.top)
        left, top = column - side / 2, row - side / 2
        place = left / photograph.reduction, top / photograph.reduction, side / photograph.reduction
        yield resampled_square(photograph.pixels, *place, SIZE).clamp(0, 1), left, top, side / SIZE
