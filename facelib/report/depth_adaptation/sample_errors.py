"""Figures 5 and 7 of paper 4: the mesh fitting error of thirty samples, as in print, and of all frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.depth_adaptation.protocol import values_of
from facelib.report.style import legend_outside, line_looks

SAMPLES, TESTED = "30 samples", "people of whom nothing was learnt"
FAR = 2.5  # times the median method's error, from which on a method is named and not drawn
ERROR = "mesh fitting error, eq. 8 (cm²)"
SHOWN_SHARE = 0.97  # of the frames that a typical method's curve shows


def sample_data(scores: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """Errors of single frames.

    Args:
        scores: label -> scores of its run, all of the same frames.

    Returns:
        Columns method, frames (SAMPLES or TESTED), row (of the data set) and fitting (cm^2).
    """
    lines = []
    for label, own in scores.items():
        values = values_of(dict(own))["shape"]
        for name, key in ((SAMPLES, "fitting_30"), (TESTED, "fitting")):
            rows = np.flatnonzero(~np.isnan(values[key]))
            lines.append(pd.DataFrame({"method": label, "frames": name, "row": rows, "fitting": values[key][rows]}))
    return pd.concat(lines, ignore_index=True) if lines else pd.DataFrame()


def draw_sample_errors(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """Left the curve over the samples, in the order of the first method's errors; right the share of frames with at
    most an error.

    Args:
        data: of `sample_data`.
        emphasised: labels of the methods to stand out.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.9), layout="constrained", width_ratios=(1.35, 1))
    labels = list(dict.fromkeys(data["method"]))
    looks = line_looks(labels, emphasised)
    table = data[data["frames"] == SAMPLES].pivot(index="row", columns="method", values="fitting")[labels]
    table = table.sort_values(labels[0])
    medians = table.median()
    far = [label for label in labels if medians[label] > FAR * medians.median()]
    near = [label for label in labels if label not in far]
    for label in near:
        told = f"{label}: mean {table[label].mean():.4f}, sd {table[label].std(ddof=0):.4f}"
        left.plot(np.arange(1, len(table) + 1), table[label], marker=".", ms=4, label=told, **looks[label])
    for place, label in enumerate(far):
        text = f"{label}: mean {table[label].mean():.3f} cm², not drawn"
        left.text(0.02, 0.97 - 0.06 * place, text, transform=left.transAxes, fontsize=6.5, va="top")
    tested = {label: np.sort(part["fitting"]) for label, part in data[data["frames"] == TESTED].groupby("method")}
    limit = float(np.median([np.quantile(tested[label], SHOWN_SHARE) for label in near]))
    for label in near:
        share = np.arange(1, len(tested[label]) + 1) / len(tested[label]) * 100
        right.step(np.r_[0, tested[label]], np.r_[0, share], where="post", **looks[label])
    left.set(
        xlabel="sample, in the order of the first method's errors",
        ylabel=ERROR,
        ylim=(0, None),
    )
    left.set_title(f"{len(table)} samples, as in print", fontsize=8)
    right.set(
        xlabel=ERROR,
        ylabel="frames with at most this error (%)",
        xlim=(0, limit),
        ylim=(0, 101),
    )
    right.set_title(f"{len(next(iter(tested.values())))} frames of {TESTED}", fontsize=8)
    legend_outside(figure, "lower center", ncols=2, fontsize=7, handlelength=3)
    return figure
