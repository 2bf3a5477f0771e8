"""Balls searched in a hashed grid of cells a little larger than the radius: the kernels for a small radius.

Points are sorted into buckets by their cell, in ascending order of index, so that a ball needs the buckets of the at
most 27 cells it touches, and of each of them only the points below the highest index that a full ball holds. The
number of buckets follows the number of points and not the space between them, so outliers cost nothing; points that
crowd into one cell lead to looking through them in order.
Source: Teschner et al., "Optimized spatial hashing for collision detection of deformable objects", VMV 2003.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from facelib.geometry.threads import share_among_threads

_MOST_CELLS = 2.0**20  # along an axis; beyond that cells are larger than the radius asks for
_MARGIN = 1e-3  # of a length, for rounding, which is far smaller
_FEW = 128  # indices that are ranked one against all others


def search_grid(
    centres: np.ndarray,
    points: np.ndarray,
    radius: float,
    limit: np.floating,
    corner: np.ndarray,
    extent: np.ndarray,
    indices: np.ndarray,
) -> None:
    """Write the indices of each ball.

    Args:
        centres: (B, M, 3) float32 or float64.
        points: (B, N, 3), same dtype.
        radius: of the balls.
        limit: its square, in the dtype of the points.
        corner: (B, 3) float64, the lowest coordinates of the points.
        extent: (B,) float64, the longest side of their bounding box.
        indices: (B, M, count) int64, to be written.
    """
    batch, available, _ = points.shape
    # Squares below the least number round to zero, so points closer than its root count as inside.
    reach = radius * (1 + _MARGIN) + 2 * float(np.finfo(points.dtype).smallest_subnormal) ** 0.5
    # Larger than the reach by more than rounding, so that a ball never touches four cells along an axis.
    cell = np.maximum(reach * (1 + _MARGIN), extent / _MOST_CELLS)
    starts = np.zeros((batch, (1 << available.bit_length()) + 1), np.int32)
    order, members = np.empty((batch, available), np.int32), np.empty(points.shape, points.dtype)
    grid = corner, cell, starts, order, members
    share_among_threads(_sort_into_buckets, batch, points, *grid)
    share_among_threads(_search_balls, batch * centres.shape[1], centres, reach, limit, *grid, indices)


@njit(cache=True, nogil=True, inline="always")
def _bucket(x, y, z, buckets):  # type: ignore[no-untyped-def]
    return (x * 73856093 ^ y * 19349663 ^ z * 83492791) & (buckets - 1)


@njit(cache=True, nogil=True)
def _sort_into_buckets(first, last, points, corner, cell, starts, order, members):  # type: ignore[no-untyped-def]
    """A counting sort: bucket b of a cloud ends up holding order[starts[b]:starts[b + 1]], ascending."""
    count, buckets = points.shape[1], starts.shape[1] - 1
    bucket = np.empty(count, np.int32)
    for cloud in range(first, last):
        left, low, near, size = corner[cloud, 0], corner[cloud, 1], corner[cloud, 2], cell[cloud]
        ends = starts[cloud, 1:]  # counts, then where each bucket ends, then, emptied from behind, where it starts
        for i in range(count):
            x, y, z = points[cloud, i, 0] - left, points[cloud, i, 1] - low, points[cloud, i, 2] - near
            bucket[i] = _bucket(int(x / size), int(y / size), int(z / size), buckets)
            ends[bucket[i]] += 1
        for b in range(1, buckets):
            ends[b] += ends[b - 1]
        for i in range(count - 1, -1, -1):
            ends[bucket[i]] -= 1
            place = ends[bucket[i]]
            order[cloud, place] = i
            for axis in range(3):
                members[cloud, place, axis] = points[cloud, i, axis]
        starts[cloud, :buckets] = ends
        starts[cloud, buckets] = count


@njit(cache=True, nogil=True)
def _search_balls(first, last, centres, reach, limit, corner, cell, starts, order, members, indices):  # type: ignore[no-untyped-def]
    buckets = np.empty(27, np.int64)
    inside = np.empty(2 * indices.shape[2], np.int32)
    for ball in range(first, last):
        cloud, row = ball // centres.shape[1], ball % centres.shape[1]
        centre, found = centres[cloud, row], indices[cloud, row]
        touched = _touched_buckets(centre, reach, corner[cloud], cell[cloud], starts.shape[1] - 1, buckets)
        filled = _search_buckets(
            centre, buckets[:touched], starts[cloud], order[cloud], members[cloud], limit, found, inside
        )
        if filled == 0:
            found[0], filled = _nearest(centre, order[cloud], members[cloud]), 1
        found[filled:] = found[0]


@njit(cache=True, nogil=True)
def _touched_buckets(centre, reach, corner, cell, count, buckets):  # type: ignore[no-untyped-def]
    """Write the distinct buckets of the cells that a ball touches; return how many."""
    x_first, x_last = _touched(centre[0] - corner[0], reach, cell)
    y_first, y_last = _touched(centre[1] - corner[1], reach, cell)
    z_first, z_last = _touched(centre[2] - corner[2], reach, cell)
    touched = 0
    for x in range(x_first, x_last + 1):
        for y in range(y_first, y_last + 1):
            for z in range(z_first, z_last + 1):
                bucket = _bucket(x, y, z, count)
                known = False
                for i in range(touched):
                    known |= buckets[i] == bucket
                if not known:
                    buckets[touched] = bucket
                    touched += 1
    return touched


@njit(cache=True, nogil=True, inline="always")
def _touched(place, reach, cell):  # type: ignore[no-untyped-def]
    """The first and the last cell along an axis, clamped to those that exist before the cast; at most three."""
    first = min(max(np.floor((place - reach) / cell), 0.0), _MOST_CELLS + 1)
    last = max(min(np.floor((place + reach) / cell), _MOST_CELLS), -1.0)
    return int(first), int(last)


@njit(cache=True, nogil=True)
def _search_buckets(centre, buckets, starts, order, members, limit, found, inside):  # type: ignore[no-untyped-def]
    """Write the lowest indices inside, in order; return how many."""
    x, y, z = centre[0], centre[1], centre[2]
    filled, highest = 0, len(order)
    for bucket in buckets:
        for i in range(starts[bucket], starts[bucket + 1]):
            if order[i] >= highest:
                break
            dx, dy, dz = members[i, 0] - x, members[i, 1] - y, members[i, 2] - z
            inside[filled] = order[i]  # written in any case and kept if inside, which spares a branch
            filled += dx * dx + dy * dy + dz * dz <= limit
            if filled == len(inside):
                filled = _write_lowest(inside, found)
                inside[:filled], highest = found, found[-1]
    return _write_lowest(inside[:filled], found)


@njit(cache=True, nogil=True)
def _write_lowest(values, found):  # type: ignore[no-untyped-def]
    """Write the lowest of different values, ascending, as far as there is room; return how many."""
    if len(values) <= _FEW:
        for i in range(len(values)):
            rank = np.int32(0)
            for j in range(len(values)):  # a loop without branches beats sorting while it is short
                rank += np.int32(values[j] < values[i])
            if rank < len(found):
                found[rank] = values[i]
    else:
        values.sort()
        found[: len(values)] = values[: len(found)]
    return min(len(values), len(found))


@njit(cache=True, nogil=True)
def _nearest(centre, order, members):  # type: ignore[no-untyped-def]
    best, least = len(order), np.inf
    for i in range(len(order)):
        dx, dy, dz = members[i, 0] - centre[0], members[i, 1] - centre[1], members[i, 2] - centre[2]
        distance = dx * dx + dy * dy + dz * dz
        if distance < least or (distance == least and order[i] < best):
            best, least = order[i], distance
    return best
