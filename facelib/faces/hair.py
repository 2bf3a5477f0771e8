"""Hair: a cap over the scalp, a fringe over the forehead, and curtains at the sides and the back.

Heads of the face model have painted hair without volume and a bare forehead. Photographs of people have not, and a
network that has seen nothing else takes the edge of a fringe for brows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import torch
from torch.nn.functional import normalize

from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import ByIdentity, MorphableModel
from facelib.faces.surfaces import Surface, join, sheet
from facelib.geometry.normals import vertex_normals

MAP_SIZE = 64  # of the layout on which the fringe is cut
FRINGE_ROWS, FRINGE_COLUMNS = 10, 24
CURTAIN_ROWS, CURTAIN_COLUMNS = 12, 32
LEFT_BROW, RIGHT_BROW, BROW_TOP = 26, 17, 19  # landmarks
STREAKS, DARKEST = 0.3, 0.003
BEARDED = 0.25  # share of the people
MOUTH = 66  # landmark between moustache and beard
SHORN = 0.2  # share of the people whose hair is painted on their scalp, as short as that
COLOURS = torch.tensor(  # linear RGB: black, dark brown, brown, red, blond, grey, white
    [[0.01, 0.01, 0.01], [0.03, 0.018, 0.012], [0.09, 0.05, 0.03], [0.2, 0.07, 0.03], [0.4, 0.27, 0.13],
     [0.25, 0.25, 0.25], [0.6, 0.58, 0.55]]
)  # fmt: skip


def hair(model: MorphableModel, heads: torch.Tensor, generator: torch.Generator) -> Surface:
    """Hair of random length, volume and colour for each head.

    Args:
        model: the face model.
        heads: (B, V, 3) mm, face frame.
        generator: of all randomness.
    """
    batch = len(heads)
    volume, fringe, parting, length, forward, shade = torch.rand(6, batch, generator=generator).unbind(0)
    colour = COLOURS[torch.randint(len(COLOURS), (batch,), generator=generator)] * (0.6 + 0.8 * shade[:, None])
    thick = 4 + 24 * volume.square()  # mm
    whole = join(
        _cap(model, heads, thick, colour, generator),
        _fringe(model, heads, fringe, parting, colour, generator),
        _curtain(model, heads, thick, length, forward, colour, generator),
    )
    shorn = torch.rand(batch, generator=generator) < SHORN
    inside = heads.mean(dim=1, keepdim=True)  # of the head, where nothing is seen
    return replace(whole, vertices=torch.where(shorn[:, None, None], inside, whole.vertices))


def bearded(model: MorphableModel, albedo: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Albedo (B, V, 3) of heads of which some have a moustache, a beard or both, from stubble to dense hair."""
    batch = len(albedo)
    has, kind, dense, edge, shade = torch.rand(5, batch, 1, generator=generator).unbind(0)
    colour = COLOURS[torch.randint(len(COLOURS), (batch,), generator=generator)] * (0.6 + 0.8 * shade)
    above = (model.mean[:, 1] > model.mean[model.landmarks[MOUTH], 1]).float()
    shown = torch.where(kind < 0.25, above, torch.where(kind < 0.5, 1 - above, 1.0))
    cover = (has < BEARDED) * (0.3 + 0.7 * dense) * model.regions["beard"] ** (0.4 + edge) * shown
    strands = torch.exp(STREAKS * torch.randn(albedo.shape[:2], generator=generator))[..., None]
    return torch.lerp(albedo, colour[:, None] * strands, cover[..., None])


def _cap(
    model: MorphableModel, heads: torch.Tensor, thick: torch.Tensor, colour: torch.Tensor, generator: torch.Generator
) -> Surface:
    """The scalp lifted off the head, least at its border."""
    scalp = model.regions["scalp"]
    used, triangles = _scalp(ByIdentity(model))
    normals = vertex_normals(heads, model.triangles)[:, used]
    bumps = 1 + 0.3 * torch.randn(len(heads), len(used), generator=generator)
    lift = 1.5 + thick[:, None] * scalp[used].sqrt() * bumps.clamp(0.4, 1.6)
    colours = _streaked(colour, 1, len(used), generator)[:, 0]
    return Surface.of(heads[:, used] + lift[..., None] * normals, triangles, colours)


@lru_cache(maxsize=4)
def _scalp(key: ByIdentity) -> tuple[torch.Tensor, torch.Tensor]:
    """The vertices (N,) of the scalp, and its triangles (T, 3) between them."""
    model = key.model
    triangles = model.triangles[(model.regions["scalp"] > 0.02)[model.triangles].all(dim=1)]
    used, numbered = torch.unique(triangles, return_inverse=True)
    return used, numbered


