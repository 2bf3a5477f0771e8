"""PointNet++ with single-scale grouping (Qi et al. 2017), and paper 1's block that shapes its points into a map.

Set abstraction picks centres by farthest point sampling, collects neighbours by ball query, and takes the maximum over
each neighbourhood of a small network applied to [x_j - c, f_j]. Which points form a neighbourhood depends on the cloud
only, so `group_cloud` finds them once in the data pipeline and `forward` receives the indices.

Clouds must be scaled to the unit sphere (`normalise_to_unit_sphere`): the radii 0.2 and 0.4 are fractions of it, not
millimetres.
With a classification head for 40 classes (512, 256, 40) the network has the published 1,475,688 parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from facelib.errors import BadInput, check_finite, check_shape
from facelib.geometry.point_clouds import ball_query, farthest_point_sampling
from facelib.models.blocks import Embedding, check_training_batch, scaled, to_embedding

LEVEL_1_CHANNELS = (64, 64, 128)
LEVEL_2_CHANNELS = (128, 128, 256)
GLOBAL_CHANNELS = (256, 512, 1024)
LARGEST_REACH = 1.5  # a unit-sphere cloud with some jitter stays inside; millimetres do not


@dataclass(frozen=True)
class PointNet2Settings:
    """Size of a PointNet++.

    Args:
        points_1, radius_1, samples_1: centres, ball radius and neighbours of the first set abstraction.
        points_2, radius_2, samples_2: of the second; a map of H*W positions needs points_2 = H*W.
        width: factor on the channels of every layer.
    """

    points_1: int = 512
    radius_1: float = 0.2
    samples_1: int = 32
    points_2: int = 128
    radius_2: float = 0.4
    samples_2: int = 64
    width: float = 1.0


@dataclass(frozen=True)
class Grouping:
    """The neighbourhoods of a batch of clouds, as indices of any integer type.

    Args:
        centres_1: (B, points_1) into the cloud.
        neighbours_1: (B, points_1, samples_1) into the cloud.
        centres_2: (B, points_2) into the centres of level 1.
        neighbours_2: (B, points_2, samples_2) into the centres of level 1.
    """

    centres_1: torch.Tensor
    neighbours_1: torch.Tensor
    centres_2: torch.Tensor
    neighbours_2: torch.Tensor

    def __getitem__(self, rows: slice | list[int] | torch.Tensor) -> Grouping:
        """The grouping of some clouds of the batch."""
        return Grouping(*(index[rows] for index in self._indices()))

    def to(self, target: torch.dtype | torch.device | str) -> Grouping:
        """On another device, or in another integer type: int16 stores clouds of up to 32,768 points in a quarter."""
        return Grouping(*(index.to(target) for index in self._indices()))

    def _indices(self) -> tuple[torch.Tensor, ...]:
        return self.centres_1, self.neighbours_1, self.centres_2, self.neighbours_2


def group_cloud(points: torch.Tensor, settings: PointNet2Settings) -> Grouping:
    """Find the neighbourhoods of both set abstractions; deterministic, as sampling starts at the first point.

    Args:
        points: (B, N, 3), scaled to the unit sphere.

    Returns:
        Indices as int64.

    Raises:
        BadInput: for NaN, a cloud that is not scaled to the unit sphere, or fewer points than centres.
    """
    check_shape("points", points, (None, None, 3))
    check_finite("points", points)
    reach = float(points.norm(dim=2).max())
    if reach > LARGEST_REACH:
        raise BadInput(f"points reach {reach:.3g} from the origin: expected about 1, scale to the unit sphere first")
    if not points.shape[1] >= settings.points_1 >= settings.points_2 >= 1:
        raise BadInput(
            f"{points.shape[1]} points, {settings.points_1} centres on level 1, {settings.points_2} on level 2: "
            "expected these not to grow; give more points or choose fewer centres"
        )
    centres_1 = farthest_point_sampling(points, settings.points_1)
    level_1 = gather(points, centres_1)
    centres_2 = farthest_point_sampling(level_1, settings.points_2)
    level_2 = gather(level_1, centres_2)
    return Grouping(
        centres_1=centres_1,
        neighbours_1=ball_query(level_1, points, settings.radius_1, settings.samples_1),
        centres_2=centres_2,
        neighbours_2=ball_query(level_2, level_1, settings.radius_2, settings.samples_2),
    )


def gather(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows of each batch element: values (B, N, C), index (B, ...) -> (B, ..., C)."""
    batch, count, channels = values.shape
    offset = count * torch.arange(batch, device=values.device).view(-1, *[1] * (index.dim() - 1))
    rows = values.reshape(batch * count, channels).index_select(0, (index.long() + offset).flatten())
    return rows.view(*index.shape, channels)


class PointwiseNetwork(nn.Module):
    """Linear, batch norm, ReLU a few times, the same for every row of (..., inputs) -> (..., channels[-1])."""

    def __init__(self, inputs: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for outputs in channels:
            layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
            inputs = outputs
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x.flatten(0, -2)).view(*x.shape[:-1], -1)


