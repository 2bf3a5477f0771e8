"""The kernels of ICP on the CPU: move the source, pair it with the target exactly but with few searches, sum the pairs.

From one step to the next the source moves ever less. A point is searched for again only once another target point can
be nearer: every other one is at least as far as the second nearest was when it was last searched for, less the way it
has gone since.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from facelib.geometry.kernels.nearest import search_nearest
from facelib.geometry.kernels.search_tree import WAITING, build_tree
from facelib.geometry.threads import share_among_threads

_CLEAR = 64  # roundings by which a pair must be nearer than others can be, to be kept without a search


class Follower:
    """Pairs a source that moves step by step with a target that stays.

    Args:
        source: (N, 3) float64.
        target: (M, 3) float32 or float64.
    """

    def __init__(self, source: np.ndarray, target: np.ndarray) -> None:
        self._source, self._target = source, target
        self._tree = tuple(array[0] for array in build_tree(target[None]).arrays)
        self._clear = target.dtype.type(1 + _CLEAR * np.finfo(target.dtype).eps)
        # Of each source point: the two nearest target points, and where it was and how far the second when last seen.
        self._indices = np.zeros((len(source), min(2, len(target))), np.int64)
        self._anchors = np.zeros((len(source), 3), target.dtype)
        self._seconds = np.full(len(source), -1, target.dtype)

    def match(self, matrix: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The nearest target points of A x + t.

        Args:
            matrix: A, (3, 3) float64.
            shift: t, (3,) float64.

        Returns:
            The moved source (N, 3) float64, the distances (N,) in the dtype of the target, the indices (N,) int64.
        """
        moved, distances = np.empty_like(self._source), np.empty(len(self._source), self._target.dtype)
        pairs = self._indices, self._anchors, self._seconds, moved, distances
        share_among_threads(
            _match, len(moved), self._source, matrix, shift, self._target, *self._tree, self._clear, *pairs
        )
        return moved, distances, self._indices[:, 0]


@njit(cache=True, nogil=True)
def _match(first, last, source, a, t, target, planes, order, boxes, lowest, clear, *pairs):  # type: ignore[no-untyped-def]
    indices, anchors, seconds, moved, distances = pairs
    nodes, bounds = np.empty(WAITING, np.int64), np.empty(WAITING, planes.dtype)
    query, squared = np.empty(3, planes.dtype), np.empty(indices.shape[1], planes.dtype)
    for i in range(first, last):
        x, y, z = source[i, 0], source[i, 1], source[i, 2]
        for row in range(3):
            moved[i, row] = a[row, 0] * x + a[row, 1] * y + a[row, 2] * z + t[row]
            query[row] = moved[i, row]
        to_nearest = _squared(query, target[indices[i, 0]])
        distances[i] = np.sqrt(to_nearest)
        if (distances[i] + np.sqrt(_squared(query, anchors[i]))) * clear < seconds[i]:
            continue
        # Two points are known to lie within this bound; with an index that no point has, they are found again.
        bound = max(to_nearest, _squared(query, target[indices[i, -1]])) if seconds[i] >= 0 else np.inf
        squared[:], indices[i] = bound, len(order)
        search_nearest(query, planes, order, boxes, lowest, squared, indices[i], nodes, bounds)
        distances[i], anchors[i] = np.sqrt(squared[0]), query
        seconds[i] = np.sqrt(squared[1]) if len(squared) > 1 else np.inf


@njit(cache=True, nogil=True)
def sum_pairs(moved, aim, indices, kept):  # type: ignore[no-untyped-def]
    """Sums over the kept pairs of moved points x and target points y: the rows of (x, 1) times (y, 1), and of x . x.

    Args:
        moved: (N, 3) float64.
        aim: (M, 3) float64.
        indices: (N,) int64, into the target.
        kept: (N,) bool.

    Returns:
        (4, 4), (): float64.
    """
    sums, squares = np.zeros((4, 4)), 0.0
    for i in range(len(moved)):
        if kept[i]:
            y = aim[indices[i]]
            for row in range(3):
                x = moved[i, row]
                squares += x * x
                for column in range(3):
                    sums[row, column] += x * y[column]
                sums[row, 3] += x
                sums[3, row] += y[row]
            sums[3, 3] += 1
    return sums, squares


@njit(cache=True, nogil=True, inline="always")
def _squared(first, second):  # type: ignore[no-untyped-def]
    x, y, z = first[0] - second[0], first[1] - second[1], first[2] - second[2]
    return x * x + y * y + z * z
