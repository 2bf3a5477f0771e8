"""Figure 4 of paper 1: t-SNE of frontal and profile probes, and how well identities separate before it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.conventions import POSE_BINS
from facelib.errors import BadInput
from facelib.report.records import scores_of
from facelib.runs.records import Record

FRONTAL_BELOW, PROFILE_FROM = POSE_BINS["10-30"][1], POSE_BINS["90+"][0]  # degrees
PROBES_SHOWN = 15  # of a person and pose
MARKERS = {"frontal": "o", "profile": "s"}
PEOPLE_AT_MOST = 20  # as many colours as can be told apart


def tsne_data(
    records: dict[str, Record], identities: int = PEOPLE_AT_MOST, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frontal and profile probes of the same people in two dimensions, for each method, and what t-SNE cannot show.

    Args:
        records: label -> record whose scores hold the embeddings; all evaluated on the same people.
        identities: how many people to show, the first ones that show both poses.
        seed: of t-SNE.

    Returns:
        Points with columns method, x, y, identity, pose; and of each method, over all evaluated people in the space of
        the embeddings: silhouette (of identity, -1 to 1, by cosine distance), own and others (mean cosine between
        frontal and profile probes of the same person, and of different people), people.

    Raises:
        BadInput: when fewer than two people show both poses, or the methods were evaluated on different people.
    """
    points, numbers, people_before = [], [], None
    for label, record in records.items():
        embeddings, identity, pose = _frontal_and_profile(scores_of(record))
        people = np.unique(identity)
        if people_before is not None and not np.array_equal(people, people_before):
            raise BadInput(
                f"{label} was evaluated on other people than the methods before it: give records of one fold"
            )
        people_before = people
        shown = np.isin(identity, people[: min(identities, PEOPLE_AT_MOST)])
        if len(np.unique(identity[shown])) < 2:
            raise BadInput(
                f"{len(np.unique(identity[shown]))} people to show, of {len(people)} with both frontal and profile "
                "probes: expected at least two"
            )
        flat = _flatten(embeddings[shown], seed)
        places = {"method": label, "x": flat[:, 0], "y": flat[:, 1], "identity": identity[shown], "pose": pose[shown]}
        points.append(pd.DataFrame(places))
        numbers.append({"method": label, **separation(embeddings, identity, pose), "people": len(people)})
    return pd.concat(points, ignore_index=True), pd.DataFrame(numbers)


def separation(embeddings: np.ndarray, identity: np.ndarray, pose: np.ndarray) -> dict[str, float]:
    """How well embeddings (N, D) of unit length separate identities across pose.

    Args:
        embeddings: (N, D).
        identity: (N,), each with both poses.
        pose: (N,), "frontal" or "profile".

    Returns:
        silhouette, own and others as `tsne_data` says; every person weighs the same in the cosines.
    """
    from sklearn.metrics import silhouette_score

    people = np.unique(identity)
    # The mean cosine of all pairs is the product of the means.
    frontal, profile = (
        np.stack([embeddings[(identity == person) & (pose == name)].mean(axis=0) for person in people])
        for name in MARKERS
    )
    cosines = frontal @ profile.T
    same = np.eye(len(people), dtype=bool)
    return {
        "silhouette": float(silhouette_score(embeddings, identity, metric="cosine")),
        "own": float(cosines[same].mean()),
        "others": float(cosines[~same].mean()),
    }


def draw_tsne(points: pd.DataFrame, numbers: pd.DataFrame) -> Figure:
    """A panel for each method: colour and number are the person, a circle is frontal, a square is profile."""
    import seaborn as sns

    people = sorted(points["identity"].unique())
    colours = dict(zip(people, sns.color_palette("tab10") + sns.color_palette("dark", 10), strict=False))
    methods = list(dict.fromkeys(points["method"]))
    size = (3.3 * len(methods) + 1.0, 3.9)
    figure, axes = plt.subplots(1, len(methods), figsize=size, squeeze=False, layout="constrained")
    for axis, label in zip(axes[0], methods, strict=True):
        _draw_people(axis, points[points["method"] == label], colours)
        row = numbers.set_index("method").loc[label]
        axis.set_title(label)
        axis.set_xlabel(
            f"silhouette of identity {row['silhouette']:.2f}\n"
            f"cosine frontal to profile: own {row['own']:.2f}, others {row['others']:.2f}",
            fontsize=8,
        )
    handles = [plt.Line2D([], [], ls="", marker="D", ms=4, color=colours[i], label=str(i)) for i in people]
    texts = {"frontal": f"frontal (below {FRONTAL_BELOW:.0f}°)", "profile": f"profile ({PROFILE_FROM:.0f}° and more)"}
    marks = [plt.Line2D([], [], ls="", marker=MARKERS[p], ms=5, color="#555555", label=texts[p]) for p in MARKERS]
    figure.legend(
        handles=handles, loc="outside right center", title="person", ncols=2 if len(people) > 12 else 1, fontsize=7,
        title_fontsize=8, handletextpad=0.1, columnspacing=0.8,
    )  # fmt: skip
    figure.legend(handles=marks, loc="outside upper right", ncols=2, fontsize=8)
    return figure


def _draw_people(axis: Axes, points: pd.DataFrame, colours: dict[int, tuple[float, float, float]]) -> None:
    for (person, pose), part in points.groupby(["identity", "pose"], sort=False):
        mark, colour = MARKERS[pose], colours[person]
        axis.scatter(part["x"], part["y"], s=20, marker=mark, color=colour, edgecolors="white", linewidths=0.4)
    for (person, _), part in points.groupby(["identity", "pose"], sort=False):
        flat = part[["x", "y"]].to_numpy()
        middle = flat[np.linalg.norm(flat - np.median(flat, axis=0), axis=1).argmin()]  # the probe most in the middle
        axis.annotate(
            str(person), tuple(middle), fontsize=6, ha="center", va="center", weight="bold", color=colours[person],
            bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.75},
        )  # fmt: skip
    axis.set(xticks=[], yticks=[])
    axis.grid(False)


def _frontal_and_profile(scored: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings, identity and pose of at most PROBES_SHOWN probes a pose, of the people that show both."""
    degrees = np.rad2deg(scored["probe_angle"])
    pose = np.select([degrees < FRONTAL_BELOW, degrees >= PROFILE_FROM], list(MARKERS), "")
    chosen: list[int] = []
    for person in scored["identities"]:
        parts = [np.flatnonzero((scored["probe_identity"] == person) & (pose == name)) for name in MARKERS]
        if all(len(part) for part in parts):
            chosen += [i for part in parts for i in part[:: -(-len(part) // PROBES_SHOWN)]]
    picked = np.array(chosen, int)
    place = np.searchsorted(scored["rows"], scored["probe_rows"][picked])
    return scored["embeddings"][place], scored["probe_identity"][picked], pose[picked]


def _flatten(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE to two dimensions (N, 2)."""
    from sklearn.manifold import TSNE

    perplexity = min(20.0, (len(embeddings) - 1) / 3)
    return TSNE(init="pca", perplexity=perplexity, metric="cosine", random_state=seed).fit_transform(embeddings)
