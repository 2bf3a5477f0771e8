"""What a run of paper 5 consists of, and its tiers.

The defaults are the paper's own (section 5.1: 224 pixels, Adam, learning rate 4e-4, halved every 10 epochs, batch 64).
It does not say for how many epochs, nor how many photographs of the 50,000 an epoch has.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from facelib.models.msma_settings import MSMASettings
from facelib.papers.msma.methods import DIRECT_FIT, SUPERVISED, FaceReader
from facelib.papers.paper import BASELINE, PRETRAINING
from facelib.runs.settings import TrainingSettings

EMBEDDED, LICENSED = "embedded", "licensed"


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


@dataclass(frozen=True)
class LicensedPhotographs:
    """Photographs that runs learn from where the data are licensed (section 5.2).

    Args:
        sets: readers of `facelib.data.licensed`; 300w_lp and celeba can stand in for what cannot be had.
        count: drawn at random, of which those without a single face that is found are left out; an epoch has all.
        held_out: of other people, by whom training is watched; a tenth of all at most.
    """

    sets: tuple[str, ...] = ("lfw", "vggface2")
    count: int = 50_000
    held_out: int = 400


@dataclass(frozen=True)
class EvaluationPhotographs:
    """Faces to be evaluated on.

    Args:
        florence: people of the clips.
        frames: of each person in each of the three conditions.
        points: of each scan; of FaceWarehouse and the cases up to 5,000.
        facewarehouse: people in twenty expressions.
        cases: people in the cases of the ablation.
        aflw: people of AFLW2000-3D, in two photographs each.
    """

    florence: int = 53
    frames: int = 5
    points: int = 19000
    facewarehouse: int = 9
    cases: int = 40
    aflw: int = 500


@dataclass(frozen=True)
class FittingSettings:
    """The descent of direct fitting. At 224 pixels, 32 photographs together take some 6 s of a core's time each, so the
    2,175 of the gpu tier take three to four hours of one core; where torch sees a GPU, they are fitted there.

    Args:
        landmark_steps: on landmarks and the prior alone, which bring the face to its place.
        steps: on all terms after these.
        rate: of Adam for coefficients in standard deviations; angles (radians), translation (decimetres) and light
            move at a share of it. It falls to a twentieth along a cosine in each part.
    """

    landmark_steps: int = 100
    steps: int = 240
    rate: float = 0.05


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


def _third_of_printed() -> TrainingSettings:
    return replace(_printed_training(), epochs=10, min_epochs=10, milestones=(3, 6))


@dataclass(frozen=True)
class MSMARunSettings:
    """All settings of a run of paper 5.

    Args:
        data: `EMBEDDED` or `LICENSED`.
        stream, photographs: to learn from, where the data are embedded or licensed.
        network, loss: the model, and what it minimises.
        fitting: of direct fits.
        evaluation: faces to be evaluated on, where the data are embedded.
        pretraining, training: of the landmark reader in whose ResNet networks start, and of the network.
        short_training: of networks without one of the losses.
    """

    data: str = EMBEDDED
    stream: WebPhotographs = field(default_factory=WebPhotographs)
    photographs: LicensedPhotographs = field(default_factory=LicensedPhotographs)
    network: MSMASettings = field(default_factory=MSMASettings)
    loss: WeakLossSettings = field(default_factory=WeakLossSettings)
    fitting: FittingSettings = field(default_factory=FittingSettings)
    evaluation: EvaluationPhotographs = field(default_factory=EvaluationPhotographs)
    pretraining: TrainingSettings = field(default_factory=_printed_training)
    training: TrainingSettings = field(default_factory=_printed_training)
    short_training: TrainingSettings = field(default_factory=_third_of_printed)


# Three things differ from print below the paper's own tier. Landmarks weigh a quarter and the prior twice: with
# detected landmarks, which are off by some 2 % of the face, direct fits of 24 faces at the printed weights were at 0.84
# of the mean face's error, at these at 0.67. The prior holds the albedo: at the printed one it explains every shadow.
# And the reflectance loss weighs a third: of 16 people at 64 pixels the error was 0.83 of the mean face's, else 0.85.
# Of networks the same holds: what the detector is off by in one direction becomes the mean of what they read. After 400
# steps with landmarks at the printed weight held-out neutral shapes were at 1.20 of the mean face's error, with four
# times the prior besides at 1.01; at these weights at 1.00 after 600, and at 0.96 once 800 were annealed.
# Pixels decide what photographs tell: direct fits of the neutral shapes of 16 people were at 0.88 of the mean face's
# error with 64 pixels a side, at 0.82 with 96 and at 0.79 with 112, of which 96 is what two cores can train on.
WEIGHTS: dict[str, Any] = {
    "loss.landmarks": 4e-4,
    "loss.coefficients": 6e-4,
    "loss.albedo": 0.1,
    "loss.reflectance": 1.67,
}

TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        **WEIGHTS,
        "network.image_size": 64,
        "network.width": 0.125,
        "stream.skins": 40,
        "stream.batches": 2,
        "stream.held_out": 20,
        "stream.processes": 0,
        "stream.kept": True,
        "fitting.landmark_steps": 10,
        "fitting.steps": 5,
        "evaluation.florence": 3,
        "evaluation.frames": 1,
        "evaluation.points": 1000,
        "evaluation.facewarehouse": 2,
        "evaluation.cases": 2,
        "evaluation.aflw": 10,
        "pretraining.epochs": 2,
        "pretraining.min_epochs": 2,
        "pretraining.batch_size": 16,
        "training.epochs": 2,
        "training.min_epochs": 2,
        "training.batch_size": 16,
        "short_training.epochs": 1,
        "short_training.min_epochs": 1,
        "short_training.batch_size": 16,
    },
    "laptop": {
        **WEIGHTS,
        "network.image_size": 96,
        "network.width": 0.25,
        "stream.batches": 200,
        "stream.kept": True,
        "evaluation.frames": 2,
        "evaluation.points": 5000,
        "pretraining.epochs": 48,
        "pretraining.min_epochs": 48,
        "pretraining.batch_size": 48,
        "pretraining.learning_rate": 2e-3,
        "pretraining.warmup_epochs": 1,
        "pretraining.milestones": (24, 32, 38, 42, 45, 47),
        "training.epochs": 12,
        "training.min_epochs": 12,
        "training.batch_size": 48,
        "training.learning_rate": 1e-3,
        "training.warmup_epochs": 1,
        "training.milestones": (5, 7, 8, 9, 10, 11),
        "training.gradient_clip": 5.0,
        "short_training.epochs": 4,
        "short_training.min_epochs": 4,
        "short_training.batch_size": 48,
        "short_training.learning_rate": 1e-3,
        "short_training.warmup_epochs": 1,
        "short_training.milestones": (2, 3),
        "short_training.gradient_clip": 5.0,
    },
    "gpu": {
        **WEIGHTS,
        "pretraining.precision": "bf16-mixed",
        "training.precision": "bf16-mixed",
        "short_training.precision": "bf16-mixed",
        "pretraining.threads": 8,
        "training.threads": 8,
        "short_training.threads": 8,
        "stream.processes": 8,
    },
    "paper": {
        "data": LICENSED,
        "pretraining.threads": 8,
        "training.threads": 8,
        "short_training.threads": 8,
    },
}


def relevant(method: FaceReader, settings: MSMARunSettings) -> MSMARunSettings:
    """The settings with the defaults where a method's run does not depend on them."""
    usual = MSMARunSettings()
    trainings = {"pretraining", "training", "short_training"}
    unseen = trainings - ({method.stage} if method.kind != BASELINE else set())
    unseen |= {"photographs"} if settings.data == EMBEDDED else {"stream", "evaluation"}
    if method.name != DIRECT_FIT:
        unseen |= {"fitting"}
    if method.kind in (BASELINE, PRETRAINING, SUPERVISED) and method.name != DIRECT_FIT:
        unseen |= {"loss"}
    network = settings.network
    if method.kind in (BASELINE, PRETRAINING):
        network = MSMASettings(network.depth, network.image_size, network.small_stem, network.width)
    if method.kind == BASELINE:
        network = MSMASettings(image_size=network.image_size)
        unseen |= {"stream", "photographs"}
    evaluation = settings.evaluation
    if method.is_pretraining:
        evaluation = EvaluationPhotographs(aflw=evaluation.aflw)
    others = {name: getattr(usual, name) for name in unseen}
    return replace(replace(settings, network=network, evaluation=evaluation), **others)
