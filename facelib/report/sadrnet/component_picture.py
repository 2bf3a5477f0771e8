"""How much of each of the first components of a person's shape networks tell (ours)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.sadrnet.metrics import COMPONENTS
from facelib.report.intervals import Estimates
from facelib.report.style import legend_outside, line_looks
from facelib.report.yaw_errors import MARKERS

PERCENT = 100.0
LEAST, EDGE = -45.0, -42.0  # percent; what lies below the edge stands there with its number, and leaves others room


def component_data(estimates: Estimates, methods: Sequence[str]) -> pd.DataFrame:
    """Shares of the variance of identity components that are read, with 95 % intervals over people.

    Args:
        estimates: of a tier.
        methods: names; those without scores here are left out.

    Returns:
        Columns method (label), component (1 on), read, low and high (fractions).
    """
    lines = []
    for name in (name for name in methods if name in estimates.samples):
        for number, metric in enumerate(COMPONENTS, start=1):
            found = estimates.combine([(1.0, name, metric)])
            line = {"method": estimates.runs.label(name), "component": number}
            lines.append(line | {"read": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(lines)


def draw_components(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A group of marks with intervals for each component; 0 is silence, 100 % the truth, below 0 worse than silence.

    Args:
        data: of `component_data`.
        emphasised: labels of the methods to stand out.
    """
    labels = list(dict.fromkeys(data["method"]))
    figure, axis = plt.subplots(figsize=(7.4, 3.2), layout="constrained")
    looks, markers = line_looks(labels, emphasised), dict(zip(labels, cycle(MARKERS), strict=False))
    steps = np.linspace(-0.3, 0.3, len(labels)) if len(labels) > 1 else [0.0]
    for label, step in zip(labels, steps, strict=True):
        own = data[data["method"] == label]
        places, (read, low, high) = own["component"] + step, (own[["read", "low", "high"]].to_numpy() * PERCENT).T
        colour, order = looks[label]["color"], looks[label]["zorder"]
        axis.vlines(places, low, high, color=colour, lw=1.3, zorder=order)
        below = read < EDGE
        axis.plot(places, read.clip(EDGE), ls="", marker=markers[label], ms=4, color=colour, label=label, zorder=order)
        for place, percent in zip(places[below], read[below], strict=True):
            axis.annotate(f"{percent:.0f}", (place, EDGE), (3, 0), textcoords="offset points", fontsize=6, va="center")
    axis.axhline(0, color="#999999", lw=0.8, zorder=0)
    axis.set_xticks(sorted(data["component"].unique()))
    axis.set(xlabel="component of the face model's identity, the largest first", ylabel="variance read (%)")
    lowest, highest = data["low"].min() * PERCENT, data["high"].max() * PERCENT
    axis.set_ylim(max(LEAST, min(1.05 * lowest, -5.0)), max(10.0, 1.05 * highest))
    axis.grid(axis="x", visible=False)
    lines, names = axis.get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7)
    return figure
