"""What lies within a radius of a point, such as 95 mm around the nose tip (paper 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from facelib.errors import BadInput, check_finite, check_shape
from facelib.geometry.normals import check_vertex_ids


@dataclass(frozen=True)
class Crop:
    """A part of a mesh.

    Args:
        vertices: (V', 3), mm.
        triangles: (T', 3) ids of these vertices, in the dtype of the mesh.
        kept: (V',) int64, ascending: what each vertex was in the mesh.
    """

    vertices: torch.Tensor
    triangles: torch.Tensor
    kept: torch.Tensor


def crop_around(vertices: torch.Tensor, triangles: torch.Tensor, centre: torch.Tensor, radius: float) -> Crop:
    """The vertices within a radius (inclusive), and the triangles that have all three corners among them.

    Vertices without a triangle stay. Differentiable to the vertices.

    Args:
        vertices: (V, 3), mm.
        triangles: (T, 3) vertex ids.
        centre: (3,), mm, such as the nose tip.
        radius: mm.

    Raises:
        BadInput: on wrong shapes, non-finite values, two devices, a vertex id out of range, a radius that is not
            positive, or if no triangle is left.
    """
    check_shape("vertices", vertices, (None, 3))
    mask = within_radius(vertices, centre, radius)
    check_shape("triangles", triangles, (None, 3))
    check_vertex_ids(triangles, len(vertices))
    if triangles.device != vertices.device:
        raise BadInput(f"vertices are on {vertices.device}, triangles on {triangles.device}: move one of them")
    kept = mask.nonzero()[:, 0]
    whole = mask[triangles.long()].all(-1)
    if not whole.any():
        raise BadInput(f"no triangle lies within {radius} mm of the centre: widen the radius or check the centre")
    renumbered = torch.zeros(len(vertices), dtype=triangles.dtype, device=triangles.device)
    renumbered[kept] = torch.arange(len(kept), dtype=triangles.dtype, device=triangles.device)
    return Crop(vertices[kept], renumbered[triangles[whole].long()], kept)


def within_radius(points: torch.Tensor, centre: torch.Tensor, radius: float) -> torch.Tensor:
    """Which points lie within a radius (inclusive).

    Args:
        points: (N, 3), mm.
        centre: (3,), mm.
        radius: mm.

    Returns:
        (N,) bool.

    Raises:
        BadInput: on wrong shapes, non-finite values, two devices, a radius that is not positive, or if no point is
            left.
    """
    check_shape("points", points, (None, 3))
    check_shape("centre", centre, (3,))
    check_finite("points", points)
    check_finite("centre", centre)
    if points.device != centre.device:
        raise BadInput(f"points are on {points.device}, the centre on {centre.device}: move one of them")
    if not 0 < radius < math.inf:
        raise BadInput(f"radius is {radius}: expected a positive length in mm")
    distance = torch.linalg.vector_norm(points.detach() - centre.detach(), dim=-1)
    inside = distance <= radius
    if not inside.any():
        raise BadInput(
            f"no point lies within {radius} mm of the centre, the nearest is {float(distance.min()):.4g} mm away: "
            "check the centre and the unit, or widen the radius"
        )
    return inside
