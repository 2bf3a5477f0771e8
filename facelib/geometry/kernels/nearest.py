"""The k nearest points of a query, found in a tree of boxes.

Exact to the last bit: the distance to a box is summed like that to a point, and rounding keeps the order of numbers,
so no box lies further away than the points in it; hence no fastmath. Of equal distances the lowest index wins. All
functions expect checked input.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from facelib.geometry.kernels.search_tree import WAITING, SearchTree, depth_of, span, to_box
from facelib.geometry.threads import share_among_threads


def find_nearest(queries: np.ndarray, tree: SearchTree, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest points of each query, nearest first.

    Args:
        queries: (B, M, 3) in the tree's dtype.
        tree: of B clouds.
        k: at most N.

    Returns:
        Squared distance and index, (B, M, k).
    """
    shape = (*queries.shape[:2], k)
    squared, indices = np.empty(shape, queries.dtype), np.empty(shape, np.int64)
    share_among_threads(_find_nearest, shape[0] * shape[1], queries, *tree.arrays, squared, indices)
    return squared, indices


@njit(cache=True, nogil=True)
def _find_nearest(first, last, queries, planes, order, boxes, lowest, squared, indices):  # type: ignore[no-untyped-def]
    nodes, distances = np.empty(WAITING, np.int64), np.empty(WAITING, planes.dtype)
    for piece in range(first, last):
        cloud, row = piece // queries.shape[1], piece % queries.shape[1]
        tree = planes[cloud], order[cloud], boxes[cloud], lowest[cloud]
        # No point has this index, so even an infinite distance (where squares overflow) counts as nearer.
        squared[cloud, row], indices[cloud, row] = np.inf, order.shape[1]
        search_nearest(queries[cloud, row], *tree, squared[cloud, row], indices[cloud, row], nodes, distances)


@njit(cache=True, nogil=True)
def search_nearest(query, planes, order, boxes, lowest, squared, indices, nodes, distances):  # type: ignore[no-untyped-def]
    """Replace the k points given by squared distance and index, nearest first, by nearer ones."""
    x, y, z = query[0], query[1], query[2]
    xs, ys, zs = planes[0], planes[1], planes[2]
    count, inner, depth, last = len(order), len(lowest) >> 1, depth_of(len(lowest)), len(squared) - 1
    worst, worst_index = squared[last], indices[last]
    waiting, node = 0, 0
    while True:
        if node >= inner:
            start, stop = span(node, depth, count)
            for i in range(start, stop):
                dx, dy, dz = xs[i] - x, ys[i] - y, zs[i] - z
                distance = dx * dx + dy * dy + dz * dz
                if distance < worst or (distance == worst and order[i] < worst_index):
                    _insert(distance, order[i], squared, indices)
                    worst, worst_index = squared[last], indices[last]
        else:
            near, far = 2 * node + 1, 2 * node + 2
            to_near, to_far = to_box(x, y, z, boxes[near]), to_box(x, y, z, boxes[far])
            if to_far < to_near:
                near, far, to_near, to_far = far, near, to_far, to_near
            if to_far < worst or (to_far == worst and lowest[far] < worst_index):
                nodes[waiting], distances[waiting] = far, to_far
                waiting += 1
            if to_near < worst or (to_near == worst and lowest[near] < worst_index):
                node = near
                continue
        while waiting > 0:
            waiting -= 1
            node = nodes[waiting]
            if distances[waiting] < worst or (distances[waiting] == worst and lowest[node] < worst_index):
                break
        else:
            return


@njit(cache=True, nogil=True, inline="always")
def _insert(distance, index, squared, indices):  # type: ignore[no-untyped-def]
    """Put a point in its place and drop the last one."""
    i = len(squared) - 1
    while i > 0 and (distance < squared[i - 1] or (distance == squared[i - 1] and index < indices[i - 1])):
        squared[i], indices[i] = squared[i - 1], indices[i - 1]
        i -= 1
    squared[i], indices[i] = distance, index
