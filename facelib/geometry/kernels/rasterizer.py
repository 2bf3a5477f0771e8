"""The numba kernels of the rasterizer: the rules of `facelib.geometry.rasterizer`, fast on the CPU.

All functions expect checked input and return (triangle, barycentric, depth) as `Fragments` names them. The order of
the floating-point operations is that of the torch reference, so both give the same bits; hence no fastmath.

An image is drawn in bands of rows, each by itself: one band an image, or more when there are fewer images than
threads. A band is drawn in three steps: front faces; back faces, most of which the front faces hide altogether;
barycentrics and depth of the triangles that are seen. Which order they are drawn in changes nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit

from facelib.geometry.camera import NEAR
from facelib.geometry.kernels.rasterizer_lanes import LANES, draw_lanes, order_of
from facelib.geometry.rasterizer_reference import FARTHEST, LARGEST_AREA
from facelib.geometry.threads import share_among_threads

# Edge functions are 0 or above 2^-74: u - p_u is 0 or at least 2^-25, hence each product 0 or at least 2^-50.
_ABOVE_ZERO = np.float32(2.0**-80)
_LARGEST_AREA = np.float32(LARGEST_AREA)
_LOWEST = np.int32(-(2**31))

_TILE = np.uint32(4)  # pixels a side, for the test that hides whole triangles
_ROUNDING = np.float32(1e-6)  # of a nearness, relative to its largest corner: six roundings of 6e-8, and as much again
_UNDERFLOW = np.float32(1e-20)  # what products of 2^-149 that become 0 can change, divided by the least edge function


def rasterize_numba(
    screen: torch.Tensor, triangles: torch.Tensor, height: int, width: int, perspective: bool, cull: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch = len(screen)
    triangle = torch.empty(batch, height, width, dtype=torch.int32)
    barycentric = torch.empty(batch, height, width, 3)
    depth = torch.empty(batch, height, width)
    bands = min(-(-torch.get_num_threads() // batch), height)  # of each image, so that no thread is idle
    share_among_threads(
        _draw_bands,
        batch * bands,
        bands,
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
def _draw_bands(first, last, bands, screen, triangles, perspective, cull, triangle, barycentric, depth):  # type: ignore[no-untyped-def]
    """Draw the bands first to last - 1, counted over all images."""
    height, width = triangle.shape[1:]
    rows = -(-height // bands)
    nearness = np.empty((rows, width + LANES), np.int32)  # eight pixels at once may reach beyond the last column
    owner = np.empty((rows, width + LANES), np.int32)
    tiles = np.empty((-(-rows // _TILE), -(-width // _TILE)), np.int32)
    chosen = np.empty(len(triangles), np.int32)
    for band in range(first, last):
        image, part = band // bands, band % bands
        top, bottom = part * height // bands, (part + 1) * height // bands
        vertices = _screen_vertices(screen[image], perspective)
        rows = bottom - top
        nearness[:] = order_of(FARTHEST if perspective else -np.inf)
        _find_owners(vertices, triangles, cull, top, bottom, width, nearness[:rows], owner[:rows], tiles, chosen)
        _finish(
            vertices,
            triangles,
            perspective,
            top,
            owner,
            triangle[image, top:bottom],
            barycentric[image, top:bottom],
            depth[image, top:bottom],
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _screen_vertices(screen, perspective):  # type: ignore[no-untyped-def]
    """(V, 4): u, v, and 1/z or -z, which is NaN where the vertex cannot be drawn; the last column is padding."""
    vertices = np.zeros((len(screen), 4), np.float32)
    for i in range(len(screen)):
        z = screen[i, 2]
        vertices[i, 0], vertices[i, 1] = screen[i, 0], screen[i, 1]
        if perspective:
            vertices[i, 2] = np.float32(1) / z if z > np.float32(NEAR) and z < np.inf else np.nan
        else:
            vertices[i, 2] = -z if abs(z) < np.inf else np.nan
    return vertices


@njit(cache=True, nogil=True)
def _find_owners(vertices, triangles, cull, top, bottom, width, nearness, owner, tiles, chosen):  # type: ignore[no-untyped-def]
    """The id of the triangle seen at each pixel of the rows top to bottom - 1, -1 for none."""
    owner[:] = -1
    tiles[:] = _LOWEST
    fronts, backs = _sort_by_side(vertices, triangles, cull, chosen)
    _draw_triangles(chosen[:fronts], True, vertices, triangles, top, bottom, width, nearness, owner, tiles)
    if backs > 0:
        _find_farthest(nearness, width, tiles)
        behind = chosen[len(chosen) - backs :]
        _draw_triangles(behind, False, vertices, triangles, top, bottom, width, nearness, owner, tiles)


@njit(cache=True, nogil=True)
def _sort_by_side(vertices, triangles, cull, chosen):  # type: ignore[no-untyped-def]
    """Write the ids of front faces from the start of `chosen` on and those of back faces from its end, and count."""
    fronts, backs = 0, 0
    for t in range(len(triangles)):
        # Unsigned, as numba would look at every signed index whether it counts from the end.
        a, b, c = np.uint32(triangles[t, 0]), np.uint32(triangles[t, 1]), np.uint32(triangles[t, 2])
        au, av = vertices[a, 0], vertices[a, 1]
        area = (vertices[b, 0] - au) * (vertices[c, 1] - av) - (vertices[b, 1] - av) * (vertices[c, 0] - au)
        if not abs(area) < _LARGEST_AREA or np.isnan(vertices[a, 2] + vertices[b, 2] + vertices[c, 2]):
            continue
        if area < 0:
            chosen[fronts] = t
            fronts += 1
        elif area > 0 and not cull:
            backs += 1
            chosen[len(chosen) - backs] = t
    return fronts, backs


@njit(cache=True, nogil=True)
def _draw_triangles(chosen, front, vertices, triangles, top, bottom, width, nearness, owner, tiles):  # type: ignore[no-untyped-def]
    """Let the chosen triangles, all front or all back faces, have the pixels at which they are nearest."""
    nearness_at, owner_at = nearness.ctypes.data, owner.ctypes.data
    half = np.float32(0.5)
    for k in range(len(chosen)):
        t = np.uint32(chosen[k])
        a, b, c = np.uint32(triangles[t, 0]), np.uint32(triangles[t, 1]), np.uint32(triangles[t, 2])
        if front:
            b, c = c, b  # edge functions are then positive inside
        au, av, wa = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        bu, bv, wb = vertices[b, 0], vertices[b, 1], vertices[b, 2]
        cu, cv, wc = vertices[c, 0], vertices[c, 1], vertices[c, 2]
        first, last = _pixels_between(min(av, bv, cv), max(av, bv, cv), top, bottom)
        left, right = _pixels_between(min(au, bu, cu), max(au, bu, cu), 0, width)
        if first >= last or left >= right:
            continue

        # Hidden when all that was drawn in the tiles it touches is nearer than any of its points, rounded or not.
        largest = max(abs(wa), abs(wb), abs(wc))
        nearest = order_of(max(wa, wb, wc) + (_ROUNDING * largest + _UNDERFLOW))
        hidden = True
        for i in range(np.uint32(first - top) // _TILE, np.uint32(last - 1 - top) // _TILE + 1):
            for j in range(np.uint32(left) // _TILE, np.uint32(right - 1) // _TILE + 1):
                hidden &= nearest < tiles[i, j]
        if hidden:
            continue

        least = (_edge_threshold(bu, bv, cu, cv), _edge_threshold(cu, cv, au, av), _edge_threshold(au, av, bu, bv))
        for i in range(first, last):
            start = np.uintp(4 * ((i - top) * (width + LANES) + left))
            row = np.float32(i) + half
            for j in range(left, right, LANES):
                draw_lanes(  # type: ignore[call-arg]  # an intrinsic's first parameter is the compiler's
                    nearness_at + start,
                    owner_at + start,
                    np.int32(j),
                    np.int32(right),
                    row,
                    np.int32(t),
                    (au, av, wa),
                    (bu, bv, wb),
                    (cu, cv, wc),
                    least,
                )
                start += np.uintp(4 * LANES)


@njit(cache=True, nogil=True, inline="always")
def _pixels_between(low, high, start, stop):  # type: ignore[no-untyped-def]
    """The half-open range of pixels, within start to stop, whose centres lie in [low, high]."""
    half = np.float32(0.5)
    # Clamped before the cast, which is undefined for large numbers.
    first = min(max(np.ceil(low - half), np.float32(start)), np.float32(stop))
    last = max(min(np.floor(high - half), np.float32(stop - 1)), np.float32(start - 1))
    return int(first), int(last) + 1


@njit(cache=True, nogil=True, inline="always")
def _edge_threshold(from_u, from_v, to_u, to_v):  # type: ignore[no-untyped-def]
    """The least edge function that counts as inside: 0 on a top or left edge, else just above."""
    top_left = to_v < from_v or (to_v == from_v and to_u > from_u)
    return np.float32(0) if top_left else _ABOVE_ZERO


@njit(cache=True, nogil=True)
def _find_farthest(nearness, width, tiles):  # type: ignore[no-untyped-def]
    """The least nearness in each tile."""
    tiles[:] = 2**31 - 1
    for i in range(len(nearness)):
        for j in range(width):
            tiles[i // _TILE, j // _TILE] = min(tiles[i // _TILE, j // _TILE], nearness[i, j])


@njit(cache=True, nogil=True, error_model="numpy")
def _finish(vertices, triangles, perspective, top, owner, triangle, barycentric, depth):  # type: ignore[no-untyped-def]
    """Write ids, barycentrics and depth of the rows from `top` on."""
    height, width = triangle.shape
    half = np.float32(0.5)
    for i in range(height):
        triangle[i] = owner[i, :width]
        barycentric[i] = 0
        depth[i] = np.inf
        v = np.float32(top + i) + half
        for j in range(np.uint64(width)):
            if owner[i, j] < 0:
                continue
            t = np.uint32(owner[i, j])
            u = np.float32(np.int64(j)) + half
            a, b, c = np.uint32(triangles[t, 0]), np.uint32(triangles[t, 1]), np.uint32(triangles[t, 2])
            pau, pav = vertices[a, 0] - u, vertices[a, 1] - v
            pbu, pbv = vertices[b, 0] - u, vertices[b, 1] - v
            pcu, pcv = vertices[c, 0] - u, vertices[c, 1] - v
            # The sign of a back face cancels in every ratio below.
            ea = pbu * pcv - pbv * pcu
            eb = pcu * pav - pcv * pau
            ec = pau * pbv - pav * pbu
            wa, wb, wc = ea * vertices[a, 2], eb * vertices[b, 2], ec * vertices[c, 2]
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
