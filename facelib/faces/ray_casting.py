"""What rays from a camera meet first: meshes by Embree, a renderer that shares nothing with ours.

What was learnt from frames of our rasterizer is judged on frames of this one too. Embree comes with trimesh's optional
package embreex.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from facelib.errors import MissingPart


def check_embree() -> None:
    """Raise unless rays can be cast.

    Raises:
        MissingPart: without embreex.
    """
    _intersector()


def first_hits(vertices: np.ndarray, triangles: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays from the origin meet a mesh first, seen from either side.

    Args:
        vertices: (V, 3) camera frame.
        triangles: (T, 3).
        rays: (R, 3) directions of any length.

    Returns:
        (R,) float64 the multiple of each direction that leads to its hit, infinite where nothing is met; and the cosine
        of the angle between the ray and the normal there, 0 where nothing is met.

    Raises:
        MissingPart: without embreex.
    """
    import trimesh

    mesh = trimesh.Trimesh(vertices, triangles, process=False, validate=False)
    # Embree works in float32: it says which triangle, and where on it is computed here.
    hit = _intersector()(mesh).intersects_first(np.zeros_like(rays), rays)
    corners = vertices.astype(np.float64)[triangles[hit]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    along, length = (normals * rays).sum(axis=1), np.linalg.norm(normals, axis=1) * np.linalg.norm(rays, axis=1)
    met = (hit >= 0) & (along != 0)
    multiple = np.divide((normals * corners[:, 0]).sum(axis=1), along, out=np.full(len(rays), np.inf), where=met)
    return multiple, np.divide(np.abs(along), length, out=np.zeros(len(rays)), where=met)


def _intersector() -> Any:
    try:
        return importlib.import_module("trimesh.ray.ray_pyembree").RayMeshIntersector
    except ImportError as error:
        raise MissingPart("rays are cast by embreex, which is not installed: pip install embreex") from error
