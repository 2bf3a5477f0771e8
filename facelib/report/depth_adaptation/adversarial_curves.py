"""How D and G stood against one another, epoch by epoch, of each training start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from facelib.losses.adversarial import LEAST_DIVERSITY, SURE
from facelib.report.overlay import wrapped
from facelib.report.records import TierRuns
from facelib.report.style import PALETTE, legend_outside

JUDGED = {"real": "rendered images", "drawn_source": "drawn of source frames", "drawn_target": "drawn of target frames"}
LOSSES = {  # of D and of G, as records call them; both orders of section 1.3
    "D": ("discriminator.", "discriminator_source.", "discriminator_target."),
    "G": ("generator.",),
}
NO_SHAPE = "shape"  # terms that are not adversarial
COLUMNS = ["method", "seed", "epoch", *JUDGED, "diversity", "collapsed", *LOSSES]
LOOK: dict[str, Any] = {"lw": 1.2, "marker": "."}
MARK = "#E3170A"  # of epochs in which the training had collapsed


def health_data(runs: TierRuns, methods: Iterable[str]) -> pd.DataFrame:
    """What was watched of D and G; methods without them are left out.

    Returns:
        `COLUMNS`: shares of images that D judged rightly, diversity of G's images over that of rendered ones, whether
        an epoch counts as collapsed (0 or 1), and sums of the adversarial terms of D and of G, nats.
    """
    lines = []
    for method in methods:
        for record in runs.records(method):
            for epoch, row in enumerate(record.history):
                watched = row.get("watch", {})
                if set(JUDGED) <= set(watched):
                    known = {"method": runs.label(method), "seed": record.seed, "epoch": epoch + 1}
                    losses = {name: _adversarial(row["losses"], starts) for name, starts in LOSSES.items()}
                    lines.append({**known, **{name: watched[name] for name in COLUMNS[3:8]}, **losses})
    return pd.DataFrame(lines, columns=COLUMNS)


def draw_health(data: pd.DataFrame) -> Figure:
    """A row a method: what D judges rightly, G's diversity, and both losses; a line a training start.

    Args:
        data: of `health_data`.
    """
    labels = list(dict.fromkeys(data["method"]))
    figure, axes = plt.subplots(
        len(labels), 3, figsize=(7.6, 0.7 + 1.75 * len(labels)), squeeze=False, sharex="row", layout="constrained"
    )
    for line, label in zip(axes, labels, strict=True):
        part = data[data["method"] == label]
        for _, run in part.groupby("seed"):
            for (name, words), colour in zip(JUDGED.items(), PALETTE, strict=False):
                line[0].plot(run["epoch"], 100 * run[name], color=colour, label=words, **LOOK)
            line[1].plot(
                run["epoch"], run["diversity"], color=PALETTE[3], lw=1.2, marker=".", label="diversity of G's images"
            )
            for name, colour in zip(LOSSES, (PALETTE[5], PALETTE[7]), strict=True):
                line[2].plot(
                    run["epoch"], run[name], color=colour, lw=1.2, marker=".", label=f"adversarial loss of {name}"
                )
        for epoch in sorted(set(part.loc[part["collapsed"] > 0, "epoch"])):
            for panel in line:
                panel.axvspan(epoch - 0.5, epoch + 0.5, color=MARK, alpha=0.12, lw=0, label="collapsed")
        starts = part["seed"].nunique()
        line[0].set_title(wrapped(f"{label}, {starts} start{'s' * (starts > 1)}", 2), fontsize=8)
        line[0].set(ylabel="judged rightly (%)", ylim=(-3, 103))
        line[0].axhline(100 * SURE, color="#999999", lw=0.8, ls=":")
        line[1].set(ylabel="diversity", ylim=(0, 1.08 * part["diversity"].max()))
        line[1].axhline(LEAST_DIVERSITY, color="#999999", lw=0.8, ls=":")
        line[2].set(ylabel="nats", ylim=(0, 1.08 * part[list(LOSSES)].max(axis=None)))
        for panel in line:
            panel.set_xlabel("epoch")
            panel.locator_params(axis="x", integer=True, nbins=5)
    found = {
        name: handle for panel in axes.flat for handle, name in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    legend_outside(figure, "lower center", handles=list(found.values()), labels=list(found), ncols=4, fontsize=7)
    return figure


def _adversarial(losses: dict[str, float], starts: tuple[str, ...]) -> float:
    return sum(value for name, value in losses.items() if name.startswith(starts) and not name.endswith(NO_SHAPE))
