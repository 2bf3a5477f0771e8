"""A face as an object of trimesh, to be looked at, changed or exported there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from facelib.errors import check_finite, check_shape
from facelib.geometry.normals import check_vertex_ids, vertex_normals

if TYPE_CHECKING:
    import trimesh

UNKNOWN = 0.6  # grey of what a photograph does not show
GAP = 2  # edges: as far from what it shows, colours are guessed; wings of the nose and outlines hide such strips


def coloured_mesh(vertices: torch.Tensor, triangles: torch.Tensor, colours: torch.Tensor) -> trimesh.Trimesh:
    """A mesh with a colour and a normal for each vertex; vertices keep their number and order.

    Args:
        vertices: (N, 3).
        triangles: (T, 3), counter-clockwise seen from outside.
        colours: (N, 3) RGB in [0, 1], NaN where unknown; see `known_colours`.

    Raises:
        BadInput: on wrong shapes, vertices that are not finite, or triangles between others.
    """
    import trimesh

    check_mesh(vertices, triangles, colours)
    opaque = torch.cat((known_colours(colours, triangles), torch.ones(len(colours), 1)), dim=1)
    mesh = trimesh.Trimesh(
        vertices.double().numpy(),
        triangles.numpy(),
        vertex_normals=vertex_normals(vertices[None], triangles)[0].double().numpy(),
        process=False,  # which would join and reorder vertices
    )
    mesh.visual = trimesh.visual.ColorVisuals(mesh, vertex_colors=(opaque * 255).round().byte().numpy())
    return mesh


def known_colours(colours: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Colours (N, 3) in [0, 1] with unknown ones, which are NaN, guessed from their neighbours', or grey far from any.

    Args:
        colours: (N, 3) RGB of the vertices.
        triangles: (T, 3) between them.
    """
    one, other = torch.cat((triangles, triangles.flip(1))).T[[0, 1, 2, 1, 2, 0]].reshape(2, -1)  # both ends of edges
    for _ in range(GAP):
        known = ~colours.isnan().any(dim=1, keepdim=True)
        told = torch.cat((colours, known), dim=1).where(known, 0)[other]
        total, count = torch.zeros(len(colours), 4).index_add(0, one, told).split((3, 1), dim=1)
        colours = torch.where(known | (count == 0), colours, total / count)
    return torch.where(colours.isnan(), UNKNOWN, colours).float().clamp(0, 1)


def check_mesh(vertices: torch.Tensor, triangles: torch.Tensor, colours: torch.Tensor | None) -> None:
    """Raise BadInput unless these make up a mesh (see `coloured_mesh`)."""
    check_shape("vertices", vertices, (None, 3))
    check_finite("vertices", vertices)
    check_shape("triangles", triangles, (None, 3))
    check_vertex_ids(triangles, len(vertices))
    if colours is not None:
        check_shape("colours", colours, (len(vertices), 3))
