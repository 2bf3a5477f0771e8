"""The nearest point of a triangle mesh, found in the tree of boxes around the centres of its triangles.

The boxes are widened to hold the whole triangles, so that none which could be nearest is passed over. All functions
expect checked input.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from facelib.geometry.kernels.search_tree import WAITING, build_tree, depth_of, span, to_box
from facelib.geometry.threads import share_among_threads


def find_on_surface(queries: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest point of B meshes for each query.

    Args:
        queries: (B, M, 3) float64.
        corners: (B, T, 3 corners, 3) float64.

    Returns:
        Points (B, M, 3) and the triangles that hold them (B, M) int64.
    """
    tree = build_tree(corners.mean(axis=2))
    share_among_threads(_widen_boxes, len(corners), corners, tree.order, tree.boxes)
    points, triangles = np.empty_like(queries), np.empty(queries.shape[:2], np.int64)
    share_among_threads(_find_on_surface, triangles.size, queries, corners, tree.order, tree.boxes, points, triangles)
    return points, triangles


@njit(cache=True, nogil=True)
def _widen_boxes(first, last, corners, order, boxes):  # type: ignore[no-untyped-def]
    """From the leaves up, draw the boxes around triangles instead of their centres."""
    nodes = boxes.shape[1]
    for mesh in range(first, last):
        for node in range(nodes - 1, -1, -1):
            box = boxes[mesh, node]
            if node >= nodes >> 1:
                start, stop = span(node, depth_of(nodes), order.shape[1])
                for i in range(start, stop):
                    for corner in corners[mesh, order[mesh, i]]:
                        for axis in range(3):
                            box[axis] = min(box[axis], corner[axis])
                            box[3 + axis] = max(box[3 + axis], corner[axis])
            else:
                near, far = boxes[mesh, 2 * node + 1], boxes[mesh, 2 * node + 2]
                for axis in range(3):
                    box[axis] = min(near[axis], far[axis])
                    box[3 + axis] = max(near[3 + axis], far[3 + axis])


@njit(cache=True, nogil=True)
def _find_on_surface(first, last, queries, corners, order, boxes, points, triangles):  # type: ignore[no-untyped-def]
    nodes, distances, candidate = np.empty(WAITING, np.int64), np.empty(WAITING), np.empty(3)
    for piece in range(first, last):
        mesh, row = piece // queries.shape[1], piece % queries.shape[1]
        found = points[mesh, row]
        triangles[mesh, row] = _search(
            queries[mesh, row], corners[mesh], order[mesh], boxes[mesh], found, candidate, nodes, distances
        )


@njit(cache=True, nogil=True)
def _search(query, corners, order, boxes, found, candidate, nodes, distances):  # type: ignore[no-untyped-def]
    """Write the nearest point and return its triangle."""
    x, y, z = query[0], query[1], query[2]
    inner, depth = len(boxes) >> 1, depth_of(len(boxes))
    best, triangle, waiting, node = np.inf, -1, 0, 0
    while True:
        if node >= inner:
            start, stop = span(node, depth, len(order))
            for i in range(start, stop):
                distance = _to_triangle(x, y, z, corners[order[i]], candidate)
                if distance < best:
                    best, triangle = distance, order[i]
                    found[:] = candidate
        else:
            near, far = 2 * node + 1, 2 * node + 2
            to_near, to_far = to_box(x, y, z, boxes[near]), to_box(x, y, z, boxes[far])
            if to_far < to_near:
                near, far, to_near, to_far = far, near, to_far, to_near
            if to_far < best:
                nodes[waiting], distances[waiting] = far, to_far
                waiting += 1
            if to_near < best:
                node = near
                continue
        while waiting > 0:
            waiting -= 1
            node = nodes[waiting]
            if distances[waiting] < best:
                break
        else:
            return triangle


@njit(cache=True, nogil=True)
def _to_triangle(x, y, z, corners, point):  # type: ignore[no-untyped-def]
    """Write the nearest point of a triangle and return the squared distance.

    It lies on an edge, or is the foot of the perpendicular where that falls inside. All that is tried lies on the
    triangle, so rounding in thin ones can only give a point that is a little too far; an edge may have no length.
    """
    best = np.inf
    for k in range(3):
        start, end = corners[k], corners[(k + 1) % 3]
        ex, ey, ez = end[0] - start[0], end[1] - start[1], end[2] - start[2]
        length = ex * ex + ey * ey + ez * ez
        along = (x - start[0]) * ex + (y - start[1]) * ey + (z - start[2]) * ez
        share = min(max(along / length, 0.0), 1.0) if length > 0 else 0.0
        px, py, pz = start[0] + share * ex, start[1] + share * ey, start[2] + share * ez
        distance = (x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2
        if distance < best:
            best = distance
            point[0], point[1], point[2] = px, py, pz
    a, b, c = corners[0], corners[1], corners[2]
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    wx, wy, wz = x - a[0], y - a[1], z - a[2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    square = nx * nx + ny * ny + nz * nz
    if square > 0:
        weight_b = ((wy * vz - wz * vy) * nx + (wz * vx - wx * vz) * ny + (wx * vy - wy * vx) * nz) / square
        weight_c = ((uy * wz - uz * wy) * nx + (uz * wx - ux * wz) * ny + (ux * wy - uy * wx) * nz) / square
        if weight_b >= 0 and weight_c >= 0 and weight_b + weight_c <= 1:
            px = a[0] + weight_b * ux + weight_c * vx
            py = a[1] + weight_b * uy + weight_c * vy
            pz = a[2] + weight_b * uz + weight_c * vz
            distance = (x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2
            if distance < best:
                best = distance
                point[0], point[1], point[2] = px, py, pz
    return best
