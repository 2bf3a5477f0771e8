"""Teeth: two arcs behind the lips, which show where these part."""

from __future__ import annotations

import torch

from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface, join, sheet

UPPER_LIP, LOWER_LIP = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)  # landmarks from the subject's right to the left
BEHIND = 5.0  # mm from the lips' inner border; the lower arc lies 1 mm farther back
UPPER_ROWS, LOWER_ROWS = (4.0, -9.0), (2.0, -8.0)  # mm above the border that an arc begins and ends
COLUMNS = 12
WIDTH = 0.85  # of the arcs, over the distance of the mouth's corners
WHITE, DARKEST = (0.75, 0.72, 0.62), 0.55  # linear RGB, and the least factor on it


def teeth(model: MorphableModel, heads: torch.Tensor, generator: torch.Generator) -> Surface:
    """Both arcs of each head; they follow the lips.

    Args:
        model: the face model.
        heads: (B, V, 3) mm, face frame, with their expressions.
        generator: of the brightness.
    """
    shade = DARKEST + (1 - DARKEST) * torch.rand(len(heads), 1, generator=generator)
    colour = shade * torch.tensor(WHITE)
    landmarks = heads[:, model.landmarks]
    upper = _arc(landmarks[:, UPPER_LIP], UPPER_ROWS, BEHIND)
    return join(sheet(upper, colour), sheet(_arc(landmarks[:, LOWER_LIP], LOWER_ROWS, BEHIND + 1), colour))


def _arc(border: torch.Tensor, rows: tuple[float, float], behind: float) -> torch.Tensor:
    """A grid (B, 2, COLUMNS, 3) along a lip's inner border (B, N, 3)."""
    last = border.shape[1] - 1
    place = (1 + WIDTH * torch.linspace(-1, 1, COLUMNS)) / 2 * last
    first = place.long().clamp(max=last - 1)
    share = (place - first)[:, None]
    line = torch.lerp(border[:, first], border[:, first + 1], share)
    return torch.stack([line + torch.tensor([0.0, row, -behind]) for row in rows], dim=1)
