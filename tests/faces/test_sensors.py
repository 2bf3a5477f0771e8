"""The structured-light sensor against a plain reference, hand-computed shadows and levels, and the cited curves."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from facelib.errors import BadInput
from facelib.faces.sensors import SensorNoise, StructuredLight, draw_noise, sensed
from facelib.geometry.camera import PerspectiveCamera

KINECT = StructuredLight()
FOCAL = 575.8
CAMERA = PerspectiveCamera(FOCAL, 20.0, 15.0, 570.0)
# Without chance: only shadows, quantisation and what is certain.
EXACT = replace(KINECT, axial=(0.0, 0.0, 0.0), axial_tilt=0.0, outline_holes=0.0, hair_holes=0.0, dropped=0.0)
EXACT = replace(EXACT, lateral=0.0, lateral_tilt=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def seen(depth: torch.Tensor, sensor: StructuredLight, hair: torch.Tensor | None = None, seed: int = 0) -> torch.Tensor:
    noise = draw_noise(*depth.shape, sensor, generator(seed))
    return sensed(depth, CAMERA, sensor, noise, hair)


def slanted(depth: float, slope: float = 1.0, size: int = 160) -> torch.Tensor:
    """A plane that leans back a little, so that its pixels lie everywhere between two levels; (8, size, size)."""
    columns = torch.arange(size) + 0.5 - size / 2
    return (depth * (1 + slope * columns / FOCAL / 10)).expand(8, size, size).contiguous()


def reference(
    depth: np.ndarray,
    hair: np.ndarray,
    sensor: StructuredLight,
    noise: dict[str, np.ndarray],
    camera: tuple[float, ...],
) -> np.ndarray:
    """One image (H, W), pixel by pixel, from the formulas of the sources."""
    focal_u, focal_v, center_u, center_v = camera
    height, width = depth.shape

    def inside(i: int, j: int) -> bool:
        return 0 <= i < height and 0 <= j < width

    def is_lit(i: int, j: int) -> bool:
        """No other point of the row lies on or right of this one's ray, seen from the projector, and right of it."""
        own = j - focal_u * sensor.baseline / depth[i, j]
        others = [k - focal_u * sensor.baseline / depth[i, k] for k in range(j + 1, width) if depth[i, k] > 0]
        return all(own < other for other in others)

    def tilt(i: int, j: int) -> float:
        """From the cross product of two tangents in space."""
        ray = np.array([(j + 0.5 - center_u) / focal_u, (i + 0.5 - center_v) / focal_v, 1.0])
        tangents = []
        for down, right in ((0, 1), (1, 0)):
            slopes = [
                side * (depth[i + side * down, j + side * right] - depth[i, j])
                for side in (-1, 1)
                if inside(i + side * down, j + side * right) and depth[i + side * down, j + side * right] > 0
            ]
            slope = min(slopes, key=abs) if slopes else 0.0
            step = np.array([right / focal_u, down / focal_v, 0.0])
            tangents.append(slope * ray + depth[i, j] * step)
        normal = np.cross(tangents[0], tangents[1])
        return math.acos(min(1.0, abs(normal @ ray) / np.linalg.norm(normal) / np.linalg.norm(ray)))

    found = np.zeros_like(depth)
    for i in range(height):
        for j in range(width):
            neighbours = [(i + d * a, j + r * a, a) for a in (1, 2) for d, r in ((0, 1), (0, -1), (1, 0), (-1, 0))]
            rim = any(
                inside(k, m) and abs(depth[k, m] - depth[i, j]) > a * sensor.outline * depth[i, j]
                for k, m, a in neighbours
            )
            row, column = i, j
            if rim:
                angle = min(tilt(i, j), math.radians(sensor.grazing[1])) if depth[i, j] > 0 else 0.0
                deviation = sensor.lateral + sensor.lateral_tilt * angle / (math.pi / 2 - angle)
                row = int(np.clip(math.floor(i + deviation * noise["down"][i, j] + 0.5), 0, height - 1))
                column = int(np.clip(math.floor(j + deviation * noise["across"][i, j] + 0.5), 0, width - 1))
            z = depth[row, column]
            if not sensor.nearest <= z <= sensor.farthest or not is_lit(row, column):
                continue
            angle = tilt(row, column)
            low, high = (math.radians(each) for each in sensor.grazing)
            chances = [sensor.dropped, float(np.clip((angle - low) / (high - low), 0, 1))]
            chances += [sensor.outline_holes] * rim + [sensor.hair_holes] * bool(hair[row, column])
            if noise["loss"][i, j] >= np.prod([1 - chance for chance in chances]):
                continue
            deviation = sensor.axial[0] + sensor.axial[1] * (z - sensor.axial[2]) ** 2
            deviation += sensor.axial_tilt * angle**2 / (math.pi / 2 - angle) ** 2 / math.sqrt(z / 1000)
            deviation *= sensor.hair_noise if hair[row, column] else 1
            rounding = (sensor.inverse_step * z * z) ** 2 / 12 + sensor.depth_unit**2 / 12
            before = math.sqrt(max(deviation**2 - rounding, 0)) / z**2
            level = math.floor((1 / z + before * noise["axial"][i, j]) / sensor.inverse_step + 0.5)
            found[i, j] = math.floor(1 / (level * sensor.inverse_step) / sensor.depth_unit + 0.5) * sensor.depth_unit
    return found


