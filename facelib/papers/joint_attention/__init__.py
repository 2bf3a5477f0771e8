"""Paper 1: 2D-3D attention and entropy for pose-robust 2D recognition (Peace, Hu and Riggan).

settings    what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; words: what all of it is called
networks    built by name at a tier's size; inputs: what they are given of a photograph
data_sets   opened at a tier's size, with their folds
tasks       what the training loop is given; adaptation: terms between images and clouds; joint_task: joint attention
building    a method's task from all of these
protocol    embeddings, scores and metrics by pose
training    one run from data to record
resampling  its metrics with other people drawn, for intervals
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.papers.joint_attention.claims import CLAIMS
from facelib.papers.joint_attention.methods import METHODS, PART_MODULES, Method
from facelib.papers.joint_attention.settings import TIERS, RecognitionSettings, pretraining_only, settings_of
from facelib.papers.joint_attention.words import (
    MAIN_METRICS,
    METRIC_WORDS,
    MORE_METRICS,
    REFERENCES,
    describe,
    reference_of,
)
from facelib.runs.settings import override

if TYPE_CHECKING:
    from facelib.metrics.bootstrap_samples import BootstrapSamples

NUMBER = 1
TITLE = "2D-3D Attention and Entropy for Pose Robust 2D Facial Recognition"
FOLDER = "1_joint_attention"
HEADLINE = "tar_at_far_1pct"
FOLDS = 3
VALUE_MODULES = tuple(
    f"facelib.papers.joint_attention.{name}" for name in ("settings", "methods", "claims", "words", "resampling")
)

__all__ = [
    "CLAIMS",
    "FOLDER",
    "FOLDS",
    "HEADLINE",
    "MAIN_METRICS",
    "METHODS",
    "METRIC_WORDS",
    "MORE_METRICS",
    "NUMBER",
    "REFERENCES",
    "TIERS",
    "TITLE",
    "VALUE_MODULES",
    "Method",
    "RecognitionSettings",
    "bootstrap_metrics",
    "code_modules",
    "data_fingerprint",
    "describe",
    "prepare",
    "reference_of",
    "run_settings",
    "settings_of",
    "train",
]


def train(method: str, **options: Any) -> Path:
    """Train and evaluate one run; see `training.train`, which is imported on the first call only."""
    from facelib.papers.joint_attention import training

    return training.train(method, **options)


def prepare(tier: str) -> None:
    """Bake the faces and generate the data sets of a tier, showing progress; see `training.prepare`."""
    from facelib.papers.joint_attention import training

    training.prepare(tier)


def bootstrap_metrics(metrics: dict[str, Any], arrays: dict[str, Any], **options: Any) -> BootstrapSamples:
    """The metrics of one run with other people drawn; see `bootstrap.bootstrap_metrics`, imported on the first call."""
    from facelib.papers.joint_attention import bootstrap

    return bootstrap.bootstrap_metrics(metrics, arrays, **options)


def data_fingerprint(method: str, tier: str, changes: dict[str, Any] | None = None) -> str:
    """The fingerprint of the data of a method's run as they would be generated today."""
    from facelib.papers.joint_attention.data_sets import fingerprint_of_data

    return fingerprint_of_data(METHODS[method], run_settings(method, tier, changes=changes))


def run_settings(method: str, tier: str, seed: int = 0, changes: dict[str, Any] | None = None) -> RecognitionSettings:
    """The settings of one run: of its tier, then what the method changes, then these changes, then its seed."""
    chosen = METHODS[method]
    settings = settings_of(tier, {**chosen.changes, **(changes or {})})
    if chosen.kind == "pretraining":
        settings = pretraining_only(settings)
    return override(settings, {f"{chosen.stage}.seed": seed})


def code_modules(method: str) -> tuple[str, ...]:
    """Modules whose imports lead to all the code that a run of the method uses."""
    own = dict.fromkeys(PART_MODULES[part] for part in METHODS[method].parts)
    return ("facelib.papers.joint_attention.training", *own)
