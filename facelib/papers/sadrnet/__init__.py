"""Paper 3: SADRNet, dense alignment and reconstruction (Ruan, Zou, Wu, Wu and Wang).

settings    what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; metrics: what they are evaluated by
data_sets   which ones a run reads, at a tier's size
networks    built at a tier's size; maps: the truth that they learn
tasks       what the training loop is given; building: a method's task
protocol    errors of single photographs, and the tables' metrics; bootstrap: their intervals
reconstruction   a trained network on one photograph
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facelib.papers.paper import Metrics, Paper, RunInputs, Scores
from facelib.papers.sadrnet.claims import CLAIMS
from facelib.papers.sadrnet.methods import METHODS, Reconstructor
from facelib.papers.sadrnet.metrics import METRICS, TABLES
from facelib.papers.sadrnet.settings import TIERS, ReconstructionSettings, relevant

if TYPE_CHECKING:
    from torch import nn

    from facelib.data.embedded import GeneratedSettings
    from facelib.metrics.bootstrap import BootstrapSamples
    from facelib.papers.sadrnet.tasks import ReconstructionTask


def data_sets(method: Reconstructor, settings: ReconstructionSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads; see `data_sets`."""
    from facelib.papers.sadrnet.data_sets import data_sets_of

    return data_sets_of(method, settings)


def build_network(method: Reconstructor, settings: ReconstructionSettings) -> nn.Module:
    """The network of a method with fresh weights; see `networks`."""
    from facelib.papers.sadrnet import networks

    return networks.build_network(method, settings)


def build_task(inputs: RunInputs, network: nn.Module) -> ReconstructionTask:
    """A method's task; see `building`."""
    from facelib.papers.sadrnet import building

    return building.build_task(inputs, network)


def evaluate(inputs: RunInputs, network: nn.Module) -> tuple[Metrics, Scores]:
    """Metrics and scores of a trained network; see `building`."""
    from facelib.papers.sadrnet import building

    return building.evaluate(inputs, network)


def bootstrap_metrics(metrics: Metrics, scores: Scores, *, resamples: int, seed: int = 0) -> BootstrapSamples:
    """The metrics of a run with people resampled; see `bootstrap`."""
    from facelib.papers.sadrnet import bootstrap

    return bootstrap.bootstrap_metrics(metrics, scores, resamples=resamples, seed=seed)


def code(method: Reconstructor) -> tuple[str, ...]:
    """Where the code of a method's run begins."""
    steps = ("networks:build_network", "building:build_task", "building:evaluate")
    return tuple(f"facelib.papers.sadrnet.{step}" for step in steps)


def stage(method: Reconstructor) -> str:
    """The field of the settings that holds those of its training."""
    return "pretraining" if method.is_pretraining else "training"


def describe(method: Reconstructor) -> dict[str, str]:
    """What a method is made of: the columns of the table of systems."""
    changes = method.changes
    if method.kind == "baseline":
        return {"attention": "", "geometry": "true box of the landmarks", "shape": "mean face", "left out": ""}
    if method.is_pretraining:
        return {"attention": "", "geometry": "68 landmarks", "shape": "", "left out": ""}
    geometry, shape = changes["network.geometry"], changes["network.shape"]
    return {
        "attention": "yes" if changes["network.attention"] else "",
        "geometry": geometry.replace("_", " ").replace("self aligned", "self-aligned"),
        "shape": "" if geometry == "direct" else shape,
        "left out": "mesh losses" if changes.get("loss.edge") == 0 else "",
    }


PAPER: Paper[Reconstructor, ReconstructionSettings] = Paper(
    name="sadrnet",
    number=3,
    title="SADRNet: Self-Aligned Dual Face Regression Networks for Robust 3D Dense Face Alignment and Reconstruction",
    folder="3_sadrnet",
    headline="sparse_2d",
    methods=METHODS,
    published=ReconstructionSettings(),
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
