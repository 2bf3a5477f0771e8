"""What a run of paper 1 consists of, and its tiers.

The defaults are the paper's own (section V.C: batch 64, SGD, learning rate 0.001, weight decay 5e-4, milestones 8,
12, 14; images of 224 pixels, clouds of 1,024 points, equal loss weights). A tier overrides fields by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from facelib.errors import unknown_name
from facelib.runs.settings import TrainingSettings, override


@dataclass(frozen=True)
class FaceScapeSize:
    """How much of FaceScape (or of its embedded counterpart) a run uses.

    Args:
        identities: people in all three folds together.
        views: views of each of the 20 expressions.
        fixed_albedo: give all embedded faces one skin, so that only shape tells them apart.
    """

    identities: int = 140
    views: int = 50
    fixed_albedo: bool = False


@dataclass(frozen=True)
class WebFacesSize:
    """How many people and photographs the backbone is pretrained on."""

    identities: int = 1000
    images: int = 40


@dataclass(frozen=True)
class NetworkSettings:
    """Size of the networks.

    Args:
        image_size: pixels.
        width: factor on the channels of IR-18 and of PointNet++.
        stages: stages of IR-18 before joint attention; its map has image_size / 2^stages positions a side.
        embedding: dimension.
        dropout: before the embedding layer.
        reduction: of the channels of Q and K.
        gamma_start: gamma at the start; at 0 the network starts as the pretrained one.
        points_1, samples_1, samples_2: centres and neighbours of PointNet++'s set abstractions.
    """

    image_size: int = 224
    width: float = 1.0
    stages: int = 4
    embedding: int = 512
    dropout: float = 0.4
    reduction: int = 8
    gamma_start: float = 0.0
    points_1: int = 512
    samples_1: int = 32
    samples_2: int = 64


@dataclass(frozen=True)
class LossSettings:
    """AdaFace (section IV.D) and joint entropy (section IV.E).

    Args:
        margin, h, t_alpha, scale: AdaFace's m, h, t_alpha and s.
        rule: "official" or "printed" (eq. 5).
        joint_entropy: weight of the joint entropy, in nats.
        pairs: "all" (as printed) or "aligned".
        bins: of the attention histogram.
    """

    margin: float = 0.5
    h: float = 0.0
    t_alpha: float = 0.01
    scale: float = 64.0
    rule: str = "official"
    joint_entropy: float = 1.0
    pairs: str = "all"
    bins: int = 32


@dataclass(frozen=True)
class RecognitionSettings:
    """All settings of a run of paper 1.

    Args:
        data: "embedded" or "licensed".
        facescape, web: sizes of the data sets.
        network, loss: of the model and of what it minimises.
        pretraining, training: of the two stages.
    """

    data: str = "embedded"
    facescape: FaceScapeSize = field(default_factory=FaceScapeSize)
    web: WebFacesSize = field(default_factory=WebFacesSize)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    pretraining: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=24, min_epochs=24, milestones=(12, 18, 22), learning_rate=0.1, batch_size=256
        )
    )
    training: TrainingSettings = field(default_factory=TrainingSettings)


TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        "facescape.identities": 45,
        "facescape.views": 3,
        "web.identities": 120,
        "web.images": 24,
        "network.image_size": 64,
        "network.width": 0.25,
        "network.embedding": 128,
        "network.points_1": 128,
        "network.samples_1": 16,
        "network.samples_2": 32,
        "network.stages": 3,
        "pretraining.epochs": 5,
        "pretraining.min_epochs": 5,
        "pretraining.milestones": (3, 4),
        "pretraining.batch_size": 64,
        "pretraining.learning_rate": 0.05,
        "training.epochs": 3,
        "training.min_epochs": 3,
        "training.milestones": (2,),
        "training.learning_rate": 0.01,
    },
    "laptop": {
        "facescape.identities": 120,
        "facescape.views": 6,
        "web.identities": 600,
        "web.images": 40,
        "network.image_size": 64,
        "network.width": 0.25,
        "network.embedding": 256,
        "network.points_1": 256,
        "network.samples_1": 16,
        "network.samples_2": 32,
        "pretraining.epochs": 16,
        "pretraining.min_epochs": 16,
        "pretraining.milestones": (9, 13, 15),
        "pretraining.batch_size": 64,
        "training.learning_rate": 0.005,
    },
    "gpu": {
        "facescape.identities": 140,
        "facescape.views": 50,
        "network.image_size": 112,
        "web.identities": 2000,
        "training.precision": "bf16-mixed",
        "pretraining.precision": "bf16-mixed",
        "pretraining.learning_rate": 0.1,
    },
    "paper": {"data": "licensed"},
}


def settings_of(tier: str, changes: dict[str, Any] | None = None) -> RecognitionSettings:
    """The settings of a tier.

    Args:
        tier: smoke, laptop, gpu or paper.
        changes: further overrides by dotted name.

    Raises:
        UnknownName: on an unknown tier or field.
    """
    if tier not in TIERS:
        raise unknown_name("tier", tier, TIERS)
    return override(override(RecognitionSettings(), TIERS[tier]), changes or {})
