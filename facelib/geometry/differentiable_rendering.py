"""Pictures of a lit surface, differentiable to its vertices, its colours and its light.

The rasterizer says which triangle each pixel shows; here its barycentrics and depth are computed anew from the screen
points, so that gradients flow. Inside triangles they are exact. That a pixel may show another triangle, or none, when
the surface moves is not part of them: at silhouettes and where one part hides another there is no gradient, as there
is no antialiasing. What a fit needs to know about outlines must come from elsewhere, such as landmarks.

Use: Deng et al., "Accurate 3D face reconstruction with weakly-supervised learning", CVPRW 2019, section 3.1, whose
photometric loss compares such a picture with a photograph.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from facelib.errors import BadInput, check_shape
from facelib.geometry.camera import PerspectiveCamera, WeakPerspectiveCamera
from facelib.geometry.kernels.rendering_gradients import Surface
from facelib.geometry.lighting import shade
from facelib.geometry.rasterizer import Fragments, check_shown_triangles, interpolate, rasterize


@dataclass(frozen=True)
class Rendering:
    """A batch of pictures.

    Args:
        image: (B, 3, H, W), RGB, not clamped.
        mask: (B, H, W) bool, where the surface is seen.
        depth: (B, H, W), mm, infinite where it is not.
    """

    image: torch.Tensor
    mask: torch.Tensor
    depth: torch.Tensor


def render(
    points: torch.Tensor,
    triangles: torch.Tensor,
    camera: PerspectiveCamera | WeakPerspectiveCamera,
    albedo: torch.Tensor,
    normals: torch.Tensor,
    light: torch.Tensor,
    background: torch.Tensor,
    *,
    cull_back_faces: bool = False,
    backend: str = "auto",
) -> Rendering:
    """Draw a Lambertian surface in front of a background: its vertices are lit, and their colours interpolated.

    Differentiable to all tensors but the triangles, within the limits that the module states.

    Args:
        points: (B, V, 3) in the camera frame, mm.
        triangles: (T, 3) vertex ids.
        camera: that projects the points.
        albedo: (B or 1, V, 3), RGB in [0, 1] of the vertices.
        normals: (B or 1, V, 3), of the vertices, of unit length, in the frame of the light.
        light: (B or 1, 9, 3), as `shade` takes it.
        background: (B or 1, 3, H, W), RGB; its size is that of the picture.
        cull_back_faces: as `rasterize` takes it.
        backend: as `rasterize` takes it.

    Raises:
        BadInput: on wrong shapes, batch sizes or dtypes that do not fit together, or two devices.
    """
    _check_scene(points, albedo, normals, light, background)
    batch, (height, width) = len(points), background.shape[2:]
    screen = camera.project(points)
    ids = rasterize(
        screen,
        triangles,
        height,
        width,
        perspective=camera.perspective,
        cull_back_faces=cull_back_faces,
        backend=backend,
    )
    seen = surface_fragments(screen, triangles, ids, perspective=camera.perspective)
    lit = shade(albedo, normals, light).expand(batch, -1, -1)
    picture = interpolate(lit, triangles, seen).movedim(-1, 1)  # (B, 3, H, W)
    return Rendering(torch.where(seen.mask[:, None], picture, background), seen.mask, seen.depth)


def surface_fragments(
    screen: torch.Tensor, triangles: torch.Tensor, fragments: Fragments, *, perspective: bool
) -> Fragments:
    """The same fragments with barycentrics and depth that are differentiable to the screen points.

    Args:
        screen: (B, V, 3) u and v in pixels, depth in mm: what was rasterized.
        triangles: (T, 3) vertex ids, those that were rasterized.
        fragments: what `rasterize` found there.
        perspective: as `rasterize` was told.

    Returns:
        Fragments in the dtype of the screen points, whose ids are those given.

    Raises:
        BadInput: on wrong shapes, another batch size, or other triangles.
    """
    check_shape("screen", screen, (len(fragments.triangle), None, 3))
    check_shape("triangles", triangles, (None, 3))
    check_shown_triangles(triangles, fragments)
    on_kernel = screen.device.type == "cpu" and screen.dtype == torch.float32
    recompute = Surface.apply if on_kernel else surface_torch
    barycentric, depth = recompute(
        screen, triangles, fragments.triangle, fragments.barycentric, fragments.depth, perspective
    )
    return Fragments(fragments.triangle, barycentric, depth)


def surface_torch(
    screen: torch.Tensor,
    triangles: torch.Tensor,
    triangle: torch.Tensor,
    barycentric: torch.Tensor,
    depth: torch.Tensor,
    perspective: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The reference of `surface_fragments` on any device and in any dtype; only the ids are taken over."""
    image, row, column = pixel = (triangle >= 0).nonzero().unbind(-1)  # (P,), the pixels that show something
    corner = triangles.long()[triangle[pixel].long()] + (image * screen.shape[1])[:, None]  # (P, 3)
    # index_select, whose gradient is a plain sum over rows; that of indexing sorts them first.
    corners = screen.flatten(0, 1).index_select(0, corner.flatten()).view(-1, 3, 3)
    centre = torch.stack((column, row), dim=-1) + screen.new_tensor(0.5)
    a, b, c = (corners[..., :2] - centre[:, None]).unbind(1)
    edges = torch.stack((_cross(b, c), _cross(c, a), _cross(a, b)), dim=-1)  # (P, 3), twice the areas of the parts
    z = corners[..., 2]
    parts = edges / z if perspective else edges
    weights = parts / _nonzero(parts.sum(-1, keepdim=True))
    return (
        screen.new_zeros(barycentric.shape).index_put(pixel, weights),
        screen.new_full(depth.shape, torch.inf).index_put(pixel, (weights * z).sum(-1)),
    )


def _cross(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _nonzero(value: torch.Tensor) -> torch.Tensor:
    """For a triangle that has an area in the rasterizer's float32 but none in another dtype."""
    return torch.where(value == 0, torch.ones_like(value), value)


def _check_scene(
    points: torch.Tensor, albedo: torch.Tensor, normals: torch.Tensor, light: torch.Tensor, background: torch.Tensor
) -> None:
    check_shape("points", points, (None, None, 3))
    batch, count = points.shape[:2]
    others = {"albedo": albedo, "normals": normals, "light": light, "background": background}
    shapes: tuple[tuple[int | None, ...], ...] = ((count, 3), (count, 3), (9, 3), (3, None, None))
    for (name, value), shape in zip(others.items(), shapes, strict=True):
        check_shape(name, value, (None, *shape))
        if len(value) not in (1, batch):
            raise BadInput(f"{name} is for {len(value)} images, points for {batch}: expected {batch} or 1")
        if (value.dtype, value.device) != (points.dtype, points.device):
            raise BadInput(
                f"{name} is {value.dtype} on {value.device}, points {points.dtype} on {points.device}: "
                "expected one dtype and device"
            )
