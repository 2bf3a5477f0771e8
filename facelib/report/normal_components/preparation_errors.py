"""How far the preparation of scans is off the truth: the tip of the nose and the turn to the front."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.normal_components.metrics import SETS
from facelib.report.normal_components.material import Material
from facelib.report.style import PALETTE

ERRORS = {"nose": "tip of the nose off by (mm)", "pose": "turn to the front off by (degrees)"}
QUANTILES = {"median": 0.5, "95 %": 0.95}


def preparation_data(material: Material, data_sets: Sequence[str]) -> pd.DataFrame:
    """Of every scan, enrolled ones too: columns data_set (title), failed, nose (mm) and pose (degrees).

    Both are NaN where the preparation failed or nobody knows the truth.
    """
    lines = []
    for name in data_sets:
        arrays = material.prepared(name).arrays
        pose = np.rad2deg(np.asarray(arrays["pose_error"]))
        told = {"failed": np.asarray(arrays["failed"]), "nose": np.asarray(arrays["nose_error"]), "pose": pose}
        lines.append(pd.DataFrame({"data_set": SETS[name], **told}))
    return pd.concat(lines, ignore_index=True)


def preparation_table(data: pd.DataFrame) -> pd.DataFrame:
    """A line for each data set: scans, how many failed, and quantiles of both errors of the others."""
    lines = {}
    for name, part in data.groupby("data_set", sort=False):
        told = {f"{error}, {word}": part[error].quantile(q) for error in ERRORS for word, q in QUANTILES.items()}
        lines[name] = {"scans": len(part), "failed": int(part["failed"].sum()), **told}
    return pd.DataFrame(lines).T.astype({"scans": int, "failed": int})


def draw_preparation(data: pd.DataFrame) -> Figure:
    """The share of scans with at most such an error, a panel an error, a line a data set; failed ones have none.

    Scans whose truth is not known are left out.
    """
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.0), sharey=True, layout="constrained")
    for panel, (error, title) in zip(axes, ERRORS.items(), strict=True):
        for colour, (name, part) in zip(PALETTE, data.groupby("data_set", sort=False), strict=False):
            ordered = np.sort(part[error].dropna())
            shares = 100 * np.arange(1, len(ordered) + 1) / max(len(ordered) + part["failed"].sum(), 1)
            panel.step(np.append(0.0, ordered), np.append(0.0, shares), where="post", color=colour, label=name)
        panel.set_xlabel(title, fontsize=8)
        panel.set(xlim=(0, None), ylim=(0, 100.5))
    axes[0].set_ylabel("scans with at most this error (%)", fontsize=8)
    axes[1].legend(loc="lower right", fontsize=7)
    return figure
