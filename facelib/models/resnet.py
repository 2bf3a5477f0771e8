"""ResNet-18 and ResNet-50 (He et al. 2016) as recognisers of faces.

Stem (7x7 convolution of stride 2, batch norm, ReLU, 3x3 maximum of stride 2) and four stages; all but the first halve
the map. ResNet-18 has two blocks a stage of two 3x3 convolutions; ResNet-50 has 3, 4, 6, 3 blocks of 1x1, 3x3, 1x1,
with the stride in the 3x3 as in the common public weights. For small images the stem becomes a 3x3 convolution of
stride 1 before the same maximum, so that maps are as large as IR-18's.

Average pooling and the classifier are replaced by the head of IR-18 on the whole map, so that backbones differ in
nothing else. Parameters at width 1: with the published classifier 11,689,512 and 25,557,032; with the embedding head

                     224x224, published stem   112x112, small stem
    ResNet-18                     24,023,104            24,015,424
    ResNet-50                     74,892,864            74,885,184
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import torch
from torch import nn

from facelib.errors import BadInput
from facelib.models.blocks import EmbeddingHead, ImageRecogniser, check_image_size, map_size, scaled

STAGE_CHANNELS = (64, 128, 256, 512)


@dataclass(frozen=True)
class ResNetSettings:
    """Size of a ResNet.

    Args:
        depth: 18, 50 or 101.
        image_size: height and width of the images in pixels, at least 32.
        small_stem: 3x3 convolution of stride 1 instead of 7x7 of stride 2, for images of about 112 pixels or less.
        width: factor on the channels of every layer; 1.0 is the published network.
        embedding: dimension of the embedding, not scaled by width.
        dropout: before the linear layer.
    """

    depth: int = 18
    image_size: int = 224
    small_stem: bool = False
    width: float = 1.0
    embedding: int = 512
    dropout: float = 0.4


class ResNet(ImageRecogniser):
    """A ResNet with its head: images to embeddings.

    The map of `features` is a 32nd of the image's size, with the small stem a 16th, rounded up.

    Raises:
        BadInput: for another depth, images smaller than 32 pixels, or a width that is not positive.
    """

    def __init__(self, settings: ResNetSettings = ResNetSettings()) -> None:
        check_image_size(settings.image_size)
        body = ResNetBody(settings.depth, settings.small_stem, settings.width)
        size = map_size(settings.image_size, body.halvings)
        head = EmbeddingHead(body.channels, size, settings.embedding, settings.dropout)
        super().__init__(settings.image_size, body, head)
        self.settings = settings


class ResidualBlock(nn.Module):
    """ReLU of the residual plus the input, which is projected by a 1x1 convolution where shapes differ."""

    def __init__(self, residual: nn.Sequential, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = residual
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.shortcut(x) + self.residual(x))


def basic(inputs: int, channels: int, stride: int) -> nn.Sequential:
    """The residual of ResNet-18: two 3x3 convolutions."""
    return nn.Sequential(
        nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )


def bottleneck(inputs: int, channels: int, stride: int) -> nn.Sequential:
    """The residual of ResNet-50: 1x1 to fewer channels, 3x3, 1x1 to four times as many."""
    return nn.Sequential(
        nn.Conv2d(inputs, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, 4 * channels, 1, bias=False),
        nn.BatchNorm2d(4 * channels),
    )


class Design(NamedTuple):
    """What a depth stands for: the residual, its outputs over its channels, the blocks of each stage."""

    residual: Callable[[int, int, int], nn.Sequential]
    expansion: int
    blocks: tuple[int, ...]


DESIGNS = {
    18: Design(basic, 1, (2, 2, 2, 2)),
    50: Design(bottleneck, 4, (3, 4, 6, 3)),
    101: Design(bottleneck, 4, (3, 4, 23, 3)),
}


class ResNetBody(nn.Module):
    """Stem and stages of a ResNet: images (B, 3, H, W) -> map (B, channels, H / 2^halvings, W / 2^halvings).

    Convolutions run in the default memory layout: with channels last, the backward pass of a 1x1 convolution of
    stride 2 can crash torch 2.13 on a CPU at small widths.

    Args:
        depth: 18, 50 or 101.
        small_stem: 3x3 convolution of stride 1 instead of 7x7 of stride 2.
        width: factor on all channels.

    Attributes:
        channels: of the last map.
        stage_channels: of the map after each stage.
        halvings: how many times the map is halved, rounding up.

    Raises:
        BadInput: for another depth.
    """

    def __init__(self, depth: int = 18, small_stem: bool = False, width: float = 1.0) -> None:
        super().__init__()
        if depth not in DESIGNS:
            raise BadInput(f"depth {depth}: expected one of {', '.join(map(str, DESIGNS))}")
        residual, expansion, blocks_of = DESIGNS[depth]
        inputs = scaled(STAGE_CHANNELS[0], width)
        kernel, stride = (3, 1) if small_stem else (7, 2)
        self.stem = nn.Sequential(
            nn.Conv2d(3, inputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, padding=1),
        )
        stages: list[nn.Module] = []
        self.stage_channels: tuple[int, ...] = ()
        for full_channels, blocks in zip(STAGE_CHANNELS, blocks_of, strict=True):
            channels = scaled(full_channels, width)
            for block in range(blocks):
                stride = 2 if block == 0 and stages else 1  # the first stage keeps the size of the map
                outputs = expansion * channels
                stages.append(ResidualBlock(residual(inputs, channels, stride), inputs, outputs, stride))
                inputs = outputs
            self.stage_channels += (inputs,)
        self.stages = nn.Sequential(*stages)
        self.blocks_of = blocks_of
        self.channels = inputs
        self.halvings = 4 if small_stem else 5

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.stages(self.stem(images.contiguous()))

    def stage_maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The map after each of the four stages, the largest first."""
        maps, blocks, x = [], iter(self.stages), self.stem(images.contiguous())
        for count in self.blocks_of:
            for block in islice(blocks, count):
                x = block(x)
            maps.append(x)
        return maps
