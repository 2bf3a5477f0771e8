"""Tables I and II of paper 3 as pictures: how many photographs have how small an error, and errors by yaw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.sadrnet.metrics import YAWS
from facelib.report.intervals import Estimates
from facelib.report.records import scores_of
from facelib.report.style import legend_outside, line_looks
from facelib.runs.records import Record

METRICS = {"sparse_2d": "Sparse alignment, 68 points 2D", "reconstruction": "3D reconstruction"}
NORMALISED = {"sparse_2d": "NME (% of the face's box)", "reconstruction": "NME (% of the interocular distance)"}
PERCENT = 100.0
POINTS = 201  # of a curve
SHOWN_SHARE = 0.95  # of the photographs that the worst method's curve shows
MARKERS = "Dos^vP<>X"
EVERYTHING = "all"  # photographs of every yaw


def curve_data(records: Mapping[str, Record]) -> pd.DataFrame:
    """Cumulative error curves: columns method, metric, error (fraction), share (of the photographs with at most it).

    Args:
        records: label -> record; all curves of a metric have the same errors.
    """
    scores = {label: scores_of(record) for label, record in records.items()}
    frames = []
    for metric in METRICS:
        limit = max(float(np.quantile(values[metric], SHOWN_SHARE)) for values in scores.values())
        grid = np.linspace(0, limit, POINTS)
        for label, values in scores.items():
            share = np.searchsorted(np.sort(values[metric]), grid, side="right") / len(values[metric])
            frames.append(pd.DataFrame({"method": label, "metric": metric, "error": grid, "share": share}))
    return pd.concat(frames, ignore_index=True)


def draw_curves(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A panel for each metric; the further left and up a curve runs, the better.

    Args:
        data: of `curve_data`.
        emphasised: labels of the methods to stand out.
    """
    figure, axes = plt.subplots(1, len(METRICS), figsize=(7.4, 3.7), sharey=True, layout="constrained")
    looks = line_looks(dict.fromkeys(data["method"]), emphasised)
    for axis, (metric, title) in zip(axes, METRICS.items(), strict=True):
        part = data[data["metric"] == metric]
        for label, curve in part.groupby("method", sort=False):
            axis.plot(curve["error"] * PERCENT, curve["share"] * PERCENT, label=label, **looks[label])
        axis.set(xlabel=NORMALISED[metric], title=title, xlim=(0, part["error"].max() * PERCENT), ylim=(0, 101))
    axes[0].set_ylabel("photographs with at most this error (%)")
    lines, labels = axes[0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=labels, ncols=3, fontsize=7, handlelength=3)
    return figure


def yaw_data(estimates: Estimates, methods: Sequence[str]) -> pd.DataFrame:
    """Mean errors by range of yaw with 95 % intervals over people.

    Args:
        estimates: of a tier.
        methods: names; those without scores here are left out.

    Returns:
        Columns method (label), metric, yaw (a range, or "all"), error, low, high (fractions).
    """
    lines = []
    for name in (name for name in methods if name in estimates.samples):
        for metric in METRICS:
            for yaw in (*YAWS, EVERYTHING):
                found = estimates.combine([(1.0, name, metric if yaw == EVERYTHING else f"{metric}/{yaw}")])
                line = {"method": estimates.runs.label(name), "metric": metric, "yaw": yaw}
                lines.append(line | {"error": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(lines)


def draw_yaw(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A panel for each metric: a line for each method over the ranges of yaw, with its intervals; all faces apart.

    Args:
        data: of `yaw_data`.
        emphasised: labels of the methods to stand out.
    """
    figure, axes = plt.subplots(1, len(METRICS), figsize=(7.4, 4.1), layout="constrained")
    labels = list(dict.fromkeys(data["method"]))
    looks, markers = line_looks(labels, emphasised), dict(zip(labels, cycle(MARKERS), strict=False))
    steps = np.linspace(-0.28, 0.28, len(labels)) if len(labels) > 1 else [0.0]
    for axis, (metric, title) in zip(axes, METRICS.items(), strict=True):
        for label, step in zip(labels, steps, strict=True):
            part = data[(data["metric"] == metric) & (data["method"] == label)]
            places, values = np.arange(len(part)) + step, part[["error", "low", "high"]].to_numpy() * PERCENT
            look = looks[label] | {"linewidth": 0.6 * looks[label]["linewidth"], "marker": markers[label], "ms": 4}
            axis.vlines(places, *values[:, 1:].T, color=look["color"], lw=1.3, zorder=look["zorder"])
            axis.plot(places[:-1], values[:-1, 0], label=label, **look)
            axis.plot(places[-1:], values[-1:, 0], **look)
        axis.axvline(len(YAWS) - 0.5, color="#999999", lw=0.8)
        axis.set_xticks(range(len(YAWS) + 1), [f"{name}°" for name in YAWS] + [EVERYTHING])
        axis.set(title=title, xlabel="yaw", ylabel=NORMALISED[metric])
        axis.set_ylim(bottom=0)
        axis.grid(axis="x", visible=False)
    lines, names = axes[0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7, handlelength=4)
    return figure
