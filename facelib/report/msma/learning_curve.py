"""Where networks of paper 5 see landmarks and how much they tell of a person, against photographs learnt from."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.msma import PAPER
from facelib.report import learning_curve
from facelib.report.learning_curve import Watched
from facelib.report.records import TierRuns
from facelib.runs.records import Record

SHOWN = {
    "landmarks_off": Watched("distance from detected landmarks\n(% of the face's box)", logarithmic=True),
    "spread_identity": Watched("spread of identity\n(standard deviations; of true faces 1)", factor=1.0),
}


def learning_data(runs: TierRuns, methods: Iterable[str]) -> pd.DataFrame:
    """As `facelib.report.learning_curve.learning_data`, of `SHOWN`; the landmark reader tells no identity."""
    return learning_curve.learning_data(runs, methods, SHOWN, photographs)


def photographs(record: Record) -> int:
    """Of the stream, in an epoch of a run's training."""
    stage = record.parameters[PAPER.method(record.method).stage]
    return record.parameters["stream"]["batches"] * stage["batch_size"]


def draw_learning(data: pd.DataFrame) -> Figure:
    """Both of `learning_data`."""
    return learning_curve.draw_learning(data, SHOWN)
