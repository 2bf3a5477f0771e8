"""ROC and CMC of paper 2: fused and by component, of a method and of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist

from facelib.metrics.identification import genuine_and_impostor
from facelib.metrics.inputs import unit_rows
from facelib.metrics.late_fusion import FUSED
from facelib.metrics.verification import verification_summary
from facelib.papers.normal_components.methods import AXES
from facelib.papers.normal_components.protocol import SeenScans
from facelib.report.joint_attention.roc import FAR_GRID
from facelib.report.style import legend_outside, line_looks

RANKS = 20  # that are shown
NAMES = {FUSED: "fused", **{axis: f"$N_{axis}$" for axis in AXES}}
PERCENT = 100.0


def cmc_data(scores: Mapping[str, Mapping[str, np.ndarray]], data_set: str) -> pd.DataFrame:
    """How many probes are found among the first so many people of the gallery.

    Args:
        scores: label -> scores of a run.
        data_set: whose ranks.

    Returns:
        Columns method, view (a component, or fused), rank from 1 on, and rate in [0, 1].
    """
    lines = []
    for label, each in scores.items():
        views = {FUSED: data_set} | {axis: f"{data_set}/{axis}" for axis in AXES if f"{data_set}/{axis}" in each}
        most = min(RANKS, len(np.unique(each[f"{data_set}_identity"])))
        for view, name in views.items():
            rates = (each[name][:, None] <= np.arange(1, most + 1)).mean(axis=0)
            lines.append(pd.DataFrame({"method": label, "view": view, "rank": np.arange(1, most + 1), "rate": rates}))
    return pd.concat(lines, ignore_index=True)


def roc_data(seen: Mapping[str, SeenScans]) -> pd.DataFrame:
    """True over false accept rates, every probe compared with everybody's enrolled scan.

    Args:
        seen: label -> scans of one data set.

    Returns:
        Columns method, view, far, tar, auc and eer, all in [0, 1].

    Raises:
        BadInput: for fewer than 100 comparisons of different people.
    """
    lines = []
    for label, scans in seen.items():
        for view, genuine, impostor in comparisons(scans):
            summary = verification_summary(genuine, impostor, FAR_GRID)
            known = {"method": label, "view": view, "auc": summary.auc, "eer": summary.eer}
            lines.append(pd.DataFrame({"far": FAR_GRID, "tar": summary.tars}).assign(**known))
    return pd.concat(lines, ignore_index=True)[["method", "view", "far", "tar", "auc", "eer"]]


def comparisons(scans: SeenScans) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Scores of same and of different people by each view, and fused where there are several: distances, negated.

    A scan that could not be prepared is never accepted.
    """
    told, parts = scans.told, list[np.ndarray]()
    gallery, probes = np.flatnonzero(told["is_gallery"]), np.flatnonzero(~told["is_gallery"])
    compared = np.ix_(~told["failed"][probes], ~told["failed"][gallery])
    for view, features in scans.features.items():
        both = (unit_rows(view, features[rows[~told["failed"][rows]]]) for rows in (probes, gallery))
        scores = np.full((len(probes), len(gallery)), -np.inf)
        scores[compared] = -cdist(*both)
        parts.append(scores)
        if len(scans.features) > 1:
            yield view, *genuine_and_impostor(scores, told["identity"][probes], told["identity"][gallery])
    fused = np.mean(parts, axis=0)
    yield FUSED, *genuine_and_impostor(fused, told["identity"][probes], told["identity"][gallery])


def draw_curves(cmc: pd.DataFrame, roc: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A row of CMC and ROC: of the first method by component, and of all methods fused.

    Args:
        cmc: of `cmc_data`.
        roc: of `roc_data`.
        emphasised: labels of the methods to stand out.
    """
    first = cmc["method"].iloc[0]
    labels = list(dict.fromkeys(cmc["method"]))
    by_view = line_looks(NAMES.values(), (NAMES[FUSED],))
    by_method = line_looks(labels, emphasised)
    figure, axes = plt.subplots(2, 2, figsize=(7.4, 6.0), layout="constrained")
    for panel, data, columns in ((axes[0, 0], cmc, ("rank", "rate")), (axes[0, 1], roc, ("far", "tar"))):
        views = dict(list(data[data["method"] == first].groupby("view")))
        for view in (name for name in NAMES if name in views):
            panel.plot(*_shown(views[view], *columns), label=NAMES[view], **by_view[NAMES[view]])
        panel.legend(loc="lower right", fontsize=7, handlelength=3)
    for panel, data, columns in ((axes[1, 0], cmc, ("rank", "rate")), (axes[1, 1], roc, ("far", "tar"))):
        for label, curve in data[data["view"] == FUSED].groupby("method", sort=False):
            panel.plot(*_shown(curve, *columns), label=label, **by_method[str(label)])
    for left, right, title in zip(axes[:, 0], axes[:, 1], (f"{first}, by component", "fused, by method"), strict=True):
        left.set(xlabel="rank", ylabel="found up to this rank (%)")
        left.xaxis.get_major_locator().set_params(integer=True)
        right.set(xscale="log", xlabel="false accept rate (%)", ylabel="true accept rate (%)")
        for panel, kind in ((left, "CMC"), (right, "ROC")):
            panel.set_title(f"{kind}: {title}", fontsize=8)
            panel.set_ylim(top=100.5)
    lines, names = axes[1, 0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=2, fontsize=7, handlelength=3)
    return figure


def _shown(curve: pd.DataFrame, x: str, y: str) -> tuple[pd.Series, pd.Series]:
    return curve[x] * (PERCENT if x == "far" else 1.0), curve[y] * PERCENT
