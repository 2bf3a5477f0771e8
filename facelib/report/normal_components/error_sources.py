"""Who is missed: the share of probes that are not found first, by what is known of them.

Groups are made by data set and scanner, expression, its level, and by how far the preparation of the scan is off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.data.embedded.shown_faces import EMOTIONS
from facelib.faces.population import EXPRESSIONS
from facelib.metrics.bootstrap import percentile_intervals
from facelib.metrics.bootstrapped_means import resample_means
from facelib.papers.failures import FAILED
from facelib.papers.normal_components.metrics import SETS
from facelib.report.intervals import RESAMPLES, SEED
from facelib.report.normal_components.material import Material
from facelib.report.normal_components.scans import scanned_by
from facelib.report.style import legend_outside, line_looks

EMOTION_SETS = ("bu3dfe", "bu4dfe")  # the others show the twenty expressions
POSE_EDGES = (0.0, 1.0, 2.0, 3.0, 5.0, 180.0)  # degrees
UNPREPARED, UNKNOWN = "not prepared", "not known"
PANELS = {
    "data set": "data set (scanner)",
    "expression": "expression (FRGC v2, Bosphorus, ICT)",
    "emotion": "emotion (BU-3DFE, BU-4DFE)",
    "level": "level (BU-3DFE)",
    "pose error": "pose error of the preparation",
}
MOSAIC: Any = [
    ["data set", "expression"],
    ["pose error", "expression"],
    ["emotion", "expression"],
    ["level", "expression"],
]
HEIGHTS = (5, 6, 7, 4)
PERCENT = 100.0


def probe_data(material: Material, label: str, data_sets: Sequence[str]) -> pd.DataFrame:
    """What is known of every probe, and whether a method misses it.

    Args:
        material: with a run of the method.
        label: of it.
        data_sets: names; those that the run was not evaluated on are left out.

    Returns:
        Columns data_set, person (of all data sets), expression, level, prepared (bool), pose_error (degrees) and
        nose_error (mm) of the preparation, NaN where it failed or the truth is not known, and missed (bool).
    """
    scores, lines = material.scores(label), []
    for name in data_sets:
        if name not in scores:
            continue
        prepared = material.prepared(name).arrays
        probes = np.flatnonzero(~np.asarray(prepared["is_gallery"]))
        shown = ["neutral", *EMOTIONS] if name in EMOTION_SETS else list(EXPRESSIONS)
        level, number = scores[f"{name}_level"], scores[f"{name}_expression"]
        named = (number >= 0) & (number < len(shown))  # real scans show others, or nobody says which
        expression = np.array([*shown, UNKNOWN])[np.where(named, number, -1)]
        expression = np.where(level == 0, "neutral", expression)
        known = {
            "data_set": name,
            "person": [f"{name} {person}" for person in scores[f"{name}_identity"]],
            "expression": expression,
            "level": level,
            "prepared": ~np.asarray(prepared["failed"])[probes],
            "pose_error": np.rad2deg(np.asarray(prepared["pose_error"])[probes]),
            "nose_error": np.asarray(prepared["nose_error"])[probes],
            "missed": (scores[name] != 1) | scores[f"{name}_{FAILED}"],
        }
        lines.append(pd.DataFrame(known))
    return pd.concat(lines, ignore_index=True)


def source_data(probes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The share of missed probes in each group, with its 95 % interval over people.

    Args:
        probes: label -> `probe_data` of the same data sets.

    Returns:
        Columns method, by (of `PANELS`), group, missed, low and high in [0, 1], and probes (how many).
    """
    lines = []
    for label, table in probes.items():
        groups = groups_of(table)
        values = {key: np.where(chosen, table["missed"], np.nan) for key, chosen in groups.items()}
        numbered = {str(number): each for number, each in enumerate(values.values())}
        made = resample_means(numbered, table["person"].to_numpy(str), SEED, RESAMPLES)
        intervals = percentile_intervals(made.estimates, made.samples)
        for (by, group), interval in zip(groups, intervals, strict=True):
            spread = {"missed": interval.estimate, "low": interval.low, "high": interval.high}
            lines.append({"method": label, "by": by, "group": group, **spread, "probes": groups[by, group].sum()})
    return pd.DataFrame(lines)


def groups_of(probes: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """Which probes (N,) bool belong to each group, by what it is made of and its name; empty ones are left out."""
    data_set, expression = probes["data_set"], probes["expression"]
    emotions = data_set.isin(EMOTION_SETS)
    groups = {("data set", scanned_by(name)): data_set == name for name in SETS if name in set(data_set)}
    for low, high in pairwise(POSE_EDGES):
        name = f"{low:g} to {high:g}°" if high < 180 else f"{low:g}° and more"
        groups["pose error", name] = (probes["pose_error"] >= low) & (probes["pose_error"] < high)
    groups["pose error", UNPREPARED] = ~probes["prepared"]
    groups["pose error", UNKNOWN] = probes["prepared"] & probes["pose_error"].isna()
    for by, names, some in (("emotion", ("neutral", *EMOTIONS), emotions), ("expression", EXPRESSIONS, ~emotions)):
        groups |= {(by, name.replace("_", " ")): some & (expression == name) for name in (*names, UNKNOWN)}
    levels = sorted(set(probes.loc[data_set == "bu3dfe", "level"]))
    groups |= {("level", str(level)): (data_set == "bu3dfe") & (probes["level"] == level) for level in levels}
    return {key: chosen.to_numpy() for key, chosen in groups.items() if chosen.any()}


def draw_sources(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """A panel for each way to make groups; a row a group, a point a method, with intervals.

    Args:
        data: of `source_data`.
        emphasised: labels of the methods to stand out.
    """
    labels = list(dict.fromkeys(data["method"]))
    looks = line_looks(labels, emphasised)
    figure, axes = plt.subplot_mosaic(
        MOSAIC, figsize=(8.6, 6.6), sharex=True, layout="constrained", gridspec_kw={"height_ratios": HEIGHTS}
    )
    for by, title in PANELS.items():
        _draw_groups(axes[by], data[data["by"] == by], {label: looks[label]["color"] for label in labels})
        axes[by].set_title(title, fontsize=8)
    for by in (MOSAIC[-1][0], MOSAIC[-1][1]):
        axes[by].set_xlabel("probes that are not found first (%)", fontsize=8)
    lines, names = axes["data set"].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=lines, labels=names, ncols=3, fontsize=7)
    return figure


def _draw_groups(panel: Axes, data: pd.DataFrame, colours: Mapping[str, str]) -> None:
    groups = list(dict.fromkeys(data["group"]))
    for number, (label, colour) in enumerate(colours.items()):
        part = data[data["method"] == label].set_index("group").reindex(groups)
        places = np.arange(len(groups)) + 0.5 * ((number + 0.5) / len(colours) - 0.5)
        panel.hlines(places, PERCENT * part["low"], PERCENT * part["high"], color=colour, lw=1.0)
        panel.plot(PERCENT * part["missed"], places, "o", ms=3.2, color=colour, label=label)
    counts = data.drop_duplicates("group").set_index("group")["probes"]
    panel.set_yticks(range(len(groups)), [f"{group}  ({counts[group]})" for group in groups], fontsize=6.5)
    panel.set_ylim(len(groups) - 0.5, -0.5)
    panel.tick_params(axis="x", labelsize=7)
    panel.grid(axis="y", visible=False)
