"""Depth frames of licensed data sets as the embedded ones are stored: square crops, their intrinsics and the pose."""

from __future__ import annotations

import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.depth_faces import stored_depth
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Sample
from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.depth import crop_about
from facelib.geometry.depth_view import HEAD_VIEW, DepthView
from facelib.geometry.rotations import matrix_to_euler

FOREGROUND, HALF_HEAD, TOP = 300.0, 120.0, 5.0  # mm behind the nearest and below the top; pixels of a row that count
LEAST_SEEN = 1000  # pixels with a depth


def depth_sample(
    folder: DataFolder,
    name: str,
    depth: np.ndarray,
    camera: PerspectiveCamera,
    turn: np.ndarray,
    place: np.ndarray,
    size: int,
    *,
    view: DepthView = HEAD_VIEW,
    middle: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> Sample:
    """The arrays of a depth set (`facelib.data.depth_faces`) but identity and sequence, without shape and action.

    Args:
        folder, name: the frame's, for messages.
        depth: (H, W) mm, 0 in holes.
        camera: of the whole frame.
        turn: (3, 3) rotation of the head in the axes of the camera (x right, y down, z forward), of which the identity
            looks into the camera.
        place: (3,) mm, camera frame, where the head is; NaN in both where nobody measured them.
        size: of the crop, pixels.
        view: what of the head the crop shows.
        middle: (3,) mm, camera frame, of the head, where it is not the place.
        mask: (H, W) bool, the head's pixels, where they are known.

    Returns:
        depth (S, S) uint16, focal and center (2,), pose (3,) radians, translation (3,), shape (0,), action (0,), and
        mask (S, S) int8: 1 of the head, 0 of something else, -1 unknown.

    Raises:
        CorruptFile: the head is not on the frame.
    """
    about = view.middle(torch.from_numpy(place if middle is None else middle).double()[None])
    frame = torch.from_numpy(depth.astype(np.float32))[None]
    try:
        crop, cropped = crop_about(frame, camera, about, view.reach, size)
        inside = (
            None
            if mask is None
            else crop_about(torch.from_numpy(mask.astype(np.float32))[None], camera, about, view.reach, size)[0]
        )
    except BadInput as error:
        raise folder.misfit(
            name, f"does not show the head that is listed ({error})", "the frame of this pose"
        ) from error
    flip = np.array(FACE_TO_CAMERA)  # turns the face frame's axes into the camera's
    angles = matrix_to_euler(torch.from_numpy(flip.T @ turn @ flip))
    focal_v = cropped.focal if cropped.focal_v is None else cropped.focal_v
    return {
        "depth": stored_depth(crop)[0],
        "focal": _floats(cropped.focal, focal_v),
        "center": _floats(cropped.center_u, cropped.center_v),
        "pose": _floats(*angles),
        "translation": place.astype(np.float32),
        "shape": np.empty(0, np.float32),
        "action": np.empty(0, np.float32),
        "mask": np.full(crop.shape[1:], -1, np.int8) if inside is None else (inside[0] > 0.5).numpy().astype(np.int8),
    }


def head_middle(folder: DataFolder, name: str, depth: np.ndarray, camera: PerspectiveCamera) -> np.ndarray:
    """The middle (3,) of the head in mm, camera frame: below the top of what stands before the room.

    Args:
        folder, name: the frame's, for messages.
        depth: (H, W) mm, 0 in holes.
        camera: of the frame.

    Raises:
        CorruptFile: nobody is before the sensor.
    """
    seen = depth[depth > 0]
    if len(seen) < LEAST_SEEN:
        raise folder.misfit(name, f"has {len(seen)} pixels with a depth", "a person before the sensor")
    nearest = np.percentile(seen, 1)
    front = (depth > 0) & (depth < nearest + FOREGROUND)
    top = int((front.sum(axis=1) >= TOP).argmax())
    pixels = int(HALF_HEAD * float(camera.focal) / nearest)
    rows, columns = front[top : top + 2 * pixels].nonzero()
    if not len(rows):
        raise folder.misfit(
            name, f"shows nothing within {FOREGROUND:g} mm of {nearest:g} mm", "a person before the sensor"
        )
    row, column = min(top + pixels, len(depth) - 1) + 0.5, float(np.median(columns)) + 0.5
    around = depth[top : top + 2 * pixels][front[top : top + 2 * pixels]]
    screen = torch.tensor([[[column, row, float(np.median(around))]]], dtype=torch.float64)
    return camera.unproject(screen)[0, 0].numpy()


def _floats(*values: float | torch.Tensor) -> np.ndarray:
    return np.array([float(value) for value in values], np.float32)
