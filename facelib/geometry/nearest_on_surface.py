"""The nearest points of triangle meshes: on their surface, not only among their vertices.

Exact, on the CPU (a tree of boxes in numba) as in the torch reference, which tries every triangle and serves every
other device. All is computed in float64. Of several triangles that are equally near, such as the two at an edge, any
may be named. No gradient flows through the result.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from facelib.errors import check_shape
from facelib.geometry.kernels.nearest_on_surface import find_on_surface
from facelib.geometry.normals import check_vertex_ids
from facelib.geometry.point_clouds import check_clouds, has_kernel

_PAIRS = 2**18  # of queries and triangles held at once by the reference


class SurfacePoints(NamedTuple):
    """Of each query the point chosen for it.

    Args:
        distances: (B, M), in the unit of the points, in their dtype.
        points: (B, M, 3), on the surface, in that dtype.
        triangles: (B, M) int64, which hold them.
    """

    distances: torch.Tensor
    points: torch.Tensor
    triangles: torch.Tensor


@torch.no_grad()
def nearest_on_surface(queries: torch.Tensor, vertices: torch.Tensor, triangles: torch.Tensor) -> SurfacePoints:
    """The nearest point of the surface for each query.

    Triangles without an area count as the edge or the point that they are; vertices without a triangle do not count.

    Args:
        queries: (B, M, 3), mm.
        vertices: (B, V, 3), same unit.
        triangles: (T, 3) vertex ids.

    Raises:
        BadInput: on wrong or different shapes, two dtypes or devices, no triangle, or a vertex id out of range.
        DegenerateInput: on non-finite coordinates.
    """
    check_clouds({"queries": queries, "vertices": vertices})
    check_shape("triangles", triangles, (None, 3))
    check_vertex_ids(triangles, vertices.shape[1])
    corners = vertices.double()[:, triangles.to(vertices.device).long()]  # (B, T, 3 corners, 3)
    found = (_find_numba if has_kernel(queries) else _find_torch)(queries.double(), corners)
    return SurfacePoints(found.distances.to(queries.dtype), found.points.to(queries.dtype), found.triangles)


def _find_numba(queries: torch.Tensor, corners: torch.Tensor) -> SurfacePoints:
    points, triangles = find_on_surface(queries.contiguous().numpy(), corners.contiguous().numpy())
    on_surface = torch.from_numpy(points)
    return SurfacePoints((queries - on_surface).norm(dim=-1), on_surface, torch.from_numpy(triangles))


def _find_torch(queries: torch.Tensor, corners: torch.Tensor) -> SurfacePoints:
    """The reference."""
    found = []
    for part in queries.split(max(_PAIRS // (len(corners) * corners.shape[1]), 1), dim=1):
        points = _on_triangles(part[:, :, None], corners[:, None])  # (B, m, T, 3)
        distances, triangle = (part[:, :, None] - points).norm(dim=-1).min(dim=-1)
        chosen = points.take_along_dim(triangle[..., None, None], dim=2)[:, :, 0]
        found.append((distances, chosen, triangle))
    return SurfacePoints(*(torch.cat(parts, dim=1) for parts in zip(*found, strict=True)))


def _on_triangles(queries: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """The nearest point (..., 3) of triangles (..., 3 corners, 3): on an edge, or the foot of the perpendicular."""
    edges = corners.roll(-1, dims=-2) - corners  # (..., 3 edges, 3)
    offsets = queries[..., None, :] - corners
    length = (edges**2).sum(-1)
    share = ((offsets * edges).sum(-1) / torch.where(length > 0, length, 1)).clamp(0, 1)
    on_edges = corners + share[..., None] * edges
    u, v, w = edges[..., 0, :], -edges[..., 2, :], offsets[..., 0, :]
    normal = torch.linalg.cross(u, v)
    square = (normal**2).sum(-1)
    safe = torch.where(square > 0, square, 1)
    b = (torch.linalg.cross(w, v) * normal).sum(-1) / safe
    c = (torch.linalg.cross(u, w) * normal).sum(-1) / safe
    inside = (square > 0) & (b >= 0) & (c >= 0) & (b + c <= 1)
    foot = corners[..., 0, :] + b[..., None] * u + c[..., None] * v
    tried = torch.cat((on_edges, torch.where(inside[..., None], foot, on_edges[..., 0, :])[..., None, :]), dim=-2)
    nearest = (queries[..., None, :] - tried).norm(dim=-1).argmin(dim=-1)
    return tried.take_along_dim(nearest[..., None, None], dim=-2)[..., 0, :]
