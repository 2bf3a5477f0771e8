"""The face encoder as a network that draws maps: those of the face that its coefficients and its pose make."""

from __future__ import annotations

import torch
from torch import nn

from facelib.models.face_encoder import FaceReading
from facelib.models.sadrnet import FaceMaps
from facelib.papers.sadrnet.maps import FaceMapper


class EncodedFace(nn.Module):
    """Images (B, 3, S, S) in [0, 1] -> FaceMaps without attention.

    Args:
        encoder: a FaceEncoder.
        mapper: of the face model that it reads coefficients of.
    """

    def __init__(self, encoder: nn.Module, mapper: FaceMapper) -> None:
        super().__init__()
        self.encoder = encoder
        self.mapper = mapper

    def forward(self, images: torch.Tensor) -> FaceMaps:
        return self.drawn(self.encoder(images))

    def drawn(self, reading: FaceReading) -> FaceMaps:
        """The maps of what was read."""
        found = FaceReading(*(values.to(self.mapper.mean.device) for values in reading))
        shape = self.mapper.points_from(found.identity, found.expression)
        geometry, shape_map = self.mapper.map_of(found.pose.apply(shape)), self.mapper.map_of(shape)
        return FaceMaps(geometry, None, shape_map, None, found.scale, found.rotation, found.translation)
