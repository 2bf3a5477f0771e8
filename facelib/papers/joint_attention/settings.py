"""What a run of paper 1 consists of, and its tiers.

The defaults are the paper's own (section V.C: batch 64, SGD, learning rate 0.001, weight decay 5e-4, milestones 8,
12, 14; images of 224 pixels, clouds of 1,024 points, equal loss weights). A tier overrides fields by name.

Every run keeps the weights of its last epoch, when the rate has fallen for the last time. Twelve validation people, as
the laptop tier has, choose between epochs at random: from one to the next the rate on them moves by several points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from facelib.papers.joint_attention.methods import Recogniser
from facelib.runs.settings import TrainingSettings


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
class ArlVtfSize:
    """How much of ARL-VTF (or of its embedded counterpart) models are evaluated on, and `ir18_frontal` learns from.

    Args:
        identities: people to evaluate on; each has 6 gallery images and 5 probes a condition.
        training_identities, training_images: further people, and frontal images of each.
    """

    identities: int = 100
    training_identities: int = 235
    training_images: int = 40


@dataclass(frozen=True)
class CloudSettings:
    """The cloud that belongs to a photograph.

    Section V.C brings all meshes to one frontal pose, and then says that the 3D view point was projected again with the
    photograph's camera. We leave clouds frontal, since they are to be the source that pose does not touch; the method
    `pointnet2_view` shows what turning them costs.

    Args:
        points: of a cloud, at most the 1,024 that are stored.
        pose: "aligned", or "view": turned as the head is on the photograph.
    """

    points: int = 1024
    pose: Literal["aligned", "view"] = "aligned"


@dataclass(frozen=True)
class NetworkSettings:
    """Size of the networks.

    Args:
        image_size: pixels.
        width: factor on the channels of every backbone.
        stages: stages of IR-18 before joint attention or the residual transform; its map has image_size / 2^stages
            positions a side.
        embedding: dimension.
        dropout: before the embedding layer.
        reduction: of the channels of Q and K.
        gamma_start: gamma at the start; at 0 the network starts as the pretrained one.
        points_1, samples_1, samples_2: centres and neighbours of PointNet++'s set abstractions.
        points_2: centres of the second one where no map fixes them.
        neighbours: of DGCNN.
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
    points_2: int = 128
    samples_2: int = 64
    neighbours: int = 20


@dataclass(frozen=True)
class LossSettings:
    """AdaFace (section IV.D), joint entropy (section IV.E), and what other methods add.

    Args:
        margin, h, t_alpha, scale: AdaFace's m, h, t_alpha and s.
        rule: "official" or "printed" (eq. 5).
        joint_entropy: weight of the joint entropy, in nats.
        pairs: "all" (as printed) or "aligned".
        bins: of the attention histogram.
        adaptation: weight of each term that another method adds; the paper weighs all terms equally.
        temperature: of the teacher's answers.
    """

    margin: float = 0.5
    h: float = 0.0
    t_alpha: float = 0.01
    scale: float = 64.0
    rule: str = "official"
    joint_entropy: float = 1.0
    pairs: str = "all"
    bins: int = 32
    adaptation: float = 1.0
    temperature: float = 4.0


@dataclass(frozen=True)
class RecognitionSettings:
    """All settings of a run of paper 1.

    Args:
        data: "embedded" or "licensed".
        facescape, web, arl_vtf: sizes of the data sets.
        clouds: of the photographs.
        network, loss: of the model and of what it minimises.
        pretraining, training: of the two stages.
        scratch: of networks that start with fresh weights, those of clouds above all; at a reduced size they need more
            steps than a pretrained one. The paper trains all alike.
    """

    data: str = "embedded"
    facescape: FaceScapeSize = field(default_factory=FaceScapeSize)
    web: WebFacesSize = field(default_factory=WebFacesSize)
    arl_vtf: ArlVtfSize = field(default_factory=ArlVtfSize)
    clouds: CloudSettings = field(default_factory=CloudSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    pretraining: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=24, min_epochs=24, milestones=(12, 18, 22), learning_rate=0.1, batch_size=256, keep="last"
        )
    )
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(keep="last"))
    scratch: TrainingSettings = field(default_factory=lambda: TrainingSettings(keep="last"))


TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        "facescape.identities": 21,
        "facescape.views": 3,
        "web.identities": 40,
        "web.images": 24,
        "arl_vtf.identities": 12,
        "arl_vtf.training_identities": 24,
        "arl_vtf.training_images": 24,
        "clouds.points": 128,
        "network.image_size": 32,
        "network.width": 0.125,
        "network.embedding": 64,
        "network.points_1": 64,
        "network.samples_1": 8,
        "network.points_2": 16,
        "network.samples_2": 8,
        "network.stages": 3,
        "network.neighbours": 6,
        "pretraining.epochs": 2,
        "pretraining.min_epochs": 2,
        "pretraining.milestones": (1,),
        "pretraining.batch_size": 64,
        "pretraining.learning_rate": 0.05,
        "training.epochs": 2,
        "training.min_epochs": 2,
        "training.milestones": (1,),
        "training.learning_rate": 0.01,
        "scratch.epochs": 2,
        "scratch.min_epochs": 2,
        "scratch.milestones": (1,),
        "scratch.learning_rate": 0.05,
    },
    "laptop": {
        "facescape.identities": 90,
        "facescape.views": 3,
        "web.identities": 400,
        "web.images": 30,
        "arl_vtf.training_identities": 60,
        "arl_vtf.training_images": 40,
        "clouds.points": 512,
        "network.image_size": 48,
        "network.width": 0.25,
        "network.embedding": 256,
        "network.points_1": 128,
        "network.samples_1": 32,
        "network.points_2": 32,
        "network.samples_2": 32,
        "network.neighbours": 8,
        "pretraining.epochs": 10,
        "pretraining.min_epochs": 10,
        "pretraining.milestones": (6, 8, 9),
        "pretraining.batch_size": 64,
        "pretraining.learning_rate": 0.05,
        "training.epochs": 8,
        "training.min_epochs": 8,
        "training.milestones": (5, 7),
        "training.learning_rate": 0.005,
        "scratch.epochs": 14,
        "scratch.min_epochs": 14,
        "scratch.milestones": (9, 12),
        "scratch.learning_rate": 0.004,
    },
    "gpu": {
        "facescape.identities": 140,
        "facescape.views": 50,
        "network.image_size": 112,
        "web.identities": 2000,
        "training.precision": "bf16-mixed",
        "scratch.precision": "bf16-mixed",
        "pretraining.precision": "bf16-mixed",
        "pretraining.learning_rate": 0.1,
        "training.threads": 8,
        "scratch.threads": 8,
        "pretraining.threads": 8,
    },
    "paper": {"data": "licensed", "training.threads": 8, "scratch.threads": 8, "pretraining.threads": 8},
}


def relevant(method: Recogniser, settings: RecognitionSettings) -> RecognitionSettings:
    """The settings with all that a method's run does not see at its default, so that it outlives a change of these."""
    if not method.is_pretraining:
        return settings
    return RecognitionSettings(
        data=settings.data,
        web=settings.web,
        network=settings.network,
        loss=settings.loss,
        pretraining=settings.pretraining,
    )
