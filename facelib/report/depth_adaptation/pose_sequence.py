"""A head over time: the angles that methods read in one sequence, beside the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from facelib.geometry.rotations import matrix_to_euler
from facelib.report.style import legend_outside, line_looks

ANGLES = ("yaw", "pitch", "roll")
TRUTH = "truth"
COLUMNS = ["method", "frame", *ANGLES]


def sequence_data(
    scores: Mapping[str, Mapping[str, np.ndarray]], pose_set: str, sequence: int | None = None
) -> pd.DataFrame:
    """The angles in degrees of one sequence, frame by frame.

    Args:
        scores: label -> scores of its run; those that have not read the set are left out.
        pose_set: whose.
        sequence: its number; the first one that is tested when missing.

    Returns:
        Columns `COLUMNS`; the method TRUTH comes first.
    """
    parts: dict[str, np.ndarray] = {}
    for label, own in scores.items():
        if f"{pose_set}_found" in own:
            numbers = own[f"{pose_set}_sequence"]
            chosen = numbers == (numbers[0] if sequence is None else sequence)
            parts.setdefault(TRUTH, own[f"{pose_set}_true"][chosen])
            parts[label] = own[f"{pose_set}_found"][chosen]
    lines = [
        pd.DataFrame({"method": label, "frame": np.arange(len(turns)), **_angles(turns)})
        for label, turns in parts.items()
    ]
    return pd.concat(lines, ignore_index=True) if lines else pd.DataFrame(columns=COLUMNS)


def draw_sequence(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A panel an angle; the truth is a broad grey band behind the lines.

    Args:
        data: of `sequence_data`.
        emphasised: labels of the methods to stand out.
    """
    figure, axes = plt.subplots(len(ANGLES), 1, figsize=(7.4, 5.2), sharex=True, layout="constrained")
    labels = [label for label in dict.fromkeys(data["method"]) if label != TRUTH]
    looks = line_looks(labels, emphasised)
    true = data[data["method"] == TRUTH].set_index("frame")
    for panel, angle in zip(axes, ANGLES, strict=True):
        panel.plot(true.index, true[angle], color="#BBBBBB", lw=5, solid_capstyle="round", label=TRUTH, zorder=1)
        errors = []
        for label in labels:
            read = data[data["method"] == label].set_index("frame")[angle]
            errors.append(f"{float((read - true[angle]).abs().mean()):.1f}°")
            panel.plot(read.index, read, label=label, **looks[label])
        told = ", ".join(errors)
        title = f"{angle}; mean errors in the order of the legend: {told}"
        panel.set_title(title, fontsize=7.5, fontweight="normal", loc="left")
        panel.set_ylabel("degrees")
    axes[-1].set_xlabel("frame of the sequence")
    axes[-1].locator_params(axis="x", integer=True)
    handles, names = axes[0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=handles, labels=names, ncols=3, fontsize=7)
    return figure


def _angles(turns: np.ndarray) -> dict[str, np.ndarray]:
    """Of rotations (N, 3, 3), degrees."""
    found = matrix_to_euler(torch.from_numpy(turns).double())
    return {name: np.rad2deg(each.numpy()) for name, each in zip(ANGLES, found, strict=True)}
