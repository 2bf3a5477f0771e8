"""Figure 5 of paper 1: what networks look at in pairs of images whose pose differs more and more.

Two kinds of maps: the attention that each place receives, which joint attention networks have, and occlusion
sensitivity, which all have (`facelib.report.joint_attention.saliency` says why).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch

from facelib.data.archive import FaceArchive
from facelib.metrics.identification import genuine_and_impostor
from facelib.metrics.verification import far_threshold
from facelib.papers.joint_attention.protocol import FAR
from facelib.report.joint_attention.saliency import (
    attention_on_faces,
    enlarge,
    face_mask,
    occlusion_sensitivity,
    received_attention,
)
from facelib.report.records import scores_of
from facelib.report.style import line_looks
from facelib.runs.records import Record

POSE_STEPS = (15.0, 60.0, 75.0, 90.0)  # degrees of the probe; an easy pair, then the paper's 60 to 90
MATCH, NON_MATCH = "#009E73", "#D55E00"
BEHIND = 0.88  # grey that stands for the removed background, so that maps show on it


@dataclass(frozen=True)
class FacePair:
    """A person's most frontal image and a probe, evaluated by one network.

    Args:
        images: (2, 3, H, W), the frontal image first.
        score: cosine of the two embeddings.
        threshold: 1 % false accepts among probes of all poses against the most frontal image of other people.
        spread: standard deviation of the scores of different people.
        angle: of the probe, degrees.
    """

    images: torch.Tensor
    score: float
    threshold: float
    spread: float
    angle: float

    @property
    def matches(self) -> bool:
        return self.score >= self.threshold


@dataclass(frozen=True)
class MapKind:
    """A kind of map.

    Args:
        make: (network, pair) -> values (2, H, W), 0 is neutral.
        label: of the colour bar.
        limit: value of the strongest colour; None lets one of a hundred shown pixels pass it.
    """

    make: Callable[[Any, FacePair], torch.Tensor]
    label: str
    limit: float | None


def _attention_map(network: Any, pair: FacePair) -> torch.Tensor:
    received = enlarge(received_attention(network, pair.images), (pair.images.shape[-2], pair.images.shape[-1]))
    sign = 1.0 if float(network.joint_attention.gamma) >= 0 else -1.0  # of A_2D, which holds gamma
    return sign * received.clamp_min(1e-6).log2()  # attention may underflow to 0


def _occlusion_map(network: Any, pair: FacePair) -> torch.Tensor:
    """In standard deviations of the scores of different people, as networks spread their cosines differently."""
    return occlusion_sensitivity(network, pair.images) / pair.spread


ATTENTION = MapKind(
    _attention_map, "attention received over uniform attention, log2 (sign turned where gamma is negative)", 4.0
)
OCCLUSION = MapKind(_occlusion_map, "fall of the cosine when covered, over the spread of strangers' cosines", None)


def face_pairs(record: Record, archive: FaceArchive, person: int = 0) -> list[FacePair]:
    """Pairs of one evaluated identity at growing angles; records of one fold give the same images.

    Args:
        record: of the run.
        archive: the data set that it was evaluated on.
        person: which of the evaluated identities.
    """
    scored = scores_of(record)
    rows, angle = scored["rows"], archive.arrays["angle"]
    owner = archive.arrays["identity"][rows]
    frontal = np.array([min(rows[owner == who], key=lambda row: angle[row]) for who in scored["identities"]])
    at = dict(zip(rows.tolist(), scored["embeddings"], strict=True))
    probes, enrolled = (np.stack([at[int(row)] for row in chosen]) for chosen in (scored["probe_rows"], frontal))
    scores = probes @ enrolled.T
    impostor = genuine_and_impostor(scores, scored["probe_identity"], scored["identities"])[1]
    threshold, spread = float(far_threshold(impostor, FAR)), float(impostor.std())
    column = person % len(frontal)
    own = np.flatnonzero(scored["probe_identity"] == scored["identities"][column])
    degrees = np.rad2deg(scored["probe_angle"])
    pairs = []
    for step in POSE_STEPS:
        probe = own[np.argmin(np.abs(degrees[own] - step))]
        images = archive.samples(np.array([frontal[column], scored["probe_rows"][probe]])).images
        pairs.append(FacePair(images, float(scores[probe, column]), threshold, spread, float(degrees[probe])))
    return pairs


def pair_maps(pairs: list[FacePair], network: Any, kind: MapKind) -> list[np.ndarray]:
    """The maps (2, H, W) of a network for each pair."""
    return [kind.make(network, pair).numpy() for pair in pairs]


def pair_data(pairs: dict[str, list[FacePair]], networks: dict[str, Any]) -> pd.DataFrame:
    """The numbers behind the pictures, one line a method, pair and image.

    Columns method, angle, image ("gallery" or "probe"), score, threshold, spread, match; and for networks with
    attention on_face, face_area, peak and peak_on_background, as `attention_on_faces` says.
    """
    lines = []
    for label, several in pairs.items():
        for pair in several:
            evaluated = {"score": pair.score, "threshold": pair.threshold, "spread": pair.spread, "match": pair.matches}
            frame = pd.DataFrame({"method": label, "angle": pair.angle, "image": ["gallery", "probe"], **evaluated})
            if has_attention(networks[label]):
                frame = frame.join(attention_on_faces(networks[label], pair.images))
            lines.append(frame)
    return pd.concat(lines, ignore_index=True)


def has_attention(network: Any) -> bool:
    """Whether a network has an attention map of images."""
    return hasattr(network, "attention_of_images")


def draw_pairs(pairs: dict[str, list[FacePair]], maps: dict[str, list[np.ndarray]], kind: MapKind) -> Figure:
    """A block for each method, a row for each pair; a green frame where it passes the threshold, else an orange one.

    Args:
        pairs: label -> pairs.
        maps: label -> their maps; methods without are left out.
        kind: of the maps.
    """
    limit = kind.limit or max(float(np.percentile(np.abs(list(maps.values())), 99)), 1e-6)
    rows = len(next(iter(pairs.values())))
    figure = plt.figure(figsize=(2.25 * len(maps) + 0.7, 1.2 * rows + 0.3), layout="constrained")
    *blocks, margin = figure.subfigures(1, len(maps) + 1, width_ratios=[2.25] * len(maps) + [0.7], squeeze=False)[0]
    for block, (label, several) in zip(blocks, maps.items(), strict=True):
        _draw_block(block, label, pairs[label], several, limit)
    scale = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
    bar = margin.colorbar(scale, cax=margin.add_axes((0.1, 0.1, 0.16, 0.8)), extend="both")
    bar.set_label(kind.label, fontsize=7)
    bar.ax.tick_params(labelsize=7)
    frames = {"green frame: accepted at 1 % false accepts": MATCH, "orange frame: not accepted": NON_MATCH}
    handles = [Patch(fill=False, edgecolor=colour, linewidth=2.2, label=text) for text, colour in frames.items()]
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=7.5)
    return figure


def _draw_block(block: SubFigure, label: str, pairs: list[FacePair], maps: list[np.ndarray], limit: float) -> None:
    block.suptitle(f"{label} (threshold {pairs[0].threshold:.2f})", fontsize=8.5, weight="bold")
    axes = block.subplots(len(pairs), 2, squeeze=False)
    for row, pair, both in zip(axes, pairs, maps, strict=True):
        titles = (f"cosine {pair.score:.2f}", f"{pair.angle:.0f}°")
        for axis, image, values, title in zip(row, pair.images, both, titles, strict=True):
            axis.imshow(blend(image, values, limit))
            axis.set(xticks=[], yticks=[])
            axis.set_title(title, fontsize=7, loc="center", weight="normal", pad=2)
            for spine in axis.spines.values():
                spine.set(visible=True, color=MATCH if pair.matches else NON_MATCH, linewidth=2.2)


def blend(image: torch.Tensor, values: np.ndarray, limit: float) -> np.ndarray:
    """A grey image (3, H, W) under a map (H, W), as (H, W, 3): the stronger a value the more of its colour.

    Negative values get less of it, as attention that is high somewhere is low nearly everywhere.
    """
    face = face_mask(image[None])[0].numpy()
    grey = np.where(face, image.mean(dim=0).numpy() ** 0.8, BEHIND)[..., None].repeat(3, axis=2)
    strength = np.clip(values / limit, -1, 1)
    colour = mpl.colormaps["RdBu_r"]((strength + 1) / 2)[..., :3]
    weight = (np.where(strength > 0, 0.8, 0.4) * np.abs(strength))[..., None]
    return (1 - weight) * grey + weight * colour


def draw_attention_by_pose(data: pd.DataFrame, emphasised: Sequence[str] = ()) -> Figure:
    """Share of the attention on the face, beside what uniform attention would give; and the strongest place.

    Args:
        data: of `facelib.report.joint_attention.saliency.attention_by_pose`.
        emphasised: labels of the methods to stand out.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.0, 2.8), layout="constrained")
    labels = list(dict.fromkeys(data["method"]))
    looks = line_looks(labels, emphasised)
    area = data.groupby("pose", sort=False)["face_area"].mean() * 100
    left.plot(area.index, area, color="#7F7F7F", ls="--", lw=1.2, label="area of the face (uniform attention)")
    for label in labels:
        part = data[data["method"] == label]
        left.plot(part["pose"], part["on_face"] * 100, marker="o", ms=4, label=label, **looks[label])
        right.plot(part["pose"], part["peak"], marker="o", ms=4, **looks[label])
        for pose, peak, share in zip(part["pose"], part["peak"], part["peak_on_background"], strict=True):
            right.annotate(f"{share:.0%}", (pose, peak), (0, 5), textcoords="offset points", ha="center", fontsize=6,
                           color=looks[label]["color"])  # fmt: skip
    left.set(xlabel="angle from frontal (degrees)", ylabel="attention on the face (%)", ylim=(0, 101))
    left.legend(fontsize=7)
    right.set(xlabel="angle from frontal (degrees)", yscale="log", ylim=(1, 2 * data["peak"].max()))
    right.set_ylabel("attention of the strongest place\nover uniform attention")
    right.set_title("percent: how often that place is background", fontsize=8, weight="normal")
    return figure
