"""What paper 5's method notebook shows of its parts: faces by their coefficients, harmonics, reach of large kernels."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch.nn import functional

from facelib.errors import BadInput, unknown_name
from facelib.geometry.lighting import GAMMA_SCALES, sh_basis
from facelib.models.msma import BRANCHES, FaceCoefficients
from facelib.papers.msma.networks import face_renderer, mean_coefficients
from facelib.report.style import PALETTE, legend_outside, stamp, switch_off

SIDE = 160  # pixels of a portrait
ENLARGE = 3  # portraits are drawn larger and averaged, so that outlines are smooth
WHITE = (1.0, 1.0, 1.0)
OWN_LIGHT = (-0.5, 0.4, 0.3)  # of portraits: from the left, above and the camera
MAPS = (28, 14, 7)  # cells a side of the fused maps at 224 pixels
HARMONICS = ("1", "y", "z", "x", "xy", "yz", "3z² - 1", "xz", "x² - y²")


def changed(attribute: str, place: int, value: float) -> FaceCoefficients:
    """The mean face with one coefficient that is not zero.

    Raises:
        UnknownName: for another attribute.
    """
    face = mean_coefficients()
    if attribute not in face._fields:
        raise unknown_name("attribute of a face", attribute, face._fields)
    values = getattr(face, attribute)
    values[0, place] = value
    return face


def stacked(faces: Sequence[FaceCoefficients]) -> FaceCoefficients:
    """Several faces as one batch."""
    return FaceCoefficients(*(torch.cat(each) for each in zip(*faces, strict=True)))


def lit_from(x: float, y: float, z: float, colour: Sequence[float] = WHITE) -> torch.Tensor:
    """delta of eq. 3, (1, 27): even light, and light from a side.

    Args:
        x, y, z: towards it, x right in the image, y up, z towards the camera; as strong as the vector is long.
        colour: RGB of what comes from the side.
    """
    harmonics = torch.zeros(9)
    harmonics[1:4] = torch.tensor([y, z, x])
    gamma = harmonics / torch.tensor(GAMMA_SCALES)
    return (torch.tensor(colour)[:, None] * gamma).reshape(1, 27)


def portraits(faces: FaceCoefficients, light: torch.Tensor | None = None) -> torch.Tensor:
    """Pictures (B, 3, 160, 160) of faces on white, drawn as the losses see them.

    Args:
        faces: B faces.
        light: (1, 27) instead of theirs.
    """
    shown = faces if light is None else faces._replace(light=light.expand(len(faces.light), -1))
    image = face_renderer(ENLARGE * SIDE)(shown, torch.ones(1, 3, ENLARGE * SIDE, ENLARGE * SIDE)).image
    return functional.avg_pool2d(image.clamp(0, 1), ENLARGE)


def draw_harmonics(label: str, size: int = 120) -> Figure:
    """The nine harmonics on a ball, red where one makes it brighter, blue where darker."""
    place = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(-place, place, indexing="ij")
    inside = x.square() + y.square() < 1
    z = (1 - x.square() - y.square()).clamp(min=0).sqrt()
    values = sh_basis(torch.stack((x, y, z), dim=-1)).where(inside[..., None], torch.nan)
    figure, panels = plt.subplots(1, 9, figsize=(9.2, 1.35), layout="constrained")
    for panel, name, value in zip(panels, HARMONICS, values.unbind(-1), strict=True):
        drawn = panel.imshow(value.numpy(), cmap="RdBu_r", vmin=-1.1, vmax=1.1)
        panel.set_title(name, fontsize=8, fontweight="normal", loc="center")
    figure.colorbar(drawn, ax=panels, fraction=0.012, pad=0.01, ticks=[-1, 0, 1])
    switch_off(panels)
    stamp(figure, label)
    return figure


def reach(kernel: int, further: int, dilation: int) -> int:
    """Cells a side that a branch of MLKA sees: of a convolution and a dilated one after it."""
    return kernel + dilation * (further - 1)


def paths(kernel: int, further: int, dilation: int) -> torch.Tensor:
    """In how many ways each cell reaches the middle one through both convolutions, (R, R).

    Raises:
        BadInput: for an even kernel, which has no middle.
    """
    if kernel % 2 == 0 or further % 2 == 0:
        raise BadInput(f"kernels {kernel} and {further}: expected odd ones, which have a middle")
    size = reach(kernel, further, dilation)
    cells = torch.zeros(1, 1, size, size)
    cells[..., size // 2, size // 2] = 1
    for side, spread in ((kernel, 1), (further, dilation)):
        ones = torch.ones(1, 1, side, side)
        cells = functional.conv2d(cells, ones, padding=spread * (side // 2), dilation=spread)
    return cells[0, 0]


def draw_reach(label: str) -> Figure:
    """What the middle cell sees through each branch of MLKA, beside the sizes of the maps that it works on."""
    figure, panels = plt.subplots(1, len(BRANCHES), figsize=(7.6, 2.9), layout="constrained")
    half = reach(*BRANCHES[-1]) / 2 + 1
    for panel, branch in zip(panels, BRANCHES, strict=True):
        size, (kernel, further, dilation) = reach(*branch), branch
        seen = paths(*branch)
        extent = (-size / 2, size / 2, size / 2, -size / 2)
        panel.imshow(seen.where(seen > 0, torch.nan).numpy(), cmap="Blues", vmin=0, extent=extent)
        for cells, colour in zip(MAPS, PALETTE[1:], strict=False):
            square = (-cells / 2, -cells / 2)
            panel.add_patch(
                Rectangle(square, cells, cells, fill=False, ec=colour, lw=1.5, label=f"map of {cells} × {cells}")
            )
        panel.set(xlim=(-half, half), ylim=(half, -half), aspect="equal")
        words = f"{kernel} × {kernel}, then {further} × {further} dilated by {dilation}:\n{size} cells a side"
        panel.set_title(words, loc="center", fontsize=8, fontweight="normal")
    switch_off(panels)
    stamp(figure, label)
    legend_outside(figure, "lower center", handles=panels[0].patches, ncols=len(MAPS), fontsize=8)
    return figure
