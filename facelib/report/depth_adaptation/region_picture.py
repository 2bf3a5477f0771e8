"""Figure 4 of paper 4: the region in which shapes are compared, and the nine landmarks by which they are laid there."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from facelib.faces.skin_surface import SkinSurface
from facelib.papers.depth_adaptation.truth import NINE_LANDMARKS
from facelib.report.meshes import CLAY, FaceMesh, shaded_picture
from facelib.report.style import PALETTE, pixels, switch_off

YAWS = (0.0, 35.0, 80.0)  # degrees
SIDE = 360  # pixels of a panel
DOT = 3.2  # mm, radius of a landmark's mark
REGION, MARK = "#F2C894", PALETTE[0]


def region_data(surface: SkinSurface) -> pd.DataFrame:
    """The landmarks on the mean face: columns landmark (of the 68, from 0), x, y, z in mm."""
    places = surface.mean[surface.landmarks[list(NINE_LANDMARKS)]]
    return pd.DataFrame(places.numpy(), columns=["x", "y", "z"]).assign(landmark=NINE_LANDMARKS)


def draw_region(surface: SkinSurface) -> Figure:
    """The mean face from three sides: the region in colour, landmarks as dots, the rest of the head in clay."""
    colours = torch.tensor(CLAY).repeat(len(surface.mean), 1)
    colours[surface.face] = torch.tensor(to_rgb(REGION))
    nine = surface.mean[surface.landmarks[list(NINE_LANDMARKS)]]
    colours[(torch.cdist(surface.mean, nine) < DOT).any(dim=1)] = torch.tensor(to_rgb(MARK))
    colours[surface.landmarks[list(NINE_LANDMARKS)]] = torch.tensor(to_rgb(MARK))
    mesh = FaceMesh("", surface.mean, surface.triangles, colours)
    figure, panels = plt.subplots(1, len(YAWS), figsize=(2.3 * len(YAWS), 2.7), layout="constrained")
    switch_off(panels)
    for panel, yaw in zip(panels, YAWS, strict=True):
        panel.imshow(pixels(shaded_picture(mesh, yaw, SIDE)))
        panel.set_title(f"turned by {yaw:.0f}°" if yaw else "from the front", fontsize=8, fontweight="normal")
    share = 100 * len(surface.face) / len(surface.mean)
    figure.suptitle(
        f"{len(surface.face)} of {len(surface.mean)} vertices ({share:.0f} %) are compared, laid by nine landmarks",
        fontsize=8, x=0.01, ha="left",
    )  # fmt: skip
    return figure
