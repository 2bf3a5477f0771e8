"""Held-out people against the photographs that networks of paper 2 have learnt from: recognisers and reconstructors."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.normal_components import PAPER
from facelib.report import learning_curve
from facelib.report.learning_curve import Watched
from facelib.report.records import TierRuns
from facelib.runs.records import Record

TOLD_APART = {"held_out_rank1": Watched("held-out people told apart (rank-1, %)")}
READ = {
    "fidelity_mm": Watched("error of the shape (mm)", factor=1.0),
    "fidelity_rank1": Watched("people told by the shape (rank-1, %)"),
}


def recogniser_data(runs: TierRuns, methods: Iterable[str]) -> pd.DataFrame:
    """As `facelib.report.learning_curve.learning_data`, of recognisers; reconstructors are left out."""
    return learning_curve.learning_data(runs, methods, TOLD_APART, photographs)


def reconstructor_data(runs: TierRuns, methods: Iterable[str]) -> pd.DataFrame:
    """The same of reconstructors; recognisers are left out."""
    return learning_curve.learning_data(runs, methods, READ, photographs)


def photographs(record: Record) -> int:
    """In an epoch of a run's training: those of the stream, or of the web with what was reconstructed from them."""
    method, settings = PAPER.method(record.method), record.parameters
    if method.reads:
        return settings["taught"]["batches"] * settings[method.stage]["batch_size"]
    return settings["web"]["identities"] * settings["web"]["images"]


def draw_recognisers(data: pd.DataFrame) -> Figure:
    """Of `recogniser_data`."""
    return learning_curve.draw_learning(data, TOLD_APART)


def draw_reconstructors(data: pd.DataFrame) -> Figure:
    """Of `reconstructor_data`."""
    return learning_curve.draw_learning(data, READ)
