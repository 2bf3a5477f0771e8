"""DREAM, the deep residual equivariant mapping (Cao et al. 2018, "Pose-Robust Face Recognition").

A block behind any recogniser moves the feature of a turned face towards that of a frontal one:

    f + gate(yaw) * R(f),    gate = sigmoid(10 (|yaw| / 45 degrees - 1))

R is two linear layers, each followed by an activation: PReLU as in the paper, or ReLU as in the public code, with which
the residual cannot be negative. The block works on the feature before normalisation, unit * norm of the recogniser's
embedding.

It is trained together with the recogniser.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from facelib.errors import BadInput, check_shape, unknown_name
from facelib.models.blocks import Embedding, to_embedding

GATE_MIDDLE = math.radians(45)  # the yaw at which half of the residual is added
GATE_STEEPNESS = 10.0
ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {"prelu": nn.PReLU, "relu": lambda channels: nn.ReLU()}


class DreamRecogniser(nn.Module):
    """A recogniser of images with a DREAM block behind it.

    Unlike other recognisers it needs the yaw of each face, known or estimated.

    Args:
        backbone: images -> Embedding, such as ResNet.
        embedding: dimension D of its embedding.
        activation: "prelu" or "relu".
    """

    def __init__(self, backbone: nn.Module, embedding: int = 512, activation: str = "prelu") -> None:
        super().__init__()
        self.backbone = backbone
        self.block = DreamBlock(embedding, activation)

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
        activation: "prelu" or "relu".

    Raises:
        UnknownName: on another activation.
    """

    def __init__(self, channels: int, activation: str = "prelu") -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise unknown_name("activation of DREAM", activation, ACTIVATIONS)
        active = ACTIVATIONS[activation]
        self.residual = nn.Sequential(
            nn.Linear(channels, channels), active(channels), nn.Linear(channels, channels), active(channels)
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
