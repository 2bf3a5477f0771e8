"""Shapes and landmarks that paper 3's networks tell of held-out people, against photographs they have learnt from."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.sadrnet.methods import METHODS, READER
from facelib.report import learning_curve
from facelib.report.learning_curve import Watched
from facelib.report.records import TierRuns
from facelib.runs.records import Record

HIGHEST = 130.0  # percent of the mean face's error that are shown: a face far worse than it is none yet
SHOWN = {
    "shape_ratio": Watched("error of the shape (% of the mean face's)", level=100.0, highest=HIGHEST),
    "sparse_2d": Watched("sparse 2D NME (% of the face's box)", logarithmic=True),
}


def learning_data(runs: TierRuns, methods: Iterable[str]) -> pd.DataFrame:
    """As `facelib.report.learning_curve.learning_data`, of shape_ratio and sparse_2d."""
    return learning_curve.learning_data(runs, methods, SHOWN, photographs)


def photographs(record: Record) -> int:
    """Of the stream, in an epoch of a run's training."""
    settings, method = record.parameters, METHODS[record.method]
    batches = settings["stream"]["batches"]
    if method.is_pretraining:
        batches = settings["encoder"]["reader_batches" if method.name == READER else "batches"]
    return batches * settings[method.stage]["batch_size"]


def draw_learning(data: pd.DataFrame) -> Figure:
    """Both errors of `learning_data`."""
    return learning_curve.draw_learning(data, SHOWN)
