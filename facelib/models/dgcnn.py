"""DGCNN, the dynamic graph network for point clouds (Wang et al. 2019), as a recogniser of clouds.

Four edge convolutions with 64, 64, 128 and 256 channels, each on the graph of the k nearest neighbours in the features
of the one before (the first in space); their outputs together give 1024 channels a point, and the maximum and the mean
over the points describe the cloud. As in the public code a point is a neighbour of itself.

The published classifier (512, 256 and 40 values), with which the network has 1,809,576 parameters, is replaced by one
linear layer and batch norm without affine part: 1,666,944 parameters with an embedding of 512.
Clouds should be scaled to the unit sphere (`normalise_to_unit_sphere`); the order of the points does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from facelib.errors import check_shape
from facelib.geometry.neighbours import knn
from facelib.models.blocks import (
    Embedding,
    RowNorm,
    check_training_batch,
    initialise,
    scaled,
    to_embedding,
)
from facelib.models.pointnet2 import gather

EDGE_CHANNELS = (64, 64, 128, 256)
POINT_CHANNELS = 1024
SLOPE = 0.2  # of the leaky ReLU


@dataclass(frozen=True)
class DGCNNSettings:
    """Size of a DGCNN.

    Args:
        neighbours: k, the point itself included.
        width: factor on the channels of every layer; 1.0 is the published network.
        embedding: dimension of the embedding, not scaled by width.
    """

    neighbours: int = 20
    width: float = 1.0
    embedding: int = 512


class DGCNN(nn.Module):
    """DGCNN with its head: clouds to embeddings.

    Example:
        embedding = DGCNN(DGCNNSettings(width=0.25)).eval()(normalise_to_unit_sphere(clouds))
    """

    def __init__(self, settings: DGCNNSettings = DGCNNSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.body = DGCNNBody(settings.neighbours, settings.width)
        self.head = nn.Sequential(
            nn.Linear(self.body.channels, settings.embedding), nn.BatchNorm1d(settings.embedding, affine=False)
        )
        initialise(self)

    def forward(self, points: torch.Tensor) -> Embedding:
        """Points (B, N, 3) -> unit (B, D) and norm (B, 1); NaN is not looked for.

        Raises:
            BadInput: for an empty batch, a wrong shape, fewer points than neighbours, or a batch of one in training
                mode.
        """
        return to_embedding(self.head(self.body(points)))


class DGCNNBody(nn.Module):
    """Points (B, N, 3) -> one descriptor for each whole cloud, (B, channels).

    Attributes:
        channels: of the descriptor, 2048 * width.
    """

    def __init__(self, neighbours: int = 20, width: float = 1.0) -> None:
        super().__init__()
        edge_channels = [scaled(channels, width) for channels in EDGE_CHANNELS]
        self.edge_convolutions = nn.ModuleList(
            EdgeConvolution(inputs, outputs, neighbours) for inputs, outputs in pairwise([3, *edge_channels])
        )
        point_channels = scaled(POINT_CHANNELS, width)
        self.pointwise = nn.Sequential(
            nn.Linear(sum(edge_channels), point_channels, bias=False), RowNorm(point_channels), nn.LeakyReLU(SLOPE)
        )
        self.channels = 2 * point_channels

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        check_shape("points", points, (None, None, 3))
        check_training_batch(self, len(points))
        x, outputs = points, []
        for convolution in self.edge_convolutions:
            x = convolution(x)
            outputs.append(x)
        x = self.pointwise(torch.cat(outputs, dim=2))  # (B, N, 1024)
        return torch.cat([x.max(dim=1).values, x.mean(dim=1)], dim=1)


class EdgeConvolution(nn.Module):
    """The maximum over a point's k nearest neighbours j of leaky ReLU(batch norm(W [x_j - x_i, x_i])).

    Args:
        inputs, outputs: channels.
        neighbours: k, the point itself included.
    """

    def __init__(self, inputs: int, outputs: int, neighbours: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.linear = nn.Linear(2 * inputs, outputs, bias=False)
        self.norm = RowNorm(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, N, inputs) -> (B, N, outputs)."""
        neighbours = knn(x, x, self.neighbours).indices  # (B, N, k)
        of_difference, of_point = self.linear.weight.chunk(2, dim=1)  # W = [W1, W2]
        # W [x_j - x_i, x_i] = W1 x_j + (W2 - W1) x_i: one product a point instead of one an edge
        from_neighbour = functional.linear(x, of_difference)
        from_point = functional.linear(x, of_point - of_difference)
        edges = gather(from_neighbour, neighbours) + from_point[:, :, None]  # (B, N, k, C)
        # leaky ReLU never falls, so the maximum may come first, and k times fewer values pass through it
        return functional.leaky_relu(self.norm(edges).max(dim=2).values, SLOPE)