def test_it_equals_the_plain_reference() -> None:
    """A ball and a tilted plate before a wall with a hole in it; each camera has values of its own."""
    height, width = 30, 40
    rows, columns = np.mgrid[:height, :width] + 0.5
    ball = 900 - np.sqrt(np.maximum(100 - (rows - 15) ** 2 - (columns - 22) ** 2, 0)) * 9
    depth = np.where((rows - 15) ** 2 + (columns - 22) ** 2 < 100, ball, 1600 + 3 * columns)
    depth[3:12, 2:12] = 1100 + 25 * columns[3:12, 2:12]
    depth[24:27, 30:34] = 0
    hair = (rows < 12) & (depth < 950)
    images = torch.from_numpy(np.stack([depth, depth[::-1] * 1.1])).float()
    both = torch.from_numpy(np.stack([hair, hair[::-1]]))
    camera = PerspectiveCamera(torch.tensor([100.0, 90.0]), 20.0, torch.tensor([15.0, 14.0]), 110.0)
    noise = draw_noise(2, height, width, KINECT, generator())
    found = sensed(images, camera, KINECT, noise, both).numpy()
    assert 0.05 < (found == 0).mean() < 0.5
    for number in range(2):
        fields = {name: getattr(noise, name)[number].numpy() for name in ("axial", "across", "down", "loss")}
        values = (100.0 - 10 * number, 110.0, 20.0, 15.0 - number)
        expected = reference(images[number].double().numpy(), both[number].numpy(), KINECT, fields, values)
        np.testing.assert_array_equal(found[number], expected.astype(np.float32))


@pytest.mark.parametrize("depth", [500.0, 750.0, 1000.0, 1500.0, 2000.0, 2500.0, 3000.0])
def test_its_deviation_follows_the_curve_of_nguyen(depth: float) -> None:
    """1.2 mm + 1.9 mm (z / m - 0.4)^2; also the curve's quadratic growth, half a step of disparity in Khoshelham."""
    clean = slanted(depth)
    found = seen(clean, KINECT)
    error = (found - clean)[found > 0]
    cited = 1.2 + 1.9 * (depth / 1000 - 0.4) ** 2
    assert error.std().item() == pytest.approx(cited, rel=0.2)
    assert error.std().item() == pytest.approx(cited, rel=0.03)  # what it really keeps
    assert abs(error.mean().item()) < 0.1 * cited


@pytest.mark.parametrize(("depth", "step"), [(1000, 2.85), (2000, 11.4), (3000, 25.65), (5000, 71.25)])
def test_levels_are_a_step_apart_as_khoshelham_measured(depth: float, step: float) -> None:
    """2.85e-5 per cm: about 2.8 mm at 1 m and 70 mm at 5 m."""
    levels = seen(slanted(depth, slope=4.0), replace(EXACT, depth_unit=1e-3)).unique()
    levels = levels[levels > 0].double()
    near = (levels - depth).abs() < 0.06 * depth
    middle = (levels[near][1:] + levels[near][:-1]) / 2
    assert len(middle) >= 3
    steps = levels[near].diff() * (depth / middle) ** 2
    np.testing.assert_allclose(steps, step, rtol=0.02)


def test_depth_comes_in_whole_millimetres_and_nothing_of_it_is_lost_without_noise() -> None:
    clean = slanted(900.0)
    found = seen(clean, EXACT)
    assert (found > 0).all()
    assert torch.equal(found, found.round())
    assert (found - clean).abs().max() <= 0.5 * 2.85e-6 * 930**2 + 0.5 + 0.01


def test_shadows_fall_to_the_left_as_wide_as_the_disparities_differ() -> None:
    """A plate at 1 m before a wall at 2 m: f b (1 / 1000 - 1 / 2000) = 21.6 pixels of wall, all left of it."""
    depth = torch.full((1, 20, 120), 2000.0)
    depth[:, :, 60:80] = 1000.0
    holes = (seen(depth, EXACT) == 0)[0, 10]
    assert holes.nonzero()[:, 0].tolist() == list(range(60 - 21, 60))
    without = replace(EXACT, baseline=0.0)
    assert not (seen(depth, without) == 0).any()


