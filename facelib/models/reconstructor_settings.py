"""What ExpNet and the diffusion of coefficients are made of, known without torch."""

from __future__ import annotations

from dataclasses import dataclass, field

IDENTITIES, EXPRESSIONS = 99, 29  # coefficients that ExpNet reads, as published
TRAINING_STEPS, SAMPLING_STEPS = 1000, 50  # of the diffusion


@dataclass(frozen=True)
class PooledResNetSettings:
    """Size of a ResNet.

    Args:
        depth: 18, 50 or 101.
        image_size: height and width of the images in pixels, at least 32.
        small_stem: 3x3 convolution of stride 1 instead of 7x7 of stride 2, for images of about 112 pixels or less.
        width: factor on the channels of every layer; 1.0 is the published network.
    """

    depth: int = 101
    image_size: int = 224
    small_stem: bool = False
    width: float = 1.0


@dataclass(frozen=True)
class DiffusionSettings:
    """Size of the networks, and of the diffusion.

    Args:
        encoder: of the ResNet of the photograph.
        channels: of a token, an even multiple of heads.
        heads, depth: of the transformer.
        group: coefficients in a token.
        training_steps: T.
        drop: share of photographs that are not shown in training.
    """

    encoder: PooledResNetSettings = field(default_factory=lambda: PooledResNetSettings(depth=50))
    channels: int = 512
    heads: int = 8
    depth: int = 4
    group: int = 8
    training_steps: int = TRAINING_STEPS
    drop: float = 0.5
