"""Rasterising a deforming head at 224 x 224 against ray casting and against another z-buffer.

The mesh changes with every image, so a ray caster builds its search tree anew each time: build and cast are both
timed. Its rays are made once, outside the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from facelib.benchmarks.deodr_scene import load_deodr_scene
from facelib.benchmarks.measure import Case, Goal
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.rasterizer import Fragments, interpolate, rasterize

SIZE = 224  # pixels
FOCAL = 700.0  # pixels
DISTANCE = 700.0  # mm
RINGS, SECTORS = 70, 72  # of the smallest head
TRIANGLES = 2 * RINGS * SECTORS
EDGE_PIXELS = 5e-4  # share of pixels whose triangle may differ: those whose centre lies on an edge but for rounding
NO_TRIANGLE = 2**32 - 1  # as ray casters number it


@dataclass(frozen=True)
class Head:
    """A batch of deformed heads in the camera frame (B, V, 3) mm, their screen points, triangles (T, 3) and rays."""

    points: torch.Tensor
    screen: torch.Tensor
    triangles: torch.Tensor
    rays: torch.Tensor  # (H, W, 6) origin and direction through each pixel centre


def bumpy_head(images: int, triangles: int = TRIANGLES) -> Head:
    """A closed ellipsoid as large as a head with bumps that differ from image to image.

    Args:
        images: in the batch.
        triangles: 10,080 times a square number.
    """
    finer = math.isqrt(triangles // TRIANGLES)
    rings, sectors = finer * RINGS, finer * SECTORS
    polar = torch.linspace(0, math.pi, rings + 1)[:, None]
    around = torch.arange(sectors) * (2 * math.pi / sectors)
    ball = torch.stack(
        (polar.sin() * around.cos(), -polar.cos().expand(-1, sectors), polar.sin() * around.sin()), dim=-1
    )  # (rings + 1, sectors, 3), the first ring on top as y runs down
    phase = torch.arange(images)[:, None, None] / 3
    bumps = 1 + 0.04 * torch.sin(7 * polar + phase) * torch.cos(9 * around)  # (B, rings + 1, sectors)
    points = (ball * bumps[..., None]).flatten(1, 2) * torch.tensor([75.0, 100.0, 95.0])
    points = points + torch.tensor([0.0, 0.0, DISTANCE])

    corner = torch.arange(rings * sectors).view(rings, sectors)
    right, below = corner.roll(-1, dims=1), corner + sectors
    upper, lower = torch.stack((corner, below, right), -1), torch.stack((right, below, right + sectors), -1)
    faces = torch.cat((upper.reshape(-1, 3), lower.reshape(-1, 3)))

    camera = PerspectiveCamera(FOCAL, SIZE / 2, SIZE / 2)
    offset = (torch.arange(SIZE) + 0.5 - SIZE / 2) / FOCAL
    rays = torch.zeros(SIZE, SIZE, 6)
    rays[..., 3], rays[..., 4], rays[..., 5] = offset, offset[:, None], 1
    return Head(points, camera.project(points), faces, rays)


def draw(head: Head) -> Fragments:
    """Ours."""
    return rasterize(head.screen, head.triangles, SIZE, SIZE, perspective=True)


def draw_culled(head: Head) -> Fragments:
    """Ours, without the triangles seen from inside."""
    return rasterize(head.screen, head.triangles, SIZE, SIZE, perspective=True, cull_back_faces=True)


def draw_positions(head: Head) -> tuple[Fragments, torch.Tensor]:
    """Ours, culled, with the points of the surface, as a renderer interpolates them."""
    seen = draw_culled(head)
    return seen, interpolate(head.points, head.triangles, seen)


# ---- peers: each gives for every image arrays of (H, W) triangle ids, depth and the weights of corners 2 and 3 ----


def load_open3d() -> Callable[[Head], list[dict[str, Any]]]:
    """One scene an image, build and cast."""
    import open3d

    tensor: Any = open3d.core.Tensor  # its type stubs do not know NumPy arrays

    def cast(head: Head) -> list[dict[str, Any]]:
        triangles = tensor(head.triangles.numpy().astype("uint32"))
        rays = tensor(head.rays.numpy())
        hits = []
        for points in head.points:
            scene = open3d.t.geometry.RaycastingScene()
            scene.add_triangles(tensor(points.numpy()), triangles)
            hits.append({name: value.numpy() for name, value in scene.cast_rays(rays).items()})
        return hits

    return cast


def load_embree() -> Callable[[Head], list[dict[str, Any]]]:
    """The library that open3d's scene is built on, called without it."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    def cast(head: Head) -> list[dict[str, Any]]:
        triangles = head.triangles.numpy().astype(np.int32)
        origins, directions = (part.reshape(-1, 3).contiguous().numpy() for part in head.rays.split(3, dim=-1))
        hits = []
        for points in head.points:
            scene = EmbreeScene()
            TriangleMesh(scene, points.numpy(), triangles)
            hit = scene.run(origins, directions, output=True)
            hits.append(
                {
                    "primitive_ids": hit["primID"].reshape(SIZE, SIZE),
                    "t_hit": hit["tfar"].reshape(SIZE, SIZE),
                    "primitive_uvs": np.stack((hit["u"], hit["v"]), axis=-1).reshape(SIZE, SIZE, 2),
                }
            )
        return hits

    return cast


