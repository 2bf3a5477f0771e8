"""GhostFaceNets (Alansari et al. 2023) on GhostNet's first version (Han et al. 2020), with PReLU.

A ghost module makes half of its channels by a 1x1 convolution and the other half from these by a cheap 3x3 depthwise
one. A bottleneck is a ghost module to the hidden channels, a depthwise convolution where the map is halved,
squeeze-and-excitation where the table says so, and a ghost module without activation; its shortcut is a depthwise and
a 1x1 convolution where shapes differ. The head is a depthwise convolution over the whole last map, a linear layer
without bias and batch norm.

Layers at width 1; all channels are scaled and rounded to multiples of four:

    stem        3x3, 16 channels, stride 1 or 2
    bottlenecks kernel, hidden, channels, squeeze, stride: LAYERS below
    last        1x1, 512 channels
    head        depthwise over the map, linear to the embedding

At width 1.3 and 112x112 it has 4,059,748 parameters with a stem of stride 1 (the public GhostFaceNetV1-1.3-1; 4,088,300
with batch norm's running statistics, as Keras counts) and 4,037,836 with stride 2 (GhostFaceNetV1-1.3-2).
Departures from the public Keras code: strided convolutions pad alike on both sides, and the gate of
squeeze-and-excitation is max(0, min(1, x/6 + 1/2)), as in GhostNet, where Keras 2 has x/5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from facelib.errors import BadInput
from facelib.models.blocks import (
    Embedding,
    ImageRecogniser,
    check_image_size,
    check_training_batch,
    check_width,
    map_size,
    to_embedding,
)

STEM_CHANNELS = 16
LAST_CHANNELS = 512
SQUEEZE = 0.25  # channels inside squeeze-and-excitation, as a part of those outside


class Layer(NamedTuple):
    """A bottleneck: depthwise kernel, hidden channels, channels that come out, whether it squeezes, stride."""

    kernel: int
    hidden: int
    channels: int
    squeezes: bool
    stride: int


LAYERS = (
    Layer(3, 16, 16, False, 1),
    Layer(3, 48, 24, False, 2),
    Layer(3, 72, 24, False, 1),
    Layer(5, 72, 40, True, 2),
    Layer(5, 120, 40, True, 1),
    Layer(3, 240, 80, False, 2),
    Layer(3, 200, 80, False, 1),
    Layer(3, 184, 80, False, 1),
    Layer(3, 184, 80, False, 1),
    Layer(3, 480, 112, True, 1),
    Layer(3, 672, 112, True, 1),
    Layer(5, 672, 160, True, 2),
    Layer(5, 960, 160, False, 1),
    Layer(5, 960, 160, True, 1),
    Layer(5, 960, 160, False, 1),
    Layer(5, 512, 160, True, 1),
)


@dataclass(frozen=True)
class GhostFaceNetSettings:
    """Size of a GhostFaceNet.

    Args:
        image_size: height and width of the images in pixels, at least 32.
        stem_stride: 1, or 2 for a quarter of the work; the map is a 16th or a 32nd of the image's size, rounded up.
        width: factor on the channels of every layer; 1.3 is the published choice.
        embedding: dimension of the embedding, not scaled by width.
    """

    image_size: int = 112
    stem_stride: int = 1
    width: float = 1.3
    embedding: int = 512


class GhostFaceNet(ImageRecogniser):
    """A GhostFaceNet with its head: images to embeddings.

    Raises:
        BadInput: for images smaller than 32 pixels, another stem_stride, or a width that is not positive.
    """

    def __init__(self, settings: GhostFaceNetSettings = GhostFaceNetSettings()) -> None:
        check_image_size(settings.image_size)
        if settings.stem_stride not in (1, 2):
            raise BadInput(f"stem_stride {settings.stem_stride}: expected 1 or 2")
        halvings = [settings.stem_stride, *(layer.stride for layer in LAYERS)].count(2)
        size = map_size(settings.image_size, halvings)
        channels = multiple_of_four(LAST_CHANNELS, settings.width)
        head = GlobalDepthwiseHead(channels, size, settings.embedding)
        super().__init__(settings.image_size, ghost_body(settings.stem_stride, settings.width), head)
        self.settings = settings


def multiple_of_four(channels: float, width: float = 1.0) -> int:
    """Channels at a width factor, as the nearest multiple of four that is not more than a tenth too small."""
    check_width(width)
    wanted = channels * width
    nearest = max(4, int(wanted + 2) // 4 * 4)
    return nearest if nearest >= 0.9 * wanted else nearest + 4


def ghost_body(stem_stride: int = 1, width: float = 1.3) -> nn.Sequential:
    """Stem, bottlenecks and last 1x1 convolution: images (B, 3, H, W) -> map (B, 512 * width, H / 16, W / 16)."""
    inputs = multiple_of_four(STEM_CHANNELS, width)
    blocks: list[nn.Module] = [convolution(3, inputs, 3, stem_stride), nn.PReLU(inputs)]
    for layer in LAYERS:
        hidden, outputs = multiple_of_four(layer.hidden, width), multiple_of_four(layer.channels, width)
        blocks.append(GhostBottleneck(inputs, hidden, outputs, layer.kernel, layer.stride, layer.squeezes))
        inputs = outputs
    last = multiple_of_four(LAST_CHANNELS, width)
    return nn.Sequential(*blocks, convolution(inputs, last, 1), nn.PReLU(last))


class GhostModule(nn.Module):
    """Half of the channels by a 1x1 convolution, the other half from these by a 3x3 depthwise one."""

    def __init__(self, inputs: int, outputs: int, activate: bool) -> None:
        super().__init__()
        half = outputs // 2
        self.primary = nn.Sequential(convolution(inputs, half, 1), nn.PReLU(half) if activate else nn.Identity())
        self.cheap = nn.Sequential(depthwise(half, 3), nn.PReLU(half) if activate else nn.Identity())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        primary = self.primary(x)
        return torch.cat([primary, self.cheap(primary)], dim=1)


class GhostBottleneck(nn.Module):
    """Two ghost modules, with stride and squeeze-and-excitation between them, plus the input."""

    def __init__(self, inputs: int, hidden: int, outputs: int, kernel: int, stride: int, squeezes: bool) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            GhostModule(inputs, hidden, activate=True),
            depthwise(hidden, kernel, stride) if stride > 1 else nn.Identity(),
            SqueezeExcitation(hidden) if squeezes else nn.Identity(),
            GhostModule(hidden, outputs, activate=False),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Sequential(
            *(() if same else (depthwise(inputs, kernel, stride), convolution(inputs, outputs, 1)))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.residual(x)


class SqueezeExcitation(nn.Module):
    """Each channel times a gate in [0, 1] that a small network derives from the means of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = multiple_of_four(channels * SQUEEZE)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.PReLU(squeezed),
            nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x)


class GlobalDepthwiseHead(nn.Module):
    """One filter over the whole map for each channel, batch norm, linear layer without bias, batch norm.

    Args:
        channels, size: of the map that comes in, (B, channels, size, size).
        embedding: dimension D of the embedding.
    """

    def __init__(self, channels: int, size: int, embedding: int) -> None:
        super().__init__()
        self.whole_map = nn.Conv2d(channels, channels, size, groups=channels, bias=False)
        self.map_norm = nn.BatchNorm2d(channels)
        self.linear = nn.Linear(channels, embedding, bias=False)
        self.feature_norm = nn.BatchNorm1d(embedding)

    def forward(self, z: torch.Tensor) -> Embedding:
        check_training_batch(self, len(z))
        flat = self.map_norm(self.whole_map(z)).flatten(1)  # (B, C)
        return to_embedding(self.feature_norm(self.linear(flat)))


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias and batch norm; the map keeps its size but for the stride."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


def depthwise(channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """One filter a channel, and batch norm."""
    conv = nn.Conv2d(channels, channels, kernel, stride, padding=kernel // 2, groups=channels, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels))
