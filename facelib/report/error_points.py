"""Metrics of several methods as points with their 95 % intervals, and paired differences from one of them.

A method that is off by far more than the others is named at the edge of a panel, as it would leave no room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.papers.paper import Metric
from facelib.report.intervals import Estimates
from facelib.report.style import line_looks
from facelib.report.yaw_errors import near_and_far

MEASURED = ("value", "low", "high")
DIFFERENCE = tuple(f"difference_{name}" for name in MEASURED)
OTHERS = "#4D4D4D"  # colour of methods that do not stand out
ROOM = 0.12  # left and right of the intervals, of their range


def point_data(estimates: Estimates, methods: Iterable[str], metrics: Iterable[str], reference: str) -> pd.DataFrame:
    """Metrics with their intervals, and how much larger they are than the reference's.

    Args:
        estimates: of a tier, of this machine or committed.
        methods, metrics: names; what cannot be estimated is left out.
        reference: a method; differences are NaN where it has no run on the same people.

    Returns:
        Columns method (label), metric, `MEASURED` and `DIFFERENCE` in the unit of records, and reference (label).
    """
    lines = []
    for name in methods:
        for metric in metrics:
            if (own := estimates.find([(1.0, name, metric)])) is None:
                continue
            gap = estimates.find([(1.0, name, metric), (-1.0, reference, metric)])
            values = [own.value, own.low, own.high, *((gap.value, gap.low, gap.high) if gap else [np.nan] * 3)]
            known = {"method": estimates.runs.label(name), "metric": metric}
            measured = dict(zip((*MEASURED, *DIFFERENCE), values, strict=True))
            lines.append(known | measured | {"reference": estimates.runs.label(reference)})
    return pd.DataFrame(lines)


def draw_points(
    data: pd.DataFrame,
    metrics: Mapping[str, Metric],
    titles: Mapping[str, str],
    emphasised: Sequence[str] = (),
    *,
    only_differences: bool = False,
) -> Figure:
    """A column of panels for each metric: the values above, the differences from the reference below, where there are
    some; a row a method.

    Args:
        data: of `point_data`.
        metrics: of the paper, for their units.
        titles: of the columns: name of a metric -> words.
        emphasised: labels of the methods to stand out.
        only_differences: leaves the values out where there are differences.
    """
    labels, reference = list(dict.fromkeys(data["method"])), data["reference"].iloc[0]
    compared = data[list(DIFFERENCE)].notna().any(axis=None)
    kinds = ([] if only_differences and compared else [MEASURED]) + ([DIFFERENCE] if compared else [])
    size = (2.6 + 1.55 * len(titles), (0.75 + 0.19 * len(labels)) * len(kinds))
    figure, axes = plt.subplots(len(kinds), len(titles), figsize=size, squeeze=False, sharey=True, layout="constrained")
    looks = line_looks(emphasised, emphasised)
    colours = {label: looks[label]["color"] if label in emphasised else OTHERS for label in labels}
    for line, kind in zip(axes, kinds, strict=True):
        for panel, name in zip(line, titles, strict=True):
            metric, part = metrics[name], data[data["metric"] == name].set_index("method")[list(kind)]
            _draw_panel(panel, part.dropna() * metric.factor, labels, colours)
            if kind is DIFFERENCE:
                panel.axvline(0, color="#999999", lw=0.8, zorder=0)
                panel.set_xlabel(f"difference ({metric.difference_unit})", fontsize=7)
            else:
                panel.set_xlabel(metric.shown_unit, fontsize=7)
        for panel, title in zip(axes[0], titles.values(), strict=True):
            panel.set_title(title, fontsize=8)
        _name_methods(line[0], labels, emphasised)
    if compared:
        figure.supxlabel(f"difference: error above that of “{reference}”", fontsize=7)
    return figure


def _draw_panel(panel: Axes, part: pd.DataFrame, labels: Sequence[str], colours: Mapping[str, str]) -> None:
    """Values, low and high ends by method, in shown units."""
    middle = part.iloc[:, 0].median() if len(part) else 0.0
    reach = (part - middle).abs().max(axis=1)
    near, far = near_and_far({str(label): distance for label, distance in reach.items()})
    if near:
        low, high = part.loc[near].min().min(), part.loc[near].max().max()
        within = part.min(axis=1).ge(2 * low - high) & part.max(axis=1).le(2 * high - low)
        near, far = ([str(label) for label in part.index[chosen]] for chosen in (within, ~within))
    for label in near:
        value, low, high = part.loc[label]
        place = labels.index(label)
        panel.hlines(place, low, high, color=colours[label], lw=1.4)
        panel.plot(value, place, "o", ms=4, color=colours[label])
    if near:
        low, high = part.loc[near].min().min(), part.loc[near].max().max()
        room = ROOM * max(high - low, 1e-6)
        panel.set_xlim(low - room, high + room)
    for label in far:
        right = part.loc[label].iloc[0] > middle
        text = f"{part.loc[label].iloc[0]:.2f} →" if right else f"← {part.loc[label].iloc[0]:.2f}"
        panel.annotate(
            text, (1.0 if right else 0.0, labels.index(label)), xycoords=("axes fraction", "data"), fontsize=6.5,
            ha="right" if right else "left", va="center", color=colours[label],
        )  # fmt: skip
    panel.tick_params(axis="x", labelsize=7)
    panel.locator_params(axis="x", nbins=4)
    panel.grid(axis="y", visible=False)


def _name_methods(panel: Axes, labels: Sequence[str], emphasised: Sequence[str]) -> None:
    panel.set_yticks(range(len(labels)), labels, fontsize=7)
    panel.set_ylim(len(labels) - 0.4, -0.6)
    for tick, label in zip(panel.get_yticklabels(), labels, strict=True):
        tick.set_fontweight("bold" if label in emphasised else "normal")
