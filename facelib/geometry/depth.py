"""Depth images and position images of the camera frame.

A depth image holds z, the distance along the camera's axis; a position image holds x, y and z. Both belong to the
pixel centres, (j + 0.5, i + 0.5) on the screen. Where a sensor saw nothing depth is 0 and a position is NaN: a hole.

The camera frame has x right, y down, z forward; the face frame x to the subject's left, y up, z out of the face.
A camera in front of a face looks at it along -z, so the same scene in the axes of the face frame is (x, -y, -z).

Values of a depth image are measurements: where one is rescaled they are taken over, never blended, since between two
surfaces there is none.
"""

from __future__ import annotations

import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, DegenerateInput, check_finite, check_floating, check_shape
from facelib.geometry.camera import PerspectiveCamera

METRES_BELOW, TENTHS_ABOVE = 20.0, 4500.0  # where a twentieth of a picture of a person is nearer, in mm: see below


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


def camera_about(camera: PerspectiveCamera, middle: torch.Tensor, reach: float, size: int) -> PerspectiveCamera:
    """The camera of square crops around points: `reach` mm at the point's depth fill `size` pixels.

    Args:
        camera: of the whole images.
        middle: (B, 3) mm, camera frame, what lies in the middle of each crop.
        reach: side of a crop, mm.
        size: side of a crop, pixels.

    Raises:
        BadInput: on another shape, a reach or size that is not positive, or a point that is not before the camera.
    """
    check_shape("middle", middle, (None, 3))
    check_finite("middle", middle)
    if not 0 < reach < torch.inf or size < 1:
        raise BadInput(f"a crop of {reach} mm in {size} pixels: expected positive numbers")
    if not (middle[:, 2] > 0).all():
        raise BadInput(f"the middle of a crop lies at z = {float(middle[:, 2].min()):.4g} mm: expected it in front")
    u, v, _ = camera.project(middle[:, None])[:, 0].unbind(1)
    side_u = camera.focal * reach / middle[:, 2]
    side_v = (camera.focal if camera.focal_v is None else camera.focal_v) * reach / middle[:, 2]
    return camera.crop(v - side_v / 2, u - side_u / 2).rescale(size / side_v, size / side_u)


def crop_about(
    depth: torch.Tensor, camera: PerspectiveCamera, middle: torch.Tensor, reach: float, size: int
) -> tuple[torch.Tensor, PerspectiveCamera]:
    """Square crops of depth images around points, rescaled; and the camera that sees them.

    Each pixel takes the value of the pixel that its centre falls on, so a point moves aside by half a pixel of the
    whole image at most. What lies beyond the image's border is a hole.

    Args:
        depth: (B, H, W) mm.
        camera, middle, reach, size: as `camera_about`.

    Returns:
        (B, size, size), and its camera.

    Raises:
        BadInput: as `camera_about`, or where a crop is larger than the image.
        DegenerateInput: where the middle of a crop lies outside the image.
    """
    check_shape("depth", depth, (None, None, None))
    check_shape("middle", middle, (len(depth), 3))
    cropped = camera_about(camera, middle, reach, size)
    height, width = depth.shape[1:]
    place = torch.arange(size, dtype=middle.dtype, device=middle.device) + 0.5
    # A pixel of the crop and one of the whole image show the same ray.
    screen = torch.stack((place, place, torch.ones_like(place)), dim=1).expand(len(depth), -1, -1)
    u, v, _ = camera.project(cropped.unproject(screen)).unbind(2)
    side = torch.maximum(u[:, -1] - u[:, 0], v[:, -1] - v[:, 0]).amax() * size / max(size - 1, 1)
    if side > min(height, width):
        raise BadInput(
            f"a crop of {reach:g} mm covers {float(side):.0f} pixels, the image has {height} x {width}: pass a larger "
            "image, or check the intrinsics and the unit of depth (mm)"
        )
    column, row = u.floor().long(), v.floor().long()
    in_u, in_v = (column >= 0) & (column < width), (row >= 0) & (row < height)
    if not (in_u[:, size // 2] & in_v[:, size // 2]).all():
        raise DegenerateInput(
            f"the middle of a crop lies outside the {height} x {width} image: the face is cut by its border"
        )
    image = torch.arange(len(depth), device=depth.device)[:, None, None]
    taken = depth[image, row.clamp(0, height - 1)[:, :, None], column.clamp(0, width - 1)[:, None]]
    return taken.where(in_v[:, :, None] & in_u[:, None], 0), cropped


def check_millimetres(depth: torch.Tensor) -> None:
    """Raise unless depth images may be those of people before a sensor, in mm.

    A twentieth of such a picture is nearer than 4.5 m and none of it nearer than some centimetres, so that another unit
    shows.

    Args:
        depth: (B, H, W); what is not a positive finite number is a hole.

    Raises:
        BadInput: on another shape, or depth that is rather in metres or in tenths of a millimetre.
        DegenerateInput: on an image that is all holes.
    """
    check_shape("depth", depth, (None, None, None))
    for number, image in enumerate(depth):
        seen = image[(image > 0) & image.isfinite()]
        if len(seen) == 0:
            raise DegenerateInput(f"depth image {number} is all holes: the sensor saw nothing, take another frame")
        near = float(seen.float().kthvalue(1 + len(seen) // 20).values)
        if near < METRES_BELOW:
            raise BadInput(
                f"depth image {number} begins at {near:.4g}: expected millimetres, this may be metres; multiply by 1000"
            )
        if near > TENTHS_ABOVE:
            raise BadInput(
                f"depth image {number} begins at {near:.4g}: expected millimetres, this may be tenths of them, or "
                "nobody stands before the sensor; divide by 10"
            )


def pixel_centres(depth: torch.Tensor) -> torch.Tensor:
    """The screen points (B, H W, 3), row by row, of all pixel centres at these depths (B, H, W)."""
    height, width = depth.shape[1:]
    v, u = torch.meshgrid(
        torch.arange(height, dtype=depth.dtype, device=depth.device) + 0.5,
        torch.arange(width, dtype=depth.dtype, device=depth.device) + 0.5,
        indexing="ij",
    )
    return torch.stack((u.expand_as(depth), v.expand_as(depth), depth), dim=-1).flatten(1, 2)
