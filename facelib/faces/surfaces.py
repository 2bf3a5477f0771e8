"""Surfaces of occluders: tubes and sheets in the face frame, one of each for every head of a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import normalize

SIDES = 6  # of a tube's cross-section


@dataclass(frozen=True)
class Surface:
    """B coloured meshes that share their triangles.

    Args:
        vertices: (B, W, 3) mm, face frame.
        albedo: (B, W, 3) linear RGB.
        triangles: (T, 3) int64, counter-clockwise seen from outside.
    """

    vertices: torch.Tensor
    albedo: torch.Tensor
    triangles: torch.Tensor

    @staticmethod
    def of(vertices: torch.Tensor, triangles: torch.Tensor, colour: torch.Tensor) -> Surface:
        """A surface (B, W, 3) of one colour (B, 3) each, or of one a vertex (B, W, 3)."""
        albedo = colour if colour.dim() == 3 else colour[:, None]
        return Surface(vertices, albedo.expand_as(vertices), triangles)


def join(*surfaces: Surface) -> Surface:
    """Several surfaces as one."""
    triangles, first = [], 0
    for surface in surfaces:
        triangles.append(surface.triangles + first)
        first += surface.vertices.shape[1]
    return Surface(
        torch.cat([surface.vertices for surface in surfaces], dim=1),
        torch.cat([surface.albedo for surface in surfaces], dim=1),
        torch.cat(triangles),
    )


def tube(
    path: torch.Tensor,
    across: torch.Tensor,
    height: torch.Tensor,
    thickness: torch.Tensor,
    colour: torch.Tensor,
    *,
    closed: bool = False,
) -> Surface:
    """Tubes of oval cross-section around paths; open ones have open ends.

    Args:
        path: (B, P, 3) mm.
        across: (3,) a direction that no path follows; the cross-section is measured along it and aside.
        height: (B,) radius of the cross-section along `across`, mm, and thickness (B,) aside.
        colour: (B, 3) linear RGB.
        closed: whether the last point is joined to the first.
    """
    count = path.shape[1]
    after, before = path.roll(-1, dims=1), path.roll(1, dims=1)
    if not closed:
        after, before = torch.cat((after[:, :-1], path[:, -1:]), dim=1), torch.cat((path[:, :1], before[:, 1:]), dim=1)
    along = normalize(after - before, dim=-1)
    upwards = normalize(across - (along @ across)[..., None] * along, dim=-1)
    aside = torch.linalg.cross(along, upwards)
    turn = torch.arange(SIDES) * (2 * math.pi / SIDES)
    ring = (
        path[:, :, None]
        + (height[:, None] * turn.cos())[:, None, :, None] * upwards[:, :, None]
        + (thickness[:, None] * turn.sin())[:, None, :, None] * aside[:, :, None]
    )  # (B, P, SIDES, 3)
    triangles = sheet_triangles(count, SIDES, rows_closed=closed, columns_closed=True).flip(1)
    return Surface.of(ring.flatten(1, 2), triangles, colour)


def sheet(grid: torch.Tensor, colour: torch.Tensor, *, columns_closed: bool = False) -> Surface:
    """Sheets without thickness, seen from both sides.

    Args:
        grid: (B, H, W, 3) mm; seen from outside, rows run down and columns to the right.
        colour: (B, 3) linear RGB, or (B, H, W, 3).
        columns_closed: whether the last column is joined to the first.
    """
    outside = sheet_triangles(*grid.shape[1:3], columns_closed=columns_closed)
    colour = colour.flatten(1, 2) if colour.dim() == 4 else colour
    # Each side has vertices of its own: normals point away from it.
    return join(
        Surface.of(grid.flatten(1, 2), outside, colour), Surface.of(grid.flatten(1, 2), outside.flip(1), colour)
    )


def sheet_triangles(
    rows: int, columns: int, *, rows_closed: bool = False, columns_closed: bool = False
) -> torch.Tensor:
    """Two triangles (T, 3) for each square of a grid of vertices that is numbered row by row."""
    number = torch.arange(rows * columns).view(rows, columns)
    number = torch.cat((number, number[:1]), dim=0) if rows_closed else number
    number = torch.cat((number, number[:, :1]), dim=1) if columns_closed else number
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    return torch.cat((torch.stack((a, c, b), dim=-1), torch.stack((b, c, d), dim=-1))).flatten(0, 1)
