"""Paper 1: 2D-3D attention and entropy for pose-robust 2D recognition (Peace, Hu and Riggan).

settings    what a run consists of, and the tiers
methods     the rows of the tables
tasks       what the training loop is given: images alone, or images with clouds
protocol    embeddings, scores and metrics by pose
training    one run from data to record
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facelib.papers.joint_attention.methods import METHODS, Method
from facelib.papers.joint_attention.settings import TIERS, RecognitionSettings, settings_of

NUMBER = 1
TITLE = "2D-3D Attention and Entropy for Pose Robust 2D Facial Recognition"
FOLDER = "1_joint_attention"
HEADLINE = "tar_at_far_1pct"

__all__ = [
    "FOLDER",
    "HEADLINE",
    "METHODS",
    "NUMBER",
    "TIERS",
    "TITLE",
    "Method",
    "RecognitionSettings",
    "data_fingerprint",
    "prepare",
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


def data_fingerprint(method: str, tier: str) -> str:
    """The fingerprint of a method's data set as it would be generated today; see `training.data_fingerprint`."""
    from facelib.papers.joint_attention import training

    return training.data_fingerprint(method, tier)
