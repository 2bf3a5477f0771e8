"""A picture of a deforming head and its gradients, to the vertices and to their colours, against DEODR.

DEODR has gradients of pictures that are interpolated on the screen, not in perspective, so both look through a
weak-perspective camera. At outlines it could antialias, and so have gradients where ours has none; here it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from facelib.benchmarks.deodr_scene import load_deodr_scene
from facelib.benchmarks.measure import Case, Goal
from facelib.benchmarks.rasterizing import DISTANCE, EDGE_PIXELS, FOCAL, SIZE, TRIANGLES, bumpy_head
from facelib.geometry.camera import WeakPerspectiveCamera
from facelib.geometry.differentiable_rendering import render, surface_fragments
from facelib.geometry.lighting import ambient_and_directional
from facelib.geometry.rasterizer import interpolate, rasterize

CAMERA = WeakPerspectiveCamera(FOCAL / DISTANCE, SIZE / 2, SIZE / 2)
BATCH = 16
SAME = 1e-3  # of colours, and of gradients over their length


@dataclass(frozen=True)
class ColouredHeads:
    """Deformed heads, and what a loss says of their pictures.

    Args:
        points: (B, V, 3) in the camera frame, mm.
        triangles: (T, 3).
        colours: (B, V, 3) RGB.
        upstream: (B, H, W, 3), the loss's gradient to each pixel.
    """

    points: torch.Tensor
    triangles: torch.Tensor
    colours: torch.Tensor
    upstream: torch.Tensor


@dataclass(frozen=True)
class Drawn:
    """Pictures (B, H, W, 3), black where empty, and the loss's gradients to screen points' u and v and to colours."""

    image: torch.Tensor
    to_screen: torch.Tensor  # (B, V, 2)
    to_colours: torch.Tensor  # (B, V, 3)


def coloured_heads(images: int, triangles: int = TRIANGLES) -> ColouredHeads:
    head = bumpy_head(images, triangles)
    colours = 0.5 + 0.5 * torch.sin(head.points / 20)
    upstream = torch.randn(images, SIZE, SIZE, 3, generator=torch.Generator().manual_seed(0))
    return ColouredHeads(head.points, head.triangles, colours, upstream)


def draw(heads: ColouredHeads) -> Drawn:
    """Ours."""
    points, colours = heads.points.clone().requires_grad_(), heads.colours.clone().requires_grad_()
    screen = CAMERA.project(points)
    seen = rasterize(screen, heads.triangles, SIZE, SIZE, perspective=False, cull_back_faces=True)
    seen = surface_fragments(screen, heads.triangles, seen, perspective=False)
    image = interpolate(colours, heads.triangles, seen)
    to_points, to_colours = torch.autograd.grad(image, (points, colours), heads.upstream)
    return Drawn(image.detach(), to_points[..., :2] / CAMERA.scale, to_colours)


def load_deodr() -> Callable[[ColouredHeads], Drawn]:
    """One scene an image, in float64."""
    make_scene = load_deodr_scene(SIZE)

    def draw_scenes(heads: ColouredHeads) -> Drawn:
        drawn = []
        screen = CAMERA.project(heads.points)
        for place, colours, upstream in zip(screen, heads.colours, heads.upstream.double().numpy(), strict=True):
            scene = make_scene(place, heads.triangles, colours, False)
            image, _ = scene.render(sigma=0)
            scene.render_backward(upstream)
            drawn.append((image, scene.ij_b, scene.colors_b))
        return Drawn(*(torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True)))

    return draw_scenes


def same_picture_and_gradients(ours: Drawn, theirs: Drawn) -> bool:
    """Same colours but for pixels whose centre lies on an edge but for rounding; same gradients."""
    apart = (ours.image - theirs.image).abs().amax(dim=-1) > SAME
    gradients = ((ours.to_screen, theirs.to_screen), (ours.to_colours, theirs.to_colours))
    return float(apart.float().mean()) < EDGE_PIXELS and all(
        float((found - expected).norm()) < SAME * float(expected.norm()) for found, expected in gradients
    )


def draw_lit(heads: ColouredHeads) -> torch.Tensor:
    """Ours as a fit uses it, with normals and light for each pixel; the gradient to the vertices."""
    points = heads.points.clone().requires_grad_()
    normals = torch.nn.functional.normalize(heads.points - heads.points.mean(dim=1, keepdim=True), dim=-1)
    light = ambient_and_directional(torch.full((3,), 0.6), torch.tensor([0.0, -1, -1]), 0.5, torch.ones(3))[None]
    background = torch.zeros(1, 3, SIZE, SIZE)
    drawn = render(points, heads.triangles, CAMERA, heads.colours, normals, light, background, cull_back_faces=True)
    return torch.autograd.grad(drawn.image, points, heads.upstream.movedim(-1, 1))[0]


def _case(name: str, images: int, ratio: float | None = None, growth: tuple[int, ...] = ()) -> Case:
    return Case(
        name=name,
        kernel="differentiable rendering",
        size=f"{TRIANGLES:,} triangles, {SIZE} x {SIZE}, forward and backward, batch of {images}",
        peer="DEODR, image by image",
        prepare=lambda n: coloured_heads(images, n),
        n=TRIANGLES,
        counted="triangles",
        ours=draw,
        load_peer=load_deodr,
        agree=same_picture_and_gradients,
        images=images,
        goal=Goal(ratio=ratio),
        growth=growth,
    )


CASES = (
    _case("differentiable-rendering-1", 1, growth=(TRIANGLES, 4 * TRIANGLES, 16 * TRIANGLES)),
    _case("differentiable-rendering-16", BATCH, ratio=3),
    Case(
        name="differentiable-rendering-lit",
        kernel="differentiable rendering",
        size=f"the same with normals and light for each pixel, batch of {BATCH}",
        peer=None,
        prepare=lambda n: coloured_heads(BATCH, n),
        n=TRIANGLES,
        counted="triangles",
        ours=draw_lit,
        images=BATCH,
    ),
)
