"""The cylindrical layout of a UV position map.

Source: paper 3, section III.A, eqs. 7 and 8.

Rules
    The cylinder's axis is the y axis of the face frame, which must run through the head. Rows run down with y (eq. 7),
    columns to the subject's left with atan2(x, z), 0 in front (eq. 8): the map looks like the face.
    The map is cut at its limits of height and angle. Triangles that cross the seam at the back, or have a corner that
    is not kept, are left out.
    Where the surface folds (nostrils, lips, lids, ears) several of its layers share a texel: the one farthest from the
    axis has it. Vertices of the others are not shown in the map.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from facelib.errors import BadInput, check_finite, check_floating, check_shape
from facelib.geometry.normals import check_vertex_ids
from facelib.geometry.rasterizer import Fragments, rasterize
from facelib.geometry.uv_maps import UVLayout

# In heights of a row on the mean face (0.8 mm for a face on 256 rows):
SHOWN_WITHIN = 2.5  # a vertex is shown where the mean face's map, sampled at its place, gives it back this closely
LONGEST_STEP = 10.0  # a longer step between neighbouring texels leads over a fold


def cylindrical_layout(
    vertices: torch.Tensor,
    triangles: torch.Tensor,
    size: int = 256,
    *,
    half_angle: float = math.pi / 2,
    bottom: float | None = None,
    top: float | None = None,
    kept: torch.Tensor | None = None,
) -> UVLayout:
    """The layout of a face on a cylinder (eqs. 7 and 8).

    Args:
        vertices: (V, 3) the mean face in the face frame, mm.
        triangles: (T, 3) vertex ids.
        size: S, side of the map in texels.
        half_angle: the map shows atan2(x, z) from -half_angle to half_angle, radians, at most pi.
        bottom: the least y that the map shows, mm, and top: the largest; where None that of the vertices within the
            angle. For a face from its hairline down to its throat: 45 mm above the brows, 25 mm below the chin.
        kept: (V,) bool, the vertices that belong to the face; all where None. Leave out ears, whose folds fit no
            cylinder, and what lies behind the eyes and lips.

    Raises:
        BadInput: on wrong shapes, non-finite vertices, limits without extent, or a face of which nothing falls on
            the map.
    """
    check_shape("vertices", vertices, (None, 3))
    check_shape("triangles", triangles, (None, 3))
    check_floating(vertices=vertices)
    check_finite("vertices", vertices)
    check_vertex_ids(triangles, len(vertices))
    if size < 2:
        raise BadInput(f"size is {size}: expected at least 2 texels")
    if not 0 < half_angle <= math.pi:
        raise BadInput(f"half_angle is {half_angle}: expected radians above 0 and at most pi")
    kept = _check_kept(kept, vertices)

    x, y, z = vertices.unbind(-1)
    angle, radius = torch.atan2(x, z), torch.hypot(x, z)
    heights = y.detach()[kept & (angle.abs() <= half_angle)]
    if len(heights) == 0:
        raise BadInput(f"no vertex lies within {math.degrees(half_angle):g} degrees of the front: check the axes")
    top = float(heights.max()) if top is None else top
    bottom = float(heights.min()) if bottom is None else bottom
    if not bottom < top:
        raise BadInput(f"the map reaches from y = {bottom:g} to {top:g} mm: expected a height above zero")
    columns = (1 + angle / half_angle) * (size / 2)  # eq. 8
    rows = (top - y) * (size / (top - bottom))  # eq. 7

    corner_angles = angle[triangles.long()]
    in_one_piece = corner_angles.amax(dim=1) - corner_angles.amin(dim=1) < math.pi
    drawn = triangles[in_one_piece & kept[triangles.long()].all(dim=1)]
    if len(drawn) == 0:
        raise BadInput("no triangle has all its corners kept: check the mask")
    screen = torch.stack((columns, rows, -radius), dim=-1)  # the farthest from the axis is the nearest to the viewer
    seen = rasterize(screen[None], drawn, size, size, perspective=False)
    if not seen.mask.any():
        raise BadInput("no triangle falls on the map: the face has no extent, or lies outside its limits")
    return _describe(seen, drawn, torch.stack((columns, rows), dim=-1), vertices, (top - bottom) / size)


def _check_kept(kept: torch.Tensor | None, vertices: torch.Tensor) -> torch.Tensor:
    if kept is None:
        return torch.ones(len(vertices), dtype=torch.bool, device=vertices.device)
    check_shape("kept", kept, (len(vertices),))
    if kept.dtype != torch.bool:
        raise BadInput(f"kept is {kept.dtype}: expected a torch.bool a vertex")
    return kept


def _describe(
    seen: Fragments, drawn: torch.Tensor, place: torch.Tensor, mean: torch.Tensor, row_height: float
) -> UVLayout:
    """The layout with what follows from the mean face's map: shown vertices and the grid."""
    used = torch.zeros(len(mean), dtype=torch.bool, device=mean.device)
    used[drawn.long().flatten()] = True
    inside = ((place >= 0) & (place <= len(seen.triangle[0]))).all(dim=1)
    draft = UVLayout(drawn, seen.triangle[0], seen.barycentric[0], place, used & inside, drawn)
    mean_map = draft.position_map(mean[None])
    error = (draft.vertices(mean_map)[0] - mean).norm(dim=-1)  # NaN where not used
    return replace(
        draft,
        shown=error <= SHOWN_WITHIN * row_height,
        grid_triangles=_grid_triangles(mean_map[0], draft.mask, LONGEST_STEP * row_height),
    )


def _grid_triangles(positions: torch.Tensor, mask: torch.Tensor, longest: float) -> torch.Tensor:
    """Two triangles a square of four texels, as far as all corners are on the face and no side is too long."""
    number = torch.full(mask.shape, -1, dtype=torch.int64, device=mask.device)
    number[mask] = torch.arange(int(mask.sum()), device=mask.device)
    a, b = number[:-1, :-1], number[:-1, 1:]
    c, d = number[1:, :-1], number[1:, 1:]
    triangles = torch.cat((torch.stack((a, c, b), dim=-1), torch.stack((b, c, d), dim=-1))).view(-1, 3)
    triangles = triangles[(triangles >= 0).all(dim=1)]
    corners = positions[:, mask].T[triangles]  # (G, 3 corners, 3)
    sides = (corners - corners.roll(1, dims=1)).norm(dim=-1)
    return triangles[(sides <= longest).all(dim=1)]
