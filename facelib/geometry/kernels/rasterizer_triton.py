"""The CUDA kernels of the rasterizer, in Triton: the rules of `facelib.geometry.rasterizer`, fast on a GPU.

All functions expect checked input and return (triangle, barycentric, depth) as `Fragments` names them. The order of
the floating-point operations is that of the torch reference, without fused multiply-adds and with divisions rounded
to nearest, so both give the same ids.

One program a triangle of each image writes the key of depth and id to the pixels it covers; the least key wins,
whatever order the programs run in. A second kernel finds barycentrics and depth of the winners. This module imports
Triton, which only comes with torch for CUDA, so it is imported where it is used.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from facelib.geometry.rasterizer_reference import FARTHEST, LARGEST_AREA, depth_weight

_NOTHING = torch.iinfo(torch.int64).max  # the key of an empty pixel
_BOX_BLOCK = 64  # pixels of a bounding box that one warp looks at together
_IMAGE_BLOCK = 256  # pixels of the picture, likewise


def rasterize_triton(
    screen: torch.Tensor, triangles: torch.Tensor, height: int, width: int, perspective: bool, cull: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch, count, device = len(screen), len(triangles), screen.device
    weight = depth_weight(screen[..., 2], perspective)
    # NaN, which no triangle survives, for a vertex that cannot be drawn.
    vertices = torch.cat((screen[..., :2], weight[..., None]), dim=-1).contiguous()  # (B, V, 3)
    triangles = triangles.contiguous()
    pixels = batch * height * width
    key = torch.full((pixels,), _NOTHING, dtype=torch.int64, device=device)
    farthest = FARTHEST if perspective else -torch.inf
    exact = {"enable_fp_fusion": False}
    _find_winners[(batch * count,)](
        vertices, triangles, key, screen.shape[1], count, height, width,
        LARGEST_AREA, farthest, CULL=cull, BLOCK=_BOX_BLOCK, num_warps=1, **exact,
    )  # fmt: skip
    triangle = torch.empty(batch, height, width, dtype=torch.int32, device=device)
    barycentric = torch.empty(batch, height, width, 3, device=device)
    depth = torch.empty(batch, height, width, device=device)
    _describe_winners[(triton.cdiv(pixels, _IMAGE_BLOCK),)](
        vertices, triangles, key, triangle, barycentric, depth, screen.shape[1], height, width, pixels,
        PERSPECTIVE=perspective, NOTHING=_NOTHING, BLOCK=_IMAGE_BLOCK, **exact,
    )  # fmt: skip
    return triangle, barycentric, depth


@triton.jit
def _find_winners(  # type: ignore[no-untyped-def]
    vertices, triangles, key, vertex_count, count, height, width, largest_area, farthest,
    CULL: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    image, t = program // count, program % count
    au, av, wa, bu, bv, wb, cu, cv, wc = _load_corners(vertices, triangles, image * vertex_count, t)
    area = (bu - au) * (cv - av) - (bv - av) * (cu - au)
    weights = wa + wb + wc
    drawn = (tl.abs(area) < largest_area) & (area != 0) & (weights == weights)
    if CULL:
        drawn = drawn & (area < 0)
    if drawn:
        left, right = _pixels_between(tl.minimum(tl.minimum(au, bu), cu), tl.maximum(tl.maximum(au, bu), cu), width)
        top, bottom = _pixels_between(tl.minimum(tl.minimum(av, bv), cv), tl.maximum(tl.maximum(av, bv), cv), height)
        turn = tl.where(area > 0, 1.0, -1.0)  # back faces turn the other way
        columns = tl.maximum(right - left, 0)
        pixels = columns * tl.maximum(bottom - top, 0)
        for start in range(0, pixels, BLOCK):
            within = start + tl.arange(0, BLOCK)
            row = top + within // columns
            column = left + within % columns
            ea, eb, ec = _edges(au, av, bu, bv, cu, cv, row, column)
            ea, eb, ec = turn * ea, turn * eb, turn * ec
            total = ea + (eb + ec)
            near = tl.div_rn(ea * wa + (eb * wb + ec * wc), total)
            covered = (within < pixels) & (total > 0) & (near > farthest) & (near < float("inf"))
            covered = covered & _inside(ea, turn, bu, bv, cu, cv)
            covered = covered & _inside(eb, turn, cu, cv, au, av)
            covered = covered & _inside(ec, turn, au, av, bu, bv)
            pixel = key + (image * height + row) * width + column
            bits = (0.0 - near).to(tl.int32, bitcast=True)  # never -0
            order = tl.where(bits >= 0, bits, bits ^ 0x7FFFFFFF).to(tl.int64)
            tl.atomic_min(pixel, (order << 32) | t, mask=covered, sem="relaxed")


@triton.jit
def _describe_winners(  # type: ignore[no-untyped-def]
    vertices, triangles, key, triangle, barycentric, depth, vertex_count, height, width, pixels,
    PERSPECTIVE: tl.constexpr, NOTHING: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    valid = pixel < pixels
    winner = tl.load(key + pixel, mask=valid, other=NOTHING)
    seen = winner != NOTHING
    t = tl.where(seen, winner & 0xFFFFFFFF, 0)
    image, row, column = pixel // width // height, pixel // width % height, pixel % width
    image = tl.where(valid, image, 0)
    au, av, wa, bu, bv, wb, cu, cv, wc = _load_corners(vertices, triangles, image * vertex_count, t)
    ea, eb, ec = _edges(au, av, bu, bv, cu, cv, row, column)
    total = ea + (eb + ec)
    wa, wb, wc = ea * wa, eb * wb, ec * wc
    weighted = wa + (wb + wc)
    if PERSPECTIVE:
        ea, eb, ec = wa, wb, wc
        whole, far, share = weighted, total, weighted
    else:
        whole, far, share = total, -weighted, total
    tl.store(triangle + pixel, tl.where(seen, t, -1).to(tl.int32), mask=valid)
    tl.store(barycentric + 3 * pixel, tl.where(seen, tl.div_rn(ea, whole), 0.0), mask=valid)
    tl.store(barycentric + 3 * pixel + 1, tl.where(seen, tl.div_rn(eb, whole), 0.0), mask=valid)
    tl.store(barycentric + 3 * pixel + 2, tl.where(seen, tl.div_rn(ec, whole), 0.0), mask=valid)
    tl.store(depth + pixel, tl.where(seen, tl.div_rn(far, share), float("inf")), mask=valid)


@triton.jit
def _load_corners(vertices, triangles, first_vertex, t):  # type: ignore[no-untyped-def]
    """u, v and nearness of the three corners."""
    a = vertices + 3 * (first_vertex + tl.load(triangles + 3 * t))
    b = vertices + 3 * (first_vertex + tl.load(triangles + 3 * t + 1))
    c = vertices + 3 * (first_vertex + tl.load(triangles + 3 * t + 2))
    au, av, wa = tl.load(a), tl.load(a + 1), tl.load(a + 2)
    bu, bv, wb = tl.load(b), tl.load(b + 1), tl.load(b + 2)
    cu, cv, wc = tl.load(c), tl.load(c + 1), tl.load(c + 2)
    return au, av, wa, bu, bv, wb, cu, cv, wc


@triton.jit
def _pixels_between(low, high, count):  # type: ignore[no-untyped-def]
    """The half-open range of pixels, of this many, whose centres lie in [low, high]; clamped before the cast."""
    first = tl.minimum(tl.maximum(tl.ceil(low - 0.5), 0.0), count.to(tl.float32))
    last = tl.maximum(tl.minimum(tl.floor(high - 0.5), count.to(tl.float32) - 1), -1.0)
    return first.to(tl.int32), last.to(tl.int32) + 1


@triton.jit
def _edges(au, av, bu, bv, cu, cv, row, column):  # type: ignore[no-untyped-def]
    """The edge functions opposite to a, b and c at pixel centres."""
    u, v = column.to(tl.float32) + 0.5, row.to(tl.float32) + 0.5
    pau, pav, pbu, pbv, pcu, pcv = au - u, av - v, bu - u, bv - v, cu - u, cv - v
    return pbu * pcv - pbv * pcu, pcu * pav - pcv * pau, pau * pbv - pav * pbu


@triton.jit
def _inside(edge, turn, from_u, from_v, to_u, to_v):  # type: ignore[no-untyped-def]
    """Whether the pixel lies on the inner side of an edge, or on it where it is a top or left one."""
    along_u, along_v = turn * (to_u - from_u), turn * (to_v - from_v)
    on_edge = tl.where((along_v < 0) | ((along_v == 0) & (along_u > 0)), 1.0, 0.0)
    return tl.where(edge == 0, on_edge, edge) > 0
