"""How far a scan's points are from the surface of a head, against open3d; the tree is built each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from facelib.benchmarks.measure import Case
from facelib.benchmarks.rasterizing import TRIANGLES, bumpy_head
from facelib.geometry.nearest_on_surface import nearest_on_surface

POINTS = 20_000
AWAY = 3.0  # mm, the spread of the points about the surface
SAME = 1e-3  # mm; open3d's coordinates have single precision


@dataclass(frozen=True)
class ScanOfHead:
    """Points (P, 3) near a head's surface, vertices (V, 3) mm and triangles (T, 3)."""

    points: torch.Tensor
    vertices: torch.Tensor
    triangles: torch.Tensor


def scan_of_head(count: int) -> ScanOfHead:
    head, generator = bumpy_head(1), torch.Generator().manual_seed(0)
    chosen = torch.randint(0, head.points.shape[1], (count,), generator=generator)
    points = head.points[0, chosen] + AWAY * torch.randn(count, 3, generator=generator)
    return ScanOfHead(points, head.points[0], head.triangles)


def measure_distances(scan: ScanOfHead) -> np.ndarray:
    """Ours."""
    return nearest_on_surface(scan.points[None], scan.vertices[None], scan.triangles).distances[0].numpy()


def load_open3d() -> Callable[[ScanOfHead], np.ndarray]:
    """Build and search."""
    import open3d

    tensor: Any = open3d.core.Tensor  # its type stubs do not know NumPy arrays

    def measure(scan: ScanOfHead) -> np.ndarray:
        scene = open3d.t.geometry.RaycastingScene()
        scene.add_triangles(tensor(scan.vertices.numpy()), tensor(scan.triangles.numpy().astype("uint32")))
        return scene.compute_distance(tensor(scan.points.numpy())).numpy()

    return measure


def same_distances(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return ours.shape == theirs.shape and bool(np.abs(ours - theirs).max() < SAME)


CASES = (
    Case(
        name="point-to-surface",
        kernel="nearest on a surface",
        size=f"{POINTS:,} points, {TRIANGLES:,} triangles",
        peer="open3d RaycastingScene, build + search",
        prepare=scan_of_head,
        n=POINTS,
        counted="points",
        ours=measure_distances,
        load_peer=load_open3d,
        agree=same_distances,
        growth=(5_000, 20_000, 80_000),
    ),
)
