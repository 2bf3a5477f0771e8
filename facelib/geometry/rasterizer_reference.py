"""The torch reference of the rasterizer, on any device: the rules of `facelib.geometry.rasterizer`, plainly.

All functions expect checked input and return (triangle, barycentric, depth) as `Fragments` names them. The order of
the floating-point operations is that of the numba kernels, so both give the same bits.
"""

from __future__ import annotations

import torch

from facelib.geometry.camera import NEAR

LARGEST_AREA = 1e38  # pixels squared, doubled; with less, what is summed below stays finite
FARTHEST = torch.finfo(torch.float32).tiny  # 1/mm; with more, depth stays finite under perspective

_PAIRS_AT_ONCE = 2**22  # (triangle, pixel) pairs held in memory


def rasterize_torch(
    screen: torch.Tensor, triangles: torch.Tensor, height: int, width: int, perspective: bool, cull: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """List all (triangle, pixel of its bounding box) pairs, keep the covered ones, take the smallest key a pixel."""
    batch, count, device = len(screen), len(triangles), screen.device
    corners = screen[:, triangles.long()].flatten(0, 1)  # (B T, 3 corners, 3)
    z = corners[..., 2]
    weight = depth_weight(z, perspective)  # (B T, 3)
    a, b, c = corners[..., :2].unbind(1)
    area = _cross(b - a, c - a)
    drawn = weight.isfinite().all(-1) & (area.abs() < LARGEST_AREA) & (area != 0)
    if cull:
        drawn &= area < 0
    kept = drawn.nonzero()[:, 0]  # ids in the flattened (B T)

    limit = torch.tensor((width, height), device=device, dtype=torch.float32)
    low = (corners[kept, :, :2].amin(1) - 0.5).ceil().clamp(min=0).minimum(limit).long()
    high = ((corners[kept, :, :2].amax(1) - 0.5).floor() + 1).clamp(min=0).minimum(limit).long()
    extent = (high - low).clamp(min=0)  # (K, 2) columns and rows of the bounding box
    pairs = extent.prod(-1)

    nothing = torch.iinfo(torch.int64).max
    best = torch.full((batch * height * width,), nothing, dtype=torch.int64, device=device)
    group = (pairs.cumsum(0) // _PAIRS_AT_ONCE).unique_consecutive(return_counts=True)[1]
    for members in torch.arange(len(kept), device=device).split(group.tolist()):
        owner = members.repeat_interleave(pairs[members])  # (P,) one entry a pair
        first = pairs[members].cumsum(0) - pairs[members]
        within = torch.arange(len(owner), device=device) - first.repeat_interleave(pairs[members])
        column = low[owner, 0] + within % extent[owner, 0]
        row = low[owner, 1] + within // extent[owner, 0]
        flat = kept[owner]
        edges, covered = _edges_and_cover(corners[flat], area[flat], row, column)
        nearness = _weighted(edges, weight[flat]) / _total(edges)
        farthest = FARTHEST if perspective else -torch.inf
        covered &= (nearness > farthest) & (nearness < torch.inf)
        key = (_ordered(0 - nearness) << 32) | (flat % count)
        pixel = (flat // count * height + row) * width + column
        best.scatter_reduce_(0, pixel[covered], key[covered], "amin")

    best = best.view(batch, height, width)
    seen = best != nothing
    triangle = torch.where(seen, best & 0xFFFFFFFF, -1)
    image, row, column = seen.nonzero().unbind(-1)
    flat = image * count + triangle[seen]
    edges, _ = _edges_and_cover(corners[flat], area[flat], row, column)
    total, weighted = _total(edges), _weighted(edges, weight[flat])
    barycentric = torch.zeros(batch, height, width, 3, device=device)
    depth = torch.full((batch, height, width), torch.inf, device=device)
    if perspective:
        barycentric[seen] = edges * weight[flat] / weighted[:, None]
        depth[seen] = total / weighted
    else:
        barycentric[seen] = edges / total[:, None]
        depth[seen] = -weighted / total
    return triangle.to(torch.int32), barycentric, depth


def depth_weight(z: torch.Tensor, perspective: bool) -> torch.Tensor:
    """1/z or -z: what is affine on the screen and grows towards the viewer; NaN where a vertex cannot be drawn."""
    drawn = (z > NEAR) & (z < torch.inf) if perspective else z.abs() < torch.inf
    return (1 / z if perspective else -z).where(drawn, torch.nan)


def _cross(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _edges_and_cover(
    corners: torch.Tensor, area: torch.Tensor, row: torch.Tensor, column: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The three edge functions (P, 3) at pixel centres, positive inside, and whether the centre is covered (P,)."""
    centre = torch.stack((column, row), dim=-1).to(torch.float32) + 0.5  # (P, 2)
    a, b, c = (corners[..., :2] - centre[:, None]).unbind(1)
    turn = area.sign()[:, None]  # back faces turn the other way
    edges = turn * torch.stack((_cross(b, c), _cross(c, a), _cross(a, b)), dim=-1)
    screen = corners[..., :2]
    along = turn[..., None] * (screen[:, (2, 0, 1)] - screen[:, (1, 2, 0)])  # b->c, c->a, a->b
    top_left = (along[..., 1] < 0) | ((along[..., 1] == 0) & (along[..., 0] > 0))
    covered = ((edges > 0) | ((edges == 0) & top_left)).all(-1) & (_total(edges) > 0)
    return edges, covered


def _total(edges: torch.Tensor) -> torch.Tensor:
    return edges[..., 0] + (edges[..., 1] + edges[..., 2])


def _weighted(edges: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    product = edges * weight
    return product[..., 0] + (product[..., 1] + product[..., 2])


def _ordered(value: torch.Tensor) -> torch.Tensor:
    """Integers (int64) in the order of the float32 values, among which there is no -0."""
    bits = value.contiguous().view(torch.int32)
    return torch.where(bits >= 0, bits, bits ^ 0x7FFFFFFF).long()


def interpolate_torch(
    attributes: torch.Tensor, triangles: torch.Tensor, triangle: torch.Tensor, barycentric: torch.Tensor
) -> torch.Tensor:
    """Looks only at pixels that show a triangle, so that memory follows their number."""
    batch, vertices, channels = len(triangle), attributes.shape[1], attributes.shape[2]
    image, row, column = (triangle >= 0).nonzero().unbind(-1)  # (P,)
    corner = triangles.long()[triangle[image, row, column].long()]  # (P, 3)
    if len(attributes) > 1:
        corner = corner + (image * vertices)[:, None]
    # index_select, whose gradient is a plain sum over rows; that of indexing sorts them first.
    rows = attributes.flatten(0, 1).index_select(0, corner.flatten()).view(-1, 3, channels)
    weights = barycentric[image, row, column].to(attributes.dtype)
    value = attributes.new_zeros(batch, *triangle.shape[1:], channels)
    return value.index_put((image, row, column), (weights[..., None] * rows).sum(1))
