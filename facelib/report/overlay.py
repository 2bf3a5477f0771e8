"""Faces laid over photographs: shaded or coloured meshes, landmarks, numbers in the corner."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch.nn import functional

from facelib.errors import BadInput, check_shape
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.supersampling import average_samples
from facelib.report.meshes import CLAY
from facelib.report.style import ERROR_COLOURS, PALETTE

SIDE = 192  # pixels of a panel
NARROW, LINE_INCHES = 6.5, 0.13  # width of a figure in inches, and height of a line below it
LINE = 16  # characters of a name above a panel
SAMPLES = 2  # of a panel's pixel along each axis
FOUND, TRUE = PALETTE[0], "#E3170A"  # blue and red, as in the paper


def clay(points: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Colours (N, 3) of a face of clay lit from the viewer; points (N, 3) of an image, depth growing away from it."""
    facing = -vertex_normals(points[None].contiguous(), triangles)[0, :, 2]
    return torch.tensor(CLAY) * (0.25 + 0.75 * facing.clamp(min=0))[:, None]


def error_colours(errors: torch.Tensor, limit: float) -> torch.Tensor:
    """Colours (N, 3) of errors (N,); the strongest from the limit on."""
    return torch.from_numpy(mpl.colormaps[ERROR_COLOURS]((errors / limit).clamp(0, 1).numpy())[:, :3]).float()


def overlay_face(
    image: torch.Tensor,
    points: torch.Tensor,
    triangles: torch.Tensor,
    colours: torch.Tensor | None = None,
    *,
    side: int = SIDE,
    opacity: float = 0.75,
) -> torch.Tensor:
    """A face over its photograph.

    Args:
        image: (3, S, S) in [0, 1].
        points: (N, 3) column, row and depth in the image's pixels.
        triangles: (T, 3), counter-clockwise seen from outside.
        colours: (N, 3) in [0, 1]; clay when missing.
        side: of the picture in pixels.
        opacity: of the face.

    Returns:
        (3, side, side) in [0, 1].

    Raises:
        BadInput: on wrong shapes.
    """
    check_shape("image", image, (3, None, None))
    check_shape("points", points, (None, 3))
    colours = clay(points, triangles) if colours is None else colours
    check_shape("colours", colours, (len(points), 3))
    if image.shape[1] != image.shape[2]:
        raise BadInput(f"image is {image.shape[1]} x {image.shape[2]}: expected a square")
    return laid_over(enlarged(image, side), points * (side / image.shape[-1]), triangles, colours, opacity=opacity)


def laid_over(
    picture: torch.Tensor, points: torch.Tensor, triangles: torch.Tensor, colours: torch.Tensor, *, opacity: float = 1.0
) -> torch.Tensor:
    """A face over a picture (3, H, W) of any proportions; the others as `overlay_face` takes them, in its pixels."""
    height, width = picture.shape[1:]
    screen = (points * SAMPLES)[None]
    fragments = rasterize(screen, triangles, SAMPLES * height, SAMPLES * width, perspective=False, cull_back_faces=True)
    pixels = average_samples(colours[None].contiguous(), triangles, fragments, SAMPLES)
    return picture * (1 - opacity * pixels.cover[0]) + opacity * pixels.value[0]


def face_pixels(points: torch.Tensor, triangles: torch.Tensor, size: int) -> torch.Tensor:
    """Which pixels (B, size, size) faces of points (B, N, 3) in them cover, bool."""
    return rasterize(points, triangles, size, size, perspective=False, cull_back_faces=True).mask


def enlarged(image: torch.Tensor, side: int = SIDE) -> torch.Tensor:
    """An image (3, S, S) with side x side pixels, between which it is smooth."""
    return functional.interpolate(image[None], size=(side, side), mode="bilinear", antialias=True)[0].clamp(0, 1)


def picture_grid(rows: int, columns: int, height: float = 1.04) -> tuple[Figure, np.ndarray]:
    """Panels of an inch side by side; their names and a bar stand outside, which saving a figure allows for.

    Places are given, as finding them for dozens of panels would take longer than drawing the pictures.

    Args:
        rows, columns: of panels.
        height: of a row in inches; what exceeds an inch is free below its panels.
    """
    free = height - 1.0
    gaps = {"left": 0.0, "right": 1.0, "bottom": free / (rows * height), "top": 1.0, "wspace": 0.04, "hspace": free}
    size = (columns + 0.04 * (columns - 1), rows * height)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, gridspec_kw=gaps)


def bar_beside(figure: Figure, colours: str, limit: float, text: str, **options: Any) -> None:
    """A colour bar right of a picture grid.

    Args:
        figure: of `picture_grid`.
        colours: matplotlib's name of those that it shows.
        limit: the value of the strongest colour; the weakest stands for 0.
        text: its label.
        options: of matplotlib's colorbar.
    """
    width = figure.get_size_inches()[0]
    place = figure.add_axes((1 + 0.08 / width, 0.15, 0.09 / width, 0.7))
    bar = figure.colorbar(ScalarMappable(Normalize(0, limit), colours), cax=place, **options)
    bar.set_label(text, fontsize=6.5)
    bar.ax.tick_params(labelsize=6, length=2)
    bar.outline.set_visible(False)  # type: ignore[operator]


