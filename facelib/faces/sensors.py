"""What a structured-light depth camera makes of a clean depth image: the Kinect of the first generation.

An infrared projector beside the camera throws a pattern of dots; the camera finds each small window of it again and
reads depth off its disparity. From that follow the sensor's faults, which are made here in this order:

    shadow        what the projector does not reach has no depth
    edges         the window belongs to one surface or the other: outlines are ragged
    noise         grows with the square of the distance, and on surfaces seen from the side
    quantisation  disparity comes in eighths of a pixel, depth then in whole millimetres
    holes         at grazing angles, along outlines, on hair, and out of range

Sources: [K] Khoshelham and Elberink, "Accuracy and resolution of Kinect depth data for indoor mapping applications",
Sensors 2012. [N] Nguyen, Izadi and Lovell, "Modeling Kinect sensor noise for improved 3D reconstruction and tracking",
3DIMPVT 2012. Where neither gives a number the default is an assumption, and is said to be one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch

from facelib.errors import BadInput, check_floating, check_shape
from facelib.faces.sensor_kernel import sense_images, smooth_images
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.threads import share_among_threads


@dataclass(frozen=True)
class StructuredLight:
    """A sensor; the defaults are a Kinect of the first generation.

    Args:
        baseline: mm from the camera to the projector, which stands to its right (+x): shadows fall to the left of
            things [K: 75 mm].
        inverse_step: between two levels of 1 / z, in 1 / mm; a step in depth is z^2 times it [K: 2.85e-5 per cm, an
            eighth of a pixel of disparity].
        depth_unit: mm that depth is rounded to at last; the drivers give whole ones.
        axial: sigma_z = axial[0] + axial[1] (z - axial[2])^2 in mm, the last in mm too, of surfaces that face the
            camera, quantisation included [N: 1.2 mm, 1.9 mm / m^2, 0.4 m].
        axial_tilt: what is added to sigma_z is this, in mm, times t^2 / (pi / 2 - t)^2 / sqrt(z / m), t the angle
            between the normal and the viewing ray [N: 0.1 mm].
        lateral, lateral_tilt: pixels; outlines move by sigma_L = lateral + lateral_tilt t / (pi / 2 - t)
            [N: 0.8 and 0.035].
        outline: relative step in depth from which two neighbouring pixels lie on different surfaces (assumption:
            3 percent, which at 1 m is a surface turned by 87 degrees).
        grain, hole_grain: standard deviations, in pixels, of the Gaussians under which noise and holes of neighbouring
            pixels are alike, since the windows that are matched overlap (assumption: a window of 9 x 9 pixels, even in
            each axis, has a deviation of 2.6).
        grazing: degrees of t from which depth begins to fail and from which there is none (assumption: [N] measured
            up to about 80).
        outline_holes: share of holes on pixels beside an outline (assumption).
        hair_holes: share of holes on hair, which swallows and scatters the dots (assumption).
        hair_noise: how much larger sigma_z is on hair (assumption).
        dropped: share of holes anywhere (assumption).
        nearest, farthest: mm within which there is depth (the maker's limits, with some margin).
    """

    baseline: float = 75.0
    inverse_step: float = 2.85e-6
    depth_unit: float = 1.0
    axial: tuple[float, float, float] = (1.2, 1.9e-6, 400.0)
    axial_tilt: float = 0.1
    lateral: float = 0.8
    lateral_tilt: float = 0.035
    outline: float = 0.03
    grain: float = 1.5
    hole_grain: float = 2.6
    grazing: tuple[float, float] = (72.0, 86.0)
    outline_holes: float = 0.2
    hair_holes: float = 0.4
    hair_noise: float = 2.5
    dropped: float = 0.001
    nearest: float = 400.0
    farthest: float = 6000.0

    def __post_init__(self) -> None:
        for name in ("outline_holes", "hair_holes", "dropped"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput(f"{name} is {getattr(self, name)}: expected a share from 0 to 1")
        for name in ("inverse_step", "depth_unit", "grain", "hole_grain", "nearest", "hair_noise", "outline"):
            if not 0 < getattr(self, name) < math.inf:
                raise BadInput(f"{name} is {getattr(self, name)}: expected a positive number")
        if not 0 < self.grazing[0] < self.grazing[1] <= 90:
            raise BadInput(f"grazing is {self.grazing}: expected two ascending angles within 0 to 90 degrees")


@dataclass(frozen=True)
class SensorNoise:
    """What is random in B depth images: fields without unit, correlated over the sensor's grain.

    Args:
        axial: (B, H, W) of unit variance.
        across, down: (B, H, W) of unit variance; where outlines move to.
        loss: (B, H, W) even in 0 to 1; a pixel is lost where it is not below the chance of being seen.
    """

    axial: torch.Tensor
    across: torch.Tensor
    down: torch.Tensor
    loss: torch.Tensor


def draw_noise(count: int, height: int, width: int, sensor: StructuredLight, generator: torch.Generator) -> SensorNoise:
    """The noise of `count` images, each drawn anew: what a sensor at rest sees flickers."""
    axial, across, down = _smooth_normal(3 * count, height, width, sensor.grain, generator).split(count)
    loss = _smooth_normal(count, height, width, sensor.hole_grain, generator)
    return SensorNoise(axial, across, down, torch.special.ndtr(loss))


def sensed(
    depth: torch.Tensor,
    camera: PerspectiveCamera,
    sensor: StructuredLight,
    noise: SensorNoise,
    hair: torch.Tensor | None = None,
) -> torch.Tensor:
    """What the sensor gives of clean depth images; no gradient flows through it.

    Args:
        depth: (B, H, W) mm on the CPU, one sample a pixel, of everything in view; what is not a positive finite number
            is a hole.
        camera: of these images, at the sensor's resolution.
        sensor: its parameters.
        noise: of as many images, by `draw_noise`.
        hair: (B, H, W) bool, where hair is seen.

    Returns:
        (B, H, W) float32, whole units of depth in mm, 0 in holes.

    Raises:
        BadInput: on another shape, dtype or device.
    """
    check_shape("depth", depth, (None, None, None))
    check_floating(depth=depth)
    if depth.device.type != "cpu":
        raise BadInput(f"depth is on {depth.device}: expected it on the CPU, where the sensor is simulated")
    hair = torch.zeros(depth.shape, dtype=torch.bool) if hair is None else hair
    check_shape("hair", hair, tuple(depth.shape))
    for each in fields(noise):
        check_shape(f"noise.{each.name}", getattr(noise, each.name), tuple(depth.shape))
    clean = depth.detach().float().where((depth > 0) & depth.isfinite(), 0).contiguous()
    found = torch.empty_like(clean)
    draws = (getattr(noise, each.name).contiguous().numpy() for each in fields(noise))
    share_among_threads(
        sense_images,
        len(clean),
        clean.numpy(),
        hair.bool().contiguous().numpy(),
        _values(camera, len(clean)).numpy(),
        *draws,
        _numbers(sensor),
        found.numpy(),
    )
    return found


def _values(camera: PerspectiveCamera, count: int) -> torch.Tensor:
    """f_x, f_y, c_u and c_v (B, 4) of each image."""
    focal_v = camera.focal if camera.focal_v is None else camera.focal_v
    values = (camera.focal, focal_v, camera.center_u, camera.center_v)
    return torch.stack([torch.as_tensor(value, dtype=torch.float64).expand(count) for value in values], dim=1)


def _numbers(sensor: StructuredLight) -> tuple[float, ...]:
    """As the kernel takes them."""
    return (
        sensor.baseline, sensor.inverse_step, sensor.depth_unit, *sensor.axial, sensor.axial_tilt, sensor.lateral,
        sensor.lateral_tilt, sensor.outline, math.radians(sensor.grazing[0]), math.radians(sensor.grazing[1]),
        sensor.outline_holes, sensor.hair_holes, sensor.hair_noise, sensor.dropped, sensor.nearest, sensor.farthest,
    )  # fmt: skip


def _smooth_normal(count: int, height: int, width: int, sigma: float, generator: torch.Generator) -> torch.Tensor:
    """Normal fields (count, H, W) of unit variance, white noise under a Gaussian of this width in pixels."""
    reach = math.ceil(2.5 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = kernel / kernel.norm()
    white = torch.randn(count, height + 2 * reach, width + 2 * reach, generator=generator)
    found = torch.empty(count, height, width)
    share_among_threads(smooth_images, count, white.numpy(), kernel.numpy(), found.numpy())
    return found
