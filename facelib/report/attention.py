"""Figure 5 of paper 1: joint attention over pairs of images whose pose differs more and more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from facelib.data.archive import FaceArchive
from facelib.metrics.verification import far_threshold
from facelib.papers.joint_attention.protocol import FAR, split_scores
from facelib.report.records import folder_of
from facelib.runs.folders import record_path
from facelib.runs.records import Record, read_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POSE_STEPS = (15.0, 45.0, 70.0, 90.0)  # degrees of the probe, one pair each
SHOWN_RANGE = 4.0  # powers of two; peaked attention leaves many places with next to nothing
MATCH, NON_MATCH = "#009E73", "#D55E00"


@dataclass(frozen=True)
class AttentionPair:
    """A gallery image and a probe of one identity, with their attention.

    Args:
        images: (2, 3, H, W), the gallery image first.
        attention: (2, H, W), mean attention that a place receives from all places, times the number of places
            (1 everywhere would be uniform attention).
        score: cosine of the two embeddings.
        threshold: of the pose bins together at 1 % false accepts.
        angle: of the probe, degrees.
    """

    images: np.ndarray
    attention: np.ndarray
    score: float
    threshold: float
    angle: float


@torch.no_grad()
def received_attention(network: Any, images: torch.Tensor) -> torch.Tensor:
    """How much attention each place receives, enlarged to the images.

    Args:
        network: a joint attention network.
        images: (B, 3, H, W).

    Returns:
        (B, H, W), on average 1.
    """
    attention = network.attention_of_images(images)  # (B, N, N), rows sum to one
    received = attention.mean(dim=1) * attention.shape[-1]
    side = round(received.shape[1] ** 0.5)
    maps = received.view(-1, 1, side, side)
    return functional.interpolate(maps, size=images.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def attention_pairs(record: Record, network: Any, archive: FaceArchive, person: int = 0) -> list[AttentionPair]:
    """Pairs of one evaluated identity: its most frontal image against probes at growing angles.

    Args:
        record: of the run.
        network: its trained network.
        archive: its data set.
        person: which of the evaluated identities.
    """
    scored = read_scores(record_path(folder_of(record)), record)
    identity = scored["identities"][person % len(scored["identities"])]
    threshold = far_threshold(split_scores(scored)[1], FAR)
    rows = scored["rows"][archive.arrays["identity"][scored["rows"]] == identity]
    gallery = rows[np.argmin(archive.arrays["angle"][rows])]
    probes = scored["probe_rows"][scored["probe_identity"] == identity]
    degrees = np.rad2deg(archive.arrays["angle"][probes])
    embedding = dict(zip(scored["rows"].tolist(), scored["embeddings"], strict=True))
    pairs = []
    for step in POSE_STEPS:
        probe = probes[np.argmin(np.abs(degrees - step))]
        images = torch.cat([archive.samples(np.array([row])).images for row in (gallery, probe)])
        pairs.append(
            AttentionPair(
                images=images.numpy(),
                attention=received_attention(network, images).numpy(),
                score=float(embedding[int(gallery)] @ embedding[int(probe)]),
                threshold=float(threshold),
                angle=float(np.rad2deg(archive.arrays["angle"][probe])),
            )
        )
    return pairs


def pair_data(pairs: dict[str, list[AttentionPair]]) -> pd.DataFrame:
    """The numbers behind the picture: columns method, angle, score, threshold, match."""
    return pd.DataFrame(
        [
            {
                "method": label,
                "angle": pair.angle,
                "score": pair.score,
                "threshold": pair.threshold,
                "match": pair.score >= pair.threshold,
                "least attention": pair.attention.min(),
                "most attention": pair.attention.max(),
            }
            for label, several in pairs.items()
            for pair in several
        ]
    )


def draw_pairs(pairs: dict[str, list[AttentionPair]]) -> Figure:
    """A column of pairs for each method; green outline where the pair's score passes the threshold, else orange."""
    import matplotlib.pyplot as plt

    rows, columns = len(next(iter(pairs.values()))), 2 * len(pairs)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.35 * columns + 0.9, 1.45 * rows), squeeze=False, layout="constrained"
    )
    drawn = None
    for place, (label, several) in enumerate(pairs.items()):
        for row, pair in enumerate(several):
            colour = MATCH if pair.score >= pair.threshold else NON_MATCH
            for side, title in enumerate(("gallery", f"{pair.angle:.0f}°")):
                axis = axes[row][2 * place + side]
                axis.imshow(pair.images[side].transpose(1, 2, 0).mean(axis=2), cmap="gray", vmin=0, vmax=1)
                shown = np.log2(np.maximum(pair.attention[side], 2**-SHOWN_RANGE))  # attention may underflow to 0
                drawn = axis.imshow(shown, cmap="RdBu_r", alpha=0.45, vmin=-SHOWN_RANGE, vmax=SHOWN_RANGE)
                axis.set(xticks=[], yticks=[])
                axis.set_title(f"{label}\n{title}" if row == 0 else title, fontsize=8, loc="center", weight="normal")
                for spine in axis.spines.values():
                    spine.set(visible=True, color=colour, linewidth=2.5)
    assert drawn is not None
    bar = figure.colorbar(drawn, ax=axes, extend="both", aspect=30, shrink=0.8)
    bar.set_label("attention received over uniform attention, log2", fontsize=7)
    bar.ax.tick_params(labelsize=7)
    return figure
