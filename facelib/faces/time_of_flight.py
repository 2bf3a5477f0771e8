"""What a time-of-flight depth camera makes of a scene: the Kinect of the second generation.

A light beside the lens is modulated, and each pixel tells the distance by the phase of what comes back. Its faults are
not those of structured light (`facelib.faces.sensors`): no pattern is matched, so that nothing is in shadow and
neighbours do not share their noise, and a pixel on an outline mixes the phases of both surfaces, where it tells of a
point between them that is on neither. So it is what networks that learnt from structured light have never seen.

The geometry is that of the device; precision and the weakest light are assumptions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from facelib.errors import BadInput, check_shape
from facelib.faces.ray_casting import first_hits
from facelib.geometry.camera import PerspectiveCamera

LIGHT = 299_792_458.0 * 1e3  # mm/s


@dataclass(frozen=True)
class TimeOfFlight:
    """A sensor; the defaults are a Kinect of the second generation.

    Args:
        rays: along each side of a pixel, whose phases are mixed.
        frequency: of the modulation that tells distances apart, Hz: its lowest of three, by which they repeat after
            9.4 m.
        precision: mm, standard deviation of the distance of a surface that faces the camera at 1 m. It grows as light
            gets weaker: with the square of the distance, and with the angle.
        weakest: light from which on there is depth, in that of such a surface.
        depth_unit: mm that depth is rounded to.
        nearest, farthest: mm within which there is depth (the maker's limits).
    """

    baseline = 0.0  # mm: the light stands beside the lens

    rays: int = 3
    frequency: float = 16e6
    precision: float = 1.5
    weakest: float = 0.05
    depth_unit: float = 1.0
    nearest: float = 500.0
    farthest: float = 4500.0

    def __post_init__(self) -> None:
        if self.rays < 1:
            raise BadInput(f"rays is {self.rays}: expected at least one along the side of a pixel")
        for name in ("frequency", "depth_unit", "nearest"):
            if not 0 < getattr(self, name) < math.inf:
                raise BadInput(f"{name} is {getattr(self, name)}: expected a positive number")
        if not (0 <= self.precision < math.inf and 0 <= self.weakest < math.inf):
            raise BadInput(f"precision {self.precision} and weakest {self.weakest}: expected 0 or more")


def timed(
    points: torch.Tensor,
    triangles: torch.Tensor,
    behind: torch.Tensor,
    camera: PerspectiveCamera,
    sensor: TimeOfFlight,
    generator: torch.Generator,
) -> torch.Tensor:
    """Depth images of meshes before a background.

    Args:
        points: (B, V, 3) mm, camera frame.
        triangles: (T, 3).
        behind: (B, H, W) mm, depth of what is behind them, which faces the camera.
        camera: of these images.
        sensor: its parameters.
        generator: of the noise.

    Returns:
        (B, H, W) float32 mm, 0 in holes.

    Raises:
        BadInput: on another shape.
        MissingPart: without embreex.
    """
    check_shape("points", points, (None, None, 3))
    check_shape("behind", behind, (len(points), None, None))
    height, width = behind.shape[1:]
    rays = _rays(camera, len(points), height, width, sensor.rays)
    length = rays.norm(dim=2)  # of a ray to a depth of 1
    depth = behind.repeat_interleave(sensor.rays, dim=1).repeat_interleave(sensor.rays, dim=2).flatten(1).double()
    facing = 1 / length
    corners = triangles.numpy()
    for number, directions in enumerate(rays.numpy()):
        met, cosine = (torch.from_numpy(each) for each in first_hits(points[number].numpy(), corners, directions))
        nearer = met < depth[number]
        depth[number], facing[number] = met.where(nearer, depth[number]), cosine.where(nearer, facing[number])
    distance = depth * length
    light, phase = facing * (1000 / distance) ** 2, 4 * math.pi * sensor.frequency / LIGHT * distance
    mixed = _by_pixel(torch.polar(light, phase), height, width, sensor.rays)
    amount = mixed.abs()
    told = (mixed.angle() % (2 * math.pi)) * LIGHT / (4 * math.pi * sensor.frequency)
    told += sensor.precision / amount * torch.randn(told.shape, generator=generator, dtype=told.dtype)
    z = told / _rays(camera, len(points), height, width, 1).norm(dim=2).view_as(told)
    seen = (amount >= sensor.weakest) & (z >= sensor.nearest) & (z <= sensor.farthest)
    return ((z / sensor.depth_unit).round() * sensor.depth_unit).where(seen, 0).float()


def _rays(camera: PerspectiveCamera, count: int, height: int, width: int, each: int) -> torch.Tensor:
    """Directions (B, R, 3) with a depth of 1, row by row of a grid of so many along each side of each pixel."""
    v, u = ((torch.arange(size * each, dtype=torch.float64) + 0.5) / each for size in (height, width))
    grid = torch.stack((*torch.meshgrid(u, v, indexing="xy"), torch.ones(len(v), len(u), dtype=torch.float64)), dim=-1)
    return camera.unproject(grid.view(1, -1, 3).expand(count, -1, -1))


def _by_pixel(values: torch.Tensor, height: int, width: int, each: int) -> torch.Tensor:
    """The means (B, H, W) of values (B, R) of rays."""
    return values.view(-1, height, each, width, each).mean(dim=(2, 4))
