"""The numba kernels of `point_clouds.ball_query`, and the choice between two of them.

A radius of at least 1/COARSE of the cloud's longest side fills most balls after a short look through the points in
order, sooner than any structure could. A smaller one is searched in a grid.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from facelib.geometry.kernels.ball_grid import search_grid
from facelib.geometry.threads import share_among_threads

COARSE = 8
_BLOCK = 128  # points whose distances are computed at once, so that the compiler can use vector instructions


def find_in_balls(centres: np.ndarray, points: np.ndarray, radius: float, count: int) -> np.ndarray:
    """What `point_clouds.ball_query` promises, for checked input.

    Args:
        centres: (B, M, 3) float32 or float64, contiguous.
        points: (B, N, 3), same dtype, contiguous.
        radius: of the balls.
        count: indices a ball.

    Returns:
        (B, M, count) int64.
    """
    batch, balls, _ = centres.shape
    indices = np.empty((batch, balls, count), np.int64)
    corner, extent = np.empty((batch, 3)), np.empty(batch)
    share_among_threads(_bound, batch, points, corner, extent)
    limit = points.dtype.type(min(radius * radius, float(np.finfo(points.dtype).max)))
    if radius * COARSE < extent.max():
        search_grid(centres, points, radius, limit, corner, extent, indices)
    else:
        # Coordinate planes (B, 3, N) let neighbouring points share a vector register.
        planes = np.ascontiguousarray(points.transpose(0, 2, 1))
        share_among_threads(_look_through, batch * balls, centres, planes, limit, indices)
    return indices


@njit(cache=True, nogil=True)
def _bound(first, last, points, corner, extent):  # type: ignore[no-untyped-def]
    """Write the lower corners of the bounding boxes and their longest sides."""
    for cloud in range(first, last):
        extent[cloud] = 0
        for axis in range(3):
            low, high = points[cloud, 0, axis], points[cloud, 0, axis]
            for i in range(1, points.shape[1]):
                low, high = min(low, points[cloud, i, axis]), max(high, points[cloud, i, axis])
            corner[cloud, axis] = low
            extent[cloud] = max(extent[cloud], np.float64(high) - np.float64(low))


@njit(cache=True, nogil=True)
def _look_through(first, last, centres, planes, limit, indices):  # type: ignore[no-untyped-def]
    for ball in range(first, last):
        cloud, row = ball // centres.shape[1], ball % centres.shape[1]
        _look_for_one(centres[cloud, row], planes[cloud], limit, indices[cloud, row])


@njit(cache=True, nogil=True)
def _look_for_one(centre, planes, limit, found):  # type: ignore[no-untyped-def]
    xs, ys, zs = planes[0], planes[1], planes[2]
    distance = np.empty(_BLOCK, planes.dtype)
    filled, count, available = 0, len(found), len(xs)
    for start in range(0, available, _BLOCK):
        stop = min(start + _BLOCK, available)
        inside = _distances(xs[start:stop], ys[start:stop], zs[start:stop], centre, limit, distance)
        if inside == 0:
            continue
        for i in range(stop - start):
            if distance[i] <= limit:
                found[filled] = start + i
                filled += 1
                if filled == count:
                    return
    if filled == 0:
        found[0] = _nearest(xs, ys, zs, centre)
        filled = 1
    found[filled:] = found[0]


@njit(cache=True, nogil=True)
def _distances(xs, ys, zs, centre, limit, distance):  # type: ignore[no-untyped-def]
    """Write the squared distances and return how many are within the limit."""
    inside = np.int32(0)
    centre_x, centre_y, centre_z = centre[0], centre[1], centre[2]
    for i in range(len(xs)):
        x, y, z = xs[i] - centre_x, ys[i] - centre_y, zs[i] - centre_z
        squared = x * x + y * y + z * z
        distance[i] = squared
        inside += np.int32(squared <= limit)
    return inside


@njit(cache=True, nogil=True)
def _nearest(xs, ys, zs, centre):  # type: ignore[no-untyped-def]
    best, least = 0, np.inf
    for i in range(len(xs)):
        x, y, z = xs[i] - centre[0], ys[i] - centre[1], zs[i] - centre[2]
        distance = x * x + y * y + z * z
        if distance < least:
            best, least = i, distance
    return best
