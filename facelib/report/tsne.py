"""t-SNE of embeddings: people by colour and number, samples of two kinds by marker, and numbers that t-SNE cannot show.

t-SNE makes clusters by nature, so below each panel stand numbers from the space of the embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PEOPLE_AT_MOST = 20  # as many colours as can be told apart
PERPLEXITY = 20.0


@dataclass(frozen=True)
class Kind:
    """Samples of one kind.

    Args:
        marker: of matplotlib.
        text: in the legend.
        size: of the marker.
        numbered: whether the number of the person stands on one of its samples.
    """

    marker: str
    text: str
    size: float = 20.0
    numbered: bool = True


def flattened(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE of embeddings (N, D) to two dimensions (N, 2), by cosine."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(embeddings) - 1) / 3)
    return TSNE(init="pca", perplexity=perplexity, metric="cosine", random_state=seed).fit_transform(embeddings)


def separation(
    embeddings: np.ndarray, identity: np.ndarray, kind: np.ndarray, kinds: tuple[str, str]
) -> dict[str, float]:
    """How well embeddings separate identities across two kinds of samples.

    Args:
        embeddings: (N, D) of unit length.
        identity: (N,), each with samples of both kinds.
        kind: (N,).
        kinds: their names.

    Returns:
        silhouette of identity (-1 to 1, by cosine distance); own and others, mean cosines between both kinds of the
        same person and of different people. Every person weighs the same in the cosines.
    """
    from sklearn.metrics import silhouette_score

    people = np.unique(identity)
    # The mean cosine of all pairs is the product of the means.
    first, second = (
        np.stack([embeddings[(identity == person) & (kind == name)].mean(axis=0) for person in people])
        for name in kinds
    )
    cosines = first @ second.T
    same = np.eye(len(people), dtype=bool)
    return {
        "silhouette": float(silhouette_score(embeddings, identity, metric="cosine")),
        "own": float(cosines[same].mean()),
        "others": float(cosines[~same].mean()),
    }


def draw_spaces(points: pd.DataFrame, captions: Mapping[str, str], kinds: Mapping[str, Kind]) -> Figure:
    """A panel for each space: colour and number are the person, the marker is the kind of sample.

    Args:
        points: columns space, x, y, identity and kind.
        captions: what stands below each space's panel.
        kinds: by name.
    """
    import seaborn as sns

    people = sorted(points["identity"].unique())
    colours = dict(zip(people, sns.color_palette("tab10") + sns.color_palette("dark", 10), strict=False))
    size = (3.3 * len(captions) + 1.0, 3.9)
    figure, axes = plt.subplots(1, len(captions), figsize=size, squeeze=False, layout="constrained")
    for axis, (space, caption) in zip(axes[0], captions.items(), strict=True):
        _draw_people(axis, points[points["space"] == space], colours, kinds)
        axis.set_title(space)
        axis.set_xlabel(caption, fontsize=8)
    handles = [plt.Line2D([], [], ls="", marker="D", ms=4, color=colours[i], label=str(i)) for i in people]
    marks = [
        plt.Line2D([], [], ls="", marker=kind.marker, ms=5, color="#555555", label=kind.text) for kind in kinds.values()
    ]
    figure.legend(
        handles=handles, loc="outside right center", title="person", ncols=2 if len(people) > 12 else 1, fontsize=7,
        title_fontsize=8, handletextpad=0.1, columnspacing=0.8,
    )  # fmt: skip
    figure.legend(handles=marks, loc="outside upper right", ncols=2, fontsize=8)
    return figure


def _draw_people(
    axis: Axes, points: pd.DataFrame, colours: Mapping[int, tuple[float, float, float]], kinds: Mapping[str, Kind]
) -> None:
    for (person, name), part in points.groupby(["identity", "kind"], sort=False):
        kind, colour = kinds[name], colours[person]
        axis.scatter(
            part["x"], part["y"], s=kind.size, marker=kind.marker, color=colour, edgecolors="white", linewidths=0.4
        )
    numbered = points[[kinds[name].numbered for name in points["kind"]]]
    for (person, _), part in numbered.groupby(["identity", "kind"], sort=False):
        flat = part[["x", "y"]].to_numpy()
        middle = flat[np.linalg.norm(flat - np.median(flat, axis=0), axis=1).argmin()]  # the sample most in the middle
        axis.annotate(
            str(person), tuple(middle), fontsize=6, ha="center", va="center", weight="bold", color=colours[person],
            bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.75},
        )  # fmt: skip
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
