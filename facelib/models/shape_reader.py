"""A second look: once the face encoder knows how a face lies in the image, its shape is read off the unposed image.

Ours. It learns in minutes what the face encoder does not in hours: a linear reading of 16 x 16 unposed pixels tells
more modes of a shape than the encoder did after 768,000 photographs.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from facelib.models.blocks import check_width, take_fastest_layout
from facelib.models.face_encoder import HIDDEN, FaceCode, FaceEncoder, FaceReading
from facelib.models.face_template import FaceTemplate
from facelib.models.map_layers import initialise
from facelib.models.unposed import UnposedEncoder


class ShapeReader(nn.Module):
    """What a face encoder reads, with the shape corrected by what lies on the mean face in the pose that it found.

    Args:
        encoder: which it belongs to; it stays as it is, and in evaluation mode.
        template: the mean face.
        width: factor on the channels of the second look.
        halvings: of the maps' side in it.
    """

    def __init__(self, encoder: FaceEncoder, template: FaceTemplate, width: float, halvings: int) -> None:
        super().__init__()
        check_width(width)
        self.parts = encoder.parts[-2:]
        self.unposed = UnposedEncoder(template, width, halvings)
        self.hidden = FaceCode(self.unposed.channels)
        self.reading = nn.Linear(HIDDEN, sum(self.parts))
        initialise(self)
        self.hidden.start()
        self.encoder = encoder.requires_grad_(False)
        take_fastest_layout(self)
        self.train()

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, images: torch.Tensor) -> FaceReading:
        """Images (B, 3, S, S), RGB in [0, 1].

        Raises:
            BadInput: for an empty batch or another image size.
        """
        first: FaceReading = self.encoder(images)
        code = self.hidden(self.unposed(images, first.pose))
        identity, expression = self.reading(code).float().split(self.parts, dim=1)
        return first._replace(identity=first.identity + identity, expression=first.expression + expression, code=code)
