"""What is watched of held-out people, against the photographs that networks have learnt from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from facelib.report.records import TierRuns
from facelib.report.style import legend_outside, line_looks
from facelib.runs.records import Record

KNOWN = ("method", "seed", "samples")


@dataclass(frozen=True)
class Watched:
    """One thing that is watched, and its panel.

    Args:
        title: with the unit.
        factor: from records to this unit.
        logarithmic: whether its axis is.
        level: where a line says what knows nothing, in this unit.
        highest: that is shown, in this unit.
    """

    title: str
    factor: float = 100.0
    logarithmic: bool = False
    level: float | None = None
    highest: float = math.inf


def learning_data(
    runs: TierRuns, methods: Iterable[str], shown: Iterable[str], photographs: Callable[[Record], int]
) -> pd.DataFrame:
    """What was watched after each epoch of each training start.

    Args:
        runs: of a tier.
        methods: names; those whose runs did not watch the first of what is shown are left out.
        shown: names of what is watched.
        photographs: of an epoch of a run.

    Returns:
        Columns method (label), seed, samples (photographs seen), and those shown, NaN where one was not watched.
    """
    names = list(shown)
    lines = [
        {"method": runs.label(method), "seed": record.seed, "samples": photographs(record) * (epoch + 1)}
        | {name: row["validation"].get(name, math.nan) for name in names}
        for method in methods
        for record in runs.records(method)
        for epoch, row in enumerate(record.history)
        if names[0] in row["validation"]
    ]
    return pd.DataFrame(lines, columns=[*KNOWN, *names])


def draw_learning(data: pd.DataFrame, panels: Mapping[str, Watched]) -> Figure:
    """Panels with photographs on a logarithmic axis; a line a training start.

    Args:
        data: of `learning_data`.
        panels: what is drawn of it.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(7.4, 3.6), squeeze=False, layout="constrained")
    looks = line_looks(dict.fromkeys(data["method"]))
    for axis, (name, watched) in zip(axes[0], panels.items(), strict=True):
        for (label, seed), curve in data.groupby(["method", "seed"], sort=False):
            first = seed == data[data["method"] == label]["seed"].iloc[0]
            values = curve[name] * watched.factor
            axis.plot(curve["samples"], values, label=label if first else None, marker=".", **looks[label])
        axis.set(xscale="log", xlabel="photographs learnt from")
        axis.set_title(watched.title, fontsize=8)
        if watched.level is not None:
            axis.axhline(watched.level, color="#999999", lw=0.8, zorder=0)
        if watched.logarithmic:
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(LogFormatter())  # 10 and not a power of it
            axis.yaxis.set_minor_formatter(LogFormatter())
        axis.set_ylim(top=min(axis.get_ylim()[1], watched.highest))
    lines, names = axes[0, 0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7, handlelength=3)
    return figure
