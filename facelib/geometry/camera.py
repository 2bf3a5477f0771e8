"""Cameras: from millimetres in the camera frame to pixels on the screen.

The camera frame has x right, y down and z forward; on the screen u runs right and v down, and the centre of the
pixel in row i and column j lies at (j + 0.5, i + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, check_alike, check_floating, check_shape

NEAR = 1e-3  # mm; under perspective nothing at this depth or closer is drawn


@dataclass(frozen=True)
class PerspectiveCamera:
    """A pinhole camera; every value is one number, or a tensor (B,) with one for each image.

    Args:
        focal: focal length in pixels, along u, f_x.
        center_u: column of the principal point in pixels.
        center_v: row of the principal point in pixels.
        focal_v: focal length along v, f_y, where it is another one: pixels that are not square.

    Raises:
        BadInput: for a focal length that is not positive.
    """

    focal: float | torch.Tensor
    center_u: float | torch.Tensor
    center_v: float | torch.Tensor
    focal_v: float | torch.Tensor | None = None

    perspective = True  # as `rasterize` wants to know it

    def __post_init__(self) -> None:
        _check_positive("focal", self.focal)
        if self.focal_v is not None:
            _check_positive("focal_v", self.focal_v)

    def project(self, points: torch.Tensor) -> torch.Tensor:
        """The screen points u = f x / z + c_u, v = f y / z + c_v, and their depth z.

        A point in the camera's plane (z = 0) has no finite image; the rasterizer drops its triangles.

        Args:
            points: (B, V, 3) in the camera frame, mm.

        Returns:
            (B, V, 3): u and v in pixels, depth in mm.

        Raises:
            BadInput: on another shape, or on camera values of another batch size.
        """
        check_shape("points", points, (None, None, 3))
        check_floating(points=points)
        x, y, z = points.unbind(-1)
        focal_u, focal_v, center_u, center_v = self._values(points)
        return torch.stack((focal_u * x / z + center_u, focal_v * y / z + center_v, z), dim=-1)

    def unproject(self, screen: torch.Tensor) -> torch.Tensor:
        """The points that fall on these screen points: X = (u - c_u) z / f_x, Y = (v - c_v) z / f_y.

        Args:
            screen: (B, V, 3) u and v in pixels, depth in mm.

        Returns:
            (B, V, 3) in the camera frame, mm.

        Raises:
            BadInput: on another shape, or on camera values of another batch size.
        """
        check_shape("screen", screen, (None, None, 3))
        check_floating(screen=screen)
        u, v, z = screen.unbind(-1)
        focal_u, focal_v, center_u, center_v = self._values(screen)
        return torch.stack(((u - center_u) * z / focal_u, (v - center_v) * z / focal_v, z), dim=-1)

    def crop(self, top: float | torch.Tensor, left: float | torch.Tensor) -> PerspectiveCamera:
        """The camera of an image from which this many rows above and columns to the left were cut off.

        Negative numbers mean rows and columns that were added; tensors (B,) another rectangle of each image.
        """
        return replace(self, center_u=self.center_u - left, center_v=self.center_v - top)

    def rescale(self, factor_v: float | torch.Tensor, factor_u: float | torch.Tensor) -> PerspectiveCamera:
        """The camera of an image whose height and width were multiplied by these factors, (B,) where they differ.

        Raises:
            BadInput: for a factor that is not positive.
        """
        _check_positive("factor_v", factor_v)
        _check_positive("factor_u", factor_u)
        return replace(
            self,
            focal=self.focal * factor_u,
            center_u=self.center_u * factor_u,
            center_v=self.center_v * factor_v,
            focal_v=(self.focal if self.focal_v is None else self.focal_v) * factor_v,
        )

    def _values(self, points: torch.Tensor) -> tuple[float | torch.Tensor, ...]:
        """Focal lengths along u and v and the principal point's column and row, ready to be combined with (B, V)."""
        focal_v = self.focal if self.focal_v is None else self.focal_v
        named = (("focal", self.focal), ("focal_v", focal_v), ("center_u", self.center_u), ("center_v", self.center_v))
        return tuple(_per_image(name, value, points) for name, value in named)


