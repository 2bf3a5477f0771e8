"""Photographs of licensed data sets as networks see faces: a square around the face, and what lies in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Sample
from facelib.data.photographs import FaceBox, Photograph, square_crop
from facelib.errors import BadInput, CorruptFile

UNKNOWN = -1  # number of an expression or a cloud that a data set does not give
FIVE_BOX = (-1.78, -1.37, 1.78, 1.91)  # left, top, right, bottom; measured on 200 frontal faces of the embedded model
# How far the box moves aside as the tip of the nose lies beside eyes and mouth; measured on 200 faces of the embedded
# model turned as on web photographs: it is then 5 % of its side off the truth instead of 17.
ASIDE = -1.69


def cropped(
    folder: DataFolder,
    name: str,
    photograph: Photograph,
    box: FaceBox,
    size: int,
    *,
    places: Mapping[str, np.ndarray] | None = None,
    enlarge: float = CROP,
    scale: float | None = None,
) -> Sample:
    """A square of a photograph as `square_crop` cuts it, with the places in it.

    Args:
        folder, name: the photograph's, for messages.
        photograph: in pixels of its file.
        box: of the face, from brows to chin.
        size: of the crop in pixels.
        places: name -> (..., 2 or 3) points of the photograph: column, row and perhaps depth in pixels.
        enlarge: side of the crop over the larger side of the box.
        scale: pixels of the photograph a mm, where it is known.

    Returns:
        images (3, S, S) uint8, the places and the scale in pixels of the crop, float32.

    Raises:
        CorruptFile: the box is none of this photograph.
    """
    try:
        crop = square_crop(photograph, box, size, enlarge)
    except BadInput as error:
        raise CorruptFile(
            f"{folder.file(name)} and what is listed of it do not fit ({error}); copy both again"
        ) from error
    sample = {"images": (crop.image * 255).round().to(torch.uint8).numpy()}
    for place, points in (places or {}).items():
        sample[place] = crop.from_photograph(torch.from_numpy(points).float()).numpy()
    if scale is not None:
        sample["scale"] = np.float32(scale / crop.scale)  # type: ignore[assignment]
    return sample


def known(
    *, yaw: float = np.nan, pose: np.ndarray | None = None, angle: float = np.nan, expression: int = UNKNOWN
) -> Sample:
    """The arrays that every archive has besides images and identity; NaN and -1 where the data set does not say.

    Args:
        yaw: radians, where no more of the pose is known.
        pose: (3,) yaw, pitch and roll, radians.
        angle: from frontal, radians.
        expression: its number.
    """
    return {
        "expression": np.array(expression, np.int16),
        "angle": np.array(angle, np.float32),
        "pose": np.array((yaw, np.nan, np.nan) if pose is None else pose, np.float32),
        "cloud": np.array(UNKNOWN, np.int32),
    }


def box_around(points: np.ndarray) -> FaceBox:
    """The box around points (N, 2)."""
    return FaceBox(*map(float, (*points.min(axis=0), *points.max(axis=0))))


def box_around_five(points: np.ndarray) -> FaceBox:
    """The box of a face, from brows to chin, guessed from five points (5, 2): eyes, tip of the nose, mouth corners.

    It lies around their middle as that of the 68 landmarks does in frontal faces, in units of their mean distance from
    it.

    Raises:
        BadInput: for points that all lie in one place.
    """
    middle = points.mean(axis=0)
    unit = np.sqrt(np.square(points - middle).sum(axis=1).mean())
    return FaceBox(*(float(middle[i % 2] + unit * side) for i, side in enumerate(FIVE_BOX)))


def box_around_turned_five(points: np.ndarray) -> FaceBox:
    """As `box_around_five`, but of faces that may be turned: away from where the nose points, the contour is farther.

    Raises:
        BadInput: for points that all lie in one place.
    """
    box = box_around_five(points)
    eyes, nose, mouth = points[:2].mean(axis=0), points[2], points[3:].mean(axis=0)
    aside = ASIDE * float(nose[0] - (eyes[0] + mouth[0]) / 2)
    return FaceBox(box.left + aside, box.top, box.right + aside, box.bottom)
