"""What networks tell of shapes and where they see landmarks, against the photographs that they have learnt from."""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.sadrnet.methods import ENCODER
from facelib.report.records import TierRuns
from facelib.report.style import legend_outside, line_looks
from facelib.runs.records import Record

SHOWN = {"shape_ratio": "error of the shape (% of the mean face's)", "sparse_2d": "sparse 2D NME (% of the face's box)"}
COLUMNS = ("method", "seed", "samples", *SHOWN)
PERCENT = 100.0
HIGHEST = 130.0  # percent of the mean face's error that are shown: a face far worse than it is none yet


def learning_data(runs: TierRuns, methods: Iterable[str]) -> pd.DataFrame:
    """Errors of held-out people after each epoch of each training start.

    Args:
        runs: of a tier.
        methods: names; those whose runs did not watch the shape are left out.

    Returns:
        Columns method (label), seed, samples (photographs seen), shape_ratio and sparse_2d (fractions).
    """
    lines = [
        {"method": runs.label(name), "seed": record.seed, "samples": photographs(record) * (epoch + 1), **shown}
        for name in methods
        for record in runs.records(name)
        for epoch, row in enumerate(record.history)
        if (shown := {metric: row["validation"][metric] for metric in SHOWN if metric in row["validation"]})
        and len(shown) == len(SHOWN)
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def photographs(record: Record) -> int:
    """Of the stream, in an epoch of a run's training."""
    settings = record.parameters
    if record.method == ENCODER:
        return settings["encoder"]["batches"] * settings["pretraining"]["batch_size"]
    return settings["stream"]["batches"] * settings["training"]["batch_size"]


def draw_learning(data: pd.DataFrame) -> Figure:
    """A panel for each error, photographs on a logarithmic axis; a line a training start, on held-out people.

    Args:
        data: of `learning_data`.
    """
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(7.4, 3.6), layout="constrained")
    looks = line_looks(dict.fromkeys(data["method"]))
    for axis, (metric, title) in zip(axes, SHOWN.items(), strict=True):
        for (label, seed), curve in data.groupby(["method", "seed"], sort=False):
            name = label if seed == data[data["method"] == label]["seed"].iloc[0] else None
            axis.plot(curve["samples"], curve[metric] * PERCENT, label=name, **looks[label])
        axis.set(xscale="log", xlabel="photographs learnt from")
        axis.set_title(title, fontsize=8)
    axes[0].axhline(PERCENT, color="#999999", lw=0.8, zorder=0)
    axes[0].set_ylim(top=min(axes[0].get_ylim()[1], HIGHEST))
    axes[1].set_yscale("log")
    lines, names = axes[0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7, handlelength=3)
    return figure
