"""Sampling and grouping of point clouds: exact farthest points, balls, the unit sphere, points on a surface.

Source: Qi et al., "PointNet++", NeurIPS 2017, section 3.2 (sampling layer and ball query).
"""

from __future__ import annotations

import math

import torch

from facelib.errors import BadInput, DegenerateInput, check_finite, check_shape
from facelib.geometry.kernels.ball_query import find_in_balls
from facelib.geometry.normals import check_vertex_ids


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
    check_cloud("points", points)
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
    check_clouds({"centres": centres, "points": points})
    available = points.shape[1]
    if not (0 < radius < math.inf):
        raise BadInput(f"radius is {radius}: expected a positive length")
    if not 1 <= count <= available:
        raise BadInput(f"count is {count}: expected 1 to {available}, the number of points")
    query = _ball_query_numba if has_kernel(points) else _ball_query_torch
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
    check_cloud("points", points)
    centred = points - points.mean(dim=1, keepdim=True)
    radius = centred.norm(dim=-1).amax(dim=1)  # (B,)
    coincide = (points == points[:, :1]).all(-1).all(-1)
    if coincide.any():
        first = int(coincide.nonzero()[0, 0])
        raise DegenerateInput(f"cloud {first} has all its points in one place: it has no scale, leave it out")
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
        BadInput: on a wrong shape, a non-finite vertex, no triangle, a vertex id out of range, a surface without
            area, or a count below one.
    """
    check_cloud("vertices", vertices)
    check_shape("triangles", triangles, (None, 3))
    check_vertex_ids(triangles, vertices.shape[1])
    if count < 1:
        raise BadInput(f"count is {count}: expected at least one point")
    corners = vertices[:, triangles.long()]  # (B, T, 3 corners, 3)
    first, second = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    area = torch.linalg.cross(first, second).norm(dim=2)  # (B, T), doubled
    if not (area.sum(dim=1) > 0).all():
        raise BadInput("a surface of zero or undefined area cannot be sampled: check its vertices")
    chosen = torch.multinomial(area, count, replacement=True, generator=generator)  # (B, count)
    a, b = torch.rand(2, len(vertices), count, 1, generator=generator, dtype=vertices.dtype, device=vertices.device)
    outside = a + b > 1  # fold the square's other half back onto the triangle
    a, b = torch.where(outside, 1 - a, a), torch.where(outside, 1 - b, b)
    row = torch.arange(len(vertices), device=vertices.device)[:, None]
    return corners[row, chosen, 0] + a * first[row, chosen] + b * second[row, chosen]


def check_cloud(name: str, points: torch.Tensor, dimensions: int | None = 3) -> None:
    """Raise BadInput unless `points` are finite floating-point coordinates (B, N, dimensions)."""
    check_shape(name, points, (None, None, dimensions))
    if not points.is_floating_point():
        raise BadInput(f"{name} are {points.dtype}: expected floating-point coordinates")
    check_finite(name, points)


def check_clouds(clouds: dict[str, torch.Tensor], dimensions: int | None = 3) -> None:
    """Raise BadInput unless these batches of clouds are usable and alike in number, dimensions, dtype and device."""
    for name, points in clouds.items():
        check_cloud(name, points, dimensions)
    (name, points), *others = clouds.items()
    for other, cloud in others:
        if len(cloud) != len(points) or cloud.shape[2] != points.shape[2]:
            raise BadInput(
                f"{len(points)} clouds of {name} in {points.shape[2]} dimensions, {len(cloud)} clouds of {other} in "
                f"{cloud.shape[2]}: expected the same"
            )
        if cloud.dtype != points.dtype or cloud.device != points.device:
            raise BadInput(
                f"{name} are {points.dtype} on {points.device}, {other} {cloud.dtype} on {cloud.device}: "
                "expected one dtype and device"
            )


def has_kernel(points: torch.Tensor) -> bool:
    """Whether the kernels for the CPU take these points; others go to the torch references."""
    return points.device.type == "cpu" and points.dtype in (torch.float32, torch.float64)


def squared_distances(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """(..., 3) to (...), summed in the order of the kernels, so that these agree to the last bit."""
    x, y, z = (points - centres).unbind(-1)
    return x * x + y * y + z * z


def _farthest_point_sampling_torch(points: torch.Tensor, count: int, start: int) -> torch.Tensor:
    batch = torch.arange(len(points), device=points.device)
    chosen = torch.full((len(points), count), start, dtype=torch.int64, device=points.device)
    distance = torch.full(points.shape[:2], torch.inf, dtype=points.dtype, device=points.device)
    for step in range(1, count):
        latest = points[batch, chosen[:, step - 1], None]  # (B, 1, 3)
        distance = torch.minimum(distance, squared_distances(points, latest))  # to the nearest chosen point
        chosen[:, step] = distance.argmax(dim=1)
    return chosen


def _ball_query_torch(centres: torch.Tensor, points: torch.Tensor, radius: float, count: int) -> torch.Tensor:
    distance = squared_distances(points[:, None], centres[:, :, None])  # (B, M, N)
    order = torch.arange(points.shape[1], device=points.device)
    outside = torch.full_like(order, points.shape[1])
    limit = min(radius * radius, torch.finfo(points.dtype).max)  # what overflows lies outside
    inside = torch.where(distance <= limit, order, outside)
    lowest = inside.topk(count, dim=-1, largest=False, sorted=True).values  # (B, M, count)
    nearest = distance.argmin(dim=-1, keepdim=True)
    first = torch.where(lowest[..., :1] < points.shape[1], lowest[..., :1], nearest)
    return torch.where(lowest < points.shape[1], lowest, first)


def _ball_query_numba(centres: torch.Tensor, points: torch.Tensor, radius: float, count: int) -> torch.Tensor:
    return torch.from_numpy(find_in_balls(centres.contiguous().numpy(), points.contiguous().numpy(), radius, count))
