"""Normals of triangle meshes.

Triangles are counter-clockwise seen from outside, so normals point outwards. A vertex normal is the normalised sum of
the normals of its triangles weighted with their areas, that is of the plain cross products. A triangle without area
and a vertex without triangles (or whose triangles cancel) have the zero normal. A non-finite vertex makes the normals
of its triangles, and of their corners, NaN; other normals do not feel it.
"""

from __future__ import annotations

import torch
from numba import njit

from facelib.errors import BadInput, check_floating, check_shape
from facelib.geometry.threads import share_among_threads


def triangle_normals(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Unit normals of the triangles.

    Args:
        vertices: (B, V, 3), mm.
        triangles: (T, 3) vertex ids.

    Returns:
        (B, T, 3), zero where a triangle has no area.

    Raises:
        BadInput: on wrong shapes or a vertex id out of range.
    """
    _check_mesh(vertices, triangles)
    return _normalised(_doubled_areas(vertices, triangles))


def vertex_normals(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Area-weighted unit normals of the vertices.

    Differentiable to the vertices. Where no gradient is asked for on the CPU in float32, a numba kernel computes the
    same.

    Args:
        vertices: (B, V, 3), mm.
        triangles: (T, 3) vertex ids.

    Returns:
        (B, V, 3), zero at a vertex without triangles.

    Raises:
        BadInput: on wrong shapes or a vertex id out of range.
    """
    _check_mesh(vertices, triangles)
    wants_gradient = vertices.requires_grad and torch.is_grad_enabled()
    on_kernel = vertices.device.type == "cpu" and vertices.dtype == torch.float32 and not wants_gradient
    return (_vertex_normals_numba if on_kernel else _vertex_normals_torch)(vertices, triangles)


def check_vertex_ids(triangles: torch.Tensor, count: int) -> None:
    """Raise BadInput unless every id is an integer from 0 to `count` - 1."""
    if triangles.is_floating_point() or triangles.is_complex() or triangles.dtype == torch.bool:
        raise BadInput(f"triangles are {triangles.dtype}: expected integer vertex ids")
    low, high = (int(value) for value in triangles.aminmax())
    if low < 0 or high >= count:
        raise BadInput(f"triangles name vertices {low} to {high}: expected ids in 0 to {count - 1} ({count} vertices)")


def _check_mesh(vertices: torch.Tensor, triangles: torch.Tensor) -> None:
    check_shape("vertices", vertices, (None, None, 3))
    check_floating(vertices=vertices)
    check_shape("triangles", triangles, (None, 3))
    check_vertex_ids(triangles, vertices.shape[1])


def _doubled_areas(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """(B, T, 3): normals as long as twice the triangle's area."""
    a, b, c = vertices[:, triangles.long()].unbind(-2)
    return torch.linalg.cross(b - a, c - a)


def _normalised(vectors: torch.Tensor) -> torch.Tensor:
    # The norm has no gradient at zero: a zero vector is replaced before the division, not after.
    nonzero = (vectors != 0).any(-1, keepdim=True)
    safe = torch.where(nonzero, vectors, torch.ones_like(vectors))
    return torch.where(nonzero, vectors / safe.norm(dim=-1, keepdim=True), torch.zeros_like(vectors))


def _vertex_normals_torch(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    normals = _doubled_areas(vertices, triangles)
    summed = torch.zeros_like(vertices)
    for corner in triangles.long().unbind(-1):
        summed = summed.index_add(1, corner, normals)
    return _normalised(summed)


def _vertex_normals_numba(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    normals = torch.zeros(vertices.shape)
    share_among_threads(
        _accumulate_images,
        len(vertices),
        vertices.detach().contiguous().numpy(),
        triangles.to(torch.int32).contiguous().numpy(),
        normals.numpy(),
    )
    return normals


@njit(cache=True, nogil=True)
def _accumulate_images(first, last, vertices, triangles, normals):  # type: ignore[no-untyped-def]
    for image in range(first, last):
        _accumulate(vertices[image], triangles, normals[image])


@njit(cache=True, nogil=True)
def _accumulate(vertices, triangles, normals):  # type: ignore[no-untyped-def]
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for vertex in (a, b, c):
            normals[vertex, 0] += x
            normals[vertex, 1] += y
            normals[vertex, 2] += z
    for vertex in range(len(normals)):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        length = (x * x + y * y + z * z) ** 0.5
        if length != 0:  # a NaN length makes the whole normal NaN
            normals[vertex, 0] = x / length
            normals[vertex, 1] = y / length
            normals[vertex, 2] = z / length
