"""Figure 5 of paper 3: the attention mask over faces that wear something, and how well it tells skin from the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch.nn import functional

from facelib.data.occlusion import OcclusionSettings, occluded
from facelib.data.posed_faces import PosedFaces, posed_faces
from facelib.errors import BadInput
from facelib.faces.occluders import Occluder
from facelib.metrics.bootstrap import mean_interval
from facelib.report.overlay import bar_beside, enlarged, named_pictures
from facelib.report.sadrnet.predictions import BACKGROUND, COVERED, SKIN, WORN, Evaluator, Predictions, median_place
from facelib.report.style import PALETTE, legend_outside

RANDOM = "random shapes"
TURNED = 30.0  # degrees of yaw from which a face counts as turned
REGIONS = {SKIN: PALETTE[2], COVERED: PALETTE[5], BACKGROUND: PALETTE[7]}
SHAPES = OcclusionSettings(probability=1.0, shadows=0.0)
MASK_COLOURS = "viridis"


@dataclass(frozen=True)
class Masks:
    """B photographs with their masks.

    Args:
        kinds: B texts, what is before each face.
        predictions: the photographs, of one network with attention.
        attention: A, (B, h, w).
    """

    kinds: list[str]
    predictions: Predictions
    attention: torch.Tensor


def attention_of(predictions: Predictions) -> torch.Tensor:
    """A (B, h, w) of the only network of these predictions.

    Raises:
        BadInput: for several networks, or one without the attention branch.
    """
    attention = [maps.attention for maps in predictions.found.values()]
    if len(attention) != 1 or attention[0] is None:
        raise BadInput(f"masks of {', '.join(predictions.found)}: expected one network that has an attention branch")
    return attention[0].float()


def shown_masks(evaluator: Evaluator, errors: np.ndarray, seed: int = 3) -> Masks:
    """Of each kind of thing two faces, one nearly frontal and one turned: those with the median sparse error of these.

    Args:
        evaluator: of one network.
        errors: (N,) of all photographs of its data set.
        seed: of the random shapes, which lie over faces that wear nothing.

    Raises:
        BadInput: as attention_of.
    """
    arrays = evaluator.archive.arrays
    occluder = np.maximum(arrays["occluder"], Occluder.NOTHING)  # -1 where nobody says
    turned = np.abs(np.rad2deg(arrays["pose"][:, 0])) >= TURNED
    kinds, rows = [], []
    for kind, name in (WORN | {Occluder.NOTHING: RANDOM}).items():
        for side in (~turned, turned):
            if (chosen := (occluder == kind) & side).any():
                kinds.append(name)
                rows.append(median_place(errors, chosen))
    covered = [place for place, name in enumerate(kinds) if name == RANDOM]
    faces = with_shapes(posed_faces(evaluator.archive, np.array(rows)), covered, seed)
    predictions = evaluator.predict(np.array(rows), faces)
    return Masks(kinds, predictions, attention_of(predictions))


def with_shapes(faces: PosedFaces, places: list[int], seed: int) -> PosedFaces:
    """The photographs with opaque random shapes over those of these places."""
    images, skin = faces.images.clone(), faces.skin.clone()
    if places:
        generator = torch.Generator().manual_seed(seed)
        images[places], skin[places] = occluded(images[places], skin[places], generator, SHAPES)
    return replace(faces, images=images, skin=skin)


def mask_data(evaluator: Evaluator, most: int = 400, seed: int = 3) -> pd.DataFrame:
    """Mean attention in the regions of each photograph, with something worn and with random shapes.

    Args:
        evaluator: of one network.
        most: photographs, evenly over the data set.
        seed: of the shapes over the faces that wear nothing.

    Returns:
        Columns row, identity, before (what is before the face), region, pixels, attention, and target: the mean that
        the true share of visible skin in each cell of the mask would have, as cells lie across outlines.

    Raises:
        BadInput: as attention_of.
    """
    lines: list[dict[str, object]] = []
    for number, rows in enumerate(evaluator.portions(evaluator.spread(most))):
        faces = posed_faces(evaluator.archive, rows)
        bare = np.flatnonzero(evaluator.archive.arrays["occluder"][rows] <= Occluder.NOTHING).tolist()
        predictions = evaluator.predict(rows, with_shapes(faces, bare, seed + number))
        lines += _lines(predictions, evaluator.archive.arrays["identity"][rows])
    return pd.DataFrame(lines)


def region_means(data: pd.DataFrame) -> pd.DataFrame:
    """Means over photographs with 95 % intervals over people: columns before, region, attention, low, high, target.

    Args:
        data: of `mask_data`.
    """
    lines = []
    for (before, region), part in data.groupby(["before", "region"], sort=False):
        line = {"before": before, "region": region, "photographs": len(part), "attention": part["attention"].mean()}
        if part["identity"].nunique() > 1:
            interval = mean_interval(part["attention"].to_numpy(), part["identity"].to_numpy(), seed=0)
            line |= {"low": interval.low, "high": interval.high}
        lines.append(line | {"target": part["target"].mean()})
    order = {name: place for place, name in enumerate([*WORN.values(), RANDOM])}
    return pd.DataFrame(lines).sort_values("before", key=lambda names: names.map(order), kind="stable")


def draw_masks(masks: Masks) -> Figure:
    """Photographs above the skin that is seen and the predicted masks, which lie over them in grey."""
    images = masks.predictions.faces.images
    true = _cells(masks.predictions.faces.skin, masks.attention)
    lines = [[enlarged(image) for image in images]]
    lines += [[_over(*each) for each in zip(images, values, strict=True)] for values in (true, masks.attention)]
    figure = named_pictures(lines, ("photograph", "visible skin", "predicted mask"), masks.kinds, 7)
    bar_beside(figure, MASK_COLOURS, 1.0, "share of skin; attention A")
    return figure


def draw_region_means(means: pd.DataFrame) -> Figure:
    """Mean attention on skin, on what is covered and on background, beside the target's.

    Args:
        means: of `region_means`.
    """
    figure, axis = plt.subplots(figsize=(5.6, 2.7), layout="constrained")
    kinds = list(dict.fromkeys(means["before"]))
    for step, (region, colour) in zip((-0.2, 0.0, 0.2), REGIONS.items(), strict=True):
        part = means[means["region"] == region].set_index("before").reindex(kinds)
        places = np.arange(len(kinds)) + step
        axis.vlines(places, part["low"], part["high"], color=colour, lw=1.6)
        axis.plot(places, part["attention"], "o", ms=5, color=colour, label=f"on {region}")
        axis.plot(places, part["target"], "_", ms=11, mew=1.6, color=colour)
    axis.plot([], [], "_", ms=11, mew=1.6, color="#222222", label="true share of skin")
    axis.set_xticks(range(len(kinds)), kinds)
    axis.set(ylim=(-0.02, 1.02), ylabel="mean attention A")
    axis.grid(axis="x", visible=False)
    legend_outside(figure, "right upper", fontsize=7)
    return figure


def _lines(predictions: Predictions, people: np.ndarray) -> Iterator[dict[str, object]]:
    size = predictions.faces.images.shape[-1]
    attention = attention_of(predictions)
    target = _cells(predictions.faces.skin, attention)
    full = {
        name: functional.interpolate(cells[:, None], size=(size, size))[:, 0]
        for name, cells in (("attention", attention), ("target", target))
    }
    regions = predictions.regions()
    for place, row in enumerate(predictions.rows):
        before = WORN.get(Occluder(max(int(predictions.occluder[place]), 0)), RANDOM)
        for region, masks in regions.items():
            mask = masks[place]
            if count := int(mask.sum()):
                means = {name: float(values[place][mask].mean()) for name, values in full.items()}
                yield {"row": row, "identity": people[place], "before": before, "region": region, "pixels": count,
                       **means}  # fmt: skip


def _cells(skin: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
    """The share of skin in each cell of the masks (B, h, w)."""
    height, width = attention.shape[1:]
    return functional.adaptive_avg_pool2d(skin, (height, width))


def _over(image: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Values (h, w) in [0, 1] as colours over an image (3, H, W) in grey."""
    grey = enlarged(image).mean(dim=0, keepdim=True)
    smooth = functional.interpolate(values[None, None], size=grey.shape[1:], mode="bilinear")[0, 0].clamp(0, 1)
    colours = torch.from_numpy(mpl.colormaps[MASK_COLOURS](smooth.numpy())[..., :3]).float().permute(2, 0, 1)
    return 0.4 * grey + 0.6 * colours
