"""A tree of boxes around the points of a cloud: one structure for nearest neighbours and ICP on the CPU.

The points are halved at the median of the widest axis until a leaf holds a few. So the tree is balanced whatever the
density, and far outliers or points in one place cost nothing. Node i has the children 2 i + 1 and 2 i + 2; node p of
level l holds the points from p N / 2^l to (p + 1) N / 2^l in the tree's order. Each node knows its bounding box and the
lowest index of its points.
Source: Bentley, "Multidimensional binary search trees used for associative searching", CACM 1975.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numba import njit

from facelib.geometry.threads import share_among_threads

LEAF = 16  # points a leaf at most
WAITING = 64  # nodes that a search may postpone: one a level
_TOP = 2  # levels that one thread splits, so that the subtrees below can be shared among threads


@dataclass(frozen=True)
class SearchTree:
    """Clouds of one size, each with its tree; NumPy arrays for the kernels.

    Args:
        planes: (B, 3, N) coordinates in the tree's order.
        order: (B, N) int64, which point of the cloud stands there.
        boxes: (B, nodes, 6) lower and upper corner.
        lowest: (B, nodes) int64, the lowest index in each node.
    """

    planes: np.ndarray
    order: np.ndarray
    boxes: np.ndarray
    lowest: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What the kernels take, in their order."""
        return self.planes, self.order, self.boxes, self.lowest


def build_tree(points: np.ndarray) -> SearchTree:
    """Build the trees of a batch of clouds.

    Args:
        points: (B, N, 3) float32 or float64, finite.
    """
    batch, count, _ = points.shape
    depth = 0
    while count > LEAF << depth:
        depth += 1
    nodes = (2 << depth) - 1
    tree = SearchTree(
        planes=np.array(points.transpose(0, 2, 1), order="C"),
        order=np.tile(np.arange(count), (batch, 1)),
        boxes=np.empty((batch, nodes, 6), points.dtype),
        lowest=np.empty((batch, nodes), np.int64),
    )
    top = min(_TOP, depth) if batch < torch.get_num_threads() else 0
    _split_tops(top, depth, *tree.arrays)
    share_among_threads(_build_subtrees, batch << top, top, depth, *tree.arrays)
    _finish_tops(top, tree.lowest)
    return tree


@njit(cache=True, nogil=True, inline="always")
def span(node, level, count):  # type: ignore[no-untyped-def]
    """The points of a node on this level, of `count` in all: the first, and one past the last."""
    place = node + 1 - (1 << level)
    return place * count >> level, (place + 1) * count >> level


@njit(cache=True, nogil=True, inline="always")
def to_box(x, y, z, box):  # type: ignore[no-untyped-def]
    """The squared distance to a box, zero inside."""
    zero = box.dtype.type(0)
    dx = max(box[0] - x, x - box[3], zero)
    dy = max(box[1] - y, y - box[4], zero)
    dz = max(box[2] - z, z - box[5], zero)
    return dx * dx + dy * dy + dz * dz


@njit(cache=True, nogil=True, inline="always")
def depth_of(nodes):  # type: ignore[no-untyped-def]
    """The level of the leaves in a tree of so many nodes."""
    depth = 0
    while nodes >> depth + 1:
        depth += 1
    return depth


@njit(cache=True, nogil=True)
def _split_tops(top, depth, planes, order, boxes, lowest):  # type: ignore[no-untyped-def]
    for cloud in range(len(planes)):
        for level in range(top):
            _grow(0, level, level, depth, planes[cloud], order[cloud], boxes[cloud], lowest[cloud])


@njit(cache=True, nogil=True)
def _build_subtrees(first, last, top, depth, planes, order, boxes, lowest):  # type: ignore[no-untyped-def]
    """Build the trees below level `top`: piece p of the work is node p % 2^top of that level of cloud p // 2^top."""
    for piece in range(first, last):
        cloud, place = piece >> top, piece & ((1 << top) - 1)
        for level in range(top, depth + 1):
            _grow(place, level - top, level, depth, planes[cloud], order[cloud], boxes[cloud], lowest[cloud])
        for level in range(depth - 1, top - 1, -1):
            _gather_lowest(place, level - top, level, lowest[cloud])


@njit(cache=True, nogil=True)
def _finish_tops(top, lowest):  # type: ignore[no-untyped-def]
    for cloud in range(len(lowest)):
        for level in range(top - 1, -1, -1):
            _gather_lowest(0, level, level, lowest[cloud])


@njit(cache=True, nogil=True)
def _grow(place, down, level, depth, planes, order, boxes, lowest):  # type: ignore[no-untyped-def]
    """Enclose the nodes of a level that lie `down` levels below node `place` of theirs, and split them or finish."""
    above = (1 << level) - 1  # nodes on the levels above
    for node in range(above + (place << down), above + ((place + 1) << down)):
        start, stop = span(node, level, len(order))
        axis = _enclose(boxes[node], planes, start, stop)
        if level < depth:
            _, middle = span(2 * node + 1, level + 1, len(order))
            keys, second, third = planes[axis], planes[(axis + 1) % 3], planes[(axis + 2) % 3]
            _select(keys, second, third, order, start, stop - 1, middle)
        else:
            least = order[start]
            for i in range(start + 1, stop):
                least = min(least, order[i])
            lowest[node] = least


@njit(cache=True, nogil=True)
def _gather_lowest(place, down, level, lowest):  # type: ignore[no-untyped-def]
    above = (1 << level) - 1
    for node in range(above + (place << down), above + ((place + 1) << down)):
        lowest[node] = min(lowest[2 * node + 1], lowest[2 * node + 2])


@njit(cache=True, nogil=True)
def _enclose(box, planes, start, stop):  # type: ignore[no-untyped-def]
    """Write the bounding box and return its widest axis."""
    widest, width = 0, box.dtype.type(-1)
    for axis in range(3):
        plane = planes[axis]
        low, high = plane[start], plane[start]
        for i in range(start + 1, stop):
            low, high = min(low, plane[i]), max(high, plane[i])
        box[axis], box[3 + axis] = low, high
        if high - low > width:
            widest, width = axis, high - low
    return widest


@njit(cache=True, nogil=True)
def _select(keys, second, third, order, low, high, middle):  # type: ignore[no-untyped-def]
    """Hoare's selection: no key before `middle` ends above the one that belongs there, no key after it below."""
    while low < high:
        a, b, c = keys[low], keys[(low + high) >> 1], keys[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while keys[j] > pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                second[i], second[j] = second[j], second[i]
                third[i], third[j] = third[j], third[i]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return
