"""What networks that draw position maps know of faces beforehand: the mean face as a map, and where landmarks lie."""

from __future__ import annotations

import torch
from torch import nn

from facelib.errors import BadInput, check_shape
from facelib.geometry.normals import vertex_normals
from facelib.geometry.uv_maps import UVLayout


class FaceTemplate(nn.Module):
    """The mean face on a UV layout (paper 3, section III.A); buffers only, which are not saved with weights.

    Args:
        layout: of the maps, S x S texels.
        mean: (V, 3) the mean face, mm, face frame.
        landmarks: (L,) vertex ids, all shown on the map.

    Attributes:
        mean_map: S-bar, (3, S, S) mm.
        normal_map: (3, S, S) unit normals of the mean face, outwards; 0 beyond it.
        mask: (S, S) bool, the texels of the face.
        texels: (L, 2) row and column of each landmark.

    Raises:
        BadInput: for a landmark that the map does not show, or one without a triangle around it.
    """

    mean_map: torch.Tensor
    normal_map: torch.Tensor
    mask: torch.Tensor
    texels: torch.Tensor
    near_texels: torch.Tensor
    near_triangles: torch.Tensor
    near_landmarks: torch.Tensor

    def __init__(self, layout: UVLayout, mean: torch.Tensor, landmarks: torch.Tensor) -> None:
        super().__init__()
        texels = layout.nearest_texels(landmarks)
        near = _around(layout, texels)
        mean_map = layout.position_map(mean[None])[0]
        normal_map = torch.zeros_like(mean_map)
        normal_map[:, layout.mask] = vertex_normals(
            mean_map[None, :, layout.mask].mT.contiguous(), layout.grid_triangles
        )[0].mT
        values = {
            "mean_map": mean_map,
            "normal_map": normal_map,
            "mask": layout.mask,
            "texels": texels,
            "near_texels": near[0],
            "near_triangles": near[1],
            "near_landmarks": near[2],
        }
        for name, value in values.items():
            self.register_buffer(name, value, persistent=False)

    @property
    def size(self) -> int:
        """Side S of the maps."""
        return len(self.mask)

    @property
    def mean_landmarks(self) -> torch.Tensor:
        """The landmarks (L, 3) of the mean face, mm."""
        return self.landmarks_of(self.mean_map[None])[0]

    def landmarks_of(self, maps: torch.Tensor) -> torch.Tensor:
        """The landmarks (B, L, C) of maps (B, C, S, S), those of their texels."""
        check_shape("maps", maps, (None, None, self.size, self.size))
        rows, columns = self.texels.unbind(1)
        return maps[:, :, rows, columns].mT

    def landmark_normals(self, maps: torch.Tensor) -> torch.Tensor:
        """Unit normals (B, L, 3) at the landmarks of position maps (B, 3, S, S), of the triangles around them."""
        check_shape("maps", maps, (None, 3, self.size, self.size))
        rows, columns = self.near_texels.unbind(1)
        return vertex_normals(maps[:, :, rows, columns].mT.contiguous(), self.near_triangles)[:, self.near_landmarks]


def _around(layout: UVLayout, texels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The small mesh of all triangles that touch some texels.

    Returns:
        Its points' texels (N, 2), its triangles (T, 3) into them, and which of its points the given texels are (L,).
    """
    number = torch.full(layout.mask.shape, -1, dtype=torch.int64)
    number[layout.mask] = torch.arange(int(layout.mask.sum()))
    chosen = number[texels[:, 0], texels[:, 1]]
    touching = layout.grid_triangles[torch.isin(layout.grid_triangles, chosen).any(dim=1)]
    bare = ~torch.isin(chosen, touching)
    if bare.any():
        raise BadInput(
            f"landmarks {bare.nonzero()[:, 0].tolist()} have no triangle around their texel: use a map larger than "
            f"{layout.size} texels, or wider limits"
        )
    points, triangles = touching.unique(return_inverse=True)
    return layout.mask.nonzero()[points], triangles, torch.searchsorted(points, chosen)
