"""Sphere20, the network of 20 layers of SphereFace, of photographs and of normal component images (paper 2).

A stage is a 3x3 convolution of stride 2 with bias and PReLU, then 1, 2, 4 or 1 residual units of two 3x3 convolutions
without bias; four stages of 64, 128, 256 and 512 channels, then a linear layer on the whole map, and no batch norm. At
width 1 and 112x112 pixels it has 24,501,952 parameters, with one input channel 24,500,800.

Photographs p in [0, 1] enter as (255 p - 127.5) / 128. A normal component n in [-1, 1] enters as the grey photograph
(n + 1) / 2 would, as 127.5 n / 128: holes, where n is 0, are the zeros that convolutions pad with.

Source: Liu et al., "SphereFace", CVPR 2017, table 2, and its published initialisation; paper 2, sections 2.1 and 2.4.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import nn

from facelib.errors import BadInput, check_finite, check_shape
from facelib.models.blocks import Embedding, check_image_size, map_size, scaled, to_embedding

STAGES = ((64, 1), (128, 2), (256, 4), (512, 1))  # channels, and residual units
RESIDUAL_DEVIATION = 0.01  # of the weights of residual units at the start
PHOTOGRAPH, COMPONENT = 3, 1  # channels of what can be seen
CONTRAST = 127.5 / 128


@dataclass(frozen=True)
class Sphere20Settings:
    """Size of a Sphere20.

    Args:
        image_size: height and width of the images in pixels, at least 32.
        channels: 3 for RGB photographs in [0, 1], 1 for one normal component in [-1, 1].
        width: factor on the channels of every layer; 1.0 is the published network.
        embedding: dimension of the embedding, not scaled by width.
    """

    image_size: int = 112
    channels: int = PHOTOGRAPH
    width: float = 1.0
    embedding: int = 512


class Sphere20(nn.Module):
    """Sphere20: images to embeddings.

    Example:
        embedding = Sphere20(Sphere20Settings(channels=1, width=0.25))(normals[:, 2:])

    Raises:
        BadInput: for images smaller than 32 pixels, other channels, or a width that is not positive.
    """

    def __init__(self, settings: Sphere20Settings = Sphere20Settings()) -> None:
        super().__init__()
        check_image_size(settings.image_size)
        if settings.channels not in (PHOTOGRAPH, COMPONENT):
            raise BadInput(f"channels {settings.channels}: expected 3 for photographs or 1 for a normal component")
        self.settings = settings
        layers: list[nn.Module] = []
        inputs = settings.channels
        for full_channels, units in STAGES:
            channels = scaled(full_channels, settings.width)
            layers += [nn.Conv2d(inputs, channels, 3, 2, padding=1), nn.PReLU(channels)]
            layers += [ResidualUnit(channels) for _ in range(units)]
            inputs = channels
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(inputs * map_size(settings.image_size, len(STAGES)) ** 2, settings.embedding)
        _initialise(self)

    def forward(self, images: torch.Tensor) -> Embedding:
        """Images (B, C, S, S), C and S as in the settings -> unit (B, D) and norm (B, 1).

        Raises:
            BadInput: for an empty batch, another number of channels, another image size, or NaN.
        """
        settings = self.settings
        check_shape("images", images, (None, settings.channels, settings.image_size, settings.image_size))
        check_finite("images", images)
        signed = 2 * images - 1 if settings.channels == PHOTOGRAPH else images
        return to_embedding(self.head(self.body(CONTRAST * signed).flatten(1)))


class ResidualUnit(nn.Module):
    """x + PReLU(conv(PReLU(conv x))), with no activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.PReLU(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.residual(x)


def one_channel(network: Sphere20) -> Sphere20:
    """A copy of a network of photographs that sees one normal component as the original sees it in three channels.

    The paper does not say how one channel enters a pretrained stem. The sum of the stem's weights over its input
    channels keeps the pretrained response; the original stays as it is.

    Args:
        network: of three channels.

    Raises:
        BadInput: if it has one channel already.
    """
    if network.settings.channels != PHOTOGRAPH:
        raise BadInput(f"a network of one channel: expected one of photographs, of {PHOTOGRAPH} channels")
    single = copy.deepcopy(network)
    single.settings = replace(network.settings, channels=COMPONENT)
    stem = single.body[0]
    assert isinstance(stem, nn.Conv2d)
    stem.in_channels = COMPONENT
    stem.weight = nn.Parameter(stem.weight.detach().sum(dim=1, keepdim=True))
    return single


def _initialise(network: Sphere20) -> None:
    """As published: Caffe's "xavier", uniform of variance 1 / fan in, and little normal weights in residual units."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if module.bias is None:  # of a residual unit
                nn.init.normal_(module.weight, std=RESIDUAL_DEVIATION)
            else:
                nn.init.kaiming_uniform_(module.weight, nonlinearity="linear")
                nn.init.zeros_(module.bias)
