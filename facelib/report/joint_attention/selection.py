"""Which epoch runs of paper 1 kept, and what choosing it by the validation people did.

The rate on a dozen validation people moves by several points from epoch to epoch, so the best of many epochs is partly
the luckiest one. A run that keeps the best epoch and one that keeps the last, of the same start, show what the choice
does to the rate on the people who are evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.protocol import TAR_AT_FAR
from facelib.runs.records import Record

PERCENT = 100.0


def selection_data(records: Mapping[str, Sequence[Record]]) -> pd.DataFrame:
    """One line a run; rates are TAR at 1 % FAR over all poses, in percent.

    Args:
        records: label -> records; those of baselines, which have no epochs, are left out.

    Returns:
        Columns method, fold, start, kept (the epoch whose weights the run gives, counted from 1), epochs, by ("best" on
        validation people or "last"), at_best and at_last (rates on the validation people), moves (mean change of that
        rate from one epoch to the next), evaluated (rate on the evaluated people, of the epoch that was kept).
    """
    return pd.DataFrame(
        [_line(label, record) for label, several in records.items() for record in several if record.history]
    )


def _line(label: str, record: Record) -> dict[str, object]:
    rates = PERCENT * np.array([row["validation"][TAR_AT_FAR] for row in record.history])
    stage = record.parameters[PAPER.method(record.method).stage]
    by = stage.get("keep", "best")  # records of before `keep` chose by validation
    best = int(rates.argmax())
    return {
        "method": label,
        "fold": record.fold,
        "start": record.seed,
        "kept": 1 + (best if by == "best" else len(rates) - 1),
        "epochs": len(rates),
        "by": by,
        "at_best": rates[best],
        "at_last": rates[-1],
        "moves": float(np.abs(np.diff(rates)).mean()) if len(rates) > 1 else 0.0,
        "evaluated": PERCENT * record.metrics[TAR_AT_FAR]["value"],
    }
