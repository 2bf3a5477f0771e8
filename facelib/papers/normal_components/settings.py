"""What a run of paper 2 consists of, and its tiers.

The defaults are the paper's own as far as it states them (112 x 112 pixels, Sphere20, 99 + 29 coefficients by two
ResNet-101); it states no schedule. Photographs are of the size of the component images, as one network sees both, and
reconstructors see the same photographs.

After their preparation scans lie 1 to 2 degrees off the front and are noisy, so below the paper's tier training varies
faces by as much: by a standard deviation of 1.5 degrees, and of 0.3 mm of each cell's depth.

The laptop tier in minutes of one core, as measured a sample: photographs 3; recogniser 13 (5.4 ms a step's sample);
ExpNet 53 and diffusion 43 (11.4 and 9.0 ms, and 2.3 for the photograph); 5,600 scans 40, heads of ICT-FaceKit 7; three
networks 25 a row and start (15.9 ms), one network 10; reconstructing 12,000 faces 2 to 5 a row; evaluation 1 a row.
Two starts of the four rows of three networks and one of the others come to 8.5 hours of one core.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from facelib.data.surface_settings import PreparationSettings, SurfaceVariation
from facelib.models.reconstructor_settings import IDENTITIES, SAMPLING_STEPS, DiffusionSettings, PooledResNetSettings
from facelib.papers.normal_components.methods import DIFFUSION, EXPNET, NormalRecogniser
from facelib.papers.paper import BASELINE
from facelib.runs.settings import TrainingSettings


@dataclass(frozen=True)
class WebPeople:
    """How many people and photographs of each."""

    identities: int = 1000
    images: int = 40


@dataclass(frozen=True)
class TaughtPeople:
    """The stream of people that reconstructors learn from.

    Args:
        identities: components of the face model that are read off them; of the facial actions, all.
        skins: that the people wear.
        batches: an epoch.
        processes: that make batches ahead; 0 for none besides the training's own.
    """

    identities: int = IDENTITIES
    skins: int = 600
    batches: int = 780
    processes: int = 1


@dataclass(frozen=True)
class NetworkSettings:
    """Size of each Sphere20.

    Args:
        width: factor on its channels.
        embedding: dimension.
    """

    width: float = 1.0
    embedding: int = 512


@dataclass(frozen=True)
class LossSettings:
    """The large margin cosine loss; the paper states neither number, these are CosFace's.

    Args:
        margin: m of eq. 8.
        scale: s.
    """

    margin: float = 0.35
    scale: float = 64.0


@dataclass(frozen=True)
class SamplingSettings:
    """How the diffusion draws coefficients.

    Args:
        steps: of DDIM.
        guidance: towards the photograph.
        draws: whose mean is the face that is read; one in print.
    """

    steps: int = SAMPLING_STEPS
    guidance: float = 1.0
    draws: int = 1


@dataclass(frozen=True)
class ScanSizes:
    """People and scans to be evaluated on; the defaults are the published counts.

    Args:
        bu3dfe: people, neutral and in six emotions at `levels`.
        frgc, frgc_scans, frgc_expressive: people, scans, and those with an expression.
        bosphorus, bosphorus_scans: people and scans, all but the first of each with an expression.
        bu4dfe: people, six sequences of `frames`.
        ict, ict_scans: heads of ICT-FaceKit and scans, all but the first of each with an expression.
        counts: what licensed folders must hold, of which all is read: as many people and scans as are printed, or
            what is found there.
    """

    bu3dfe: int = 100
    levels: int = 4
    frgc: int = 466
    frgc_scans: int = 4007
    frgc_expressive: int = 1642
    bosphorus: int = 105
    bosphorus_scans: int = 2902
    bu4dfe: int = 101
    frames: int = 5
    ict: int = 100
    ict_scans: int = 2000
    counts: Literal["printed", "found"] = "printed"


def _pretraining() -> TrainingSettings:
    return TrainingSettings(
        epochs=24, min_epochs=24, milestones=(12, 18, 22), learning_rate=0.1, batch_size=256, keep="last"
    )


def _fine_tuning() -> TrainingSettings:
    """Without batch norm the first full steps of LMCL lengthen embeddings a hundredfold, and no step turns long ones:
    the warm-up keeps their lengths, and with them what can be learnt."""
    return TrainingSettings(
        epochs=12, min_epochs=12, milestones=(6, 9, 11), learning_rate=0.01, warmup_epochs=1, batch_size=256,
        keep="last",
    )  # fmt: skip


def _reading() -> TrainingSettings:
    return TrainingSettings(
        optimizer="adam", epochs=30, min_epochs=30, milestones=(15, 22, 27), decay=0.3, learning_rate=4e-4,
        weight_decay=0.0, batch_size=64, keep="last",
    )  # fmt: skip


@dataclass(frozen=True)
class RecognitionSettings:
    """All settings of a run of paper 2.

    Args:
        data: "embedded" or "licensed".
        web: people whose photographs are learnt from and reconstructed, and others, who are held out.
        taught: people that reconstructors learn from.
        preparation: of scans and of reconstructed faces; its size is that of photographs too.
        variation: of reconstructed faces in training.
        network, loss: of the recognisers, and what they minimise.
        expnet: of each of its two ResNets; diffusion, sampling: of the other reconstructor.
        evaluation: scans to be evaluated on.
        pretraining, reading, training: of the recogniser of photographs, of reconstructors, of recognisers of faces.
    """

    data: str = "embedded"
    web: WebPeople = field(default_factory=WebPeople)
    others: WebPeople = field(default_factory=lambda: WebPeople(100, 3))
    taught: TaughtPeople = field(default_factory=TaughtPeople)
    preparation: PreparationSettings = field(default_factory=PreparationSettings)
    variation: SurfaceVariation = field(default_factory=SurfaceVariation)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    expnet: PooledResNetSettings = field(default_factory=PooledResNetSettings)
    diffusion: DiffusionSettings = field(default_factory=DiffusionSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    evaluation: ScanSizes = field(default_factory=ScanSizes)
    pretraining: TrainingSettings = field(default_factory=_pretraining)
    reading: TrainingSettings = field(default_factory=_reading)
    training: TrainingSettings = field(default_factory=_fine_tuning)


def _reconstructors(depth: int, width: float) -> dict[str, Any]:
    return {
        "expnet.depth": depth,
        "expnet.width": width,
        "diffusion.encoder.depth": depth,
        "diffusion.encoder.width": width,
    }


SMALL_IMAGES: dict[str, Any] = {"expnet.small_stem": True, "diffusion.encoder.small_stem": True}
STAGES = ("pretraining", "reading", "training")

TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        **SMALL_IMAGES,
        **_reconstructors(18, 0.0625),
        "web.identities": 6,
        "web.images": 4,
        "others.identities": 4,
        "others.images": 2,
        "taught.skins": 3,
        "taught.batches": 2,
        "taught.processes": 0,
        "preparation.size": 32,
        "preparation.cell": 5.0,
        "variation.pose": 1.5,
        "variation.noise": 0.3,
        "network.width": 0.0625,
        "network.embedding": 32,
        "loss.scale": 16.0,
        "diffusion.channels": 32,
        "diffusion.heads": 2,
        "diffusion.depth": 2,
        "sampling.steps": 5,
        "sampling.draws": 2,
        "evaluation.bu3dfe": 2,
        "evaluation.levels": 1,
        "evaluation.frgc": 2,
        "evaluation.frgc_scans": 6,
        "evaluation.frgc_expressive": 2,
        "evaluation.bosphorus": 2,
        "evaluation.bosphorus_scans": 6,
        "evaluation.bu4dfe": 2,
        "evaluation.frames": 1,
        "evaluation.ict": 2,
        "evaluation.ict_scans": 6,
        **{f"{stage}.{name}": 2 for stage in STAGES for name in ("epochs", "min_epochs")},
        **{f"{stage}.batch_size": 8 for stage in STAGES},
        **{f"{stage}.milestones": (1,) for stage in STAGES},
        "pretraining.learning_rate": 0.02,
    },
    "laptop": {
        **SMALL_IMAGES,
        **_reconstructors(18, 0.25),
        "web.identities": 400,
        "web.images": 30,
        "taught.batches": 150,
        "preparation.size": 56,
        "preparation.cell": 2.9,
        "variation.pose": 1.5,
        "variation.noise": 0.3,
        "network.width": 0.25,
        "network.embedding": 192,
        "loss.scale": 32.0,
        "diffusion.channels": 192,
        "diffusion.heads": 6,
        "sampling.steps": 10,
        "sampling.draws": 8,
        "evaluation.levels": 2,
        "evaluation.frgc_scans": 1398,
        "evaluation.frgc_expressive": 432,
        "evaluation.bosphorus_scans": 1050,
        "evaluation.ict_scans": 1000,
        "pretraining.epochs": 12,
        "pretraining.min_epochs": 12,
        "pretraining.milestones": (7, 9, 11),
        "pretraining.batch_size": 64,
        "pretraining.learning_rate": 0.05,
        "reading.epochs": 32,
        "reading.min_epochs": 32,
        "reading.milestones": (16, 22, 28),
        "reading.batch_size": 48,
        "reading.learning_rate": 1e-3,
        "reading.warmup_epochs": 1,
        "training.epochs": 8,
        "training.min_epochs": 8,
        "training.milestones": (4, 6, 7),
        "training.batch_size": 64,
        "training.learning_rate": 0.02,
    },
    "gpu": {
        **SMALL_IMAGES,
        "variation.pose": 1.5,
        "variation.noise": 0.3,
        "taught.processes": 8,
        **{f"{stage}.precision": "bf16-mixed" for stage in STAGES},
        **{f"{stage}.threads": 8 for stage in STAGES},
    },
    "paper": {"data": "licensed", **{f"{stage}.threads": 8 for stage in STAGES}},
}


def relevant(method: NormalRecogniser, settings: RecognitionSettings) -> RecognitionSettings:
    """The settings with the defaults where a method's run does not depend on them."""
    seen = {"data", "network", method.stage}
    reconstructor = method.name if method.reads else method.reconstructor
    if reconstructor in (EXPNET, DIFFUSION):
        seen |= {"taught", EXPNET} if reconstructor == EXPNET else {"taught", DIFFUSION, "sampling"}
    if method.reads:
        seen -= {"network"}
    elif method.kind != BASELINE:
        seen |= {"web"}
    if method.kind != BASELINE:
        seen |= {"others"}
    if not method.is_pretraining:
        seen |= {"preparation", "evaluation"}
    if method.reconstructor:
        seen |= {"variation", "loss"}
    chosen: dict[str, Any] = {"preparation": PreparationSettings(settings.preparation.size)}
    return replace(RecognitionSettings(), **chosen | {name: getattr(settings, name) for name in seen})
