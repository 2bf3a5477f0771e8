"""What training does to joint attention, epoch by epoch: gamma, and how many places a row of the attention takes from.

A row is one position's shares of all positions, before gamma. Its maximum is 1 and its entropy 0 where it takes all
from one place; 1 / N and log N where it takes from all alike, and then attention is a mean over the map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from facelib.report.line_labels import label_lines, muted_looks
from facelib.runs.records import Record

WATCHED = {
    "gamma": "size of gamma",
    "row_maximum_2d": "largest share of a row, images",
    "row_entropy_2d": "places a row takes from, images",
    "row_maximum_3d": "largest share of a row, clouds",
}
LABEL_MARGIN = 1.9  # inches


def course_data(records: Mapping[str, Sequence[Record]]) -> pd.DataFrame:
    """What was watched: columns method, fold, start, epoch (from 1), and those of WATCHED that some record holds."""
    lines = [
        {"method": label, "fold": record.fold, "start": record.seed, "epoch": 1 + epoch}
        | {name: row["watch"][name] for name in WATCHED if name in row["watch"]}
        for label, several in records.items()
        for record in several
        for epoch, row in enumerate(record.history)
        if "gamma" in row["watch"]
    ]
    return pd.DataFrame(lines)


def draw_course(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A panel for each watched number: the mean of a method's runs, its name at the last epoch.

    Gamma is drawn without its sign, which V may turn and which differs between runs. The entropy is drawn as its
    exponential, the number of places that as many equal shares would have.

    Args:
        data: of `course_data`.
        emphasised: labels of the methods in colour; the others are grey.
    """
    shown = [name for name in WATCHED if name in data]
    width = 3.9 * len(shown)
    figure, axes = plt.subplots(1, len(shown), figsize=(width, 2.9), squeeze=False)
    figure.subplots_adjust(
        left=0.6 / width, right=1 - LABEL_MARGIN / width, bottom=0.18, top=0.88,
        wspace=(LABEL_MARGIN + 0.5) / (width / len(shown) - LABEL_MARGIN),
    )  # fmt: skip
    for axis, name in zip(axes[0], shown, strict=True):
        values = np.exp(data[name]) if "entropy" in name else data[name].abs()
        means = data.assign(value=values).groupby(["method", "epoch"], sort=False)["value"].mean().unstack("epoch")
        means = means.dropna(how="all")
        looks = muted_looks(means.index, emphasised)
        for label, curve in means.iterrows():
            axis.plot(curve.index, curve, marker="o", ms=2.5, **looks[str(label)])
        axis.set(xlabel="epoch", title=WATCHED[name])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_ylim(bottom=0)
        ends = {str(label): (curve.last_valid_index(), curve.dropna().iloc[-1]) for label, curve in means.iterrows()}
        label_lines(axis, ends, looks)
    return figure
