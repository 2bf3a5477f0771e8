"""The numba kernels of the rasterizer: the rules of `facelib.geometry.rasterizer`, fast on the CPU.

All functions expect checked input and return (triangle, barycentric, depth) as `Fragments` names them. The order of
the floating-point operations is that of the torch reference, so both give the same bits; hence no fastmath.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit

from facelib.geometry.camera import NEAR
from facelib.geometry.threads import share_among_threads

_ABOVE_ZERO = np.float32(np.finfo(np.float32).smallest_subnormal)


def rasterize_numba(
    screen: torch.Tensor, triangles: torch.Tensor, height: int, width: int, perspective: bool, cull: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch = len(screen)
    triangle = torch.empty(batch, height, width, dtype=torch.int32)
    barycentric = torch.empty(batch, height, width, 3)
    depth = torch.empty(batch, height, width)
    share_among_threads(
        _draw_images,
        batch,
        screen.contiguous().numpy(),
        triangles.contiguous().numpy(),
        perspective,
        cull,
        triangle.numpy(),
        barycentric.numpy(),
        depth.numpy(),
    )
    return triangle, barycentric, depth


@njit(cache=True, nogil=True)
def _draw_images(first, last, screen, triangles, perspective, cull, triangle, barycentric, depth):  # type: ignore[no-untyped-def]
    for image in range(first, last):
        _draw(screen[image], triangles, perspective, cull, triangle[image], barycentric[image], depth[image])


@njit(cache=True, nogil=True)
def _draw(screen, triangles, perspective, cull, triangle, barycentric, depth):  # type: ignore[no-untyped-def]
    """Fill one image: first ids by depth, then barycentrics of the winners only."""
    weight = _vertex_weights(screen, perspective)
    nearness = depth  # while ids are being decided the depth image holds 1/z, or -z
    nearness[:] = -np.inf
    triangle[:] = -1
    for t in range(len(triangles)):
        _draw_triangle(t, screen, weight, triangles, cull, triangle, nearness)
    _finish(screen, weight, triangles, perspective, triangle, barycentric, depth)


@njit(cache=True, nogil=True)
def _vertex_weights(screen, perspective):  # type: ignore[no-untyped-def]
    """1/z or -z for each vertex; NaN, which no triangle survives, for a vertex that cannot be drawn."""
    weight = np.empty(len(screen), np.float32)
    for i in range(len(screen)):
        z = screen[i, 2]
        if perspective:
            weight[i] = np.float32(1) / z if z > np.float32(NEAR) and z < np.inf else np.nan
        else:
            weight[i] = -z if abs(z) < np.inf else np.nan
    return weight


@njit(cache=True, nogil=True, inline="always")
def _edge_threshold(from_u, from_v, to_u, to_v):  # type: ignore[no-untyped-def]
    """The least edge function that counts as inside: 0 on a top or left edge, else just above."""
    top_left = to_v < from_v or (to_v == from_v and to_u > from_u)
    return np.float32(0) if top_left else _ABOVE_ZERO


@njit(cache=True, nogil=True, inline="always")
def _pixels_between(low, high, count):  # type: ignore[no-untyped-def]
    """The half-open range of pixels, of this many, whose centres lie in [low, high]; clamped before the cast."""
    half = np.float32(0.5)
    first = min(max(np.ceil(low - half), np.float32(0)), np.float32(count))
    last = max(min(np.floor(high - half), np.float32(count - 1)), np.float32(-1))
    return int(first), int(last) + 1


@njit(cache=True, nogil=True, inline="always")
def _draw_triangle(t, screen, weight, triangles, cull, triangle, nearness):  # type: ignore[no-untyped-def]
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    au, av = screen[a, 0], screen[a, 1]
    bu, bv = screen[b, 0], screen[b, 1]
    cu, cv = screen[c, 0], screen[c, 1]
    area = (bu - au) * (cv - av) - (bv - av) * (cu - au)
    if area > 0:
        if cull:
            return
    elif area < 0:
        b, c, bu, bv, cu, cv = c, b, cu, cv, bu, bv  # edge functions positive inside
    else:
        return  # zero or NaN
    half = np.float32(0.5)
    low_u, high_u = min(au, bu, cu), max(au, bu, cu)
    low_v, high_v = min(av, bv, cv), max(av, bv, cv)
    height, width = triangle.shape
    left, right = _pixels_between(low_u, high_u, width)
    first, last = _pixels_between(low_v, high_v, height)
    if left >= right or first >= last:
        return
    wa, wb, wc = weight[a], weight[b], weight[c]
    if abs(area) == np.inf or np.isnan(wa + wb + wc):
        return
    least_a = _edge_threshold(bu, bv, cu, cv)
    least_b = _edge_threshold(cu, cv, au, av)
    least_c = _edge_threshold(au, av, bu, bv)
    for i in range(first, last):
        v = np.float32(i) + half
        pav, pbv, pcv = av - v, bv - v, cv - v
        for j in range(left, right):
            u = np.float32(j) + half
            pau, pbu, pcu = au - u, bu - u, cu - u
            ea = pbu * pcv - pbv * pcu
            eb = pcu * pav - pcv * pau
            ec = pau * pbv - pav * pbu
            if ea >= least_a and eb >= least_b and ec >= least_c:
                total = ea + (eb + ec)
                if total > 0:
                    near = (ea * wa + (eb * wb + ec * wc)) / total
                    if near > nearness[i, j]:
                        nearness[i, j] = near
                        triangle[i, j] = t


@njit(cache=True, nogil=True)
def _finish(screen, weight, triangles, perspective, triangle, barycentric, depth):  # type: ignore[no-untyped-def]
    height, width = triangle.shape
    half = np.float32(0.5)
    for i in range(height):
        v = np.float32(i) + half
        for j in range(width):
            t = triangle[i, j]
            if t < 0:
                barycentric[i, j, 0] = barycentric[i, j, 1] = barycentric[i, j, 2] = 0
                depth[i, j] = np.inf
                continue
            u = np.float32(j) + half
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            pau, pav = screen[a, 0] - u, screen[a, 1] - v
            pbu, pbv = screen[b, 0] - u, screen[b, 1] - v
            pcu, pcv = screen[c, 0] - u, screen[c, 1] - v
            # The sign of a back face cancels in every ratio below.
            ea = pbu * pcv - pbv * pcu
            eb = pcu * pav - pcv * pau
            ec = pau * pbv - pav * pbu
            wa, wb, wc = ea * weight[a], eb * weight[b], ec * weight[c]
            total, weighted = ea + (eb + ec), wa + (wb + wc)
            if perspective:
                barycentric[i, j, 0] = wa / weighted
                barycentric[i, j, 1] = wb / weighted
                barycentric[i, j, 2] = wc / weighted
                depth[i, j] = total / weighted
            else:
                barycentric[i, j, 0] = ea / total
                barycentric[i, j, 1] = eb / total
                barycentric[i, j, 2] = ec / total
                depth[i, j] = -weighted / total


def interpolate_numba(
    attributes: torch.Tensor, triangles: torch.Tensor, triangle: torch.Tensor, barycentric: torch.Tensor
) -> torch.Tensor:
    batch, height, width = triangle.shape
    values = torch.empty(batch, height, width, attributes.shape[-1])
    share_among_threads(
        _blend_images,
        batch,
        attributes.detach().contiguous().numpy(),
        triangles.to(torch.int32).contiguous().numpy(),
        triangle.contiguous().numpy(),
        barycentric.detach().contiguous().numpy(),
        values.numpy(),
    )
    return values


@njit(cache=True, nogil=True)
def _blend_images(first, last, attributes, triangles, triangle, barycentric, values):  # type: ignore[no-untyped-def]
    for image in range(first, last):
        _blend(attributes[image % len(attributes)], triangles, triangle[image], barycentric[image], values[image])


@njit(cache=True, nogil=True)
def _blend(attributes, triangles, triangle, barycentric, values):  # type: ignore[no-untyped-def]
    height, width, channels = values.shape
    for i in range(height):
        for j in range(width):
            t = triangle[i, j]
            if t < 0:
                values[i, j] = 0
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            weight_a, weight_b, weight_c = barycentric[i, j, 0], barycentric[i, j, 1], barycentric[i, j, 2]
            for k in range(channels):
                values[i, j, k] = (
                    weight_a * attributes[a, k] + weight_b * attributes[b, k] + weight_c * attributes[c, k]
                )
