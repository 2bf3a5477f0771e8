"""Which place of one head is which of another, so that what lies on the one can be laid on the other."""

from __future__ import annotations

import numpy as np
from scipy import sparse

CANDIDATES = 12  # triangles with the nearest centres, among which the nearest place is sought


def warp_by_landmarks(points: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Move points as landmarks move: a smooth map that takes each landmark of `source` to its `target`.

    The map is the biharmonic spline of three dimensions, which far from the landmarks becomes affine.

    Args:
        points: (N, 3) mm, source and target (L, 3) mm.

    Returns:
        (N, 3) mm.
    """
    from scipy.interpolate import RBFInterpolator

    return RBFInterpolator(source, target, kernel="linear", degree=1)(points)


def surface_weights(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> sparse.csr_matrix:
    """The matrix that gives each point what the nearest place of a surface has.

    Args:
        points: (N, 3) mm.
        vertices: (V, 3) mm, and triangles (T, 3) of similar sizes.

    Returns:
        (N, V), three barycentric weights a row.
    """
    from scipy.spatial import cKDTree
    from trimesh.triangles import closest_point, points_to_barycentric

    corners = vertices[triangles]
    count = min(CANDIDATES, len(triangles))
    candidates = cKDTree(corners.mean(axis=1)).query(points, k=range(1, count + 1))[1]  # (N, C)
    places = closest_point(corners[candidates.ravel()], np.repeat(points, count, axis=0)).reshape(-1, count, 3)
    best = np.linalg.norm(places - points[:, None], axis=2).argmin(axis=1)
    rows = np.arange(len(points))
    chosen = candidates[rows, best]
    weights = points_to_barycentric(corners[chosen], places[rows, best]).clip(0, 1)
    weights /= weights.sum(axis=1, keepdims=True)
    shape = (len(points), len(vertices))
    return sparse.csr_matrix((weights.ravel(), (np.repeat(rows, 3), triangles[chosen].ravel())), shape)
