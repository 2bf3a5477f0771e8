"""DREAM, the deep residual equivariant mapping (Cao et al. 2018, "Pose-Robust Face Recognition").

A block behind any recogniser moves the feature of a turned face towards that of a frontal one:

    f + gate(yaw) * R(f),    gate = sigmoid(10 (|yaw| / 45 degrees - 1))

R is two linear layers, each followed by PReLU as in the paper (the public code has ReLU, so that its residual cannot
be negative). The block works on the feature before normalisation, unit * norm of the recogniser's embedding.

It is trained together with the recogniser, or stitched to one that is not trained any further: then the target of each
profile photograph (yaw of 50 degrees or more) is the mean feature of the same person's frontal ones (20 or less).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput, check_shape
from facelib.models.blocks import Embedding, to_embedding

GATE_MIDDLE = math.radians(45)  # the yaw at which half of the residual is added
GATE_STEEPNESS = 10.0
FRONTAL_LIMIT = math.radians(20)
PROFILE_LIMIT = math.radians(50)


class DreamRecogniser(nn.Module):
    """A recogniser of images with a DREAM block behind it.

    Unlike other recognisers it needs the yaw of each face, known or estimated.

    Args:
        backbone: images -> Embedding, such as ResNet.
        embedding: dimension D of its embedding.
    """

    def __init__(self, backbone: nn.Module, embedding: int = 512) -> None:
        super().__init__()
        self.backbone = backbone
        self.block = DreamBlock(embedding)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """The backbone's last map (B, C, H, W), which the block does not change."""
        return self.backbone.features(images)  # type: ignore[operator]

    def forward(self, images: torch.Tensor, yaw: torch.Tensor) -> Embedding:
        """Images (B, 3, S, S), RGB in [0, 1], and yaw (B,) in radians -> unit (B, D) and norm (B, 1).

        Raises:
            BadInput: as the backbone, and for a yaw of wrong shape or beyond pi.
        """
        unit, norm = self.backbone(images)
        return to_embedding(self.block(unit * norm, yaw))


class DreamBlock(nn.Module):
    """f + gate(yaw) * R(f).

    Args:
        channels: D of the feature.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Linear(channels, channels), nn.PReLU(channels), nn.Linear(channels, channels), nn.PReLU(channels)
        )

    def forward(self, features: torch.Tensor, yaw: torch.Tensor) -> torch.Tensor:
        """Features (B, D) and yaw (B,) in radians -> features (B, D).

        Raises:
            BadInput: for a yaw of wrong shape or beyond pi.
        """
        check_shape("yaw", yaw, (len(features),))
        return features + yaw_gate(yaw)[:, None] * self.residual(features)


def yaw_gate(yaw: torch.Tensor) -> torch.Tensor:
    """How much of the residual each face gets: nearly 0 for frontal faces, 1/2 at 45 degrees, nearly 1 for profiles.

    Args:
        yaw: any shape, radians of either sign.

    Returns:
        The same shape, in (0, 1).

    Raises:
        BadInput: for a yaw beyond pi, which is likely in degrees.
    """
    largest = yaw.abs().max()
    if largest > math.pi + 1e-6:
        raise BadInput(f"yaw reaches {float(largest):.4g}: expected radians, -pi to pi; convert degrees first")
    return torch.sigmoid(GATE_STEEPNESS * (yaw.abs() / GATE_MIDDLE - 1))


def frontal_and_profile(yaw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Masks of the faces that stitching uses, both with their limits included; faces between them are in neither.

    Args:
        yaw: (N,) radians.
    """
    return yaw.abs() <= FRONTAL_LIMIT, yaw.abs() >= PROFILE_LIMIT


class StitchingTargets(NamedTuple):
    """Which photographs stitching learns from, and what their features should become.

    Args:
        rows: (P,) int64, profile photographs of people who also have a frontal one.
        targets: (P, D), the mean of the frontal features of each one's person.
    """

    rows: torch.Tensor
    targets: torch.Tensor


def stitching_targets(features: torch.Tensor, labels: torch.Tensor, yaw: torch.Tensor) -> StitchingTargets:
    """Find the profile photographs of a training set and the frontal feature that each should be mapped to.

    Args:
        features: (N, D), unit * norm of a recogniser that is not trained any further.
        labels: (N,) int, the person on each photograph.
        yaw: (N,) radians.

    Raises:
        BadInput: on wrong shapes, or if no person has both a frontal and a profile photograph.
    """
    check_shape("features", features, (None, None))
    check_shape("labels", labels, (len(features),))
    check_shape("yaw", yaw, (len(features),))
    frontal, profile = frontal_and_profile(yaw)
    people, person = labels.unique(return_inverse=True)
    count = torch.bincount(person[frontal], minlength=len(people))
    total = features.new_zeros(len(people), features.shape[1]).index_add(0, person[frontal], features[frontal])
    rows = (profile & (count[person] > 0)).nonzero()[:, 0]
    if len(rows) == 0:
        raise BadInput(
            f"{int(frontal.sum())} frontal and {int(profile.sum())} profile photographs, but nobody has both: "
            "stitching needs people seen at yaw 20 degrees or less and at 50 or more"
        )
    return StitchingTargets(rows, total[person[rows]] / count[person[rows], None])


def stitching_loss(block: DreamBlock, features: torch.Tensor, yaw: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean squared difference between the mapped profile features and their targets, over all entries.

    Args:
        block: the only part that is trained.
        features: (P, D) of profile photographs, features[rows] of `stitching_targets`.
        yaw: (P,) radians.
        targets: (P, D).

    Returns:
        A scalar.
    """
    check_shape("targets", targets, tuple(features.shape))
    return functional.mse_loss(block(features, yaw), targets)
