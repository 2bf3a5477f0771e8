"""Scans of faces as the networks of paper 2 see them: the range image and the images of the normal components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure

from facelib.data.scan_preparation import PreparedScan
from facelib.report.overlay import name_column, name_row, note_below, picture_grid, show, wrapped
from facelib.report.style import stamp, use_house_style

COLUMNS = ("range image", *(rf"$\mathbf{{N_{axis}}}$" for axis in "xyz"))
DEPTHS = (-90.0, 5.0)  # mm from the tip of the nose, from black to white
COMPONENTS = ((-1.0, 1.0), (-1.0, 1.0), (0.0, 1.0))  # the same of each component: N_z of what is seen is positive
HOLE = (0.87, 0.91, 0.96)  # a colour, as black and white are values
NOTE = (
    "black to white: 90 mm behind the tip of the nose to 5 mm before it; $N_x$ and $N_y$\n"
    "from -1 to 1, $N_z$ from 0 to 1; holes blue"
)


@dataclass(frozen=True)
class ScanLine:
    """A row of pictures.

    Args:
        title: what the scan is.
        scan: as it was prepared.
        corners: a short text for each column, perhaps empty.
    """

    title: str
    scan: PreparedScan
    corners: Sequence[str] = ("", "", "", "")


def draw_components(lines: Sequence[ScanLine], label: str, note: str = "") -> Figure:
    """A row for each scan: depth, N_x, N_y and N_z, all as shades of grey.

    Args:
        lines: at least one.
        label: for the stamp.
        note: what the corners say.
    """
    use_house_style()
    figure, panels = picture_grid(len(lines), len(COLUMNS))
    for row, line in zip(panels, lines, strict=True):
        for panel, image, corner in zip(row, component_images(line.scan), line.corners, strict=True):
            show(panel, image, corner)
        name_row(row[0], wrapped(line.title))
    for panel, name in zip(panels[0], COLUMNS, strict=True):
        name_column(panel, name)
    note_below(figure, "\n".join(filter(None, (NOTE, note))))
    stamp(figure, label)
    return figure


def component_images(scan: PreparedScan) -> list[torch.Tensor]:
    """The pictures (3, S, S) of a scan's row, in [0, 1]."""
    return surface_pictures(scan.positions, scan.normals, scan.mask)


def surface_pictures(positions: torch.Tensor, normals: torch.Tensor, seen: torch.Tensor) -> list[torch.Tensor]:
    """Depth and components of a surface as pictures (3, S, S) in [0, 1].

    Args:
        positions: (3, S, S) mm about the tip of the nose.
        normals: (3, S, S) in [-1, 1].
        seen: (S, S) bool, what is no hole.
    """
    images = zip((positions[2], *normals), (DEPTHS, *COMPONENTS), strict=True)
    return [_shaded(image, seen, *span) for image, span in images]


def _shaded(values: torch.Tensor, seen: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Values (S, S) as shades of grey (3, S, S), in another colour where nothing is seen."""
    grey = ((values - low) / (high - low)).clamp(0, 1).expand(3, -1, -1)
    return grey.where(seen, torch.tensor(HOLE)[:, None, None])