class PointNet2Body(nn.Module):
    """The first two set abstractions.

    Attributes:
        channels: of the features it returns.
    """

    def __init__(self, settings: PointNet2Settings) -> None:
        super().__init__()
        self.settings = settings
        channels_1 = tuple(scaled(channels, settings.width) for channels in LEVEL_1_CHANNELS)
        channels_2 = tuple(scaled(channels, settings.width) for channels in LEVEL_2_CHANNELS)
        self.level_1 = PointwiseNetwork(3, channels_1)
        self.level_2 = PointwiseNetwork(3 + channels_1[-1], channels_2)
        self.channels = channels_2[-1]

    def forward(self, points: torch.Tensor, grouping: Grouping | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Points (B, N, 3) -> centres (B, points_2, 3) and their features (B, points_2, channels).

        Args:
            grouping: of these clouds, from `group_cloud`; found here when missing, at every call.

        Raises:
            BadInput: as group_cloud, or when the grouping is of other clouds or settings.
        """
        check_shape("points", points, (None, None, 3))
        check_finite("points", points)
        check_training_batch(self, len(points))
        if grouping is None:
            grouping = group_cloud(points, self.settings)
        self._check(grouping, len(points))

        level_1 = gather(points, grouping.centres_1)  # (B, M1, 3)
        local = gather(points, grouping.neighbours_1) - level_1[:, :, None]  # (B, M1, K1, 3)
        # max().values, not amax(): the backward pass of amax is four times slower on a CPU
        features = self.level_1(local).max(dim=2).values  # (B, M1, C1)

        level_2 = gather(level_1, grouping.centres_2)  # (B, M2, 3)
        local = gather(level_1, grouping.neighbours_2) - level_2[:, :, None]
        grouped = torch.cat([local, gather(features, grouping.neighbours_2)], dim=3)  # (B, M2, K2, 3 + C1)
        return level_2, self.level_2(grouped).max(dim=2).values

    def _check(self, grouping: Grouping, batch: int) -> None:
        settings = self.settings
        check_shape("grouping.centres_1", grouping.centres_1, (batch, settings.points_1))
        check_shape("grouping.neighbours_1", grouping.neighbours_1, (batch, settings.points_1, settings.samples_1))
        check_shape("grouping.centres_2", grouping.centres_2, (batch, settings.points_2))
        check_shape("grouping.neighbours_2", grouping.neighbours_2, (batch, settings.points_2, settings.samples_2))


class PointNet2Map(nn.Module):
    """Paper 1's 3D branch: the points of the second set abstraction shaped into a map like the image branch's.

    The paper adds "a convolutional block" without saying more. Ours: points_2 = H*W, points in the order of farthest
    point sampling fill the map row by row, then a 1x1 convolution, batch norm and PReLU. Neighbours on the map are
    thus no neighbours on the face; only 1x1 convolutions and attention over all positions follow.

    Args:
        settings: of PointNet++, with points_2 = size * size.
        channels, size: of the map to make.

    Raises:
        BadInput: if points_2 is not size * size.
    """

    def __init__(self, settings: PointNet2Settings, channels: int, size: int) -> None:
        super().__init__()
        if settings.points_2 != size * size:
            raise BadInput(
                f"points_2 {settings.points_2}: expected {size} x {size} = {size * size}, one a map position"
            )
        self.size = size
        self.body = PointNet2Body(settings)
        self.reshape = nn.Sequential(
            nn.Conv2d(self.body.channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.PReLU(channels)
        )

    def forward(self, points: torch.Tensor, grouping: Grouping | None = None) -> torch.Tensor:
        """Points (B, N, 3) -> map (B, channels, size, size)."""
        _, features = self.body(points, grouping)  # (B, H*W, C)
        return self.reshape(features.mT.unflatten(2, (self.size, self.size)))


class PointNet2Embedding(nn.Module):
    """PointNet++ as a recogniser of clouds: global set abstraction, one linear layer, batch norm without affine part.

    Args:
        settings: of PointNet++.
        embedding: dimension D.
    """

    def __init__(self, settings: PointNet2Settings = PointNet2Settings(), embedding: int = 512) -> None:
        super().__init__()
        self.body = PointNet2Body(settings)
        channels = tuple(scaled(channels, settings.width) for channels in GLOBAL_CHANNELS)
        self.level_3 = PointwiseNetwork(3 + self.body.channels, channels)
        self.head = nn.Sequential(nn.Linear(channels[-1], embedding), nn.BatchNorm1d(embedding, affine=False))

    def describe(self, points: torch.Tensor, grouping: Grouping | None = None) -> torch.Tensor:
        """Points (B, N, 3) -> one descriptor for each whole cloud, (B, 1024 * width)."""
        centres, features = self.body(points, grouping)
        return self.level_3(torch.cat([centres, features], dim=2)).max(dim=1).values

    def forward(self, points: torch.Tensor, grouping: Grouping | None = None) -> Embedding:
        """Points (B, N, 3) -> unit (B, D) and norm (B, 1)."""
        return to_embedding(self.head(self.describe(points, grouping)))
