"""Tables I to III of paper 1 as pictures: TAR at 1 % FAR by pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from facelib.conventions import POSE_BINS
from facelib.errors import BadInput
from facelib.papers.joint_attention.protocol import TAR_AT_FAR
from facelib.report.line_labels import label_lines, muted_looks
from facelib.report.style import EMPHASISED_COLOURS, PALETTE
from facelib.runs.records import Record, require_metric

PERCENT = 100.0
ARL_VTF = ("frontal", "pose")
CONDITION_MARKERS = {"frontal": "o", "pose": "s"}
MARGIN = 1.9  # inches beside a panel, for the names of its lines


def pose_data(records: dict[str, list[Record]]) -> pd.DataFrame:
    """TAR at 1 % FAR by pose bin: columns method, pose, fold, tar.

    Raises:
        UnknownName: when a record lacks a bin's metric; the message says which command makes it again.
    """
    return _rates(records, {pose: f"{TAR_AT_FAR}/{pose}" for pose in POSE_BINS})


def draw_pose(panels: Mapping[str, pd.DataFrame], emphasised: Sequence[str] = ()) -> Figure:
    """TAR over the pose bins: a line of the folds' means, its name at its right end.

    Methods that stand out have a point for each fold.

    Args:
        panels: title -> data of `pose_data`.
        emphasised: labels of the methods in colour; the others are grey.
    """
    longest = max(data["method"].nunique() for data in panels.values())
    width, height = 5.4 * len(panels), max(3.2, 0.9 + 0.13 * longest)
    figure, axes = plt.subplots(1, len(panels), figsize=(width, height), sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=0.6 / width, right=1 - MARGIN / width, bottom=0.5 / height, top=1 - 0.35 / height,
        wspace=(MARGIN + 0.2) / (width / len(panels) - MARGIN),
    )  # fmt: skip
    for axis, (title, data) in zip(axes[0], panels.items(), strict=True):
        means = data.groupby(["method", "pose"], sort=False)["tar"].mean().unstack("pose")[list(POSE_BINS)] * PERCENT
        looks = muted_looks(means.index, emphasised)
        for label in means.index:
            axis.plot(list(POSE_BINS), means.loc[label], marker="o", ms=3, label=label, **looks[label])
            folds = data[data["method"] == label]
            if label in emphasised and folds["fold"].nunique() > 1:
                axis.scatter(folds["pose"], folds["tar"] * PERCENT, s=9, color=looks[label]["color"], alpha=0.5)
        axis.set(xlabel="angle from frontal (degrees)", ylim=(0, 101), title=title)
        last = len(POSE_BINS) - 1
        label_lines(axis, {label: (last, means.loc[label, "90+"]) for label in means.index}, looks)
    axes[0][0].set_ylabel("TAR at 1 % FAR (%)")
    return figure


def transfer_data(records: dict[str, list[Record]]) -> tuple[pd.DataFrame, list[str]]:
    """TAR at 1 % FAR on the ARL-VTF counterpart, of networks that have not seen it.

    Args:
        records: label -> records of its folds.

    Returns:
        Columns method, pose ("frontal" or "pose"), fold, tar; and the labels that were not evaluated on it.

    Raises:
        BadInput: when no method was.
    """
    names = {condition: f"arl_vtf.{TAR_AT_FAR}/{condition}" for condition in ARL_VTF}
    evaluated = {
        label: kept
        for label, folds in records.items()
        if (kept := [record for record in folds if set(names.values()) <= record.metrics.keys()])
    }
    if not evaluated:
        raise BadInput(
            f"none of {', '.join(records)} was evaluated on the ARL-VTF counterpart: make its run again, for example "
            f"with `{next(iter(records.values()))[0].run.command}`"
        )
    return _rates(evaluated, names), [label for label in records if label not in evaluated]


def draw_transfer(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """Table III: a line for each method from its rate on posed probes to that on frontal ones, best pose on top.

    Small points are folds.

    Args:
        data: of `transfer_data`.
        emphasised: labels of the methods to stand out.
    """
    means = data.groupby(["method", "pose"])["tar"].mean().unstack("pose").sort_values("pose") * PERCENT
    figure, axis = plt.subplots(figsize=(5.4, 1.2 + 0.26 * len(means)), layout="constrained")
    colours = {"frontal": PALETTE[1], "pose": EMPHASISED_COLOURS[0]}
    for place, label in enumerate(means.index):
        wide = 3.0 if label in emphasised else 1.2
        axis.plot(means.loc[label, list(ARL_VTF)], [place] * 2, color="#999999", lw=wide, zorder=1)
    for condition, text in {"pose": "posed probes", "frontal": "frontal probes"}.items():
        look: dict[str, Any] = {"color": colours[condition], "marker": CONDITION_MARKERS[condition]}
        axis.scatter(means[condition], range(len(means)), s=38, label=text, zorder=3, clip_on=False, **look)
        folds = data[data["pose"] == condition]
        if folds["fold"].nunique() > 1:
            places = folds["method"].map({label: place for place, label in enumerate(means.index)})
            axis.scatter(folds["tar"] * PERCENT, places, s=7, alpha=0.55, zorder=2, **look)
    axis.set_yticks(range(len(means)), means.index, fontsize=8)
    for tick, label in zip(axis.get_yticklabels(), means.index, strict=True):
        tick.set_fontweight("bold" if label in emphasised else "normal")
    axis.set(xlabel="TAR at 1 % FAR (%)", xlim=(0, 101), ylim=(-0.7, len(means) - 0.3))
    figure.legend(loc="outside upper right", ncols=2, fontsize=7, handletextpad=0.2)
    return figure


def _rates(records: dict[str, list[Record]], metrics: Mapping[str, str]) -> pd.DataFrame:
    rows: Sequence[dict[str, object]] = [
        {"method": label, "pose": pose, "fold": record.fold, "tar": require_metric(record, metric)}
        for label, folds in records.items()
        for record in folds
        for pose, metric in metrics.items()
    ]
    return pd.DataFrame(rows)
