"""What several networks share: the embedding of a recogniser, the head that makes it, width factors, first weights."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from facelib.errors import BadInput


class Embedding(NamedTuple):
    """What every recogniser returns: the direction is compared, the length tells AdaFace how good the image is.

    Args:
        unit: (B, D), rows of length one.
        norm: (B, 1), the length before normalisation.
    """

    unit: torch.Tensor
    norm: torch.Tensor


def to_embedding(features: torch.Tensor) -> Embedding:
    """Split features (B, D) into direction and length; a zero row stays zero instead of becoming NaN."""
    norm = features.norm(dim=1, keepdim=True)
    return Embedding(unit=features / norm.clamp_min(1e-12), norm=norm)


def scaled(channels: int, width: float) -> int:
    """Channels of a layer at a width factor, rounded, at least one.

    Raises:
        BadInput: for a width that is not positive.
    """
    if not width > 0:
        raise BadInput(f"width {width}: expected a positive factor such as 1.0 or 0.25")
    return max(1, round(channels * width))


def check_training_batch(module: nn.Module, batch: int) -> None:
    """Raise BadInput for a batch of one in training mode, where batch normalisation has no spread to divide by."""
    if module.training and batch < 2:
        raise BadInput("batch of one in training mode: expected two or more; drop the last batch, or call eval() first")


class EmbeddingHead(nn.Module):
    """The head of AdaFace's IR networks: batch norm, dropout, one linear layer, batch norm without affine part.

    Args:
        channels, size: of the map that comes in, (B, channels, size, size).
        embedding: dimension D of the embedding.
        dropout: probability of dropping a value of the map.
    """

    def __init__(self, channels: int, size: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.map_norm = nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * size * size, embedding)
        self.feature_norm = nn.BatchNorm1d(embedding, affine=False)

    def forward(self, z: torch.Tensor) -> Embedding:
        check_training_batch(self, len(z))
        flat = self.dropout(self.map_norm(z)).flatten(1)  # (B, C*H*W)
        return to_embedding(self.feature_norm(self.linear(flat)))


def initialise(network: nn.Module) -> None:
    """Draw convolution and linear weights from He's normal distribution (fan out), as AdaFace's IR networks do."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
