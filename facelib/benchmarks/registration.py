"""Nearest neighbours and registration of two scans of a head against small_gicp, open3d, SciPy and trimesh."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from facelib.benchmarks.clouds import head_cloud
from facelib.benchmarks.measure import Case, Goal
from facelib.geometry.icp import icp
from facelib.geometry.neighbours import nearest

NEIGHBOURS = 30_000
POINTS = 20_000
STEPS = 30
FARTHEST = 30.0  # mm, of a pair
SAME = 0.01  # mm, between two registrations by least squares
ALIKE = 0.1  # mm, where the peer takes the ratio of spreads as scale, which residuals make a little larger
THREADS = 2

Found = tuple[np.ndarray, np.ndarray]  # distance and index of each query's nearest point
Both = tuple[Found, Found]
Search = Callable[[torch.Tensor, torch.Tensor], Found]  # of queries and points


@dataclass(frozen=True)
class Scans:
    """Two scans of one head, (N, 3) float32 mm; the source is smaller, turned and shifted."""

    source: torch.Tensor
    target: torch.Tensor


def two_scans(count: int) -> Scans:
    """Scans at other places of the surface: scale 0.93, a turn by 9 degrees, a shift by 9 mm."""
    angle = math.radians(9)
    turn = torch.tensor([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    source = 0.93 * head_cloud(count, seed=1) @ turn.mT + torch.tensor([6.0, -5.0, 4.0])
    return Scans(source, head_cloud(count, seed=2))


def both_ways(search: Search) -> Callable[[Scans], Both]:
    return lambda scans: (search(scans.source, scans.target), search(scans.target, scans.source))


def our_search(queries: torch.Tensor, points: torch.Tensor) -> Found:
    distance, index = nearest(queries[None], points[None])
    return distance[0].numpy(), index[0].numpy()


def load_small_gicp() -> Search:
    import small_gicp

    def search(queries: torch.Tensor, points: torch.Tensor) -> Found:
        tree = small_gicp.KdTree(points.double().numpy(), num_threads=THREADS)
        index, squared = tree.batch_nearest_neighbor_search(queries.double().numpy(), num_threads=THREADS)
        return np.sqrt(squared), index

    return search


def load_open3d_neighbours() -> Search:
    import open3d

    tensor: Any = open3d.core.Tensor  # its type stubs do not know NumPy arrays

    def search(queries: torch.Tensor, points: torch.Tensor) -> Found:
        found = open3d.core.nns.NearestNeighborSearch(tensor(points.numpy()))
        found.knn_index()
        index, squared = found.knn_search(tensor(queries.numpy()), 1)
        return np.sqrt(squared.numpy()[:, 0]), index.numpy()[:, 0]

    return search


def load_scipy() -> Search:
    from scipy.spatial import cKDTree

    def search(queries: torch.Tensor, points: torch.Tensor) -> Found:
        distance, index = cKDTree(points.numpy()).query(queries.numpy(), workers=THREADS)
        return distance, index

    return search


def same_neighbours(ours: Both, theirs: Both) -> bool:
    """Same distances to 1e-4 mm; same indices but for one in ten thousand, where two are equally far."""
    return all(
        float(np.abs(distance - other).max()) < 1e-4 and float((index != other_index).mean()) <= 1e-4
        for (distance, index), (other, other_index) in zip(ours, theirs, strict=True)
    )


def register(scans: Scans, max_distance: float) -> np.ndarray:
    """Ours: (4, 4), scale and rotation, translation in the last column."""
    found = icp(scans.source, scans.target, iterations=STEPS, tolerance=0, max_distance=max_distance).transform
    matrix = np.eye(4)
    matrix[:3, :3] = (found.scale * found.rotation).numpy()
    matrix[:3, 3] = found.translation.numpy()
    return matrix


def load_open3d_icp() -> Callable[[Scans], np.ndarray]:
    import open3d

    methods = open3d.pipelines.registration

    def align(scans: Scans) -> np.ndarray:
        source, target = open3d.geometry.PointCloud(), open3d.geometry.PointCloud()
        source.points = open3d.utility.Vector3dVector(scans.source.double().numpy())
        target.points = open3d.utility.Vector3dVector(scans.target.double().numpy())
        return methods.registration_icp(
            source,
            target,
            FARTHEST,
            np.eye(4),
            methods.TransformationEstimationPointToPoint(with_scaling=True),
            methods.ICPConvergenceCriteria(relative_fitness=0, relative_rmse=0, max_iteration=STEPS),
        ).transformation

    return align


def load_trimesh() -> Callable[[Scans], np.ndarray]:
    from trimesh.registration import icp as trimesh_icp

    def align(scans: Scans) -> np.ndarray:
        source, target = scans.source.double().numpy(), scans.target.double().numpy()
        # It stops once the cost falls by less than the threshold, so none stops it.
        matrix, _, _ = trimesh_icp(
            source, target, threshold=-math.inf, max_iterations=STEPS, reflection=False, scale=True
        )
        return matrix

    return align


def same_registration(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> bool:
    """The corners of a box as large as a head arrive at the same places."""
    corners = np.stack(np.meshgrid(*[(-100.0, 100.0)] * 3, [1.0]), axis=-1).reshape(-1, 4)
    return bool(np.abs(corners @ (ours - theirs).T).max() < tolerance)


def _nearest_case(peer: str, load_search: Callable[[], Search], growth: tuple[int, ...] = ()) -> Case:
    return Case(
        name=f"nearest-{peer.replace('_', '-')}",
        kernel="nearest neighbours",
        size=f"{NEIGHBOURS:,} points of two scans, both ways",
        peer=f"{peer}, build + search",
        prepare=two_scans,
        n=NEIGHBOURS,
        counted="points",
        ours=both_ways(our_search),
        load_peer=lambda: both_ways(load_search()),
        agree=same_neighbours,
        growth=growth,
    )


_icp_case = partial(Case, kernel="ICP", prepare=two_scans, n=POINTS, counted="points")
CASES: tuple[Case, ...] = (
    _nearest_case("small_gicp", load_small_gicp, growth=(10_000, 40_000, 160_000)),
    _nearest_case("open3d", load_open3d_neighbours),
    _nearest_case("scipy", load_scipy),
    _icp_case(
        name="icp",
        size=f"{POINTS:,} on {POINTS:,} points, {STEPS} steps with scale",
        peer="open3d registration_icp",
        ours=partial(register, max_distance=FARTHEST),
        load_peer=load_open3d_icp,
        agree=partial(same_registration, tolerance=SAME),
        goal=Goal(ratio=1),
        growth=(5_000, 20_000, 80_000),
    ),
    _icp_case(
        name="icp-trimesh",
        size=f"{POINTS:,} on {POINTS:,} points, {STEPS} steps with scale, all pairs",
        peer="trimesh registration.icp",
        ours=partial(register, max_distance=math.inf),
        load_peer=load_trimesh,
        agree=partial(same_registration, tolerance=ALIKE),
    ),
)
