"""The simulated sensor beside what was published of real ones: noise and steps by distance, holes by angle, outlines.

No frame of a Kinect comes along, so "described" stands for measurements in print: [K] Khoshelham and Elberink, Sensors
2012; [N] Nguyen, Izadi and Lovell, 3DIMPVT 2012 (see `facelib.faces.sensors`).
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.faces.sensors import StructuredLight, draw_noise, sensed
from facelib.geometry.camera import PerspectiveCamera
from facelib.report.style import PALETTE, legend_outside

DISTANCES = tuple(range(500, 3001, 250))  # mm, of walls that face the sensor
ANGLES = tuple(range(0, 90, 6))  # degrees to the viewing ray, of walls at 1 m
SIZE = 96  # pixels a side of what is looked at
FRAMES = 6  # of each wall
FOCAL = 575.8  # pixels
K_DISPARITY, K_PER_MM = 0.5, 2.85e-6  # sigma_d in pixels, and m / (f b) in 1 / mm [K]
MEASURED, DESCRIBED_K, DESCRIBED_N = "simulated", "[K] Khoshelham and Elberink 2012", "[N] Nguyen et al. 2012"
LOOKS = {  # colour, line and marker
    MEASURED: (PALETTE[0], "solid", "."),
    DESCRIBED_K: (PALETTE[5], "dashed", ""),
    DESCRIBED_N: (PALETTE[2], "dashed", ""),
}
COLUMNS = ["quantity", "origin", "at", "value"]


def sensor_data(sensor: StructuredLight, seed: int = 0) -> pd.DataFrame:
    """Columns `COLUMNS`: noise (mm) and step (mm) by distance (mm), holes (fraction) and outline (pixels) by angle
    (degrees), simulated and as described."""
    generator, lines = torch.Generator().manual_seed(seed), list[tuple[str, str, float, float]]()
    for distance in DISTANCES:
        seen = _before(_wall(distance, 0.0), sensor, generator)
        levels = np.unique(seen[seen > 0].numpy())
        lines += [
            ("noise", MEASURED, distance, float(seen[seen > 0].std())),
            ("noise", DESCRIBED_K, distance, K_PER_MM * K_DISPARITY * distance**2),
            ("noise", DESCRIBED_N, distance, 1.2 + 1.9 * (distance / 1000 - 0.4) ** 2),  # mm, of z in m
            ("step", MEASURED, distance, float(np.diff(levels).mean()) if len(levels) > 1 else math.nan),
            ("step", DESCRIBED_K, distance, K_PER_MM * distance**2),
        ]
    for angle in ANGLES:
        seen = _before(_wall(1000, angle), sensor, generator)
        lines.append(("holes", MEASURED, angle, float((seen == 0).float().mean())))
    lines.append(("outline", MEASURED, 0.0, _outline(sensor, generator)))
    lines.append(("outline", DESCRIBED_N, 0.0, 0.8))
    return pd.DataFrame(lines, columns=COLUMNS)


def draw_sensor(data: pd.DataFrame) -> Figure:
    """Noise and steps by distance, holes by angle; how far outlines move stands in the last title."""
    figure, (noise, step, holes) = plt.subplots(1, 3, figsize=(7.6, 2.9), layout="constrained")
    for panel, quantity, words in ((noise, "noise", "standard deviation (mm)"), (step, "step", "between levels (mm)")):
        _draw_quantity(panel, data[data["quantity"] == quantity])
        panel.set(xlabel="distance (m)", ylabel=words, ylim=(0, None))
    noise.set_title("Noise in depth", fontsize=8)
    step.set_title("Quantisation", fontsize=8)
    lost = data[data["quantity"] == "holes"]
    holes.plot(lost["at"], 100 * lost["value"], color=PALETTE[0], marker=".")
    outline = data[data["quantity"] == "outline"].set_index("origin")["value"]
    holes.set(xlabel="angle to the ray (degrees)", ylabel="holes (%)", ylim=(-2, 102))
    holes.set_title(
        f"Holes; outlines move by\n{outline[MEASURED]:.2f} pixels, [N] {outline[DESCRIBED_N]:.1f}", fontsize=8
    )
    handles, names = noise.get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=handles, labels=names, ncols=3, fontsize=7, handlelength=3)
    return figure


def _draw_quantity(panel: Axes, part: pd.DataFrame) -> None:
    for origin, (colour, dashes, marker) in LOOKS.items():
        line = part[part["origin"] == origin]
        if len(line):
            panel.plot(line["at"] / 1000, line["value"], color=colour, ls=dashes, marker=marker, label=origin)


def _wall(distance: float, angle: float) -> torch.Tensor:
    """Clean depth (H, W) of a wall, turned about a vertical axis by degrees to the ray through its middle."""
    across = (torch.arange(SIZE) + 0.5 - SIZE / 2) / FOCAL
    depth = distance / (1 + across * math.tan(math.radians(angle)))
    return depth.expand(SIZE, -1).clone()


def _before(wall: torch.Tensor, sensor: StructuredLight, generator: torch.Generator) -> torch.Tensor:
    """Several frames (B, h, w) of a wall, without what its borders do."""
    clean = wall.expand(FRAMES, -1, -1).contiguous()
    noise = draw_noise(FRAMES, SIZE, SIZE, sensor, generator)
    camera = PerspectiveCamera(FOCAL, SIZE / 2, SIZE / 2)
    return sensed(clean, camera, sensor, noise)[:, 16:-16, 16:-16]


def _outline(sensor: StructuredLight, generator: torch.Generator) -> float:
    """Standard deviation in pixels of where the right edge of a board at 1 m is seen before a wall at 2 m.

    Shadows fall to the left of things and hide that edge.
    """
    board = torch.full((SIZE, SIZE), 2000.0)
    board[:, : SIZE // 2] = 1000.0
    noise = draw_noise(FRAMES, SIZE, SIZE, sensor, generator)
    seen = sensed(
        board.expand(FRAMES, -1, -1).contiguous(), PerspectiveCamera(FOCAL, SIZE / 2, SIZE / 2), sensor, noise
    )
    columns = torch.arange(SIZE).expand_as(seen)
    last_near = torch.where((seen > 0) & (seen < 1500), columns, 0).amax(dim=2)
    first_far = torch.where(seen > 1500, columns, SIZE).amin(dim=2)
    return float(((last_near + first_far) / 2)[:, 8:-8].std())
