"""One reconstruction on a page: the photograph with its box, the face laid over it, the attention, and the 3D face."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from facelib.data.photographs import FaceBox, FaceCrop, Photograph, square_crop
from facelib.papers.sadrnet.reconstruction import Reconstruction
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.overlay import overlay_face
from facelib.report.style import PALETTE, pixels, stamp, switch_off

SIDE = 384  # pixels of a panel
AROUND = 2.2  # what the first panel shows, in sides of the crop
OPACITY = 0.65  # of the face over the photograph


def draw_reconstruction(photograph: Photograph, face: Reconstruction, title: str, label: str) -> Figure:
    """Five panels, or four without an attention branch.

    Args:
        photograph: with the face.
        face: as it was read off.
        title: which network it was.
        label: for the stamp.
    """
    shown, height = (4, 2.55) if face.attention is None else (5, 2.85)  # inches
    figure, panels = plt.subplots(1, shown, figsize=(2.05 * shown, height), layout="constrained")
    switch_off(panels)
    crop = _enlarged(photograph, face.crop)
    _draw_box(panels[0], photograph, face)
    _draw_over(panels[1], crop, face)
    if face.attention is not None:
        _draw_attention(panels[2], crop, face.attention)
    colours = FaceMesh("colours", face.vertices, face.triangles, face.colours)
    shape = FaceMesh("shape", face.vertices, face.triangles)
    views = ((colours, 0.0, "from the front"), (shape, 55.0, "turned"))
    for panel, (mesh, yaw, text) in zip(panels[-2:], views, strict=True):
        panel.imshow(pixels(shaded_picture(mesh, yaw, SIDE)))
        panel.set_title(f"3D face, {text}", fontsize=8, fontweight="normal", loc="center", pad=3)
    angles = ", ".join(f"{name} {round(value):+d}°" for name, value in face.angles.items())
    figure.suptitle(f"{title}: {angles}", fontsize=9, x=0.005, ha="left", fontweight="bold")
    stamp(figure, label)
    return figure


def overlay(crop: FaceCrop, face: Reconstruction) -> torch.Tensor:
    """The face in clay, lit from the front and half transparent, over a crop of its photograph, (3, S, S)."""
    points = (face.points - torch.tensor([*crop.offset, 0.0])) / crop.scale
    return overlay_face(crop.image, points, face.triangles, side=crop.image.shape[-1], opacity=OPACITY)


def _enlarged(photograph: Photograph, crop: FaceCrop, factor: float = 1.0) -> FaceCrop:
    """The same square, or one so many times larger, at the resolution of a panel."""
    left, top = crop.offset
    side = crop.scale * crop.image.shape[-1]
    return square_crop(photograph, FaceBox(left, top, left + side, top + side), SIDE, enlarge=factor)


def _draw_box(panel: Axes, photograph: Photograph, face: Reconstruction) -> None:

    around = _enlarged(photograph, face.crop, AROUND)
    panel.imshow(pixels(around.image))
    left, top = face.crop.offset
    side = face.crop.scale * face.crop.image.shape[-1]
    boxes: tuple[tuple[tuple[float, float, float, float], Any], ...] = (
        (face.box.corners, {"edgecolor": PALETTE[1], "linewidth": 1.4}),
        ((left, top, left + side, top + side), {"edgecolor": "white", "linewidth": 1.0, "linestyle": (0, (3, 2))}),
    )
    for corners, look in boxes:
        u0, v0, u1, v1 = (
            (corner - offset) / around.scale for corner, offset in zip(corners, around.offset * 2, strict=True)
        )
        panel.add_patch(Rectangle((u0, v0), u1 - u0, v1 - v0, fill=False, **look))
    panel.set_title("box, and crop (dashed)", fontsize=8, fontweight="normal", loc="center", pad=3)


def _draw_over(panel: Axes, crop: FaceCrop, face: Reconstruction) -> None:
    panel.imshow(pixels(overlay(crop, face)))
    landmarks = ((face.landmarks[:, :2] - torch.tensor(crop.offset)) / crop.scale - 0.5).numpy()
    inside = ((landmarks > 0) & (landmarks < SIDE - 1)).all(axis=1)
    panel.plot(*landmarks[inside].T, ".", ms=2.6, color=PALETTE[0], mec="white", mew=0.25)
    panel.set_title("mesh and 68 landmarks", fontsize=8, fontweight="normal", loc="center", pad=3)


def _draw_attention(panel: Axes, crop: FaceCrop, attention: torch.Tensor) -> None:
    """Yellow where the network looks, over the photograph in grey."""
    panel.imshow(pixels(crop.image).mean(axis=2), cmap="gray", vmin=0, vmax=1)
    extent = (-0.5, SIDE - 0.5, SIDE - 0.5, -0.5)
    image = panel.imshow(
        attention.numpy(), cmap="viridis", vmin=0, vmax=1, alpha=0.6, extent=extent, interpolation="bilinear"
    )
    below = panel.inset_axes((0.0, -0.1, 1.0, 0.05))  # taking no room from the panel, which stands in line with others
    bar = panel.figure.colorbar(image, cax=below, orientation="horizontal", ticks=[0, 0.5, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=6, length=2)
    panel.set_title("attention", fontsize=8, fontweight="normal", loc="center", pad=3)
