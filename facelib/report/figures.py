"""The figures of paper 1, drawn from records and weights: ROC curves, t-SNE, attention over image pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from facelib.conventions import POSE_BINS
from facelib.errors import BadInput
from facelib.metrics.verification import roc_curve, sorted_scores
from facelib.papers.joint_attention.protocol import split_scores
from facelib.report.records import folder_of
from facelib.report.style import PALETTE
from facelib.runs.folders import record_path
from facelib.runs.records import Record, read_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAR_GRID = np.logspace(-3, 0, 121)
FRONTAL, PROFILE = "0-10", "90+"


def roc_data(records: dict[str, list[Record]], poses: tuple[str, ...] = (FRONTAL, PROFILE)) -> pd.DataFrame:
    """TAR over FAR for each method, pose bin and fold, on one grid of false accept rates.

    Args:
        records: label -> records of its folds.
        poses: pose bins.

    Returns:
        Columns method, pose, fold, far, tar, auc, eer (all in [0, 1]).
    """
    frames = []
    for label, folds in records.items():
        for record in folds:
            scored = read_scores(record_path(folder_of(record)), record)
            for pose in poses:
                genuine, impostor = split_scores(scored, pose)
                curve = roc_curve(genuine, impostor)
                # The best TAR whose FAR stays at or below each point of the grid.
                place = np.searchsorted(curve.far, FAR_GRID, side="right") - 1
                tar = np.where(place >= 0, curve.tar[np.maximum(place, 0)], 0.0)
                frame = pd.DataFrame({"method": label, "pose": pose, "fold": record.fold, "far": FAR_GRID, "tar": tar})
                both = sorted_scores(genuine, impostor)
                frame["auc"], frame["eer"] = both.area_under_curve(), both.equal_error_rate()
                frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def draw_roc(data: pd.DataFrame) -> Figure:
    """Figure 3: a panel for each pose bin; a band of one standard deviation where there are several folds."""
    import matplotlib.pyplot as plt

    poses = list(dict.fromkeys(data["pose"]))
    figure, panels = plt.subplots(1, len(poses), figsize=(4.1 * len(poses), 3.4), sharey=True, squeeze=False)
    for panel, pose in zip(panels[0], poses, strict=True):
        for colour, (label, curves) in zip(
            PALETTE, data[data["pose"] == pose].groupby("method", sort=False), strict=False
        ):
            by_far = curves.groupby("far")["tar"]
            mean, deviation = by_far.mean(), by_far.std(ddof=1).fillna(0)
            text = f"{label}  (AUC {curves['auc'].mean():.3f}, EER {curves['eer'].mean():.3f})"
            panel.plot(mean.index, mean, color=colour, label=text)
            if curves["fold"].nunique() > 1:
                panel.fill_between(mean.index, mean - deviation, mean + deviation, color=colour, alpha=0.2, lw=0)
        panel.axvline(0.01, color="#999999", lw=0.8, ls=":")
        panel.set(xscale="log", xlim=(FAR_GRID[0], 1), ylim=(0, 1.01), xlabel="false accept rate")
        panel.set_title(f"{pose.replace('+', ' and more')} degrees from frontal")
        panel.legend(loc="lower right", fontsize=7)
    panels[0][0].set_ylabel("true accept rate")
    figure.tight_layout()
    return figure


def pose_data(records: dict[str, list[Record]]) -> pd.DataFrame:
    """TAR at 1 % FAR by pose bin: columns method, pose, fold, tar."""
    rows = [
        {"method": label, "pose": pose, "fold": record.fold, "tar": record.metrics[f"tar_at_far_1pct/{pose}"]["value"]}
        for label, folds in records.items()
        for record in folds
        for pose in POSE_BINS
    ]
    return pd.DataFrame(rows)


def draw_pose(data: pd.DataFrame) -> Figure:
    """Table I as a picture: TAR at 1 % FAR over the pose bins, a point for each fold and a line of their means."""
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(4.6, 3.2))
    for colour, (label, rows) in zip(PALETTE, data.groupby("method", sort=False), strict=False):
        mean = rows.groupby("pose", sort=False)["tar"].mean() * 100
        panel.plot(mean.index, mean, marker="o", color=colour, label=label)
        if rows["fold"].nunique() > 1:
            panel.scatter(rows["pose"], rows["tar"] * 100, s=8, color=colour, alpha=0.5)
    panel.set(xlabel="angle from frontal (degrees)", ylabel="TAR at 1 % FAR (%)", ylim=(0, 101))
    panel.legend()
    figure.tight_layout()
    return figure


def tsne_data(record: Record, identities: int = 10, seed: int = 0) -> pd.DataFrame:
    """Two-dimensional t-SNE of the frontal and profile probes of some identities.

    Args:
        record: of a run whose scores hold the embeddings.
        identities: how many, the first ones that show both poses.
        seed: of t-SNE.

    Returns:
        Columns x, y, identity, pose.

    Raises:
        BadInput: when fewer than two identities show both poses.
    """
    from sklearn.manifold import TSNE

    scored = read_scores(record_path(folder_of(record)), record)
    degrees = np.rad2deg(scored["probe_angle"])
    pose = np.select([degrees < POSE_BINS["10-30"][1], degrees >= POSE_BINS[PROFILE][0]], ["frontal", "profile"], "")
    people = [
        person
        for person in scored["identities"]
        if {"frontal", "profile"} <= set(pose[scored["probe_identity"] == person])
    ][:identities]
    if len(people) < 2:
        raise BadInput(f"{len(people)} identities show both frontal and profile probes: expected at least two")
    chosen = np.isin(scored["probe_identity"], people) & (pose != "")
    place = np.searchsorted(scored["rows"], scored["probe_rows"][chosen])
    embeddings = scored["embeddings"][place]
    perplexity = min(20.0, (len(embeddings) - 1) / 3)
    flat = TSNE(init="pca", perplexity=perplexity, metric="cosine", random_state=seed).fit_transform(embeddings)
    return pd.DataFrame(
        {"x": flat[:, 0], "y": flat[:, 1], "identity": scored["probe_identity"][chosen], "pose": pose[chosen]}
    )


def draw_tsne(panels: dict[str, pd.DataFrame]) -> Figure:
    """Figure 4: colour is identity, a circle is frontal (below 30 degrees), a square is profile (90 and more)."""
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.6), squeeze=False)
    for axis, (label, data) in zip(axes[0], panels.items(), strict=True):
        colours = dict(zip(sorted(data["identity"].unique()), sns.color_palette("tab10", 10) * 2, strict=False))
        for pose, marker in (("frontal", "o"), ("profile", "s")):
            part = data[data["pose"] == pose]
            axis.scatter(
                part["x"], part["y"], marker=marker, s=26, c=[colours[i] for i in part["identity"]],
                edgecolors="white", linewidths=0.5, label=pose,
            )  # fmt: skip
        axis.set(title=label, xticks=[], yticks=[])
        axis.grid(False)
    handles = [
        plt.Line2D([], [], ls="", marker=marker, color="#555555", label=text)
        for marker, text in (("o", "frontal (below 30°)"), ("s", "profile (90° and more)"))
    ]
    figure.legend(handles=handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.04))
    figure.tight_layout()
    return figure
