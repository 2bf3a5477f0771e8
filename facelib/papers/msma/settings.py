"""What a run of paper 5 consists of, and its tiers.

The defaults are the paper's own (section 5.1: 224 pixels, Adam, learning rate 4e-4, halved every 10 epochs, batch 64).
It does not say for how many epochs, nor how many photographs of the 50,000 an epoch has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from facelib.models.msma_settings import MSMASettings
from facelib.runs.settings import TrainingSettings


@dataclass(frozen=True)
class WeakLossSettings:
    """Weights of the losses (eqs. 14, 18 and 20). The first three are the base method's, as paper 5 prints none.

    Args:
        photometric, perceptual, landmarks: lambda_pho, lambda_per and lambda_lmk; landmarks in pixels of 224.
        coefficients, reflectance: lambda_3dmm and lambda_refl.
        identity, expression, albedo: lambda_alpha, lambda_beta and lambda_gamma.
        light: of the term that eq. 14 drops, which keeps light white; 10 in the base method.
        weighting: which landmarks count twenty times, of `facelib.losses.coefficients`.
    """

    photometric: float = 1.92
    perceptual: float = 0.2
    landmarks: float = 1.6e-3
    coefficients: float = 3e-4
    reflectance: float = 5.0
    identity: float = 1.0
    expression: float = 0.8
    albedo: float = 1.7e-2
    light: float = 0.0
    weighting: Literal["printed", "published"] = "printed"


@dataclass(frozen=True)
class WebPhotographs:
    """The stream of people that runs learn from: web photographs, whose faces mostly look at the camera.

    Args:
        skins: that the people wear.
        yaw_spread: standard deviation of the yaw, degrees.
        batches: an epoch.
        held_out: photographs of other people, by whom training is watched.
        processes: that make batches ahead; 0 for none besides the training's own.
        kept: whether the batches of networks are kept in the cache, where runs on the same ones find them.
    """

    skins: int = 600
    yaw_spread: float = 25.0
    batches: int = 780  # 50,000 photographs
    held_out: int = 400
    processes: int = 1
    kept: bool = False


def _printed_training() -> TrainingSettings:
    return TrainingSettings(
        optimizer="adam",
        epochs=30,
        min_epochs=30,
        batch_size=64,
        learning_rate=4e-4,
        weight_decay=0.0,
        milestones=(10, 20),
        decay=0.5,
        keep="last",
    )


@dataclass(frozen=True)
class MSMARunSettings:
    """All settings of a run of paper 5.

    Args:
        data: "embedded" or "licensed".
        stream: to learn from, where the data are embedded.
        network, loss: the model, and what it minimises.
        pretraining, training: of the landmark reader in whose ResNet networks start, and of the network.
    """

    data: str = "embedded"
    stream: WebPhotographs = field(default_factory=WebPhotographs)
    network: MSMASettings = field(default_factory=MSMASettings)
    loss: WeakLossSettings = field(default_factory=WeakLossSettings)
    pretraining: TrainingSettings = field(default_factory=_printed_training)
    training: TrainingSettings = field(default_factory=_printed_training)


TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        "network.image_size": 64,
        "network.width": 0.125,
        "stream.skins": 40,
        "stream.batches": 4,
        "stream.held_out": 20,
        "stream.processes": 0,
        "pretraining.epochs": 2,
        "pretraining.min_epochs": 2,
        "pretraining.batch_size": 16,
        "training.epochs": 2,
        "training.min_epochs": 2,
        "training.batch_size": 16,
    },
    "laptop": {
        "network.image_size": 64,
        "network.width": 0.25,
        "stream.batches": 200,
        "stream.kept": True,
        "pretraining.epochs": 16,
        "pretraining.min_epochs": 16,
        "pretraining.batch_size": 48,
        "pretraining.learning_rate": 2e-3,
        "pretraining.warmup_epochs": 1,
        "pretraining.milestones": (6, 9, 11, 13, 14, 15),
        "training.epochs": 12,
        "training.min_epochs": 12,
        "training.batch_size": 48,
        "training.learning_rate": 1e-3,
        "training.warmup_epochs": 1,
        "training.milestones": (5, 7, 8, 9, 10, 11),
    },
}
