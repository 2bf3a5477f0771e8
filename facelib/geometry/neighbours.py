"""Nearest neighbours between clouds, in space and in feature space.

In space (three coordinates) distances are summed from differences, and of equally far points the lowest index comes
first, on the CPU (a tree of boxes in numba) as in the torch reference, which serves every other device.
In feature space (any other number of dimensions) candidates are chosen by expanded squares a^2 - 2 a b + b^2, as a
product of matrices is far faster; their distances and their order are then computed from differences. So a neighbour
may be missing only in favour of one that is as near but for rounding.
No gradient flows through the result: pick the neighbours by their indices and take differences, as `chamfer` does.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from facelib.errors import BadInput
from facelib.geometry.kernels.nearest import find_nearest
from facelib.geometry.kernels.search_tree import build_tree
from facelib.geometry.point_clouds import check_clouds, has_kernel, squared_distances

_PAIRS = 2**24  # distances held at once by the torch paths


class Neighbours(NamedTuple):
    """Of each query the points chosen for it.

    Args:
        distances: (B, M) or (B, M, k), in the unit of the points, in their dtype.
        indices: same shape, int64, into the points.
    """

    distances: torch.Tensor
    indices: torch.Tensor


def nearest(queries: torch.Tensor, points: torch.Tensor) -> Neighbours:
    """The nearest point of each query.

    Args:
        queries: (B, M, D), mm for D = 3.
        points: (B, N, D), same unit.

    Returns:
        Distances and indices, (B, M).

    Raises:
        BadInput: on wrong or different shapes, an empty cloud, non-finite coordinates, two dtypes or devices.
    """
    found = knn(queries, points, 1)
    return Neighbours(found.distances[..., 0], found.indices[..., 0])


def knn(queries: torch.Tensor, points: torch.Tensor, k: int) -> Neighbours:
    """The k nearest points of each query, nearest first.

    A query that is itself among the points finds itself first, or a point in the same place of lower index.

    Args:
        queries: (B, M, D), mm for D = 3.
        points: (B, N, D), same unit.
        k: how many, at most N.

    Returns:
        Distances and indices, (B, M, k).

    Raises:
        BadInput: as `nearest`, or for k out of range.
    """
    check_clouds({"queries": queries, "points": points}, dimensions=None)
    if not 1 <= k <= points.shape[1]:
        raise BadInput(f"k is {k}: expected 1 to {points.shape[1]}, the number of points")
    queries, points = queries.detach(), points.detach()
    if points.shape[2] != 3:
        return _knn_features(queries, points, k)
    return (_knn_numba if has_kernel(points) else _knn_torch)(queries, points, k)


def _knn_numba(queries: torch.Tensor, points: torch.Tensor, k: int) -> Neighbours:
    tree = build_tree(points.numpy())
    squared, indices = find_nearest(queries.contiguous().numpy(), tree, k)
    return Neighbours(torch.from_numpy(squared).sqrt(), torch.from_numpy(indices))


def _knn_torch(queries: torch.Tensor, points: torch.Tensor, k: int) -> Neighbours:
    """The reference."""
    found = []
    for part in _parts(queries, points):
        squared, index = squared_distances(points[:, None], part[:, :, None]).sort(dim=-1, stable=True)
        found.append((squared[..., :k].sqrt(), index[..., :k]))
    return _joined(found)


def _knn_features(queries: torch.Tensor, points: torch.Tensor, k: int) -> Neighbours:
    centre = points.mean(dim=1, keepdim=True)  # expanded squares lose the more, the further off the origin
    queries, points = queries - centre, points - centre
    half_square = (points * points).sum(-1)[:, None] / 2
    row = torch.arange(len(points), device=points.device)[:, None, None]
    found = []
    for part in _parts(queries, points):
        # (a^2 - 2 a b + b^2) / 2 without a^2, which is the same for all points of a query
        index = (half_square - part @ points.mT).topk(k, largest=False, sorted=False).indices.sort(dim=-1).values
        distance, order = (points[row, index] - part[:, :, None]).norm(dim=-1).sort(dim=-1, stable=True)
        found.append((distance, index.gather(-1, order)))
    return _joined(found)


def _parts(queries: torch.Tensor, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The queries in parts small enough for their distances to all points."""
    return queries.split(max(_PAIRS // points[..., 0].numel(), 1), dim=1)


def _joined(found: list[tuple[torch.Tensor, torch.Tensor]]) -> Neighbours:
    distances, indices = zip(*found, strict=True)
    return Neighbours(torch.cat(distances, dim=1), torch.cat(indices, dim=1))
