"""A mask over nose, mouth and chin, laid over each face with its expression, and its loops to the ears."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import avg_pool2d, max_pool2d, normalize, pad

from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface, join, sheet, tube

MAP_SIZE = 256  # texels of the layout on which the mask is cut out
ROWS, COLUMNS = 22, 31  # of its cloth
OFFSET = 2.5  # mm between skin and cloth
UNDER_CHIN = 4.0  # mm that the lower edge hangs below the skin, where the skin faces down
UPWARDS = torch.tensor([0.0, 1.0, 0.0])
BRIDGE, TIP, CHIN, JAW, CHEEK, TEMPLE = 28, 30, 8, 4, 3, 0  # landmarks, those of the jaw line on the right
BEFORE_EAR = math.radians(80)  # about the head, from the front
CLOTH = torch.tensor(  # linear RGB: two surgical blues, green, white, black, rose, grey
    [
        *([0.20, 0.42, 0.62], [0.28, 0.52, 0.66], [0.22, 0.50, 0.42], [0.72, 0.72, 0.72]),
        *([0.012, 0.012, 0.013], [0.58, 0.28, 0.32], [0.20, 0.20, 0.21]),
    ]
)
LOOP = torch.tensor([0.70, 0.70, 0.70])


def surgical_mask(model: MorphableModel, heads: torch.Tensor, generator: torch.Generator) -> Surface:
    """Masks for heads (B, V, 3) in mm; size and colour are drawn from the generator."""
    batch = len(heads)
    size, colour, shade = torch.rand(3, batch, generator=generator)
    place = face_layout(model, MAP_SIZE).place[model.landmarks]
    rows, columns = _cut(place, size)
    skin = _points_on_face(model, heads, rows, columns)
    cloth = CLOTH[(colour * len(CLOTH)).long()] * (0.8 + 0.35 * shade[:, None])
    pleats = 1 - 0.22 * (torch.arange(ROWS) % 6 == 4).float() * ((torch.arange(ROWS) > 4) & (torch.arange(ROWS) < 19))
    cloth_colour = (cloth[:, None, None] * pleats[:, None, None]).expand(-1, -1, COLUMNS, -1)
    taut = _taut(skin)
    loops = [
        _loop(model, heads, (rows[:, corner, edge], columns[:, corner, edge]), (end, side))
        for edge, side in ((0, -1), (-1, 1))
        for corner, end in ((1, float(place[TEMPLE, 1]) - 6), (-2, float(place[CHEEK, 1]) - 20))
    ]
    return join(sheet(taut, cloth_colour), *loops)


def _cut(place: torch.Tensor, size: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where on the map (rows and columns in texels, each (B, ROWS, COLUMNS)) the cloth lies.

    It reaches from the bridge of the nose below the chin; its upper edge falls and its lower one rises to the sides.
    """
    across = torch.linspace(-1, 1, COLUMNS)
    column, row = place.unbind(1)
    half_width = (column[16 - CHEEK] - column[CHEEK]) / 2 * (0.90 + 0.10 * size)  # (B,)
    top = row[BRIDGE] + (row[TIP] - row[BRIDGE]) * across.abs() ** 1.5 - 8 * (size[:, None] - 0.5)  # (B, COLUMNS)
    below = row[CHIN] + 6
    bottom = below + (row[JAW] - below) * across**2
    share = torch.linspace(0, 1, ROWS)
    rows = torch.lerp(top[:, None], bottom.expand_as(top)[:, None], share[:, None])
    columns = (MAP_SIZE / 2 + half_width[:, None] * across)[:, None].expand_as(rows)
    return rows, columns


def _points_on_face(
    model: MorphableModel, heads: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> torch.Tensor:
    """The points (B, ..., 3) of heads (B, V, 3) that texels (B, ...) of the map show."""
    layout = face_layout(model, MAP_SIZE)
    row, column = (value.long().clamp(0, MAP_SIZE - 1) for value in (rows, columns))
    corners = layout.triangles[layout.triangle[row, column].long()]  # (B, ..., 3)
    weights = layout.barycentric[row, column]
    head = torch.arange(len(heads)).view(-1, *[1] * (corners.dim() - 1))
    return (heads[head, corners] * weights[..., None]).sum(dim=-2)


def _taut(skin: torch.Tensor) -> torch.Tensor:
    """Cloth (B, H, W, 3) drawn over points of the face: it rests on its edges, and spans what lies deep between.

    Distances are from the y axis, which runs through the head.
    """
    radius = skin[..., 0].hypot(skin[..., 2])
    high = max_pool2d(radius[:, None], (5, 7), stride=1, padding=(2, 3))
    for _ in range(2):
        high = avg_pool2d(pad(high, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    row, column = (torch.arange(count).minimum(torch.arange(count).flip(0)) for count in (ROWS, COLUMNS))
    inwards = (torch.minimum(row[:, None], column) / 4).clamp(max=1)
    lifted = torch.lerp(radius, torch.maximum(high[:, 0], radius), inwards)
    lifted = avg_pool2d(pad(lifted[:, None], (1, 1, 1, 1), mode="replicate"), 3, stride=1)[:, 0]
    factor = (torch.maximum(lifted, radius) + OFFSET) / radius
    under_chin = UNDER_CHIN * torch.linspace(0, 1, ROWS)[:, None].expand(-1, COLUMNS) ** 4
    return skin * torch.stack((factor, torch.ones_like(factor), factor), dim=-1) - under_chin[..., None] * UPWARDS


def _loop(
    model: MorphableModel, heads: torch.Tensor, corner: tuple[torch.Tensor, torch.Tensor], ear: tuple[float, int]
) -> Surface:
    """An elastic from a corner of the cloth, (B,) rows and (B,) columns of the map, to the ear: row and side."""
    share = torch.linspace(0, 1, 7)
    before_ear = MAP_SIZE / 2 * (1 + ear[1] * BEFORE_EAR / (math.pi / 2))
    rows, columns = (
        start[:, None] * (1 - share) + end * share for start, end in zip(corner, (ear[0], before_ear), strict=True)
    )
    path = _points_on_face(model, heads, rows, columns)
    path = path + 1.5 * normalize(path * torch.tensor([1.0, 0.0, 1.0]), dim=-1)
    into_ear = path[:, -1:] + torch.tensor([2.0 * ear[1], 0.0, -14.0])
    thin = torch.full((len(heads),), 0.9)
    return tube(torch.cat((path, into_ear), dim=1), UPWARDS, 1.6 * thin, thin, LOOP.expand(len(heads), 3))
