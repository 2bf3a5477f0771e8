"""What vertices tell the pixels and pixels the vertices: differentiable rendering on the CPU, in numba.

The same as `interpolate_torch` and `surface_torch` and autograd through them, in one pass over the pixels and without
their intermediate tensors; differentiable once. All functions expect checked float32 input on the CPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch.autograd.function import once_differentiable

from facelib.geometry.threads import share_among_threads


class Interpolation(torch.autograd.Function):
    """Vertex attributes at the pixels, with gradients to attributes and barycentrics."""

    @staticmethod
    def forward(  # type: ignore[override]
        context: Any,
        attributes: torch.Tensor,
        triangles: torch.Tensor,
        triangle: torch.Tensor,
        barycentric: torch.Tensor,
    ) -> torch.Tensor:
        context.save_for_backward(attributes, triangles, triangle, barycentric)
        batch, height, width = triangle.shape
        values = torch.empty(batch, height, width, attributes.shape[-1])
        share_among_threads(
            _blend_rows,
            batch * height,
            attributes.detach().contiguous().numpy(),
            triangles.to(torch.int32).contiguous().numpy(),
            triangle.contiguous().numpy(),
            barycentric.detach().contiguous().numpy(),
            values.numpy(),
        )
        return values

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        attributes, triangles, triangle, barycentric = context.saved_tensors
        # One for each image, even where they share the attributes, since images are worked on at the same time.
        to_attributes = torch.zeros(len(triangle), *attributes.shape[1:])
        to_barycentric = torch.empty(barycentric.shape)
        share_among_threads(
            _blend_backward,
            len(triangle),
            attributes.detach().contiguous().numpy(),
            triangles.to(torch.int32).contiguous().numpy(),
            triangle.contiguous().numpy(),
            barycentric.detach().contiguous().numpy(),
            gradient.contiguous().numpy(),
            to_attributes.numpy(),
            to_barycentric.numpy(),
        )
        if len(attributes) == 1:
            to_attributes = to_attributes.sum(0, keepdim=True)
        return to_attributes, None, None, to_barycentric


class Surface(torch.autograd.Function):
    """The rasterizer's own barycentrics and depth, with gradients to the screen points."""

    @staticmethod
    def forward(  # type: ignore[override]
        context: Any,
        screen: torch.Tensor,
        triangles: torch.Tensor,
        triangle: torch.Tensor,
        barycentric: torch.Tensor,
        depth: torch.Tensor,
        perspective: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        context.save_for_backward(screen, triangles, triangle)
        context.set_materialize_grads(False)  # no picture of zeros where nothing depends on the depth
        context.perspective = perspective
        return barycentric.view_as(barycentric), depth.view_as(depth)  # not copied: no one may write to them

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]
        context: Any, of_barycentric: torch.Tensor | None, of_depth: torch.Tensor | None
    ) -> tuple[torch.Tensor | None, ...]:
        screen, triangles, triangle = context.saved_tensors
        if of_barycentric is None:
            of_barycentric = screen.new_zeros(*triangle.shape, 3)
        to_screen = torch.zeros(screen.shape)
        share_among_threads(
            _surface_backward,
            len(triangle),
            screen.detach().contiguous().numpy(),
            triangles.to(torch.int32).contiguous().numpy(),
            triangle.contiguous().numpy(),
            context.perspective,
            of_barycentric.contiguous().numpy(),
            None if of_depth is None else of_depth.contiguous().numpy(),
            to_screen.numpy(),
        )
        return to_screen, None, None, None, None, None


@njit(cache=True, nogil=True)
def _blend_rows(first, last, attributes, triangles, triangle, barycentric, values):  # type: ignore[no-untyped-def]
    """Blend the rows first to last - 1, counted over all images."""
    height, width, channels = values.shape[1:]
    for row in range(first, last):
        image, i = row // height, row % height
        rows = attributes[image % len(attributes)]
        for j in range(width):
            t = triangle[image, i, j]
            if t < 0:
                values[image, i, j] = 0
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            weight_a = barycentric[image, i, j, 0]
            weight_b, weight_c = barycentric[image, i, j, 1], barycentric[image, i, j, 2]
            for k in range(channels):
                values[image, i, j, k] = weight_a * rows[a, k] + weight_b * rows[b, k] + weight_c * rows[c, k]


