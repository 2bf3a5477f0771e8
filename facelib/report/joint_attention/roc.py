"""Figure 3 of paper 1: true accept rate over false accept rate, by pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.conventions import POSE_BINS
from facelib.errors import BadInput
from facelib.metrics.verification import verification_summary
from facelib.papers.joint_attention.protocol import FAR, data_set_scores, split_scores
from facelib.report.line_labels import label_lines, muted_looks
from facelib.report.records import scores_of
from facelib.runs.records import Record

# Rounded, since 0.01 has to be 0.01 for 1 % of 100 impostors to be one.
FAR_GRID = tuple(np.logspace(-3, 0, 121).round(12).tolist())
PANEL, MARGIN, SCALE = 3.3, 2.3, 0.55  # inches: width of a panel, beside it the names of its curves, and its scale


@dataclass(frozen=True)
class Condition:
    """Which probes a curve is made of.

    Args:
        data: "facescape" or "arl_vtf", the counterparts of the data sets.
        part: a pose bin, "frontal" or "pose" of ARL-VTF, or None for all probes.
        title: above the curves.
    """

    data: Literal["facescape", "arl_vtf"]
    part: str | None
    title: str


FRONTAL, PROFILE = "0-10", "90+"
CONDITIONS: dict[str, Condition] = {
    **{
        name: Condition("facescape", name, f"{name.replace('+', ' and more')} degrees from frontal")
        for name in POSE_BINS
    },
    "all": Condition("facescape", None, "all poses together"),
    "arl_vtf/frontal": Condition("arl_vtf", "frontal", "ARL-VTF counterpart, frontal probes"),
    "arl_vtf/pose": Condition("arl_vtf", "pose", "ARL-VTF counterpart, posed probes"),
    "arl_vtf": Condition("arl_vtf", None, "ARL-VTF counterpart, all probes"),
}  # fmt: skip


def roc_data(records: dict[str, list[Record]], conditions: Sequence[str] = (FRONTAL, PROFILE)) -> pd.DataFrame:
    """TAR over FAR for each method, condition and fold, on one grid of false accept rates.

    Args:
        records: label -> records of its folds.
        conditions: names in CONDITIONS. A run that was not evaluated on a condition's data set is left out of it.

    Returns:
        Columns method, condition, fold, far, tar, auc, eer (all in [0, 1]).

    Raises:
        BadInput: when no run was evaluated on any of the conditions.
    """
    frames = []
    for label, folds in records.items():
        for record in folds:
            arrays = scores_of(record)
            for name in conditions:
                condition = CONDITIONS[name]
                if not has_scores(arrays, condition.data):
                    continue
                genuine, impostor = split_scores(data_set_scores(arrays, condition.data), condition.part)
                summary = verification_summary(genuine, impostor, FAR_GRID)
                frame = pd.DataFrame({"far": FAR_GRID, "tar": summary.tars, "auc": summary.auc, "eer": summary.eer})
                frames.append(frame.assign(method=label, condition=name, fold=record.fold))
    if not frames:
        raise BadInput(
            f"no run was evaluated on {', '.join(conditions)}: make the records again with `facelib reproduce`"
        )
    columns = ["method", "condition", "fold", "far", "tar", "auc", "eer"]
    return pd.concat(frames, ignore_index=True)[columns]


def has_scores(arrays: dict[str, np.ndarray], data: str) -> bool:
    """Whether a run's arrays hold scores of a data set; clouds are evaluated on the FaceScape counterpart alone."""
    return ("scores" if data == "facescape" else f"{data}.scores") in arrays


def mean_curves(data: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over folds: columns method, condition, far, tar, sd, auc, eer, folds."""
    folds = data.groupby(["method", "condition", "far"], sort=False)
    means = folds.agg(
        tar=("tar", "mean"), sd=("tar", "std"), auc=("auc", "mean"), eer=("eer", "mean"), folds=("fold", "nunique")
    )
    return means.reset_index()  # fmt: skip


def draw_roc(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A panel for each condition; every curve's name stands at its left end, with AUC and EER where it is emphasised.

    A band of one standard deviation surrounds an emphasised curve of several folds. The axis of TAR begins where the
    lowest curve does, in steps of 0.1: near the frontal view all curves are high.

    Args:
        data: of `roc_data`.
        emphasised: labels of the methods in colour; the others are grey.
    """
    curves = mean_curves(data)
    names = list(dict.fromkeys(curves["condition"]))
    looks = muted_looks(dict.fromkeys(curves["method"]), emphasised)
    width, height = (MARGIN + PANEL + SCALE) * len(names), max(3.4, 1.0 + 0.13 * len(looks))
    figure, panels = plt.subplots(1, len(names), figsize=(width, height), squeeze=False)
    figure.subplots_adjust(
        left=MARGIN / width, right=1 - SCALE / width, bottom=0.14, top=0.9, wspace=(MARGIN + SCALE) / PANEL
    )
    for letter, panel, name in zip(ascii_lowercase, panels[0], names, strict=False):
        part = curves[curves["condition"] == name]
        bottom = min(np.floor(part["tar"].min() * 10) / 10, 0.9)
        panel.set(xscale="log", xlim=(FAR_GRID[0], 1), ylim=(bottom, 1 + 0.01 * (1 - bottom)))
        panel.axvline(FAR, color="#999999", lw=0.8, ls=":", zorder=1)
        ends = {}
        for label, curve in part.groupby("method", sort=False):
            _draw_curve(panel, curve, looks[label])
            text = _name(curve.iloc[0], label in emphasised, unequal=part["folds"].nunique() > 1)
            ends[text] = (FAR_GRID[0], float(curve["tar"].iloc[0]))
            looks[text] = looks[label]
        label_lines(panel, ends, looks, side="left")
        panel.yaxis.tick_right()
        panel.spines[["left", "right"]].set_visible(False)
        panel.set_xlabel("false accept rate; dotted: 1 %")
        panel.set_title(f"({letter}) {CONDITIONS[name].title}", fontsize=9)
    panels[0][-1].set_ylabel("true accept rate")
    panels[0][-1].yaxis.set_label_position("right")
    return figure


def _name(first: pd.Series, loud: bool, *, unequal: bool) -> str:
    """A curve's name: of some methods with its numbers, and the number of folds where methods differ in it."""
    folds = f"{first['folds']} fold{'s' if first['folds'] > 1 else ''}" if unequal else ""
    numbers = f"AUC {first['auc']:.3f}, EER {first['eer']:.3f}" if loud else ""
    inside = "; ".join(filter(None, (numbers, folds)))
    return f"{first['method']} ({inside})" if inside else str(first["method"])


def _draw_curve(panel: Axes, curve: pd.DataFrame, look: dict[str, object]) -> None:
    panel.plot(curve["far"], curve["tar"], **look)  # type: ignore[arg-type]
    if curve["folds"].iloc[0] > 1 and look["linewidth"] > 1:  # type: ignore[operator]
        low, high = curve["tar"] - curve["sd"], curve["tar"] + curve["sd"]
        panel.fill_between(curve["far"], low, high, color=look["color"], alpha=0.2, lw=0, zorder=1)