def show(panel: Axes, image: torch.Tensor, corner: str = "") -> None:
    """An image (3, S, S) without axes; the corner's text stands at the lower right."""
    panel.imshow(image.clamp(0, 1).permute(1, 2, 0).numpy())
    bare(panel)
    if corner:
        box = {"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
        panel.text(0.985, 0.02, corner, transform=panel.transAxes, fontsize=6, ha="right", va="bottom", bbox=box)


def bare(panel: Axes) -> None:
    """No ticks, grid and frame, as befits a picture."""
    panel.set(xticks=[], yticks=[])
    panel.grid(False)
    for spine in panel.spines.values():
        spine.set_visible(False)


def show_landmarks(panel: Axes, found: torch.Tensor, true: torch.Tensor, size: int, side: int = SIDE) -> None:
    """Landmarks (68, 2 or 3) of an image of this size over its picture: true ones red, below the found ones in blue."""
    for points, colour in ((true, TRUE), (found, FOUND)):
        u, v = (points[:, :2].T * (side / size) - 0.5).numpy()
        inside = (u > 0) & (u < side - 1) & (v > 0) & (v < side - 1)
        look: dict[str, Any] = {"ls": "", "marker": "o", "ms": 1.7, "mew": 0.2, "mec": "white"}
        panel.plot(np.where(inside, u, np.nan), np.where(inside, v, np.nan), color=colour, **look)


def wrapped(text: str, panels: int = 1) -> str:
    """A name on as many lines as it takes above so many panels; brackets begin a line where it takes several."""
    width = LINE * panels
    parts = [text] if len(text) <= width else text.replace(" (", "\n(").split("\n")
    return "\n".join(textwrap.fill(part, width) for part in parts)


def name_column(panel: Axes, text: str, size: float = 7.5) -> None:
    """A title above a column of pictures."""
    panel.set_title(text, fontsize=size, fontweight="bold", loc="center", pad=3)


def name_block(panel: Axes, text: str, columns: int, rise: float = 3) -> None:
    """A name above several columns of pictures, in points above the first one's panel."""
    panel.annotate(
        wrapped(text, columns), (columns / 2, 1.0), (0, rise), xycoords="axes fraction", textcoords="offset points",
        ha="center", va="bottom", fontsize=7, fontweight="bold",
    )  # fmt: skip


def photograph_grid(
    titles: Sequence[str],
    images: torch.Tensor,
    labels: Iterable[str],
    parts: Sequence[str],
    height: float = 1.04,
    shown: str = "photograph",
) -> tuple[Figure, dict[str, np.ndarray]]:
    """A row for each photograph: itself in the first column, then a block of panels for each label, yet empty.

    Args:
        titles: B names of rows.
        images: photographs (B, 3, S, S).
        labels: names of the blocks.
        parts: names of the columns of each block, perhaps empty.
        height: of a row in inches.
        shown: what the images are.

    Returns:
        The picture, and label -> panels (B, parts).

    Raises:
        BadInput: on another number of titles.
    """
    if len(titles) != len(images):
        raise BadInput(f"{len(titles)} titles for {len(images)} photographs: expected one each")
    places = {label: slice(1 + len(parts) * n, 1 + len(parts) * (n + 1)) for n, label in enumerate(labels)}
    figure, panels = picture_grid(len(titles), 1 + len(parts) * len(places), height)
    name_column(panels[0, 0], shown, 6.5)
    for line, title, image in zip(panels, titles, images, strict=True):
        show(line[0], enlarged(image))
        name_row(line[0], wrapped(title), 7)
    blocks = {label: panels[:, place] for label, place in places.items()}
    for label, block in blocks.items():
        for panel, name in zip(block[0], parts, strict=True):
            name_column(panel, name, 6.5)
        name_block(block[0, 0], label, len(parts), rise=12 if any(parts) else 3)
    return figure, blocks


def named_pictures(
    lines: Sequence[Sequence[torch.Tensor]], rows: Sequence[str], columns: Sequence[str], size: float = 7.5
) -> Figure:
    """A picture grid whose rows and columns have names.

    Args:
        lines: images (3, S, S) of each row.
        rows, columns: their names.
        size: of the columns' names, points.
    """
    figure, panels = picture_grid(len(rows), len(columns))
    for panel, image in zip(panels.flat, (image for line in lines for image in line), strict=True):
        show(panel, image)
    for panel, name in zip(panels[:, 0], rows, strict=True):
        name_row(panel, name)
    for panel, name in zip(panels[0], columns, strict=True):
        name_column(panel, name, size)
    return figure


def name_row(panel: Axes, text: str, size: float = 7.5) -> None:
    """A title left of a row of pictures."""
    panel.set_ylabel(text, fontsize=size, labelpad=3)


def note_below(figure: Figure, text: str) -> None:
    """What marks and numbers mean, at the lower left of a figure, below its axes; below the stamp where both have no
    room side by side."""
    width, height = figure.get_size_inches()
    lower = LINE_INCHES / height if width < NARROW else 0.0
    figure.text(0.0, -0.01 - lower, text, ha="left", va="top", fontsize=6.5, color="#222222")
