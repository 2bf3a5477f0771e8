"""How far methods are from one of them over the ranges of yaw: points with the intervals of paired differences.

A method that is off by far more than the others would leave no room for them: it is named instead of drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.report.style import legend_outside, line_looks

PERCENT = 100.0
MARKERS = "Dos^vP<>X"
EVERYTHING = "all"  # photographs of every yaw
NOTE = 0.05  # of a panel's height, for each method that is named in it
FAR_OFF = 5.0  # times the typical distance from the reference, from which on a method is named and not drawn


def near_and_far(distances: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Which methods lie about as far from the reference as methods do, and which by far farther."""
    others = [distance for distance in distances.values() if distance > 0]
    limit = FAR_OFF * float(np.median(others)) if others else 0.0
    near = [label for label, distance in distances.items() if distance <= limit]
    return near, [label for label in distances if label not in near]


def draw_yaw(data: pd.DataFrame, titles: Mapping[str, str], emphasised: Sequence[str] = ()) -> Figure:
    """A panel for each metric: what methods err more than the reference over the ranges of yaw; all faces apart.

    Args:
        data: a line a method, metric and range: method (label), metric, yaw (a range, or "all"), error (fraction),
            reference (label), and difference, low, high (fractions) of what the error is above the reference's.
        titles: of the metrics that are shown.
        emphasised: labels of the methods to stand out.
    """
    size = (max(3.7 * len(titles), 5.6), 4.3)
    figure, axes = plt.subplots(1, len(titles), figsize=size, squeeze=False, layout="constrained")
    labels, reference = list(dict.fromkeys(data["method"])), data["reference"].iloc[0]
    looks, markers = line_looks(labels, emphasised), dict(zip(labels, cycle(MARKERS), strict=False))
    for axis, (metric, title) in zip(axes[0], titles.items(), strict=True):
        part = data[data["metric"] == metric]
        ranges = [name if name == EVERYTHING else f"{name}°" for name in part["yaw"].unique()]
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
        axis.axvline(len(ranges) - 1.5, color="#999999", lw=0.8)
        own = part[part["method"] == reference]["error"] * PERCENT
        axis.set_xticks(
            range(len(ranges)), [f"{name}\n{error:.2f} %" for name, error in zip(ranges, own, strict=True)], fontsize=7
        )
        axis.set(title=title, xlabel=f"yaw, and the error of {reference} there", ylabel=f"above {reference} (points)")
        axis.grid(axis="x", visible=False)
        if far:
            low, high = axis.get_ylim()
            axis.set_ylim(low, high + NOTE * len(far) * (high - low))
            overall = part[part["yaw"] == EVERYTHING].set_index("method")["error"]
            words = "\n".join(f"not drawn: {label}, {overall[label] * PERCENT:.1f} % of all" for label in far)
            box = {"boxstyle": "square,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.8}
            place = {"xycoords": "axes fraction", "va": "top", "bbox": box}
            axis.annotate(words, (0.02, 0.98), fontsize=6, color="#555555", **place)
    # A method that is named in one panel may be drawn in another one.
    drawn = {name: line for axis in axes[0] for line, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    names = [label for label in labels if label in drawn]
    lines = [drawn[name] for name in names]
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7, handlelength=4)
    return figure
