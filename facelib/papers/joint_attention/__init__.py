"""Paper 1: 2D-3D attention and entropy for pose-robust 2D recognition (Peace, Hu and Riggan).

settings    what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; metrics: what they are evaluated by
data_sets   which ones a method reads, at a tier's size, with their folds
networks    built by name at a tier's size; inputs: what they are given of a photograph
tasks       what the training loop is given; adaptation: terms between images and clouds; joint_task: joint attention
building    a method's task from all of these
protocol    embeddings, scores and metrics by pose
bootstrap   its metrics with people resampled, for intervals
steps       what facelib.papers.run calls of all this
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facelib.papers.joint_attention.claims import CLAIMS
from facelib.papers.joint_attention.methods import METHODS, Recogniser
from facelib.papers.joint_attention.metrics import METRICS, TABLES
from facelib.papers.joint_attention.settings import TIERS, RecognitionSettings, relevant
from facelib.papers.paper import Paper, Steps

if TYPE_CHECKING:
    from facelib.papers.joint_attention import steps

    _checked: Steps[Recogniser, RecognitionSettings] = steps

PAPER: Paper[Recogniser, RecognitionSettings] = Paper(
    name="joint_attention",
    module=f"{__name__}.steps",
    number=1,
    title="2D-3D Attention and Entropy for Pose Robust 2D Facial Recognition",
    folder="1_joint_attention",
    folds=3,
    headline="tar_at_far_1pct",
    methods=METHODS,
    published=RecognitionSettings(),
    tiers=TIERS,
    relevant=relevant,
    metrics=METRICS,
    tables=TABLES,
    claims=CLAIMS,
)
