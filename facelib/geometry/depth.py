"""Depth images and position images of the camera frame.

A depth image holds z, the distance along the camera's axis; a position image holds x, y and z. Both belong to the
pixel centres, (j + 0.5, i + 0.5) on the screen. Where a sensor saw nothing depth is 0 and a position is NaN: a hole.

The camera frame has x right, y down, z forward; the face frame x to the subject's left, y up, z out of the face.
A camera in front of a face looks at it along -z, so the same scene in the axes of the face frame is (x, -y, -z).
"""

from __future__ import annotations

import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, check_floating, check_shape
from facelib.geometry.camera import PerspectiveCamera


def depth_to_positions(depth: torch.Tensor, camera: PerspectiveCamera) -> torch.Tensor:
    """Where in the camera frame each pixel's point lies: X = (u - c_u) z / f_x, Y = (v - c_v) z / f_y.

    Differentiable to the depth (zero at holes) and to the camera's values.

    Args:
        depth: (B, H, W) mm; what is not a positive finite number is a hole.
        camera: of these images.

    Returns:
        (B, 3, H, W) x, y and z in the camera frame, mm, NaN in holes.

    Raises:
        BadInput: on another shape or dtype, or camera values of another batch size.
    """
    check_shape("depth", depth, (None, None, None))
    check_floating(depth=depth)
    seen = (depth > 0) & depth.isfinite()
    # Holes are 0 while gradients pass through the products, NaN only afterwards.
    screen = pixel_centres(depth.where(seen, 0))
    positions = camera.unproject(screen).mT.unflatten(2, depth.shape[1:])  # (B, 3, H, W)
    return positions.where(seen[:, None], torch.nan)


def positions_to_depth(positions: torch.Tensor) -> torch.Tensor:
    """The depth image of a position image in the camera frame.

    Args:
        positions: (B, 3, H, W) mm; a pixel with a non-finite coordinate, or not in front of the camera, is a hole.

    Returns:
        (B, H, W) mm, 0 in holes.

    Raises:
        BadInput: on another shape.
    """
    check_shape("positions", positions, (None, 3, None, None))
    seen = positions.isfinite().all(dim=1) & (positions[:, 2] > 0)
    return positions[:, 2].where(seen, 0)


def camera_to_face_axes(positions: torch.Tensor) -> torch.Tensor:
    """A position image of the camera frame in the axes of the face frame, (x, -y, -z); the same leads back.

    Args:
        positions: (B, 3, H, W), mm; holes stay holes.

    Raises:
        BadInput: on another shape.
    """
    check_shape("positions", positions, (None, 3, None, None))
    signs = torch.tensor(FACE_TO_CAMERA, dtype=positions.dtype, device=positions.device).diagonal()
    return positions * signs[:, None, None]


def crop_depth(
    depth: torch.Tensor, camera: PerspectiveCamera, top: int, left: int, height: int, width: int
) -> tuple[torch.Tensor, PerspectiveCamera]:
    """A rectangle of depth images, and the camera that sees it.

    Args:
        depth: (B, H, W) mm.
        camera: of these images.
        top: first row, and left: first column.
        height: of the rectangle, and width, in pixels; all of it inside the image.

    Returns:
        (B, height, width), a view; and its camera.

    Raises:
        BadInput: on another shape, or a rectangle that is empty or reaches outside.
    """
    check_shape("depth", depth, (None, None, None))
    rows, columns = depth.shape[1:]
    inside = 0 <= top < top + height <= rows and 0 <= left < left + width <= columns
    if not inside:
        raise BadInput(
            f"rows {top} to {top + height}, columns {left} to {left + width}: expected a rectangle within "
            f"{rows} x {columns} pixels"
        )
    return depth[:, top : top + height, left : left + width], camera.crop(top, left)


def pixel_centres(depth: torch.Tensor) -> torch.Tensor:
    """The screen points (B, H W, 3), row by row, of all pixel centres at these depths (B, H, W)."""
    height, width = depth.shape[1:]
    v, u = torch.meshgrid(
        torch.arange(height, dtype=depth.dtype, device=depth.device) + 0.5,
        torch.arange(width, dtype=depth.dtype, device=depth.device) + 0.5,
        indexing="ij",
    )
    return torch.stack((u.expand_as(depth), v.expand_as(depth), depth), dim=-1).flatten(1, 2)
