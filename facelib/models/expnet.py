"""Shape of a face from a photograph in the manner of ExpNet: identity and expression from two ResNets (paper 2).

Each network sees the same photograph, and a linear layer reads coefficients of a face model off its pooled features.
With ResNet-101, 99 identity and 29 expression coefficients there are 85,262,592 parameters. The published shape network
reads 99 coefficients of texture besides, which paper 2 does not use.

Source: paper 2, section 2.2 and eq. 3; Chang et al., "ExpNet", FG 2018; Tran et al., CVPR 2017, whose loss of the shape
network is `facelib.losses.asymmetric`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from facelib.errors import BadInput
from facelib.models.blocks import zero_linear
from facelib.models.pooled_resnet import PooledResNet
from facelib.models.reconstructor_settings import EXPRESSIONS, IDENTITIES, PooledResNetSettings


class ShapeCoefficients(NamedTuple):
    """What the shape of a face is made of; all zero is the mean face without expression.

    Args:
        identity: alpha of eq. 3, (B, K) standard deviations.
        expression: eta of eq. 3, (B, E) standard deviations.
    """

    identity: torch.Tensor
    expression: torch.Tensor


class ExpNet(nn.Module):
    """Photographs to coefficients; a fresh network gives the mean face.

    Args:
        settings: of each of the two ResNets.
        identities, expressions: numbers of the face model that are read.

    Raises:
        BadInput: for another depth, images smaller than 32 pixels, a width that is not positive, or nothing to read.
    """

    def __init__(
        self, settings: PooledResNetSettings, identities: int = IDENTITIES, expressions: int = EXPRESSIONS
    ) -> None:
        super().__init__()
        check_counts(identities, expressions)
        self.identity = _reader(settings, identities)
        self.expression = _reader(settings, expressions)

    def forward(self, images: torch.Tensor) -> ShapeCoefficients:
        """Images (B, 3, S, S), RGB in [0, 1], S as in the settings.

        Raises:
            BadInput: for an empty batch, another image size, NaN, or a batch of one in training mode.
        """
        return ShapeCoefficients(self.identity(images).float(), self.expression(images).float())


def check_counts(identities: int, expressions: int) -> None:
    """Raise BadInput unless there is at least one coefficient of each kind."""
    if identities < 1 or expressions < 1:
        raise BadInput(f"{identities} identities and {expressions} expressions: expected at least one of each")


def _reader(settings: PooledResNetSettings, numbers: int) -> nn.Sequential:
    network = PooledResNet(settings)
    return nn.Sequential(network, zero_linear(network.features, numbers))