def test_grazing_surfaces_are_lost_and_noisier_before() -> None:
    """Planes about the horizontal axis, on which no shadow falls."""

    def plane(degrees: float) -> torch.Tensor:
        """z (1 - y tan) = 1000 on the ray (x, y, 1), about the camera's axis."""
        y = (torch.arange(30) + 0.5 - 15) / 570
        return (1000 / (1 - y * math.tan(math.radians(degrees))))[:, None].expand(4, 30, 40).contiguous()

    lost = {angle: (seen(plane(angle), KINECT)[:, 14:16] == 0).float().mean().item() for angle in (0, 60, 79, 86.5)}
    assert lost[0] < 0.02
    assert lost[60] < 0.02
    assert 0.2 < lost[79] < 0.8
    assert lost[86.5] == 1
    tilted = seen(plane(70), KINECT, seed=1) - plane(70)
    theta = math.radians(70)
    cited = 1.2 + 1.9 * 0.36 + 0.1 * theta**2 / (math.pi / 2 - theta) ** 2
    assert tilted[:, 13:17].std().item() == pytest.approx(cited, rel=0.2)


def test_hair_has_holes_and_more_noise() -> None:
    clean, hair = slanted(800.0), torch.zeros(8, 160, 160, dtype=torch.bool)
    hair[:, :80] = True
    found = seen(clean, KINECT, hair)
    upper, lower = found[:, :80], found[:, 80:]
    assert (upper == 0).float().mean().item() == pytest.approx(KINECT.hair_holes, abs=0.05)
    assert (lower == 0).float().mean() < 0.01
    ratio = (upper - clean[:, :80])[upper > 0].std() / (lower - clean[:, 80:])[lower > 0].std()
    assert ratio.item() == pytest.approx(KINECT.hair_noise, rel=0.1)


def test_outlines_are_ragged_and_nothing_between_the_surfaces_is_made_up() -> None:
    depth = torch.full((4, 120, 100), 2000.0)
    depth[:, :, :50] = 1000.0  # the right side of a plate: no shadow
    found = seen(depth, replace(KINECT, outline_holes=0.0, dropped=0.0))
    near = (found > 0) & (found < 1500)
    border = near.sum(dim=2).float()
    assert border.mean().item() == pytest.approx(50, abs=0.5)
    assert 0.4 < border.std().item() < 1.2  # of about 0.8 pixels
    assert not ((found > 1100) & (found < 1900)).any()


def test_it_flickers_and_comes_again_with_the_seed() -> None:
    clean = slanted(900.0, size=40)
    assert torch.equal(seen(clean, KINECT), seen(clean, KINECT))
    found = seen(clean, KINECT)
    assert (found[0] != found[1]).float().mean() > 0.3


def test_noise_has_unit_variance_and_even_chances_and_neighbours_alike() -> None:
    noise = draw_noise(20, 60, 60, KINECT, generator())
    for each in (noise.axial, noise.across, noise.down):
        assert each.std().item() == pytest.approx(1, abs=0.05)
        near = (each[..., 1:] * each[..., :-1]).mean().item()
        assert near == pytest.approx(math.exp(-1 / (4 * KINECT.grain**2)), abs=0.05)  # of two Gaussians side by side
    shares = torch.histc(noise.loss, 10, 0, 1) / noise.loss.numel()
    assert (shares - 0.1).abs().max() < 0.03


def test_holes_and_what_is_out_of_range_stay_holes() -> None:
    depth = torch.full((1, 8, 9), 100.0)
    depth[0, 0], depth[0, 1], depth[0, 2] = math.nan, 7000.0, -3.0
    assert (seen(depth, KINECT) == 0).all()
    assert (seen(torch.zeros(1, 8, 9), KINECT) == 0).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"hair_holes": 1.5}, {"dropped": -0.1}, {"inverse_step": 0.0}, {"grain": math.nan}, {"grazing": (80.0, 70.0)},
        {"nearest": math.inf},
    ],
)  # fmt: skip
def test_impossible_sensors_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(changes))):
        replace(KINECT, **changes)


def test_bad_input_is_refused() -> None:
    depth, noise = torch.ones(1, 4, 5), draw_noise(1, 4, 5, KINECT, generator())
    for call in (
        lambda: sensed(depth[0], CAMERA, KINECT, noise),
        lambda: sensed(depth.to("meta"), CAMERA, KINECT, noise),
        lambda: sensed(depth.int(), CAMERA, KINECT, noise),
        lambda: sensed(depth, CAMERA, KINECT, noise, torch.zeros(1, 4, 4, dtype=torch.bool)),
        lambda: sensed(depth, CAMERA, KINECT, replace(noise, loss=noise.loss[:, :3])),
    ):
        with pytest.raises(BadInput, match="expected"):
            call()
    assert isinstance(noise, SensorNoise)
