"""Does higher fidelity help? Recognition by how faithful the faces are that a network has learnt from.

All points are networks of one kind that differ in nothing but what reconstructed the faces: networks, the truth, and
the truth disturbed on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.papers.normal_components.methods import METHODS, ONE_NETWORK, TRUTH
from facelib.papers.normal_components.metrics import METRICS
from facelib.report.intervals import Estimates
from facelib.report.style import PALETTE, legend_outside

FIDELITIES = {
    "fidelity_mm": "error of the reconstructed shape (mm)",
    "fidelity_rank1": "people told by the reconstructed shape (rank-1, %)",
}
SPREAD = ("", "_low", "_high")
GREYS = ("#C8C8C8", "#A4A4A4", "#7A7A7A", "#4D4D4D", "#000000")  # of what was disturbed, the truth darkest
MARKERS = "Ds^vP<>X"


def compared() -> list[str]:
    """The rows that are compared, in the order of the methods: one network, normals, pretrained."""
    usual = METHODS["expnet_joined"]
    return [
        name
        for name, method in METHODS.items()
        if (method.kind, method.views, method.pretrained) == (ONE_NETWORK, usual.views, True)
    ]


def fidelity_data(estimates: Estimates, shown: Iterable[str], methods: Iterable[str] | None = None) -> pd.DataFrame:
    """How faithful the faces of each row are, and the rates of what has learnt from them.

    Args:
        estimates: of a tier.
        shown: metrics of recognition.
        methods: names; by default those of `compared`. Rows without a run are left out.

    Returns:
        Columns method (label), reconstructor, disturbance (standard deviations), and of each metric its value in the
        tables' unit, and _low and _high of its 95 % interval.
    """
    lines = []
    for name in compared() if methods is None else methods:
        found = {metric: estimates.find([(1.0, name, metric)]) for metric in (*FIDELITIES, *shown)}
        if None in found.values():
            continue
        method = METHODS[name]
        line = {"reconstructor": method.reconstructor, "disturbance": method.disturbance}
        for metric, each in found.items():
            assert each is not None
            values = (each.value, each.low, each.high)
            line |= {f"{metric}{end}": METRICS[metric].factor * v for end, v in zip(SPREAD, values, strict=True)}
        lines.append({"method": estimates.runs.label(name), **line})
    return pd.DataFrame(lines)


def draw_fidelity(data: pd.DataFrame, metric: str) -> Figure:
    """Two panels, by both measures of fidelity; the truth and its disturbances are joined by a line.

    Args:
        data: of `fidelity_data`.
        metric: of recognition.
    """
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 4.1), sharey=True, layout="constrained")
    truth = data["reconstructor"] == TRUTH
    for panel, (fidelity, title) in zip(axes, FIDELITIES.items(), strict=True):
        joined = data[truth].sort_values("disturbance")
        panel.plot(joined[fidelity], joined[metric], color=GREYS[-1], lw=0.8, alpha=0.5, zorder=1)
        for (_, line), grey in zip(joined.iterrows(), reversed(GREYS), strict=False):
            _draw_point(panel, line, fidelity, metric, color=grey, marker="o")
        for place, (_, line) in enumerate(data[~truth].iterrows()):
            look = {"color": PALETTE[place % len(PALETTE)], "marker": MARKERS[place % len(MARKERS)]}
            _draw_point(panel, line, fidelity, metric, **look)
        panel.set_xlabel(title, fontsize=8)
        panel.margins(0.08)
    axes[0].invert_xaxis()
    axes[0].set_ylabel(f"{METRICS[metric].phrase} (%)", fontsize=8)
    lines, names = axes[0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7)
    return figure


def _draw_point(panel: Axes, line: pd.Series, x: str, y: str, **look: Any) -> None:
    across, along = ([[line[name] - line[f"{name}_low"]], [line[f"{name}_high"] - line[name]]] for name in (x, y))
    name = line["method"].replace(", one network", "")
    panel.errorbar(
        line[x], line[y], yerr=along, xerr=across, ms=5, elinewidth=0.8, ls="", mec="white", mew=0.5, label=name, **look
    )
