"""MSMA: coefficients of a face model, pose and light of a photograph, from features of several scales.

A ResNet gives four maps. The multi-scale fusion module (MSF) adds all of them in the size of each of the last three; a
block of multi-scale large kernel attention (MLKA) looks further in each; heads read every attribute off the map that
suits it: light and translation off the largest, angles and texture off the middle one, identity and expression off the
smallest. Without any of these parts one pooled feature is left: the network of Deng et al., CVPRW 2019.

Source: paper 5, sections 3.2 and 3.3, figures 1 to 3. MLKA: Wang et al., "Multi-scale Attention Network for Single
Image Super-Resolution", CVPRW 2024, from which the norm, the gate and the kernels come that paper 5 does not repeat.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput, check_shape
from facelib.models.blocks import check_image_size, check_training_batch, take_fastest_layout, zero_linear
from facelib.models.msma_settings import MSMASettings
from facelib.models.resnet import ResNetBody

ANGLES, TRANSLATION, LIGHT = 3, 3, 27
READ_OFF = {  # which fused map tells an attribute, from the largest, eq. 11
    "light": 0,
    "translation": 0,
    "angles": 1,
    "albedo": 1,
    "identity": 2,
    "expression": 2,
}
# Branches of MLKA: kernel of the depthwise convolution, kernel and dilation of the one after it.
BRANCHES = ((3, 5, 2), (5, 7, 3), (7, 9, 4))


class FaceCoefficients(NamedTuple):
    """What a face in a photograph is made of; all zero is the mean face seen from the front in even white light.

    Args:
        identity: alpha, (B, K) standard deviations.
        expression: beta, (B, E) standard deviations.
        albedo: gamma, (B, A) standard deviations.
        angles: r, (B, 3) yaw, pitch and roll in radians.
        translation: t, (B, 3) decimetres.
        light: delta, (B, 27), as `coefficients_from_gamma` takes it.
    """

    identity: torch.Tensor
    expression: torch.Tensor
    albedo: torch.Tensor
    angles: torch.Tensor
    translation: torch.Tensor
    light: torch.Tensor


class MSMA(nn.Module):
    """Photographs to coefficients.

    Args:
        settings: what it is made of.
        identities, expressions, albedos: numbers of the face model that are read.

    Raises:
        BadInput: for images that are too small, another depth, or nothing to read.
    """

    def __init__(self, settings: MSMASettings, identities: int, expressions: int, albedos: int) -> None:
        super().__init__()
        check_image_size(settings.image_size)
        sizes = dict(zip(FaceCoefficients._fields, (identities, expressions, albedos), strict=False))
        if min(sizes.values()) < 1:
            raise BadInput(f"coefficients {sizes}: expected at least one of each")
        sizes |= {"angles": ANGLES, "translation": TRANSLATION, "light": LIGHT}
        self.settings = settings
        self.body = ResNetBody(settings.depth, settings.small_stem, settings.width)
        channels = self.body.stage_channels
        used = channels[1:] if settings.multi_attribute else channels[-1:]
        self.fusion = MultiScaleFusion(channels, len(used)) if settings.fusion else None
        self.attention = nn.ModuleList(map(LargeKernelAttention, used)) if settings.attention else None
        places = READ_OFF if settings.multi_attribute else dict.fromkeys(READ_OFF, 0)
        self.heads = nn.ModuleDict({name: zero_linear(used[places[name]], size) for name, size in sizes.items()})
        self.places, self.targets = places, len(used)
        take_fastest_layout(self)

    def forward(self, images: torch.Tensor) -> FaceCoefficients:
        """Images (B, 3, S, S), RGB in [0, 1].

        Raises:
            BadInput: for an empty batch, another image size, or a batch of one in training mode.
        """
        check_shape("images", images, (None, 3, self.settings.image_size, self.settings.image_size))
        check_training_batch(self, len(images))
        maps = self.body.stage_maps(2 * images - 1)
        fused = self.fusion(maps) if self.fusion else maps[-self.targets :]
        if self.attention:
            fused = [block(each) for block, each in zip(self.attention, fused, strict=True)]
        pooled = [each.mean(dim=(2, 3)) for each in fused]
        # Eq. 12, A_i = RegressionHead_i(F_i).
        read = {name: head(pooled[self.places[name]]).float() for name, head in self.heads.items()}
        return FaceCoefficients(**read)


class MultiScaleFusion(nn.Module):
    """The last of four maps, each with all the others added to it.

    Args:
        channels: of the four maps, the largest first.
        targets: how many maps are fused, the last ones.
    """

    def __init__(self, channels: tuple[int, ...], targets: int) -> None:
        super().__init__()
        self.fused = nn.ModuleList(FusedMap(channels, len(channels) - targets + i) for i in range(targets))

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Maps of halving size -> the last of them, fused."""
        return [fused(maps) for fused in self.fused]


