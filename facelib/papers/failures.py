"""Samples that cannot be judged: they are counted in the record and said under the tables, and never end a run.

A prediction may hold a NaN, or a face that collapsed to a point: nothing can be measured on it. Such a sample takes the
scores of a stand-in that knows nothing of it, and its failure is noted beside them. All other errors stay errors, and
so does a stand-in that cannot be judged: then the truth is at fault.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from facelib.errors import BadInput, DegenerateInput
from facelib.papers.paper import Metrics, Scores
from facelib.runs.records import Record

AT_ONCE = 32  # samples that are judged together
FAILED = "failed"  # the metric; and the end of the names of scores (N,) bool that say which samples

P = TypeVar("P")  # what makes a prediction
_log = logging.getLogger(__name__)


def all_judged(
    scores_of: Callable[[P, np.ndarray], Scores], predict: P, stand_in: P, rows: np.ndarray, at_once: int = AT_ONCE
) -> Scores:
    """The scores of samples, taken in portions; see `judged`.

    Raises:
        BadInput: without rows.
    """
    if len(rows) == 0:
        raise BadInput("no photographs to evaluate: expected at least one")
    portions = np.array_split(rows, -(-len(rows) // at_once))
    return joined([judged(scores_of, predict, stand_in, some) for some in portions])


def judged(scores_of: Callable[[P, np.ndarray], Scores], predict: P, stand_in: P, rows: np.ndarray) -> Scores:
    """The scores of samples, of each that cannot be judged those of the stand-in, and "failed".

    The samples are judged together, and one by one only where one of them fails.

    Args:
        scores_of: what makes the prediction, and rows (N,) -> arrays (N, ...) by name.
        predict: makes the predictions.
        stand_in: makes those that count where `predict` fails.
        rows: (N,) of the samples, at least one.

    Raises:
        DegenerateInput: when the stand-in itself cannot be judged.
    """
    try:
        return _finite(scores_of(predict, rows)) | {FAILED: np.zeros(len(rows), bool)}
    except DegenerateInput as error:
        if len(rows) == 1:
            _log.info("sample %d cannot be judged: %s", rows[0], error)
            return _finite(scores_of(stand_in, rows)) | {FAILED: np.ones(1, bool)}
    return joined([judged(scores_of, predict, stand_in, row) for row in rows[:, None]])


def joined(parts: Sequence[Scores]) -> Scores:
    """The scores of several parts of the samples as those of all."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def failed_metric(scores: Mapping[str, np.ndarray]) -> Metrics:
    """How many samples failed, of all data sets whose scores these are; no metric where none did."""
    count = sum(int(values.sum()) for name, values in scores.items() if name.endswith(FAILED))
    return {FAILED: {"value": count, "unit": "samples"}} if count else {}


def failure_note(records: Iterable[Record], counts_as: str) -> str:
    """How many samples of some runs could not be judged and what they count as, in words; empty where none failed."""
    count = sum(int(record.metrics[FAILED]["value"]) for record in records if FAILED in record.metrics)
    words = {0: "", 1: f"1 sample could not be judged and counts as {counts_as}"}
    return words.get(count, f"{count} samples could not be judged and count as {counts_as}")


def _finite(scores: Scores) -> Scores:
    for name, values in scores.items():
        if not np.isfinite(values).all():
            raise DegenerateInput(f"{name} is not finite")
    return scores
