"""IR-18, the improved residual network of AdaFace (paper 1, section IV.B, where it is called IR-Net-18).

Stem (3x3 convolution, batch norm, PReLU), four stages of two blocks with 64, 128, 256, 512 channels that each halve
the map, and a linear head. A block is BN, 3x3, BN, PReLU, 3x3 with the stride, BN, with no activation after the sum.
At width 1 it has 24,020,352 parameters for images of 112x112 and 62,555,520 for 224x224.

Paper 1 cites a paper on binary networks for this name; its text and settings mean AdaFace's backbone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from facelib.errors import BadInput, check_finite, check_shape
from facelib.models.blocks import Embedding, EmbeddingHead, initialise, map_size, scaled

STAGE_CHANNELS = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2


@dataclass(frozen=True)
class IRNetSettings:
    """Size of an IR-18.

    Args:
        image_size: height and width of the images in pixels.
        width: factor on the channels of every layer; 1.0 is the published network.
        embedding: dimension of the embedding, not scaled by width.
        dropout: before the linear layer.
        final_stride: of the fourth stage, 2 in the published network; 1 keeps the third stage's map, for small images.
    """

    image_size: int = 112
    width: float = 1.0
    embedding: int = 512
    dropout: float = 0.4
    final_stride: int = 2


def halvings(stages: int, final_stride: int = 2) -> int:
    """How often so many stages of IR-18 halve the map.

    Raises:
        BadInput: if stages is not 1 to 4, or final_stride not 1 or 2.
    """
    if stages not in range(1, len(STAGE_CHANNELS) + 1):
        raise BadInput(f"stages {stages}: expected 1 to {len(STAGE_CHANNELS)}")
    if final_stride not in (1, 2):
        raise BadInput(f"final_stride {final_stride}: expected 1 or 2")
    return stages - (stages == len(STAGE_CHANNELS) and final_stride == 1)


class IRBlock(nn.Module):
    """BN, conv, BN, PReLU, conv with stride, BN; plus the input, pooled or projected where shapes differ."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.shortcut: nn.Module
        if inputs == channels:
            self.shortcut = nn.MaxPool2d(1, stride)
        else:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.residual = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.residual(x)


class IRNetBody(nn.Module):
    """Stem and stages of IR-18, whole or truncated.

    Args:
        width: factor on all channels.
        stages: how many of the four stages to keep, 1 to 4. Paper 1 truncates IR-18 without saying where.
        final_stride: of the fourth stage, 1 or 2; the others have 2.

    Attributes:
        channels: of the last map.

    Raises:
        BadInput: if stages is not 1 to 4, or final_stride not 1 or 2.
    """

    def __init__(self, width: float = 1.0, stages: int = len(STAGE_CHANNELS), final_stride: int = 2) -> None:
        super().__init__()
        halvings(stages, final_stride)
        inputs = scaled(STAGE_CHANNELS[0], width)
        self.stem = nn.Sequential(
            nn.Conv2d(3, inputs, 3, padding=1, bias=False), nn.BatchNorm2d(inputs), nn.PReLU(inputs)
        )
        self.stages = nn.ModuleList()
        for stage, full_channels in enumerate(STAGE_CHANNELS[:stages], start=1):
            channels = scaled(full_channels, width)
            blocks = [IRBlock(inputs, channels, stride=final_stride if stage == len(STAGE_CHANNELS) else 2)]
            blocks += [IRBlock(channels, channels, stride=1) for _ in range(BLOCKS_PER_STAGE - 1)]
            self.stages.append(nn.Sequential(*blocks))
            inputs = channels
        self.channels = inputs
        initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, H, W), RGB in [0, 1] -> last map (B, channels, H / 2^h, W / 2^h), h its halvings.

        Raises:
            BadInput: for an empty batch, a wrong shape, or NaN in the images.
        """
        check_shape("images", images, (None, 3, None, None))
        check_finite("images", images)
        x = self.stem(2 * images - 1)  # to [-1, 1], as AdaFace's public weights expect; they want BGR, ours is RGB
        for stage in self.stages:
            x = stage(x)
        return x


class IRNet18(nn.Module):
    """IR-18 with its head: images to embeddings.

    Example:
        embedding = IRNet18(IRNetSettings(image_size=64, width=0.25)).eval()(torch.rand(8, 3, 64, 64))
    """

    def __init__(self, settings: IRNetSettings = IRNetSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.body = IRNetBody(settings.width, final_stride=settings.final_stride)
        size = map_size(settings.image_size, halvings(len(STAGE_CHANNELS), settings.final_stride))
        self.head = EmbeddingHead(self.body.channels, size, settings.embedding, settings.dropout)
        initialise(self.head)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1], S as in the settings -> the last map (B, C, H, W).

        Raises:
            BadInput: for an empty batch, another image size, or NaN.
        """
        check_shape("images", images, (None, 3, self.settings.image_size, self.settings.image_size))
        return self.body(images)

    def forward(self, images: torch.Tensor) -> Embedding:
        """Images (B, 3, S, S) -> unit (B, D) and norm (B, 1); raises as `features`, or for one image in training."""
        return self.head(self.features(images))