@dataclass(frozen=True)
class WeakPerspectiveCamera:
    """A scaled orthographic camera; every value is one number, or a tensor (B,) with one for each image.

    Args:
        scale: pixels per mm.
        center_u: column onto which x = 0 falls, in pixels.
        center_v: row onto which y = 0 falls, in pixels.

    Raises:
        BadInput: for a scale that is not positive.
    """

    scale: float | torch.Tensor
    center_u: float | torch.Tensor
    center_v: float | torch.Tensor

    perspective = False

    def __post_init__(self) -> None:
        _check_positive("scale", self.scale)

    def project(self, points: torch.Tensor) -> torch.Tensor:
        """The screen points u = s x + c_u, v = s y + c_v, and their depth z.

        Args:
            points: (B, V, 3) in the camera frame, mm.

        Returns:
            (B, V, 3): u and v in pixels, depth in mm.

        Raises:
            BadInput: on another shape, or on camera values of another batch size.
        """
        check_shape("points", points, (None, None, 3))
        check_floating(points=points)
        x, y, z = points.unbind(-1)
        scale = _per_image("scale", self.scale, points)
        u = scale * x + _per_image("center_u", self.center_u, points)
        v = scale * y + _per_image("center_v", self.center_v, points)
        return torch.stack((u, v, z), dim=-1)

    def unproject(self, screen: torch.Tensor) -> torch.Tensor:
        """The points that fall on these screen points: x = (u - c_u) / s, y = (v - c_v) / s.

        Args:
            screen: (B, V, 3) u and v in pixels, depth in mm.

        Returns:
            (B, V, 3) in the camera frame, mm.

        Raises:
            BadInput: on another shape, or on camera values of another batch size.
        """
        check_shape("screen", screen, (None, None, 3))
        check_floating(screen=screen)
        u, v, z = screen.unbind(-1)
        scale = _per_image("scale", self.scale, screen)
        x = (u - _per_image("center_u", self.center_u, screen)) / scale
        y = (v - _per_image("center_v", self.center_v, screen)) / scale
        return torch.stack((x, y, z), dim=-1)


def face_to_camera(points: torch.Tensor, rotation: torch.Tensor, translation: torch.Tensor) -> torch.Tensor:
    """Points of the face frame seen in the camera frame: FACE_TO_CAMERA R_head x + t.

    Args:
        points: (B or 1, V, 3) in the face frame, mm.
        rotation: R_head, (B or 1, 3, 3).
        translation: of the face frame's origin, in the camera frame, (B or 1, 3), mm.

    Returns:
        (B, V, 3), mm.

    Raises:
        BadInput: on another shape or batch sizes that do not fit together.
    """
    check_shape("points", points, (None, None, 3))
    check_shape("rotation", rotation, (None, 3, 3))
    check_shape("translation", translation, (None, 3))
    check_alike(points=points, rotation=rotation, translation=translation)
    sizes = {len(points), len(rotation), len(translation)} - {1}
    if len(sizes) > 1:
        raise BadInput(
            f"batch sizes {len(points)} (points), {len(rotation)} (rotation), {len(translation)} (translation): "
            "expected one size, or 1 where a value is shared by all"
        )
    turn = torch.tensor(FACE_TO_CAMERA, dtype=rotation.dtype, device=rotation.device) @ rotation  # (B, 3, 3)
    return points @ turn.mT + translation[:, None]


def _check_positive(name: str, value: float | torch.Tensor) -> None:
    positive = (value > 0).all() if isinstance(value, torch.Tensor) else value > 0
    if not positive:
        raise BadInput(f"{name} is {value}: expected a positive number")


def _per_image(name: str, value: float | torch.Tensor, points: torch.Tensor) -> float | torch.Tensor:
    """A camera value ready to be combined with (B, V)."""
    if not isinstance(value, torch.Tensor):
        return value
    if value.shape not in {(), (1,), (len(points),)}:
        raise BadInput(f"{name} has shape {tuple(value.shape)}: expected a number or ({len(points)},), one an image")
    return value.reshape(-1, 1)
