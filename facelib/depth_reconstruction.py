"""`facelib.reconstruct_depth`: one frame of a depth sensor in, a head in its place out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facelib.data.depth_files import as_depth, read_depth
from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera
from facelib.papers.depth_adaptation.methods import POSE, SHAPE
from facelib.papers.depth_adaptation.reconstruction import DepthFace, reconstruct_with
from facelib.papers.depth_adaptation.trained import load_trained


def reconstruct_depth(
    frame: str | Path | np.ndarray,
    intrinsics: Sequence[float],
    nose: tuple[float, float] | None = None,
    model: str | None = None,
    pose_model: str | None = None,
    *,
    tier: str | None = None,
) -> DepthFace:
    """The head in one frame of a structured-light depth sensor: its shape, and where it is.

    Args:
        frame: a file (.png of 16 bits in mm, .npy, or .bin of the Biwi data set), or an array (H, W) in mm, 0 or NaN
            where nothing was seen.
        intrinsics: f_x, f_y, c_x and c_y in pixels of this frame.
        nose: column and row of a pixel that shows the nose; without it the head is looked for.
        model, pose_model: of the shape and of the pose: a shipped model's name, a run's folder, or a method of paper 4;
            by default the shipped models "dashapenet" and "dapose".
        tier: of the methods' runs, as of `facelib reconstruct`.

    Returns:
        The head: vertices (V, 3) in mm in the camera frame, triangles (T, 3), landmarks (68, 2) in pixels of the frame,
        angles in degrees, shape (V, 3) in mm in the face frame, and to_trimesh().

    Raises:
        BadInput: for what is no depth in mm, a frame that is smaller than a head with some room around it, intrinsics
            that no depth sensor has, or a nose in a hole.
        DegenerateInput: the frame is all holes, no face is found in it, or it is cut by the border.
        CorruptFile: a damaged file.
        MissingPart: no model ships, or the run does not exist; the message says which command makes it.

    Example:
        facelib.reconstruct_depth("frame.png", (575.8, 575.8, 320, 240)).to_trimesh().export("head.glb")
    """
    camera = as_camera(intrinsics)
    shape, pose = load_trained(SHAPE, model, tier), load_trained(POSE, pose_model, tier)
    depth = as_depth(frame) if isinstance(frame, np.ndarray) else read_depth(Path(frame))
    return reconstruct_with(shape, pose, depth, camera, nose)


def as_camera(intrinsics: Sequence[float]) -> PerspectiveCamera:
    """The camera of f_x, f_y, c_x and c_y in pixels.

    Raises:
        BadInput: for another number of numbers, or some that are not finite or no focal length.
    """
    try:
        focal_u, focal_v, center_u, center_v = map(float, intrinsics)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the intrinsics are {intrinsics!r}: expected fx, fy, cx and cy in pixels") from error
    if not np.isfinite([focal_u, focal_v, center_u, center_v]).all():
        raise BadInput(f"the intrinsics are {intrinsics!r}: expected finite numbers of pixels")
    return PerspectiveCamera(focal_u, center_u, center_v, focal_v)
