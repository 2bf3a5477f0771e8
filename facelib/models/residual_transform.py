"""An RST-inspired network (paper 1, table I): a residual transform of a truncated backbone's map.

Of the residual spectral transform only the outline is public: a residual mapping behind a truncated backbone, to 512
channels, trained with identity and domain-invariance losses. Ours: IR-18 without its head, a 1x1 convolution to 512
channels, z + R(z) with R two 1x1 convolutions, and the head of AdaFace's IR networks. The paper calls its own an
RST-inspired transform too.
"""

from __future__ import annotations

import torch
from torch import nn

from facelib.errors import check_shape
from facelib.models.blocks import Embedding, EmbeddingHead, initialise, map_size, scaled
from facelib.models.irnet import STAGE_CHANNELS, IRNetBody, IRNetSettings, halvings

TRANSFORM_CHANNELS = 512


class ResidualTransform(nn.Module):
    """z + R(z), R = convolution 1x1, batch norm, PReLU, convolution 1x1, batch norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) -> the same shape."""
        return z + self.residual(z)


class ResidualTransformNetwork(nn.Module):
    """Truncated IR-18, residual transform, head: images to embeddings.

    Args:
        settings: of IR-18.
        stages: of IR-18 to keep, 1 to 4.
    """

    def __init__(self, settings: IRNetSettings, stages: int = len(STAGE_CHANNELS)) -> None:
        super().__init__()
        self.image_size = settings.image_size
        self.body = IRNetBody(settings.width, stages, settings.final_stride)
        channels = scaled(TRANSFORM_CHANNELS, settings.width)
        self.transform = nn.Sequential(
            nn.Conv2d(self.body.channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            ResidualTransform(channels),
        )
        size = map_size(settings.image_size, halvings(stages, settings.final_stride))
        self.head = EmbeddingHead(channels, size, settings.embedding, settings.dropout)
        initialise(self.transform)
        initialise(self.head)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> the transformed map (B, C, H, W).

        Raises:
            BadInput: for an empty batch, another image size, or NaN.
        """
        check_shape("images", images, (None, 3, self.image_size, self.image_size))
        return self.transform(self.body(images))

    def forward(self, images: torch.Tensor) -> Embedding:
        """Images (B, 3, S, S) -> unit (B, D) and norm (B, 1); raises as `features`, or for one image in training."""
        return self.head(self.features(images))