@njit(cache=True, nogil=True)
def _blend_backward(  # type: ignore[no-untyped-def]
    first, last, attributes, triangles, triangle, barycentric, gradient, to_attributes, to_barycentric
):
    height, width, channels = gradient.shape[1:]
    for image in range(first, last):
        rows, to_rows = attributes[image % len(attributes)], to_attributes[image]
        for i in range(height):
            for j in range(width):
                t = triangle[image, i, j]
                for corner in range(3):
                    to_weight = np.float32(0)
                    if t >= 0:
                        vertex, weight = triangles[t, corner], barycentric[image, i, j, corner]
                        for k in range(channels):
                            to_weight += gradient[image, i, j, k] * rows[vertex, k]
                            to_rows[vertex, k] += weight * gradient[image, i, j, k]
                    to_barycentric[image, i, j, corner] = to_weight


@njit(cache=True, nogil=True, error_model="numpy")
def _surface_backward(  # type: ignore[no-untyped-def]
    first, last, screen, triangles, triangle, perspective, of_barycentric, of_depth, to_screen
):
    """Of a corner k: its edge function e_k, its weight w_k = part_k / sum of parts, where part_k = e_k or e_k / z_k."""
    height, width = triangle.shape[1:]
    half, one = np.float32(0.5), np.float32(1)
    for image in range(first, last):
        points, to_points = screen[image], to_screen[image]
        for i in range(height):
            for j in range(width):
                t = triangle[image, i, j]
                if t < 0:
                    continue
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                u, v = np.float32(j) + half, np.float32(i) + half
                au, av, az = points[a, 0] - u, points[a, 1] - v, points[a, 2]
                bu, bv, bz = points[b, 0] - u, points[b, 1] - v, points[b, 2]
                cu, cv, cz = points[c, 0] - u, points[c, 1] - v, points[c, 2]
                part_a, part_b, part_c = bu * cv - bv * cu, cu * av - cv * au, au * bv - av * bu
                if perspective:
                    part_a, part_b, part_c = part_a / az, part_b / bz, part_c / cz
                share = one / (part_a + part_b + part_c)
                of_a, of_b = of_barycentric[image, i, j, 0], of_barycentric[image, i, j, 1]
                of_c = of_barycentric[image, i, j, 2]
                if of_depth is not None:  # depth = sum w_k z_k
                    of_z = of_depth[image, i, j]
                    of_a, of_b, of_c = of_a + of_z * az, of_b + of_z * bz, of_c + of_z * cz
                    to_points[a, 2] += of_z * part_a * share
                    to_points[b, 2] += of_z * part_b * share
                    to_points[c, 2] += of_z * part_c * share
                mean = (part_a * of_a + part_b * of_b + part_c * of_c) * share
                edge_a, edge_b, edge_c = (of_a - mean) * share, (of_b - mean) * share, (of_c - mean) * share
                if perspective:
                    edge_a, edge_b, edge_c = edge_a / az, edge_b / bz, edge_c / cz
                    to_points[a, 2] -= edge_a * part_a
                    to_points[b, 2] -= edge_b * part_b
                    to_points[c, 2] -= edge_c * part_c
                to_points[a, 0] += edge_c * bv - edge_b * cv
                to_points[a, 1] += edge_b * cu - edge_c * bu
                to_points[b, 0] += edge_a * cv - edge_c * av
                to_points[b, 1] += edge_c * au - edge_a * cu
                to_points[c, 0] += edge_b * av - edge_a * bv
                to_points[c, 1] += edge_a * bu - edge_b * au
