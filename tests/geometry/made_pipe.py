"""A pipe: the simplest surface for a cylindrical map."""

from __future__ import annotations

import math

import torch

SECTORS, LEVELS = 48, 21
RADIUS, HEIGHT = 80.0, 100.0


def pipe(radius: float = RADIUS, dtype=torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """A cylinder about the y axis, open above and below: (V, 3) and triangles counter-clockwise from outside."""
    angle = torch.arange(SECTORS, dtype=dtype) * (2 * math.pi / SECTORS)
    y = torch.linspace(-HEIGHT, HEIGHT, LEVELS, dtype=dtype)[:, None].expand(-1, SECTORS)
    vertices = torch.stack((radius * angle.sin().expand_as(y), y, radius * angle.cos().expand_as(y)), dim=-1)
    corner = torch.arange((LEVELS - 1) * SECTORS).view(-1, SECTORS)
    right, above = corner.roll(-1, dims=1), corner + SECTORS
    lower, upper = torch.stack((corner, right, above), -1), torch.stack((right, right + SECTORS, above), -1)
    return vertices.reshape(-1, 3), torch.cat((lower.reshape(-1, 3), upper.reshape(-1, 3)))
