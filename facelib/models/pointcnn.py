"""PointCNN (Li et al. 2018), as a recogniser of clouds.

An X-convolution gathers K neighbours of each representative point, lifts their local coordinates to features, mixes
the neighbours by a K x K matrix X that a small network derives from the same coordinates, and convolves over them.
Four of them, with (neighbours K, dilation D, representative points P, channels C) of

    (8, 1, all, 48)   (12, 2, 384, 96)   (16, 2, 128, 192)   (16, 3, 128, 384)

where dilation D takes every D-th of the K * D nearest points. The last adds C / 4 channels made of the representative
points themselves. Dense layers of 384 and 192 follow at each point; every layer is ELU before batch norm, without bias.

The published classifier (40 values at each point, with a bias) makes 599,340 parameters. Here the mean over the
representative points goes through one linear layer and batch norm without affine part: 690,436 parameters with an
embedding of 512.

Representative points are the first P in the order of farthest point sampling, from the first point on: the same on
every call, and nested, so that 128 of the 384 need no second search. The original takes the first P of a cloud that
its data loader shuffles. Clouds should be scaled to the unit sphere (`normalise_to_unit_sphere`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from facelib.errors import BadInput, check_shape
from facelib.geometry.neighbours import knn
from facelib.geometry.point_clouds import farthest_point_sampling
from facelib.models.blocks import Embedding, RowNorm, check_training_batch, scaled, to_embedding
from facelib.models.pointnet2 import gather


class Layer(NamedTuple):
    """An X-convolution: neighbours K, dilation D, channels C, filters a channel of its depthwise convolution."""

    neighbours: int
    dilation: int
    channels: int
    filters: int


LAYERS = (Layer(8, 1, 48, 4), Layer(12, 2, 96, 2), Layer(16, 2, 192, 2), Layer(16, 3, 384, 2))
DENSE_CHANNELS = (384, 192)


@dataclass(frozen=True)
class PointCNNSettings:
    """Size of a PointCNN.

    Args:
        points_2: representative points of the second X-convolution, at least 32.
        points_3: of the third and fourth, at least 48 and at most points_2.
        width: factor on the channels of every layer; 1.0 is the published network.
        embedding: dimension of the embedding, not scaled by width.
        dropout: after the dense layers.
    """

    points_2: int = 384
    points_3: int = 128
    width: float = 1.0
    embedding: int = 512
    dropout: float = 0.5

    def representatives(self, available: int) -> tuple[int, int, int, int]:
        """P of the four X-convolutions for clouds of so many points."""
        return available, self.points_2, self.points_3, self.points_3


@dataclass(frozen=True)
class Neighbourhoods:
    """The representative points of a batch of clouds and their neighbours, as indices of any integer type.

    Args:
        centres: (B, points_2) into the cloud, in the order of farthest point sampling.
        neighbours: for each X-convolution (B, P, K) into the representative points of the one before.
    """

    centres: torch.Tensor
    neighbours: tuple[torch.Tensor, ...]

    def __getitem__(self, rows: slice | list[int] | torch.Tensor) -> Neighbourhoods:
        """The neighbourhoods of some clouds of the batch."""
        return Neighbourhoods(self.centres[rows], tuple(index[rows] for index in self.neighbours))

    def to(self, target: torch.dtype | torch.device | str) -> Neighbourhoods:
        """On another device, or in another integer type: int16 stores clouds of up to 32,768 points in a quarter."""
        return Neighbourhoods(self.centres.to(target), tuple(index.to(target) for index in self.neighbours))


def find_neighbourhoods(points: torch.Tensor, settings: PointCNNSettings) -> Neighbourhoods:
    """Find the neighbourhoods of all X-convolutions, which depend on the cloud only; the same on every call.

    Args:
        points: (B, N, 3).

    Returns:
        Indices as int64.

    Raises:
        BadInput: for NaN, or too few points.
    """
    check_shape("points", points, (None, None, 3))
    available = points.shape[1]
    if not available >= settings.points_2 >= settings.points_3:
        raise BadInput(
            f"{available} points, {settings.points_2} representative ones for the second X-convolution, "
            f"{settings.points_3} for the third: expected these not to grow; give more points or choose fewer"
        )
    centres = farthest_point_sampling(points, settings.points_2)
    neighbours, source = [], points
    for layer, count in zip(LAYERS, settings.representatives(available), strict=True):
        queries = _representatives(points, centres, count)
        nearest = knn(queries, source, layer.neighbours * layer.dilation).indices
        neighbours.append(nearest[:, :, :: layer.dilation])
        source = queries
    return Neighbourhoods(centres, tuple(neighbours))


class PointCNN(nn.Module):
    """PointCNN with its head: clouds to embeddings."""

    def __init__(self, settings: PointCNNSettings = PointCNNSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.body = PointCNNBody(settings)
        self.head = nn.Sequential(
            nn.Linear(self.body.channels, settings.embedding), nn.BatchNorm1d(settings.embedding, affine=False)
        )

    def forward(self, points: torch.Tensor, neighbourhoods: Neighbourhoods | None = None) -> Embedding:
        """Points (B, N, 3) -> unit (B, D) and norm (B, 1).

        Args:
            neighbourhoods: of these clouds, from `find_neighbourhoods`; found here when missing, at every call.

        Raises:
            BadInput: for an empty batch, a wrong shape, too few points, a batch of one in training mode, or when the
                neighbourhoods are of other clouds or settings.
        """
        return to_embedding(self.head(self.body(points, neighbourhoods).mean(dim=1)))


class PointCNNBody(nn.Module):
    """X-convolutions and dense layers: points (B, N, 3) -> features (B, points_3, channels).

    Attributes:
        channels: of the features, 192 * width.
    """

    def __init__(self, settings: PointCNNSettings) -> None:
        super().__init__()
        self.settings = settings
        self.convolutions = nn.ModuleList()
        inputs = 0  # the first X-convolution knows coordinates only
        for layer in LAYERS:
            outputs = scaled(layer.channels, settings.width)
            lifted = max(1, inputs // 4) if inputs else max(1, outputs // 2)
            self.convolutions.append(XConvolution(inputs, outputs, lifted, layer.neighbours, layer.filters))
            inputs = outputs
        position_channels = max(1, inputs // 4)
        self.position = nn.Sequential(dense(3, position_channels), dense(position_channels, position_channels))
        first, second = (scaled(channels, settings.width) for channels in DENSE_CHANNELS)
        self.dense = nn.Sequential(
            dense(inputs + position_channels, first), dense(first, second), nn.Dropout(settings.dropout)
        )
        self.channels = second

    def forward(self, points: torch.Tensor, neighbourhoods: Neighbourhoods | None = None) -> torch.Tensor:
        check_shape("points", points, (None, None, 3))
        check_training_batch(self, len(points))
        if neighbourhoods is None:
            neighbourhoods = find_neighbourhoods(points, self.settings)
        self._check(neighbourhoods, points)
        counts = self.settings.representatives(points.shape[1])
        source, features = points, points[:, :, :0]  # no features yet
        for convolution, index, count in zip(self.convolutions, neighbourhoods.neighbours, counts, strict=True):
            queries = _representatives(points, neighbourhoods.centres, count)  # (B, P, 3)
            local = gather(source, index) - queries[:, :, None]  # (B, P, K, 3)
            features = convolution(local, gather(features, index))
            source = queries
        return self.dense(torch.cat([self.position(source), features], dim=2))

    def _check(self, neighbourhoods: Neighbourhoods, points: torch.Tensor) -> None:
        batch, available, _ = points.shape
        check_shape("centres", neighbourhoods.centres, (batch, self.settings.points_2))
        counts = self.settings.representatives(available)
        for layer, index, count in zip(LAYERS, neighbourhoods.neighbours, counts, strict=True):
            check_shape("neighbours", index, (batch, count, layer.neighbours))


class XConvolution(nn.Module):
    """One X-convolution.

    Args:
        inputs: channels of the neighbours' features, 0 for none.
        outputs: channels that come out.
        lifted: channels that local coordinates are lifted to.
        neighbours: K.
        filters: a channel, of the convolution over the neighbours.
    """

    def __init__(self, inputs: int, outputs: int, lifted: int, neighbours: int, filters: int) -> None:
        super().__init__()
        k, channels = neighbours, lifted + inputs
        self.lift = nn.Sequential(dense(3, lifted), dense(lifted, lifted))
        self.first = dense(3 * k, k * k)
        self.second = nn.Sequential(Depthwise(k, k, k), nn.ELU(), RowNorm(k * k))
        self.third = nn.Sequential(Depthwise(k, k, k), RowNorm(k * k))
        self.convolution = nn.Sequential(Depthwise(k, channels, filters), dense(filters * channels, outputs))

    def forward(self, local: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Local coordinates (B, P, K, 3) and features (B, P, K, inputs) of the neighbours -> (B, P, outputs)."""
        lifted = torch.cat([self.lift(local), features], dim=3)  # F* (B, P, K, C)
        return self.convolution(self.transformation(local) @ lifted)  # X F*, then the convolution

    def transformation(self, local: torch.Tensor) -> torch.Tensor:
        """Local coordinates (B, P, K, 3) -> X (B, P, K, K)."""
        square = (local.shape[2], local.shape[2])
        x = self.first(local.flatten(2)).unflatten(2, square)
        x = self.second(x).unflatten(2, square)
        return self.third(x).unflatten(2, square)


class Depthwise(nn.Module):
    """Filters over the K neighbours, a few for each channel: (..., K, C) -> (..., C * filters)."""

    def __init__(self, neighbours: int, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(neighbours, channels, filters))
        bound = math.sqrt(6 / (neighbours + filters))  # Glorot's uniform distribution for one channel
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bpkc,kcf->bpcf", x, self.weight).flatten(2)


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """Linear layer without bias, ELU, batch norm, for (..., inputs) -> (..., outputs)."""
    linear = nn.Linear(inputs, outputs, bias=False)
    nn.init.xavier_uniform_(linear.weight)
    return nn.Sequential(linear, nn.ELU(), RowNorm(outputs))


def _representatives(points: torch.Tensor, centres: torch.Tensor, count: int) -> torch.Tensor:
    """All points where that many are wanted, else the first `count` centres."""
    return points if count == points.shape[1] else gather(points, centres[:, :count])
