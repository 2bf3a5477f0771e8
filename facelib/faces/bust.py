"""Neck and shoulders below a head: skin, and clothes from a neckline on.

Heads of the face model end below the chin. A network that has seen nothing else reads the outline of the jaw off the
background, and is misled by every neck: on heads of ICT-FaceKit, whose busts are part of the scan, the error of shapes
fell by a tenth once these were cut off.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from facelib.faces.morphable_model import ByIdentity, MorphableModel
from facelib.faces.surfaces import Surface, sheet_triangles
from facelib.geometry.rotations import euler_to_matrix

CHIN = 8  # landmark
ABOVE_CHIN, BEFORE_CHIN = 40.0, 30.0  # mm about it that holes of the head's mesh which are not the neck's begin at
NECK_ROWS, SHOULDER_ROWS = 6, 10
NECK_WIDTH = 110.0  # mm, of the mean head's ring
NECK_BASE = (62.0, 60.0)  # mm, half its width and depth
SHOULDERS = (205.0, 95.0)
BEHIND = -30.0  # mm, where the body's axis lies in the face frame
HANGING = 160.0  # mm that the body reaches below the shoulders


def bust(
    model: MorphableModel,
    heads: torch.Tensor,
    albedo: torch.Tensor,
    pose: torch.Tensor,
    generator: torch.Generator,
    *,
    of_one_person: bool = False,
) -> Surface:
    """One for each head; the body turns less than the head does.

    Args:
        model: the face model, whose heads are open at the neck.
        heads: (B, V, 3) mm, face frame.
        albedo: (B, V, 3) linear RGB.
        pose: (B, 3) yaw, pitch and roll of the heads, radians.
        generator: of sizes, turns and clothes.
        of_one_person: whether all heads have a body of the same size, which follows all turns alike.
    """
    batch, ring = len(heads), neck_ring(model)
    start, skin = heads[:, ring], albedo[:, ring]
    bodies = 1 if of_one_person else batch
    size, length, slope, stays, neckline, dip = torch.rand(6, bodies, generator=generator)[..., None].unbind(0)
    grown = (start.amax(dim=1) - start.amin(dim=1))[:, :1] / NECK_WIDTH  # wide necks stand on wide shoulders
    middle = start.mean(dim=1)
    angle = torch.atan2(start[..., 0] - middle[:, :1], start[..., 2] - middle[:, 2:])  # (B, N)
    down = torch.linspace(0, 1, NECK_ROWS + 1)[1:]
    out = torch.linspace(0, 1, SHOULDER_ROWS + 1)[1:]
    lowest = start[..., 1].amin(dim=1, keepdim=True)
    base = lowest - 5 - 40 * length  # height of the neck's base, (B, 1)
    neck = _ellipse(angle, grown * (0.9 + 0.2 * size), NECK_BASE, base)
    rows = [torch.lerp(start, neck, share) for share in down]
    for share in out:
        width = torch.lerp(torch.tensor(NECK_BASE), torch.tensor(SHOULDERS), float(share) ** 0.8)
        height = base - (35 + 50 * slope) * share**1.5 - HANGING * share**6
        rows.append(_ellipse(angle, grown * (0.9 + 0.2 * size), tuple(width.tolist()), height))
    grid = torch.stack([start, *rows], dim=1)  # (B, R, N, 3)
    shares = torch.cat((torch.zeros(1), down.square(), torch.ones(SHOULDER_ROWS)))
    pivot = torch.cat((torch.zeros(batch, 1), base, torch.full((batch, 1), BEHIND)), dim=1)
    grid = _turned_back(grid, pose * (0.2 + 0.7 * stays), pivot, shares)
    colour = _dressed(skin.mean(dim=1), angle, neckline, dip, grid.shape[1], generator)
    return Surface.of(grid.flatten(1, 2), sheet_triangles(*grid.shape[1:3], columns_closed=True), colour.flatten(1, 2))


def neck_ring(model: MorphableModel) -> torch.Tensor:
    """The vertices (N,) around the open neck, from the back over the subject's right, the front and the left."""
    return _ring(ByIdentity(model))


@lru_cache(maxsize=4)
def _ring(key: ByIdentity) -> torch.Tensor:
    model = key.model
    triangles, chin = model.triangles, model.mean[model.landmarks[CHIN]]
    edges = torch.cat((triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]])).sort(dim=1).values
    unique, count = torch.unique(edges, dim=0, return_counts=True)
    border = torch.unique(unique[count == 1])
    place = model.mean[border]
    ring = border[(place[:, 1] < chin[1] + ABOVE_CHIN) & (place[:, 2] < chin[2] - BEFORE_CHIN)]
    around = model.mean[ring] - model.mean[ring].mean(dim=0)
    return ring[torch.atan2(around[:, 0], around[:, 2]).argsort()]


def _ellipse(angle: torch.Tensor, factor: torch.Tensor, half: tuple[float, ...], height: torch.Tensor) -> torch.Tensor:
    """Points (B, N, 3) at these angles (B, N) around the body's axis, at a height (B, 1)."""
    x, z = factor * half[0] * angle.sin(), factor * half[1] * angle.cos() + BEHIND
    return torch.stack((x, height.expand_as(x), z), dim=-1)


def _turned_back(grid: torch.Tensor, angles: torch.Tensor, pivot: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Rows (B, R, N, 3) turned about a pivot (B, 3) against angles (B, 3), each by its share (R,)."""
    turn = euler_to_matrix(*(shares[:, None, None] * angles).unbind(2)).permute(1, 0, 2, 3)  # (B, R, 3, 3)
    return (grid - pivot[:, None, None]) @ turn + pivot[:, None, None]


def _dressed(
    skin: torch.Tensor,
    angle: torch.Tensor,
    neckline: torch.Tensor,
    dip: torch.Tensor,
    rows: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Colours (B, R, N, 3): skin (B, 3) above a neckline, which falls at the front, cloth below."""
    batch = len(skin)
    saturation, brightness = torch.rand(2, batch, 1, generator=generator).unbind(0)
    cloth = torch.rand(batch, 3, generator=generator)
    cloth = torch.lerp(cloth.mean(dim=1, keepdim=True), cloth, 0.2 + 0.7 * saturation) * brightness**1.5
    place = torch.arange(rows)[:, None] / (rows - 1)  # of a row, from the ring to the end
    front = angle.cos().clamp(min=0)[:, None] ** 3  # (B, 1, N)
    edge = 0.15 + 0.45 * neckline[:, None] + 0.3 * dip[:, None] * front  # from turtlenecks to bare shoulders
    below = (place > edge)[..., None]
    return torch.where(below, cloth[:, None, None], skin[:, None, None])
