"""From what is known of a face to the maps that networks learn and are evaluated by."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from facelib.data.posed_faces import PosedFaces
from facelib.faces.face_layout import face_layout
from facelib.faces.model_fit import ModelFit
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.uv_regions import region_weight_map
from facelib.models.face_template import FaceTemplate


class TrueMaps(NamedTuple):
    """The truth of B faces.

    Args:
        shape: S, (B, 3, S, S) mm.
        geometry: G and P, (B, 3, S, S) pixels.
    """

    shape: torch.Tensor
    geometry: torch.Tensor


class FaceMapper(nn.Module):
    """Draws true maps (paper 3, section III.A); buffers only.

    Args:
        model: of the faces.
        size: of the maps, in texels.
        regions: weights of landmarks; eyes, nose and mouth; cheek, chin and forehead; neck.

    Attributes:
        weights: M, (S, S), of the texels.
        evaluated: (S, S) bool, the texels of the dense evaluation: the face without the neck.
    """

    weights: torch.Tensor
    evaluated: torch.Tensor
    mean: torch.Tensor
    basis: torch.Tensor
    edges: torch.Tensor
    triangles: torch.Tensor

    def __init__(self, model: MorphableModel, size: int, regions: tuple[float, float, float, float]) -> None:
        super().__init__()
        layout = face_layout(model, size)
        self.template = FaceTemplate(layout, model.mean, model.landmarks)
        self.components = len(model.identity_basis)
        bases = torch.cat((model.identity_basis, model.expression_basis))
        values = {
            "weights": region_weight_map(layout, model.landmarks, regions),
            "evaluated": region_weight_map(layout, model.landmarks, (1.0, 1.0, 1.0, 0.0)) > 0,
            "mean": layout.texel_points(layout.position_map(model.mean[None]))[0].flatten(),
            # A map is linear in the coefficients, so faces need not pass through vertices.
            "basis": layout.texel_points(layout.position_map(bases)).flatten(1),
            "edges": layout.grid_edges,
            "triangles": layout.grid_triangles,
        }
        for name, value in values.items():
            self.register_buffer(name, value, persistent=False)

    @property
    def evaluated_basis(self) -> torch.Tensor:
        """How the evaluated texels move with each identity component and facial action, (K + E, N, 3) mm."""
        return self.basis.unflatten(1, (-1, 3))[:, self.evaluated[self.template.mask]]

    @cached_property
    def fit(self) -> ModelFit:
        """Of the model to deformations at the evaluated texels."""
        return ModelFit(self.evaluated_basis.cpu(), self.components)

    def forward(self, faces: PosedFaces) -> TrueMaps:
        """The maps of these faces; 0 outside the face."""
        points = self.points_from(faces.shape, faces.expression)
        return TrueMaps(self.map_of(points), self.map_of(faces.pose.apply(points)))

    def points_from(self, identity: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        """The face's texels (B, N, 3) mm, from identity coefficients (B, the first up to K) and strengths (B, E)."""
        missing = self.components - identity.shape[1]
        coefficients = torch.cat((functional.pad(identity, (0, missing)), expression), dim=1)
        return torch.addmm(self.mean, coefficients, self.basis).unflatten(1, (-1, 3))

    def map_of(self, points: torch.Tensor) -> torch.Tensor:
        """Values (B, N, C) of the face's texels as maps (B, C, S, S)."""
        mask = self.template.mask
        maps = points.new_zeros(len(points), points.shape[2], *mask.shape)
        maps[:, :, mask] = points.mT
        return maps

    def points_of(self, maps: torch.Tensor) -> torch.Tensor:
        """The values (B, N, C) of the face's texels of maps (B, C, S, S)."""
        return maps[:, :, self.template.mask].mT
