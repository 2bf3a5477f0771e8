"""An encoder of plain residual blocks, which learns more of a face per second of a processor than paper 3's.

Two convolutions of 3 x 3 a block (He et al., 2016, basic blocks), the first layer at stride 2. It gives features of the
same sizes as the paper's encoder with four halvings: an eighth of the image before the attention, a sixteenth after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from facelib.models.blocks import scaled

CHANNELS = 96  # of the first layer at width 1
LOW = ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1))  # channels over the first layer's, and stride, of each block
HIGH = ((8, 2), (8, 1))


class PlainBlock(nn.Module):
    """Two convolutions, added to the input or to a linear map of it."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        changes = stride != 1 or channels_in != channels_out
        self.shortcut = (
            nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out))
            if changes
            else nn.Identity()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.branch(x) + self.shortcut(x))


def plain_low_features(width: float) -> tuple[nn.Sequential, int]:
    """From images to features of an eighth of their size, and the channels that come out."""
    first = scaled(CHANNELS, width)
    stem = (nn.Conv2d(3, first, 3, 2, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True))
    blocks, channels = _blocks(first, LOW, width)
    return nn.Sequential(*stem, *blocks), channels


def plain_high_features(channels_in: int, width: float) -> tuple[nn.Sequential, int]:
    """From attended features to ones of half their size, and the channels that come out."""
    blocks, channels = _blocks(channels_in, HIGH, width)
    return nn.Sequential(*blocks), channels


def _blocks(channels_in: int, layers: Sequence[tuple[int, int]], width: float) -> tuple[list[nn.Module], int]:
    blocks: list[nn.Module] = []
    for factor, stride in layers:
        channels = factor * scaled(CHANNELS, width)
        blocks.append(PlainBlock(channels_in, channels, stride))
        channels_in = channels
    return blocks, channels_in
