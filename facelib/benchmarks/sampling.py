"""Farthest point sampling and ball query against the PyTorch code that PointNet++ implementations usually carry."""

from __future__ import annotations

from functools import partial

import torch

from facelib.benchmarks.clouds import head_cloud
from facelib.benchmarks.measure import Case, Goal
from facelib.geometry.point_clouds import ball_query, farthest_point_sampling, normalise_to_unit_sphere

POINTS = 20_000
CENTRES = 1_024
NEIGHBOURS = 32
RADIUS = 0.1  # of a cloud in the unit sphere: about 30 of 20,000 points
BORDER = 2e-3  # share of balls that may differ: the peer's expanded square rounds differently at the border


def unit_cloud(count: int) -> torch.Tensor:
    """(1, count, 3): the surface of a head in the unit sphere."""
    return normalise_to_unit_sphere(head_cloud(count, seed=0)[None])


def usual_farthest_points(points: torch.Tensor) -> torch.Tensor:
    """One step of distances, masked update and maximum a chosen point."""
    batch = torch.arange(len(points))
    distance = torch.full(points.shape[:2], 1e10)
    chosen = torch.zeros(len(points), CENTRES, dtype=torch.int64)
    farthest = chosen[:, 0].clone()
    for step in range(CENTRES):
        chosen[:, step] = farthest
        to_latest = ((points - points[batch, farthest, None]) ** 2).sum(-1)
        nearer = to_latest < distance
        distance[nearer] = to_latest[nearer]
        farthest = distance.max(dim=-1).indices
    return chosen


def usual_ball_query(points: torch.Tensor) -> torch.Tensor:
    """All squared distances as a^2 - 2ab + b^2, then a full sort of the indices inside."""
    centres, count = points[:, :CENTRES], points.shape[1]
    squared = (centres**2).sum(-1)[:, :, None] - 2 * centres @ points.mT + (points**2).sum(-1)[:, None]
    indices = torch.arange(count).repeat(len(points), CENTRES, 1)
    indices[squared > RADIUS**2] = count
    indices = indices.sort(dim=-1).values[..., :NEIGHBOURS]
    return torch.where(indices == count, indices[..., :1], indices)


def same_balls(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Same indices but for balls with a point on the border."""
    return float((ours != theirs).any(-1).float().mean()) < BORDER


_case = partial(Case, prepare=unit_cloud, n=POINTS, counted="points", growth=(20_000, 80_000, 320_000))
CASES = (
    _case(
        name="farthest-points",
        kernel="farthest points",
        size=f"{POINTS:,} -> {CENTRES:,} points",
        peer="usual PyTorch loop",
        ours=lambda points: farthest_point_sampling(points, CENTRES),
        load_peer=lambda: usual_farthest_points,
        agree=torch.equal,
    ),
    _case(
        name="ball-query",
        kernel="ball query",
        size=f"{CENTRES:,} centres, {NEIGHBOURS} of {POINTS:,} points",
        peer="usual PyTorch sort",
        ours=lambda points: ball_query(points[:, :CENTRES], points, RADIUS, NEIGHBOURS),
        load_peer=lambda: usual_ball_query,
        agree=same_balls,
        goal=Goal(ratio=100),
    ),
)
