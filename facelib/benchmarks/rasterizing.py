"""Rasterising a deforming head of 10,080 triangles at 224 x 224 against open3d's ray casting.

The mesh changes with every image, so the peer builds its search tree anew each time: build and cast are both timed.
Its rays are made once, outside the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from facelib.benchmarks.measure import Case
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.rasterizer import Fragments, rasterize

SIZE = 224  # pixels
FOCAL = 700.0  # pixels
DISTANCE = 700.0  # mm
RINGS, SECTORS = 70, 72
EDGE_PIXELS = 5e-4  # share of pixels whose triangle may differ: those whose centre lies on an edge but for rounding


@dataclass(frozen=True)
class Head:
    """A batch of deformed heads in the camera frame (B, V, 3) mm, their screen points, triangles (T, 3) and rays."""

    points: torch.Tensor
    screen: torch.Tensor
    triangles: torch.Tensor
    rays: torch.Tensor  # (H, W, 6) origin and direction through each pixel centre


def bumpy_head(images: int) -> Head:
    """An ellipsoid as large as a head with bumps that differ from image to image; closed, 10,080 triangles."""
    polar = torch.linspace(0, math.pi, RINGS + 1)[:, None]
    around = torch.arange(SECTORS) * (2 * math.pi / SECTORS)
    ball = torch.stack(
        (polar.sin() * around.cos(), -polar.cos().expand(-1, SECTORS), polar.sin() * around.sin()), dim=-1
    )  # (RINGS + 1, SECTORS, 3), the first ring on top as y runs down
    phase = torch.arange(images)[:, None, None] / 3
    bumps = 1 + 0.04 * torch.sin(7 * polar + phase) * torch.cos(9 * around)  # (B, RINGS + 1, SECTORS)
    points = (ball * bumps[..., None]).flatten(1, 2) * torch.tensor([75.0, 100.0, 95.0])
    points = points + torch.tensor([0.0, 0.0, DISTANCE])

    corner = torch.arange(RINGS * SECTORS).view(RINGS, SECTORS)
    right, below = corner.roll(-1, dims=1), corner + SECTORS
    upper, lower = torch.stack((corner, below, right), -1), torch.stack((right, below, right + SECTORS), -1)
    triangles = torch.cat((upper.reshape(-1, 3), lower.reshape(-1, 3)))

    camera = PerspectiveCamera(FOCAL, SIZE / 2, SIZE / 2)
    offset = (torch.arange(SIZE) + 0.5 - SIZE / 2) / FOCAL
    rays = torch.zeros(SIZE, SIZE, 6)
    rays[..., 3], rays[..., 4], rays[..., 5] = offset, offset[:, None], 1
    return Head(points, camera.project(points), triangles, rays)


def draw(head: Head, cull_back_faces: bool) -> Fragments:
    """Ours."""
    return rasterize(head.screen, head.triangles, SIZE, SIZE, perspective=True, cull_back_faces=cull_back_faces)


def load_open3d() -> Callable[[Head], list[dict[str, Any]]]:
    """The peer: one scene an image, build and cast."""
    import open3d

    tensor: Any = open3d.core.Tensor  # its type stubs do not know NumPy arrays

    def cast(head: Head) -> list[dict[str, Any]]:
        triangles = tensor(head.triangles.numpy().astype("uint32"))
        rays = tensor(head.rays.numpy())
        hits = []
        for points in head.points:
            scene = open3d.t.geometry.RaycastingScene()
            scene.add_triangles(tensor(points.numpy()), triangles)
            hits.append(scene.cast_rays(rays))
        return hits

    return cast


def same_triangles(seen: Fragments, hits: list[dict[str, Any]]) -> bool:
    """Same mask and ids but for edge pixels; same depth within 0.01 mm and barycentrics within 0.001 where ids agree.

    The far corners of a ray hit carry weights (u, v) of the second and third corner, and its length is the depth, as
    the rays' direction has z = 1.
    """
    triangle, depth, second_and_third = (
        torch.stack([torch.from_numpy(hit[name].numpy()) for hit in hits])
        for name in ("primitive_ids", "t_hit", "primitive_uvs")
    )
    nothing = torch.iinfo(torch.uint32).max
    triangle = triangle.long().where(triangle.long() != nothing, -1)
    agree = triangle == seen.triangle
    both = agree & seen.mask
    return (
        float((~agree).float().mean()) < EDGE_PIXELS
        and float((depth - seen.depth)[both].abs().max()) < 0.01
        and float((second_and_third - seen.barycentric[..., 1:])[both].abs().quantile(0.999)) < 1e-3
    )


def _case(images: int, cull: bool) -> Case:
    return Case(
        name=f"rasterize-{images}" + ("-culled" if cull else ""),
        size=f"10,080 triangles, {SIZE} x {SIZE}, batch of {images}" + (", back faces culled" if cull else ""),
        peer="open3d RaycastingScene, build + cast",
        prepare=lambda: bumpy_head(images),
        ours=lambda head: draw(head, cull),
        load_peer=load_open3d,
        agree=same_triangles,
        images=images,
    )


CASES = tuple(_case(images, cull) for images in (1, 32) for cull in (False, True))
