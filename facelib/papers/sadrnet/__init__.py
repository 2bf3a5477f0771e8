"""Paper 3: SADRNet, dense alignment and reconstruction (Ruan, Zou, Wu, Wu and Wang).

settings    what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; words: what all of it is called
networks    built at a tier's size; maps: the truth that they learn
data_sets   opened at a tier's size
tasks       what the training loop is given
protocol    errors of single photographs, and the tables' metrics; resampling: their intervals
training    one run from data to record
reconstruction   a trained network on one photograph
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.papers.sadrnet.claims import CLAIMS
from facelib.papers.sadrnet.methods import METHODS, Method
from facelib.papers.sadrnet.settings import TIERS, ReconstructionSettings, pretraining_only, settings_of
from facelib.papers.sadrnet.words import (
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

NUMBER = 3
TITLE = "SADRNet: Self-Aligned Dual Face Regression Networks for Robust 3D Dense Face Alignment and Reconstruction"
FOLDER = "3_sadrnet"
HEADLINE = "sparse_2d"
FOLDS = 1
VALUE_MODULES = tuple(
    f"facelib.papers.sadrnet.{name}" for name in ("settings", "methods", "claims", "words", "resampling")
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
    "ReconstructionSettings",
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
    from facelib.papers.sadrnet import training

    return training.train(method, **options)


def prepare(tier: str) -> None:
    """Bake the faces and generate the data sets of a tier, showing progress; see `training.prepare`."""
    from facelib.papers.sadrnet import training

    training.prepare(tier)


def bootstrap_metrics(metrics: dict[str, Any], arrays: dict[str, Any], **options: Any) -> BootstrapSamples:
    """The metrics of one run with other people drawn; see `bootstrap.bootstrap_metrics`, imported on the first call."""
    from facelib.papers.sadrnet import bootstrap

    return bootstrap.bootstrap_metrics(metrics, arrays, **options)


def data_fingerprint(method: str, tier: str, changes: dict[str, Any] | None = None) -> str:
    """The fingerprint of the data of a method's run as they would be generated today."""
    from facelib.papers.sadrnet.data_sets import fingerprint_of_data

    return fingerprint_of_data(run_settings(method, tier, changes=changes))


def run_settings(
    method: str, tier: str, seed: int = 0, changes: dict[str, Any] | None = None
) -> ReconstructionSettings:
    """The settings of one run: of its tier, then what the method changes, then these changes, then its seed."""
    settings = settings_of(tier, {**METHODS[method].changes, **(changes or {})})
    if METHODS[method].kind == "pretraining":
        return override(pretraining_only(settings), {"pretraining.seed": seed})
    return override(settings, {"training.seed": seed})


def code_modules(method: str) -> tuple[str, ...]:
    """Modules whose imports lead to all the code that a run of the method uses."""
    return ("facelib.papers.sadrnet.training",)
