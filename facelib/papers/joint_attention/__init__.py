"""Paper 1: 2D-3D attention and entropy for pose-robust 2D recognition (Peace, Hu and Riggan).

settings    what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; metrics: what they are evaluated by
data_sets   which ones a method reads, at a tier's size, with their folds
networks    built by name at a tier's size; inputs: what they are given of a photograph
tasks       what the training loop is given; adaptation: terms between images and clouds; joint_task: joint attention
building    a method's task from all of these
protocol    embeddings, scores and metrics by pose
bootstrap   its metrics with people resampled, for intervals
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facelib.papers.joint_attention.claims import CLAIMS
from facelib.papers.joint_attention.methods import METHODS, PAPER_PACKAGE, PART_MODULES, Recogniser
from facelib.papers.joint_attention.metrics import METRICS, TABLES
from facelib.papers.joint_attention.settings import TIERS, RecognitionSettings, relevant
from facelib.papers.paper import Metrics, Paper, RunInputs, Scores

if TYPE_CHECKING:
    from torch import nn

    from facelib.data.embedded import GeneratedSettings
    from facelib.metrics.bootstrap import BootstrapSamples
    from facelib.papers.joint_attention.tasks import IdentificationTask


def data_sets(method: Recogniser, settings: RecognitionSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a method's run reads; see `data_sets`."""
    from facelib.papers.joint_attention.data_sets import data_sets_of

    return data_sets_of(method, settings)


def build_network(method: Recogniser, settings: RecognitionSettings) -> nn.Module:
    """The network of a method with fresh weights; see `networks`."""
    from facelib.papers.joint_attention import networks

    return networks.build_network(method, settings)


def build_task(inputs: RunInputs, network: nn.Module) -> IdentificationTask:
    """A method's task; see `building`."""
    from facelib.papers.joint_attention import building

    return building.build_task(inputs, network)


def evaluate(inputs: RunInputs, network: nn.Module) -> tuple[Metrics, Scores]:
    """Metrics and scores of a trained network; see `protocol`."""
    from facelib.papers.joint_attention import protocol

    return protocol.evaluate(inputs, network)


def bootstrap_metrics(metrics: Metrics, scores: Scores, *, resamples: int, seed: int = 0) -> BootstrapSamples:
    """The metrics of a run with people resampled; see `bootstrap`."""
    from facelib.papers.joint_attention import bootstrap

    return bootstrap.bootstrap_metrics(metrics, scores, resamples=resamples, seed=seed)


def code(method: Recogniser) -> tuple[str, ...]:
    """Where the code of a method's run begins; that of its parts is loaded by name."""
    steps = ("networks:build_network", "building:build_task", "protocol:evaluate")
    parts = dict.fromkeys(PART_MODULES[part] for part in method.parts)
    return (*(f"{PAPER_PACKAGE}.{step}" for step in steps), *parts)


def describe(method: Recogniser) -> dict[str, str]:
    """What a method is made of: the columns of the table of systems."""
    return {
        "evaluated on": method.input,
        "backbone": method.backbone,
        "clouds from": method.clouds or "",
        "terms": ", ".join(method.adaptation),
    }


def stage(method: Recogniser) -> str:
    """The field of the settings that holds those of its training."""
    return method.stage


PAPER: Paper[Recogniser, RecognitionSettings] = Paper(
    name="joint_attention",
    number=1,
    title="2D-3D Attention and Entropy for Pose Robust 2D Facial Recognition",
    folder="1_joint_attention",
    folds=3,
    headline="tar_at_far_1pct",
    methods=METHODS,
    published=RecognitionSettings(),
    tiers=TIERS,
    relevant=relevant,
    stage=stage,
    data_sets=data_sets,
    code=code,
    build_network=build_network,
    build_task=build_task,
    evaluate=evaluate,
    bootstrap=bootstrap_metrics,
    metrics=METRICS,
    tables=TABLES,
    claims=CLAIMS,
    describe=describe,
)
