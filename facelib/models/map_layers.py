"""The layers of paper 3's encoder and decoder: convolutions of even kernel whose padding is stated.

Source: paper 3, section III.E, and the sizes and channels of its published layer table. A kernel of four has no middle,
so one side gets more padding. Convolutions look one pixel back and two ahead; transposed ones lay theirs the other way
round, so that the half pixels of both cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput
from facelib.models.blocks import scaled

KERNEL = 4
BEFORE, AFTER = 1, 2  # pixels of padding of a kernel of four at stride 1; at stride 2 one on each side
LOW_CHANNELS = (32, 32, 64, 64, 128, 128)  # of the six blocks before the attention, strides 2 and 1 in turn
HIGH_CHANNELS = (256, 256, 512, 512)  # of the four blocks after it
STEM_CHANNELS = 16
DECODER_CHANNELS = (512, 256, 256, 256, 128, 128, 128, 64, 64, 64)
DECODER_DOUBLES = (1, 4, 7)  # layers that double the size of the map
HEAD_CHANNELS = (32, 32, 16, 16)  # then three layers of as many channels as come out
HEAD_DOUBLES = (0, 2)
HEAD_LAST = 3
HEAD_LEAST = 8  # channels of a narrow head: three coordinates do not pass through two
ATTENTION_CHANNELS = 256
HALVINGS, LOW_HALVINGS = 5, 3  # of the whole encoder, and of what comes before the attention
FIRST_SPREAD = 0.2  # standard deviation of a map's first outputs: that of a face's coordinates in sides of the image
START_NOISE = 0.1  # of smooth kernels, over He's
CLEAR_OF_ZERO = 3.0  # standard deviations between a coordinate and the ReLU's edge, at the start


class EvenConv(nn.Conv2d):
    """A convolution of kernel 4 without bias, at stride 1 or 2: a map keeps its size, or halves it."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, KERNEL, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padding = (BEFORE, AFTER, BEFORE, AFTER) if self.stride == (1, 1) else (1, 1, 1, 1)
        return super().forward(functional.pad(x, padding))


class EvenTransposedConv(nn.ConvTranspose2d):
    """A transposed convolution of kernel 4 without bias, at stride 1 or 2: a map keeps its size, or doubles it."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, KERNEL, stride, padding=BEFORE, bias=False)

    def forward(self, x: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        y = super().forward(x, output_size)
        return y[..., :-1, :-1] if self.stride == (1, 1) else y  # AFTER is one more than BEFORE


class ResidualBottleneck(nn.Module):
    """1x1 to half the channels, 4x4, 1x1; the sum with the shortcut is normalised."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        middle = max(1, channels_out // 2)
        self.branch = nn.Sequential(
            nn.Conv2d(channels_in, middle, 1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            EvenConv(middle, middle, stride),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, channels_out, 1, bias=False),
        )
        changes = stride != 1 or channels_in != channels_out
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride) if changes else nn.Identity()
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.norm(self.branch(x) + self.shortcut(x)))


def low_level_features(width: float) -> tuple[nn.Sequential, int]:
    """From images to features of an eighth of their size, and the channels that come out (F_l of eq. 9)."""
    stem = scaled(STEM_CHANNELS, width)
    blocks, channels = _blocks(stem, LOW_CHANNELS, width)
    return nn.Sequential(EvenConv(3, stem), nn.ReLU(inplace=True), *blocks), channels


def high_level_features(channels_in: int, width: float, halvings: int = HALVINGS) -> tuple[nn.Sequential, int]:
    """From attended features to ones of a quarter of their size, or a half with one halving less, and the channels."""
    blocks, channels = _blocks(channels_in, HIGH_CHANNELS, width, halvings - LOW_HALVINGS)
    return nn.Sequential(*blocks), channels


def _blocks(
    channels_in: int, channels: Sequence[int], width: float, halvings: int = LOW_HALVINGS
) -> tuple[list[nn.Module], int]:
    """Residual blocks, of which every second one halves the map until there are enough."""
    blocks: list[nn.Module] = []
    for number, count in enumerate(channels):
        halves = number % 2 == 0 and number // 2 < halvings
        blocks.append(ResidualBottleneck(channels_in, scaled(count, width), 2 if halves else 1))
        channels_in = scaled(count, width)
    return blocks, channels_in