def _fringe(
    model: MorphableModel,
    heads: torch.Tensor,
    amount: torch.Tensor,
    parting: torch.Tensor,
    colour: torch.Tensor,
    generator: torch.Generator,
) -> Surface:
    """A sheet from the hairline down the forehead, shorter on one side; of a third of the people hardly any is left."""
    layout = face_layout(model, MAP_SIZE)
    place = layout.place[model.landmarks]
    across = torch.linspace(-1, 1, FRINGE_COLUMNS)
    half = (place[LEFT_BROW, 0] - place[RIGHT_BROW, 0]) / 2 * 1.3
    columns = MAP_SIZE / 2 + half * across
    slant = (2 * parting[:, None] - 1) * across  # (B, columns)
    ragged = 0.08 * torch.randn(len(heads), FRINGE_COLUMNS, generator=generator)
    reach = (1.5 * amount[:, None] - 0.45 + 0.35 * slant + ragged).clamp(0.02, 1.15)  # 1 is down to the brows
    rows = torch.linspace(0, 1, FRINGE_ROWS)[:, None] * reach[:, None] * place[BROW_TOP, 1]
    points = _on_map(model, heads, rows, columns.expand_as(rows))
    outwards = normalize(points * torch.tensor([1.0, 0.0, 1.0]), dim=-1)
    points = points + torch.linspace(7, 3, FRINGE_ROWS)[:, None, None] * outwards
    under_cap = points[:, :1] + torch.tensor([0.0, 22.0, -16.0])  # the map ends below the hairline
    return sheet(torch.cat((under_cap, points), dim=1), _streaked(colour, FRINGE_ROWS + 1, FRINGE_COLUMNS, generator))


def _curtain(
    model: MorphableModel,
    heads: torch.Tensor,
    thick: torch.Tensor,
    length: torch.Tensor,
    forward: torch.Tensor,
    colour: torch.Tensor,
    generator: torch.Generator,
) -> Surface:
    """Half a tube around the sides and the back, from above the ears to anywhere between them and the shoulders."""
    landmarks = model.landmarks
    side = (heads[:, landmarks[16], 0] - heads[:, landmarks[0], 0]) / 2  # half the width at the ears
    top = heads[:, landmarks[BROW_TOP], 1] + 10
    bottom = top - 20 - 190 * (1.4 * length - 0.4).clamp(min=0)
    start = math.pi * (0.42 + 0.16 * (1 - forward))  # angle from the front where the hair begins
    share = torch.linspace(0, 1, CURTAIN_COLUMNS)
    angle = start[:, None] + (2 * math.pi - 2 * start[:, None]) * share  # over the back
    down = torch.linspace(0, 1, CURTAIN_ROWS)
    height = torch.lerp(top[:, None], bottom[:, None], down)  # (B, rows)
    wave = 1 + 0.03 * torch.randn(len(heads), 1, CURTAIN_COLUMNS, generator=generator)
    wide = (side + 6 + 0.7 * thick)[:, None, None] * wave * (1 + 0.12 * down[:, None])
    deep = (side + 22 + 0.7 * thick)[:, None, None] * wave
    x, z = wide * angle.sin()[:, None], deep * angle.cos()[:, None].expand(-1, CURTAIN_ROWS, -1) - 10
    points = torch.stack((x, height[..., None].expand_as(x), z), dim=-1)
    return sheet(points, _streaked(colour, CURTAIN_ROWS, CURTAIN_COLUMNS, generator))


def _streaked(colour: torch.Tensor, rows: int, columns: int, generator: torch.Generator) -> torch.Tensor:
    """Colours (B, rows, columns, 3) of a sheet, whose columns are strands lighter or darker than its colour (B, 3)."""
    light = 1 + STREAKS * torch.randn(len(colour), 1, columns, 1, generator=generator)
    return (colour[:, None, None] * light).clamp(DARKEST, 1).expand(-1, rows, -1, -1)


def _on_map(model: MorphableModel, heads: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """The points (B, ..., 3) of heads (B, V, 3) that texels (B, ...) of the map show."""
    layout = face_layout(model, MAP_SIZE)
    row, column = (value.long().clamp(0, MAP_SIZE - 1) for value in (rows, columns))
    corners = layout.triangles[layout.triangle[row, column].long()]
    weights = layout.barycentric[row, column]
    head = torch.arange(len(heads)).view(-1, *[1] * (corners.dim() - 1))
    return (heads[head, corners] * weights[..., None]).sum(dim=-2)
