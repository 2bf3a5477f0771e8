"""CrossPoint's networks (Afham et al. 2022): features of images and of clouds, and the projections that it compares.

ResNet-50 ends in its average over the last map, DGCNN in the maximum and the mean over its points, 2,048 features each
at width 1. Correspondence is learnt on projections of these, 2048-512-256 of images and 2048-1024-256 of clouds, as in
the public code; what is kept and compared afterwards are the features.
"""

from __future__ import annotations

import torch
from torch import nn

from facelib.models.blocks import Embedding, to_embedding
from facelib.models.dgcnn import DGCNNBody, DGCNNSettings
from facelib.models.pooled_resnet import PooledResNet
from facelib.models.reconstructor_settings import PooledResNetSettings

HIDDEN_SHARE = {"image": 4, "cloud": 2}  # features over units of the hidden layer
PROJECTED_SHARE = 8  # features over dimensions of the projection


class ImageFeatures(nn.Module):
    """A ResNet's averaged last map as an embedding.

    Args:
        settings: of the ResNet.

    Attributes:
        features: F, dimension of the embedding.
    """

    def __init__(self, settings: PooledResNetSettings) -> None:
        super().__init__()
        self.backbone = PooledResNet(settings)
        self.features = self.backbone.features

    def forward(self, images: torch.Tensor) -> Embedding:
        """Images (B, 3, S, S), RGB in [0, 1] -> unit (B, F) and norm (B, 1); raises as `PooledResNet`."""
        return to_embedding(self.backbone(images))


class CloudFeatures(nn.Module):
    """DGCNN's descriptor of a cloud as an embedding.

    Args:
        settings: of DGCNN, whose embedding is not used.

    Attributes:
        features: F, dimension of the embedding.
    """

    def __init__(self, settings: DGCNNSettings) -> None:
        super().__init__()
        self.body = DGCNNBody(settings.neighbours, settings.width)
        self.features = self.body.channels

    def forward(self, points: torch.Tensor) -> Embedding:
        """Points (B, N, 3) -> unit (B, F) and norm (B, 1); raises as `DGCNN`."""
        return to_embedding(self.body(points))


def projection(modality: str, features: int) -> nn.Sequential:
    """Features (B, F) -> (B, F / 8), through F / 4 hidden units for an "image" and F / 2 for a "cloud".

    The layers of images have no bias.
    """
    hidden, bias = features // HIDDEN_SHARE[modality], modality == "cloud"
    return nn.Sequential(
        nn.Linear(features, hidden, bias=bias),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, features // PROJECTED_SHARE, bias=bias),
    )