class FusedMap(nn.Module):
    """F_fused,i = ReLU(F_i + sum_{j != i} Align(F_j)), eq. 7.

    Args:
        channels: of the maps, the largest first.
        target: i, counted from zero.
    """

    def __init__(self, channels: tuple[int, ...], target: int) -> None:
        super().__init__()
        self.target = target
        self.aligned = nn.ModuleList(
            nn.Identity() if source == target else _alignment(channels, source, target)
            for source in range(len(channels))
        )

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        size = maps[self.target].shape[-2:]
        parts = [_resized(align(each), size) for align, each in zip(self.aligned, maps, strict=True)]
        return functional.relu(torch.stack(parts).sum(dim=0))


def _alignment(channels: tuple[int, ...], source: int, target: int) -> nn.Module:
    """To the channels of another map: a 1x1 convolution upwards (eq. 5), convolutions of stride 2 downwards (eq. 6)."""
    if source > target:
        return nn.Sequential(
            nn.Conv2d(channels[source], channels[target], 1, bias=False), nn.BatchNorm2d(channels[target])
        )
    steps: list[nn.Module] = []
    for step in range(source, target):
        outputs = channels[target] if step == target - 1 else channels[source]
        steps += [nn.Conv2d(channels[source], outputs, 3, 2, padding=1, bias=False), nn.BatchNorm2d(outputs)]
        steps += [] if step == target - 1 else [nn.ReLU(inplace=True)]
    return nn.Sequential(*steps)


def _resized(x: torch.Tensor, size: torch.Size) -> torch.Tensor:
    if x.shape[-2:] == size:
        return x
    return functional.interpolate(x, tuple(size), mode="bilinear", align_corners=False)


class LargeKernelAttention(nn.Module):
    """F_out = F_in + scale Proj(gate * value), eqs. 8 to 10; the identity at first, as the scale starts at zero.

    The gate is made of three groups of channels: what a depthwise, a dilated depthwise and a 1x1 convolution see
    (LKA_i), times a depthwise convolution (X_i). Channels that do not divide by three leave the rest to the first
    group: the reference code of MLKA, which wants equal thirds, cannot run at the sizes of paper 5.

    Args:
        channels: of the map, three at least.

    Raises:
        BadInput: for fewer channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < len(BRANCHES):
            raise BadInput(f"{channels} channels: expected at least {len(BRANCHES)}, one for each kernel")
        third = channels // len(BRANCHES)
        self.groups = (channels - 2 * third, third, third)
        self.norm = PixelNorm(channels, eps=1e-6)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.looks = nn.ModuleList(
            nn.Sequential(_depthwise(group, kernel), _depthwise(group, further, dilation), nn.Conv2d(group, group, 1))
            for group, (kernel, further, dilation) in zip(self.groups, BRANCHES, strict=True)
        )
        self.near = nn.ModuleList(
            _depthwise(group, kernel) for group, (kernel, *_) in zip(self.groups, BRANCHES, strict=True)
        )
        self.project = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A map (B, C, H, W) -> one of the same size."""
        gate, value = self.expand(self.norm(x)).chunk(2, dim=1)
        parts = zip(self.looks, self.near, gate.split(self.groups, dim=1), strict=True)
        gate = torch.cat([look(part) * near(part) for look, near, part in parts], dim=1)  # F_LKA, eq. 9
        return x + self.scale * self.project(gate * value)


def _depthwise(channels: int, kernel: int, dilation: int = 1) -> nn.Conv2d:
    return DepthwiseConv2d(
        channels, channels, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=channels
    )


class PixelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution of stride 1 that keeps the size of the map, with only those taps that reach it.

    Of a large kernel most taps lie beyond the border of a small map, where zeros are: a dilated 9 x 9 kernel on
    8 x 8 pixels is one of 3 x 3. The result is the same, in a third of the time of MLKA on such maps.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, padding = self.weight, []
        for axis in (2, 3):
            dilation, middle = self.dilation[axis - 2], self.weight.shape[axis] // 2
            reach = min(middle, (x.shape[axis] - 1) // dilation)
            weight = weight.narrow(axis, middle - reach, 2 * reach + 1)
            padding.append(reach * dilation)
        return functional.conv2d(x, weight, self.bias, 1, padding, self.dilation, self.groups)
