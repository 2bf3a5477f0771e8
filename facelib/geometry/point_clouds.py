"""Sampling and grouping of point clouds: exact farthest points, balls, the unit sphere.

Source: Qi et al., "PointNet++", NeurIPS 2017, section 3.2 (sampling layer and ball query).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numba import njit

from facelib.errors import BadInput, check_finite, check_shape
from facelib.geometry.threads import share_among_threads

_BLOCK = 128  # points whose distances are computed at once, so that the compiler can use vector instructions


def farthest_point_sampling(points: torch.Tensor, count: int, start: int = 0) -> torch.Tensor:
    """Choose points one by one, each the farthest from all chosen so far.

    Exact, and the same on every call. Of equally far points the reference takes the lowest index; on the CPU the
    torch-quickfps library may take another of them.

    Args:
        points: (B, N, 3), any unit.
        count: how many to choose, at most N.
        start: index of the first point.

    Returns:
        (B, count) int64 indices in the order of choice.

    Raises:
        BadInput: on a wrong shape, a non-finite coordinate, or count or start out of range.
    """
    _check_cloud("points", points)
    available = points.shape[1]
    if not 1 <= count <= available:
        raise BadInput(f"count is {count}: expected 1 to {available}, the number of points")
    if not 0 <= start < available:
        raise BadInput(f"start is {start}: expected 0 to {available - 1}, an index of a point")
    points = points.detach()
    if points.device.type != "cpu":
        return _farthest_point_sampling_torch(points, count, start)
    import torch_quickfps

    return torch_quickfps.sample_idx(points.contiguous(), count, start_idx=start)


def ball_query(centres: torch.Tensor, points: torch.Tensor, radius: float, count: int) -> torch.Tensor:
    """For each centre the points within a radius (inclusive), those of lowest index if there are too many.

    With fewer than `count` points inside, the first one found fills the rest. An empty ball gives the point nearest
    to the centre, so an index is never out of range.

    Args:
        centres: (B, M, 3).
        points: (B, N, 3), same unit.
        radius: of the balls, in that unit.
        count: indices a ball, at most N.

    Returns:
        (B, M, count) int64 indices into the points.

    Raises:
        BadInput: on wrong shapes, non-finite coordinates, a radius that is not positive, or count out of range.
    """
    _check_cloud("centres", centres)
    _check_cloud("points", points)
    available = points.shape[1]
    if len(centres) != len(points):
        raise BadInput(f"{len(centres)} clouds of centres, {len(points)} of points: expected the same number")
    if centres.dtype != points.dtype or centres.device != points.device:
        raise BadInput(
            f"centres are {centres.dtype} on {centres.device}, points {points.dtype} on {points.device}: "
            "expected one dtype and device"
        )
    if not (0 < radius < math.inf):
        raise BadInput(f"radius is {radius}: expected a positive length")
    if not 1 <= count <= available:
        raise BadInput(f"count is {count}: expected 1 to {available}, the number of points")
    query = _ball_query_numba if points.device.type == "cpu" else _ball_query_torch
    return query(centres.detach(), points.detach(), radius, count)


def normalise_to_unit_sphere(points: torch.Tensor) -> torch.Tensor:
    """Clouds moved to their centroid and scaled so that the farthest point lies on the unit sphere.

    Args:
        points: (B, N, 3), any unit.

    Returns:
        (B, N, 3), no unit.

    Raises:
        BadInput: on a wrong shape, a non-finite coordinate, or a cloud whose points all coincide.
    """
    _check_cloud("points", points)
    centred = points - points.mean(dim=1, keepdim=True)
    radius = centred.norm(dim=-1).amax(dim=1)  # (B,)
    coincide = (points == points[:, :1]).all(-1).all(-1)
    if coincide.any():
        first = int(coincide.nonzero()[0, 0])
        raise BadInput(f"cloud {first} has all its points in one place: it has no scale, leave it out")
    return centred / radius[:, None, None]


def sample_surface(
    vertices: torch.Tensor, triangles: torch.Tensor, count: int, generator: torch.Generator
) -> torch.Tensor:
    """Points drawn evenly over a surface.

    Args:
        vertices: (B, V, 3), any unit.
        triangles: (T, 3) int, into the vertices.
        count: points of each mesh.
        generator: of the randomness.

    Returns:
        (B, count, 3).

    Raises:
        BadInput: on a wrong shape, no triangle, or a surface without area.
    """
    check_shape("vertices", vertices, (None, None, 3))
    check_shape("triangles", triangles, (None, 3))
    corners = vertices[:, triangles]  # (B, T, 3 corners, 3)
    first, second = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    area = torch.linalg.cross(first, second).norm(dim=2)  # (B, T), doubled
    if not (area.sum(dim=1) > 0).all():
        raise BadInput("a surface of zero or undefined area cannot be sampled: check its vertices")
    chosen = torch.multinomial(area, count, replacement=True, generator=generator)  # (B, count)
    a, b = torch.rand(2, len(vertices), count, 1, generator=generator, dtype=vertices.dtype)
    outside = a + b > 1  # fold the square's other half back onto the triangle
    a, b = torch.where(outside, 1 - a, a), torch.where(outside, 1 - b, b)
    row = torch.arange(len(vertices))[:, None]
    return corners[row, chosen, 0] + a * first[row, chosen] + b * second[row, chosen]


def _check_cloud(name: str, points: torch.Tensor) -> None:
    check_shape(name, points, (None, None, 3))
    if not points.is_floating_point():
        raise BadInput(f"{name} are {points.dtype}: expected floating-point coordinates")
    check_finite(name, points)


def _squared_distances(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    # Summed in this order everywhere, so that the kernels and the reference agree to the last bit.
    x, y, z = (points - centres).unbind(-1)
    return x * x + y * y + z * z


def _farthest_point_sampling_torch(points: torch.Tensor, count: int, start: int) -> torch.Tensor:
    batch = torch.arange(len(points), device=points.device)
    chosen = torch.full((len(points), count), start, dtype=torch.int64, device=points.device)
    distance = torch.full(points.shape[:2], torch.inf, dtype=points.dtype, device=points.device)
    for step in range(1, count):
        latest = points[batch, chosen[:, step - 1], None]  # (B, 1, 3)
        distance = torch.minimum(distance, _squared_distances(points, latest))  # to the nearest chosen point
        chosen[:, step] = distance.argmax(dim=1)
    return chosen


def _ball_query_torch(centres: torch.Tensor, points: torch.Tensor, radius: float, count: int) -> torch.Tensor:
    distance = _squared_distances(points[:, None], centres[:, :, None])  # (B, M, N)
    order = torch.arange(points.shape[1], device=points.device)
    outside = torch.full_like(order, points.shape[1])
    inside = torch.where(distance <= radius * radius, order, outside)
    lowest = inside.topk(count, dim=-1, largest=False, sorted=True).values  # (B, M, count)
    nearest = distance.argmin(dim=-1, keepdim=True)
    first = torch.where(lowest[..., :1] < points.shape[1], lowest[..., :1], nearest)
    return torch.where(lowest < points.shape[1], lowest, first)


def _ball_query_numba(centres: torch.Tensor, points: torch.Tensor, radius: float, count: int) -> torch.Tensor:
    indices = torch.empty(*centres.shape[:2], count, dtype=torch.int64)
    # Coordinate planes (B, 3, N) let neighbouring points share a vector register.
    planes = points.mT.contiguous().numpy()
    limit = planes.dtype.type(radius * radius)
    balls = centres.shape[0] * centres.shape[1]
    share_among_threads(_search_balls, balls, centres.contiguous().numpy(), planes, limit, indices.numpy())
    return indices


@njit(cache=True, nogil=True)
def _search_balls(first, last, centres, planes, limit, indices):  # type: ignore[no-untyped-def]
    for ball in range(first, last):
        cloud, row = ball // centres.shape[1], ball % centres.shape[1]
        _search_ball(centres[cloud, row], planes[cloud], limit, indices[cloud, row])


@njit(cache=True, nogil=True)
def _search_ball(centre, planes, limit, found):  # type: ignore[no-untyped-def]
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
