"""Tables I and II of paper 3 as pictures: how many photographs have how small an error, and errors by yaw.

Networks differ by tenths of a point where the mean face is off by tens, so both pictures show differences from one
method, and the mean face is named instead of drawn where it would leave no room for anything else.
"""

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
REFERENCE = "sadrnet"  # that others are compared with, where it has a run
PERCENT = 100.0
POINTS = 201  # of a curve
SHOWN_SHARE = 0.95  # of the photographs that a typical method's curve shows
MARKERS = "Dos^vP<>X"
EVERYTHING = "all"  # photographs of every yaw
FAR_OFF = 5.0  # times the typical distance from the reference, from which on a method is named and not drawn


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


def near_and_far(distances: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Which methods lie about as far from the reference as methods do, and which by far farther."""
    others = [distance for distance in distances.values() if distance > 0]
    limit = FAR_OFF * float(np.median(others)) if others else 0.0
    near = [label for label, distance in distances.items() if distance <= limit]
    return near, [label for label in distances if label not in near]


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
    """A panel for each metric: what methods err more than the reference over the ranges of yaw; all faces apart.

    Args:
        data: of `yaw_data`.
        emphasised: labels of the methods to stand out.
    """
    figure, axes = plt.subplots(1, len(METRICS), figsize=(7.4, 4.3), layout="constrained")
    labels, reference = list(dict.fromkeys(data["method"])), data["reference"].iloc[0]
    looks, markers = line_looks(labels, emphasised), dict(zip(labels, cycle(MARKERS), strict=False))
    for axis, (metric, title) in zip(axes, METRICS.items(), strict=True):
        part = data[data["metric"] == metric]
        sizes = part.groupby("method", sort=False)["difference"].apply(lambda gap: float(gap.abs().max()))
        near, far = near_and_far(dict(sizes))
        steps = np.linspace(-0.28, 0.28, len(near)) if len(near) > 1 else [0.0]
        for label, step in zip(near, steps, strict=True):
            own = part[part["method"] == label]
            places, values = np.arange(len(own)) + step, own[["difference", "low", "high"]].to_numpy() * PERCENT
            look = looks[label] | {"linewidth": 0.6 * looks[label]["linewidth"], "marker": markers[label], "ms": 4}
            axis.vlines(places, *values[:, 1:].T, color=look["color"], lw=1.3, zorder=look["zorder"])
            axis.plot(places[:-1], values[:-1, 0], label=label, **look)
            axis.plot(places[-1:], values[-1:, 0], **look)
        axis.axhline(0, color="#999999", lw=0.8, zorder=0)
        axis.axvline(len(YAWS) - 0.5, color="#999999", lw=0.8)
        own = part[part["method"] == reference]["error"] * PERCENT
        ranges = [f"{name}°" for name in YAWS] + [EVERYTHING]
        axis.set_xticks(
            range(len(ranges)), [f"{name}\n{error:.2f} %" for name, error in zip(ranges, own, strict=True)], fontsize=7
        )
        axis.set(title=title, xlabel=f"yaw, and the error of {reference} there", ylabel=f"above {reference} (points)")
        axis.grid(axis="x", visible=False)
        if far:
            overall = part[part["yaw"] == EVERYTHING].set_index("method")["error"]
            words = "\n".join(f"not drawn: {label}, {overall[label] * PERCENT:.1f} % of all" for label in far)
            box = {"boxstyle": "square,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.8}
            place = {"xycoords": "axes fraction", "va": "top", "bbox": box}
            axis.annotate(words, (0.02, 0.98), fontsize=6, color="#555555", **place)
    lines, names = axes[0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7, handlelength=4)
    return figure
