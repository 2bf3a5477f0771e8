"""Tables I and II of paper 3 as pictures: how many photographs have how small an error, and errors by yaw.

Networks differ by tenths of a point where the mean face is off by tens, so both pictures show differences from one
method, and the mean face is named instead of drawn where it would leave no room for anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.sadrnet.metrics import YAWS
from facelib.report import yaw_errors
from facelib.report.intervals import Estimates
from facelib.report.records import scores_of
from facelib.report.style import legend_outside, line_looks
from facelib.report.yaw_errors import EVERYTHING, PERCENT, near_and_far
from facelib.runs.records import Record

METRICS = {"sparse_2d": "Sparse alignment, 68 points 2D", "reconstruction": "3D reconstruction"}
NORMALISED = {"sparse_2d": "NME (% of the face's box)", "reconstruction": "NME (% of the interocular distance)"}
REFERENCE = "sadrnet"  # that others are compared with, where it has a run
POINTS = 201  # of a curve
SHOWN_SHARE = 0.95  # of the photographs that a typical method's curve shows


def curve_data(records: Mapping[str, Record]) -> pd.DataFrame:
    """Cumulative error curves: columns method, metric, error (fraction), share (of the photographs with at most it).

    Args:
        records: label -> record; all curves of a metric have the same errors, up to one that nearly all photographs
            of half of the methods stay below.
    """
    scores = {label: scores_of(record) for label, record in records.items()}
    frames = []
    for metric in METRICS:
        limit = float(np.median([np.quantile(values[metric], SHOWN_SHARE) for values in scores.values()]))
        grid = np.linspace(0, limit, POINTS)
        for label, values in scores.items():
            share = np.searchsorted(np.sort(values[metric]), grid, side="right") / len(values[metric])
            frames.append(pd.DataFrame({"method": label, "metric": metric, "error": grid, "share": share}))
    return pd.concat(frames, ignore_index=True)


def draw_curves(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A column for each metric: above the curves, the further left and up the better; below what each has more.

    Args:
        data: of `curve_data`.
        emphasised: labels of the methods to stand out; the first method, theirs before others, is compared with.
    """
    figure, axes = plt.subplots(2, len(METRICS), figsize=(7.4, 5.6), sharey="row", sharex="col", layout="constrained")
    labels = list(dict.fromkeys(data["method"]))
    looks, reference = line_looks(labels, emphasised), next(iter((*emphasised, *labels)))
    furthest = 0.0
    for (above, below), (metric, title) in zip(axes.T, METRICS.items(), strict=True):
        part = data[data["metric"] == metric]
        curves = dict(iter(part.groupby("method", sort=False)))
        gaps = {
            label: (curve["share"].to_numpy() - curves[reference]["share"].to_numpy()) * PERCENT
            for label, curve in curves.items()
        }
        for label, curve in curves.items():
            error = curve["error"] * PERCENT
            above.plot(error, curve["share"] * PERCENT, label=label, **looks[label])
            below.plot(error, gaps[label], **looks[label])
        near, _ = near_and_far({label: np.abs(gap).max() for label, gap in gaps.items()})
        furthest = max(furthest, *(np.abs(gaps[label]).max() for label in near))
        above.set(title=title, xlim=(0, part["error"].max() * PERCENT), ylim=(0, 101))
        below.set(xlabel=NORMALISED[metric])
    axes[0, 0].set_ylabel("photographs with at most\nthis error (%)")
    axes[1, 0].set(ylabel=f"more than {reference}\n(points)", ylim=(-1.1 * furthest - 1e-9, 1.1 * furthest + 1e-9))
    lines, names = axes[0, 0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7, handlelength=3)
    return figure


def yaw_data(estimates: Estimates, methods: Sequence[str]) -> pd.DataFrame:
    """Mean errors by range of yaw, and how far they are above the reference's, with 95 % intervals over people.

    Args:
        estimates: of a tier.
        methods: names; those without scores here are left out.

    Returns:
        Columns method (label), metric, yaw (a range, or "all"), error (fraction), reference (label), difference, low,
        high (fractions) of what the error is above the reference's.
    """
    there = [name for name in methods if name in estimates.samples]
    reference = REFERENCE if REFERENCE in there else next(iter(there), "")
    lines = []
    for name in there:
        for metric in METRICS:
            for yaw in (*YAWS, EVERYTHING):
                key = metric if yaw == EVERYTHING else f"{metric}/{yaw}"
                line = {"method": estimates.runs.label(name), "metric": metric, "yaw": yaw}
                error = estimates.combine([(1.0, name, key)]).value
                gap = estimates.combine([(1.0, name, key), (-1.0, reference, key)])
                above = {"difference": gap.value, "low": gap.low, "high": gap.high}
                lines.append(line | {"error": error, "reference": estimates.runs.label(reference), **above})
    return pd.DataFrame(lines)


def draw_yaw(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """`facelib.report.yaw_errors.draw_yaw` of both metrics."""
    return yaw_errors.draw_yaw(data, METRICS, emphasised)