def load_trimesh() -> Callable[[Head], list[dict[str, Any]]]:
    """The same library under trimesh's interface, which gives points instead of depths and weights."""
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    def cast(head: Head) -> list[dict[str, Any]]:
        triangles = head.triangles.numpy()
        origins, directions = (part.reshape(-1, 3).numpy() for part in head.rays.split(3, dim=-1))
        hits = []
        for points in head.points:
            mesh = trimesh.Trimesh(points.numpy(), triangles, process=False)
            found, ray, place = RayMeshIntersector(mesh).intersects_id(
                origins, directions, multiple_hits=False, return_locations=True
            )
            ids, depth = np.full(SIZE * SIZE, NO_TRIANGLE), np.full(SIZE * SIZE, np.inf)
            ids[ray], depth[ray] = found, place[:, 2]
            hits.append({"primitive_ids": ids.reshape(SIZE, SIZE), "t_hit": depth.reshape(SIZE, SIZE)})
        return hits

    return cast


def load_deodr() -> Callable[[Head], list[tuple[np.ndarray, np.ndarray]]]:
    """A differentiable renderer's z-buffer; it shows no ids, but depth and interpolated vertex colours: the points."""
    make_scene = load_deodr_scene(SIZE)

    def draw_scenes(head: Head) -> list[tuple[np.ndarray, np.ndarray]]:
        scenes = zip(head.screen, head.points, strict=True)
        return [make_scene(screen, head.triangles, points, True).render(sigma=0) for screen, points in scenes]

    return draw_scenes


# ---- do they agree ----


def same_triangles(seen: Fragments, hits: list[dict[str, Any]]) -> bool:
    """Same mask and ids but for edge pixels; same depth within 0.01 mm and barycentrics within 0.001 where ids agree.

    The corners of a ray hit but the first carry the weights, and its length is the depth, as the rays' direction has
    z = 1.
    """
    triangle = np.stack([hit["primitive_ids"] for hit in hits]).astype(np.int64)
    triangle[triangle == NO_TRIANGLE] = -1
    depth = torch.from_numpy(np.stack([hit["t_hit"] for hit in hits]))
    agree = torch.from_numpy(triangle) == seen.triangle
    both = agree & seen.mask
    close = float((~agree).float().mean()) < EDGE_PIXELS and float((depth - seen.depth)[both].abs().max()) < 0.01
    if "primitive_uvs" not in hits[0]:
        return close
    weights = torch.from_numpy(np.stack([hit["primitive_uvs"] for hit in hits]))
    return close and float((weights - seen.barycentric[..., 1:])[both].abs().quantile(0.999)) < 1e-3


def same_surface(ours: tuple[Fragments, torch.Tensor], pictures: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Same mask but for edge pixels; where both show something, same depth and points within 0.1 mm but for those."""
    seen, positions = ours
    found, depth = (torch.from_numpy(np.stack(part)).float() for part in zip(*pictures, strict=True))
    mask = depth.isfinite()
    both = mask & seen.mask
    apart = torch.maximum((depth - seen.depth).abs(), (found - positions).norm(dim=-1))[both] > 0.1
    return float((mask != seen.mask).float().mean()) < EDGE_PIXELS and float(apart.float().mean()) < EDGE_PIXELS


OPEN3D = ("open3d RaycastingScene, build + cast", load_open3d, same_triangles)
EMBREE = ("embree, build + intersect", load_embree, same_triangles)
TRIMESH = ("trimesh + embree", load_trimesh, same_triangles)
DEODR = ("DEODR z-buffer and colours", load_deodr, same_surface)


def _case(
    name: str,
    peer: tuple[str, Callable[[], Callable[[Head], Any]], Callable[[Any, Any], bool]],
    ours: Callable[[Head], Any],
    images: int = 1,
    ratio: float | None = None,
    growth: tuple[int, ...] = (),
) -> Case:
    return Case(
        name=name,
        kernel="rasterise",
        size=f"{TRIANGLES:,} triangles, {SIZE} x {SIZE}, batch of {images}",
        peer=peer[0],
        prepare=lambda n: bumpy_head(images, n),
        n=TRIANGLES,
        counted="triangles",
        ours=ours,
        load_peer=peer[1],
        agree=peer[2],
        images=images,
        goal=Goal(ratio=ratio),
        growth=growth,
    )


CASES = (
    _case("rasterize-1", OPEN3D, draw, ratio=4, growth=(TRIANGLES, 4 * TRIANGLES, 16 * TRIANGLES)),
    _case("rasterize-1-culled", OPEN3D, draw_culled),
    _case("rasterize-32", OPEN3D, draw, images=32, ratio=4),
    _case("rasterize-32-culled", OPEN3D, draw_culled, images=32, ratio=8),
    _case("rasterize-embree", EMBREE, draw),
    _case("rasterize-trimesh", TRIMESH, draw),
    _case("rasterize-deodr", DEODR, draw_positions),
)
