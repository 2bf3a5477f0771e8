"""Figure 3 of paper 1 to play with: ROC curves whose pose bin, methods and axis a reader switches.

One curve a method; the menu exchanges the numbers of all curves. So a method that a reader hid in the legend stays
hidden when the pose changes, which masks of visibility, one for each pair of method and pose, would undo.

A notebook shows the figure, and a page without scripts the picture that comes with it. The page for a browser carries
plotly.js (4.7 MB) inside and works without a network; it is written where a user asks for it and not kept in the
repository, whose pictures and CSV files say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from facelib.papers.joint_attention.protocol import FAR
from facelib.report.interactive_picture import InteractivePicture, still_png, write_page
from facelib.report.joint_attention.roc import CONDITIONS, FAR_GRID, FRONTAL, PROFILE, draw_roc, mean_curves
from facelib.report.style import line_looks, stamp

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["condition_values", "interactive_roc", "roc_figure", "write_page"]

THIN = 2  # every second point of the grid: 61 a curve, and 1 % is among them
DIGITS = 4
PLOTLY_DASHES = {"solid": "solid", (0, (4, 1.5)): "dash", (0, (6, 1.5, 1, 1.5)): "dashdot", (0, (1, 1)): "dot"}
HOVER = (
    "<b>%{meta[0]}</b><br>TAR %{y:.3f} ± %{customdata:.3f} at FAR %{x:.4f}<br>"
    "AUC %{meta[1]:.3f}, EER %{meta[2]:.3f}; %{meta[3]} fold(s)<extra></extra>"
)


def interactive_roc(data: pd.DataFrame, label: str, emphasised: Sequence[str] = ()) -> InteractivePicture:
    """ROC curves with a menu of conditions, a switch between logarithmic and linear axis, and a legend to click.

    Args:
        data: of `facelib.report.joint_attention.roc.roc_data`; a method without a condition has no curve there.
        label: says which runs these are, below the picture.
        emphasised: labels of the methods to stand out.
    """
    names = list(dict.fromkeys(data["condition"]))
    shown = [name for name in (FRONTAL, PROFILE) if name in names] or names[:1]
    still = draw_roc(data[data["condition"].isin(shown)], emphasised)
    stamp(still, label)
    text = f"ROC curves of {data['method'].nunique()} methods under {len(names)} conditions"
    return InteractivePicture(roc_figure(data, label, emphasised), still_png(still, 110), text)


def roc_figure(data: pd.DataFrame, label: str, emphasised: Sequence[str] = ()) -> go.Figure:
    """The plotly figure of `interactive_roc`."""
    import plotly.graph_objects as go

    curves = mean_curves(data[data["far"].isin(FAR_GRID[::THIN])])
    names = list(dict.fromkeys(curves["condition"]))
    methods = list(dict.fromkeys(curves["method"]))
    looks = line_looks(methods, emphasised)
    shown = {name: condition_values(curves[curves["condition"] == name], methods) for name in names}
    figure = go.Figure()
    far = [round(value, DIGITS + 1) for value in FAR_GRID[::THIN]]
    for place, method in enumerate(methods):
        look = looks[method]
        line = {"color": look["color"], "width": look["linewidth"] + 0.6, "dash": PLOTLY_DASHES[look["linestyle"]]}
        values = {key: column[place] for key, column in shown[names[0]].items()}
        figure.add_scatter(x=far, mode="lines", line=line, hovertemplate=HOVER, zorder=look["zorder"], **values)
    entries = [{"label": CONDITIONS[name].title, "method": "restyle", "args": [shown[name]]} for name in names]
    axes = {
        "logarithmic FAR": {"xaxis.type": "log", "xaxis.range": [-3, 0], "xaxis.dtick": 1},
        "linear FAR": {"xaxis.type": "linear", "xaxis.range": [0, 1], "xaxis.dtick": 0.2},
    }
    switch = [{"label": text, "method": "relayout", "args": [change]} for text, change in axes.items()]
    above = {"y": 1.0, "yanchor": "bottom", "pad": {"b": 8}, "showactive": True}
    figure.update_layout(
        template="none",
        height=620,
        margin={"l": 60, "r": 20, "t": 60, "b": 70},
        hovermode="closest",
        updatemenus=[
            {"type": "dropdown", "buttons": entries, "x": 0, "xanchor": "left", **above},
            {"type": "buttons", "direction": "right", "buttons": switch, "x": 1, "xanchor": "right", **above},
        ],
        xaxis={"title": {"text": "false accept rate"}, "type": "log", "range": [-3, 0], "gridcolor": "#eeeeee",
               "dtick": 1, "exponentformat": "none", "zeroline": False},
        yaxis={"title": {"text": "true accept rate"}, "range": [0, 1.01], "gridcolor": "#eeeeee", "zeroline": False,
               "ticks": "outside"},
        shapes=[{"type": "line", "x0": FAR, "x1": FAR, "y0": 0, "y1": 1, "yref": "paper",
                 "line": {"color": "#999999", "width": 1, "dash": "dot"}}],
        annotations=[{"text": label, "x": 1, "y": -0.13, "xref": "paper", "yref": "paper", "showarrow": False,
                      "font": {"size": 10, "color": "#666666"}}],
        legend={"font": {"size": 10}, "title": {"text": "TAR at 1 % FAR; click hides, double click isolates"}},
    )  # fmt: skip
    return figure


def condition_values(curves: pd.DataFrame, methods: list[str]) -> dict[str, list[Any]]:
    """What the menu sets for one condition, an entry for each method.

    Args:
        curves: of `facelib.report.joint_attention.roc.mean_curves`, one condition.
        methods: in the order of the traces; one without curve gets empty lists and says so in its name.

    Returns:
        y: TAR; customdata: its standard deviation over folds; name and meta: for legend and hover; legendrank: the
        legend's order, by TAR at 1 % FAR.
    """
    target = curves[np.isclose(curves["far"], FAR)].set_index("method")["tar"]
    rank = target.rank(ascending=False, method="first")
    values: dict[str, list[Any]] = {"y": [], "customdata": [], "name": [], "meta": [], "legendrank": []}
    for method in methods:
        curve = curves[curves["method"] == method]
        values["y"].append(curve["tar"].round(DIGITS).tolist())
        values["customdata"].append(curve["sd"].fillna(0).round(DIGITS).tolist())
        if curve.empty:
            values["name"].append(f"{method} (not evaluated)")
            values["meta"].append([method])
            values["legendrank"].append(len(methods) + 1)
        else:
            auc, eer, folds = (curve[name].iloc[0] for name in ("auc", "eer", "folds"))
            values["name"].append(f"{target[method]:6.1%}  {method}")
            values["meta"].append([method, round(float(auc), DIGITS), round(float(eer), DIGITS), int(folds)])
            values["legendrank"].append(int(rank[method]))
    return values