class AttentionBranch(nn.Sequential):
    """Five convolutions and a sigmoid: A (B, 1, H/8, W/8) in [0, 1] of the low-level features (section III.B)."""

    def __init__(self, channels_in: int, width: float) -> None:
        layers: list[nn.Module] = []
        channels = scaled(ATTENTION_CHANNELS, width)
        for _ in range(4):
            layers += [nn.Conv2d(channels_in, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
            channels_in = channels
        super().__init__(*layers, nn.Conv2d(channels, 1, 3, padding=1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).float().sigmoid()  # in bfloat16 it would saturate, and learn no more, at 6 already


def decoder(
    channels_in: int, width: float, halvings: int = HALVINGS, layers: slice = slice(None)
) -> tuple[nn.Sequential, int]:
    """Transposed convolutions, ten in all, from features to a map of a quarter of the image's side.

    Args:
        channels_in: of the features.
        width: factor on all channels.
        halvings: of the encoder.
        layers: which of the ten, so that two maps may share the first ones.

    Returns:
        The layers, and the channels that come out of the last one.
    """
    doubles = DECODER_DOUBLES[HALVINGS - halvings :]
    widths = (channels_in, *(scaled(count, width) for count in DECODER_CHANNELS))
    numbers = range(len(DECODER_CHANNELS))[layers]
    made = [_transposed(widths[number], widths[number + 1], number in doubles) for number in numbers]
    return nn.Sequential(*chain.from_iterable(made)), widths[numbers.stop]


def map_head(channels_in: int, width: float) -> nn.Sequential:
    """Seven transposed convolutions to a position map four times as large; the last has a norm and no activation."""
    layers: list[nn.Module] = []
    wide = [max(HEAD_LEAST, scaled(count, width)) for count in HEAD_CHANNELS]
    for number, count in enumerate((*wide, *[3] * HEAD_LAST)):
        layers += _transposed(channels_in, count, number in HEAD_DOUBLES)
        channels_in = count
    return nn.Sequential(*layers[:-1])


def _transposed(channels_in: int, channels_out: int, doubles: bool) -> list[nn.Module]:
    convolution = EvenTransposedConv(channels_in, channels_out, 2 if doubles else 1)
    return [convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]


def initialise(network: nn.Module) -> None:
    """He's normal weights for convolutions; linear layers and the branches of residual blocks start at zero.

    So a pose or a coefficient starts at that of a frontal mean face, and a block as its shortcut alone, with which the
    encoder learns faster at first (Goyal et al., 2017).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.weight)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, ResidualBottleneck):
            nn.init.zeros_(module.branch[-1].weight)  # type: ignore[arg-type]


def start_smooth(network: nn.Module) -> None:
    """Let transposed convolutions start as mixtures of smoothly enlarged maps, with a little of He's noise.

    A face's deformation is smooth. Random kernels draw checkers, which a decoder has to unlearn before anything as
    faint as a deformation comes through. Strides of two start as bilinear enlargement, others as 1 x 1.
    """
    doubled, kept = torch.tensor([0.25, 0.75, 0.75, 0.25]), torch.eye(KERNEL)[BEFORE]
    for module in network.modules():
        if isinstance(module, EvenTransposedConv):
            profile = doubled if module.stride == (2, 2) else kept
            channels_in, channels_out = module.weight.shape[:2]
            mixture = torch.randn(channels_in, channels_out, 1, 1) * (2 / channels_in) ** 0.5
            noise = torch.randn_like(module.weight) * (2 / (KERNEL**2 * channels_in)) ** 0.5
            with torch.no_grad():
                module.weight.copy_(mixture * torch.outer(profile, profile) + START_NOISE * noise)


def open_head(head: nn.Sequential) -> None:
    """Let the coordinates pass the last layers of a head at the start.

    Each of these has as many channels as coordinates come out, and a ReLU between: started at random, they cut off most
    of what the map should show. They start as the identity, and clear of the ReLU's edge.
    """
    convolutions = [layer for layer in head if isinstance(layer, nn.ConvTranspose2d)]
    norms = [layer for layer in head if isinstance(layer, nn.BatchNorm2d)]
    for convolution in convolutions[-HEAD_LAST + 1 :]:
        nn.init.zeros_(convolution.weight)
        with torch.no_grad():
            convolution.weight[:, :, BEFORE, BEFORE].fill_diagonal_(1)
    for norm in norms[-HEAD_LAST:-1]:
        nn.init.constant_(norm.bias, CLEAR_OF_ZERO)
    nn.init.constant_(norms[-1].weight, FIRST_SPREAD)


def check_halvings(size: int, halvings: int = HALVINGS) -> None:
    """Raise BadInput unless images of `size` pixels can be halved so often, and the layers do."""
    if not LOW_HALVINGS < halvings <= HALVINGS:
        raise BadInput(f"{halvings} halvings: expected {LOW_HALVINGS + 1} or {HALVINGS}")
    if size % 2**halvings:
        raise BadInput(f"maps have {size} texels a side: expected a multiple of {2**halvings}, as images are halved")
