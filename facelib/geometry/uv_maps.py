"""UV position maps: a face unrolled onto an image whose texels hold x, y and z.

Source: paper 3, section III.A, eq. 6. A layout is made once, on a mean face (see `facelib.geometry.cylindrical_uv`),
and serves every face with the same triangles, so a texel means the same place on all of them. Positions on the map are
those of texel centres, (j + 0.5, i + 0.5), as in any image.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_shape
from facelib.geometry.normals import check_vertex_ids
from facelib.geometry.rasterizer import Fragments, interpolate


@dataclass(frozen=True, eq=False)
class UVLayout:
    """Which point of the surface each of S x S texels shows; `cylindrical_uv.cylindrical_layout` makes one.

    Args:
        triangles: (T, 3) vertex ids of the mesh, those that were drawn.
        triangle: (S, S) int32, the row of `triangles` that a texel shows, -1 where it shows nothing.
        barycentric: (S, S, 3) float32, the weights of that triangle's corners.
        place: (V, 2) column and row of each vertex on the map, in texels, as far as it lies on it at all.
        shown: (V,) bool, which vertices the map shows.
        grid_triangles: (G, 3) int64, triangles between neighbouring texels as `texel_points` numbers them,
            counter-clockwise seen from outside; none leads over a fold.
    """

    triangles: torch.Tensor
    triangle: torch.Tensor
    barycentric: torch.Tensor
    place: torch.Tensor
    shown: torch.Tensor
    grid_triangles: torch.Tensor

    @property
    def size(self) -> int:
        """Side S of the map in texels."""
        return len(self.triangle)

    @property
    def mask(self) -> torch.Tensor:
        """(S, S) bool: the texels that show the face."""
        return self.triangle >= 0

    @property
    def grid_edges(self) -> torch.Tensor:
        """(E, 2) int64, the sides of the grid's triangles, each once, the lower number first."""
        sides = torch.cat([self.grid_triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
        return sides.sort(dim=1).values.unique(dim=0)

    def to(self, device: torch.device | str) -> UVLayout:
        """The same layout on another device."""
        return UVLayout(*(getattr(self, field.name).to(device) for field in fields(self)))

    def position_map(self, vertices: torch.Tensor) -> torch.Tensor:
        """The position maps of faces (eq. 6); other attributes of the vertices are mapped likewise.

        Differentiable to the vertices.

        Args:
            vertices: (B, V, C), with C = 3 for positions in mm.

        Returns:
            (B, C, S, S), 0 outside the face.

        Raises:
            BadInput: on another shape or device.
        """
        check_shape("vertices", vertices, (None, len(self.place), None))
        batch, _, channels = vertices.shape
        # Every face shows the same texels, so a batch is one image of more channels.
        attributes = vertices.permute(1, 0, 2).flatten(1)[None]  # (1, V, B C)
        weights = self.barycentric.to(vertices.dtype)[None]
        seen = Fragments(self.triangle[None], weights, depth=weights[..., 0])  # nobody asks for the depth
        values = interpolate(attributes, self.triangles, seen)[0]  # (S, S, B C)
        return values.unflatten(-1, (batch, channels)).permute(2, 3, 0, 1)

    def vertices(self, maps: torch.Tensor) -> torch.Tensor:
        """The mesh's vertices, sampled bilinearly between the texels of the face.

        Differentiable to the maps. Not exact, as a vertex lies between texels (`texel_points` is).

        Args:
            maps: (B, C, S, S); what lies outside the face is not used.

        Returns:
            (B, V, C), NaN for vertices that the map does not show.

        Raises:
            BadInput: on another shape.
        """
        self._check_maps(maps)
        on_face = self.mask.to(maps.dtype)[None, None]
        values = self._sample(maps.where(self.mask, 0))  # (B, C, V)
        share = self._sample(on_face)  # of the weight that falls on the face, (1, 1, V)
        return (values / share.clamp(min=1e-6)).mT.where(self.shown[:, None], torch.nan)

    def texel_points(self, maps: torch.Tensor) -> torch.Tensor:
        """The values of the face's texels, row by row: the vertices of the grid's triangles. Exact.

        Args:
            maps: (B, C, S, S).

        Returns:
            (B, N, C).

        Raises:
            BadInput: on another shape.
        """
        self._check_maps(maps)
        return maps[:, :, self.mask].mT

    def nearest_texels(self, vertex_ids: torch.Tensor) -> torch.Tensor:
        """The texels nearest to some vertices, such as the landmarks.

        Args:
            vertex_ids: (K,) integers.

        Returns:
            (K, 2) int64, row and column.

        Raises:
            BadInput: for a vertex that does not exist or that the map does not show.
        """
        check_shape("vertex_ids", vertex_ids, (None,))
        check_vertex_ids(vertex_ids[:, None], len(self.place))
        hidden = ~self.shown[vertex_ids]
        if hidden.any():
            raise BadInput(f"the map does not show vertices {vertex_ids[hidden].tolist()}: widen its limits")
        texels = self.mask.nonzero()  # (N, 2)
        centres = texels.flip(1) + 0.5  # column and row
        return texels[torch.cdist(self.place[vertex_ids], centres.to(self.place.dtype)).argmin(dim=1)]

    def _check_maps(self, maps: torch.Tensor) -> None:
        check_shape("maps", maps, (None, None, self.size, self.size))

    def _sample(self, images: torch.Tensor) -> torch.Tensor:
        """(B, C, S, S) at the vertices, (B, C, V)."""
        place = (self.place * (2 / self.size) - 1).to(images.dtype)  # the image's sides at -1 and 1
        grid = place.expand(len(images), 1, -1, -1)
        return functional.grid_sample(images, grid, mode="bilinear", align_corners=False)[:, :, 0]
