"""What paper 1's method notebook shows: code, batch, attention, margins, histograms, what joint entropy does."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from facelib.errors import BadInput, check_shape
from facelib.losses.joint_entropy import histogram
from facelib.losses.margins import AdaFaceSettings, adaface_logits
from facelib.models.pointnet2 import Grouping
from facelib.report.style import PALETTE, stamp, switch_off

RUNNING_MEAN, RUNNING_STD = 20.0, 5.0  # of the norms, so that norms of 4, 20 and 36 give k = -1, 0 and 1 at h = 0.333


def code_of(function: Callable[..., Any]) -> str:
    """The source of a function without its docstring."""
    head, *rest = inspect.getsource(function).split('"""', 2)
    return textwrap.dedent(head.rstrip() + "".join(rest[1:])).strip()


def draw_batch(images: torch.Tensor, points: torch.Tensor, titles: Sequence[str], label: str) -> Figure:
    """Photographs (B, 3, H, W) above their clouds (B, N, 3), which are coloured by depth."""
    check_shape("images", images, (None, 3, None, None))
    check_shape("points", points, (len(images), None, 3))
    figure, panels = plt.subplots(2, len(images), figsize=(1.15 * len(images), 2.7), layout="constrained")
    for column, (image, cloud, title) in enumerate(zip(images, points, titles, strict=True)):
        panels[0, column].imshow(image.permute(1, 2, 0).numpy())
        panels[0, column].set_title(title, loc="center")
        panels[1, column].scatter(cloud[:, 0], cloud[:, 1], c=cloud[:, 2], s=0.6, cmap="viridis")
        panels[1, column].set_aspect("equal")
    switch_off(panels.flat)
    stamp(figure, label)
    return figure


def draw_grouping(points: torch.Tensor, grouping: Grouping, size: int, label: str) -> Figure:
    """How the first cloud of a batch becomes a map: both stages' centres, their places, three neighbourhoods.

    Args:
        points: (B, N, 3).
        grouping: of these clouds.
        size: height and width of the map.
        label: for the stamp.

    Raises:
        BadInput: unless the second stage has size * size centres.
    """
    cloud, first = points[0], points[0, grouping.centres_1[0].long()]
    second = first[grouping.centres_2[0].long()]
    if len(second) != size * size:
        raise BadInput(f"{len(second)} centres for a map of {size} x {size}: expected {size * size}")
    figure, panels = plt.subplots(1, 4, figsize=(9.4, 2.9), layout="constrained")
    titles = (f"{len(first)} centres, first stage", f"{len(second)} centres, second", "on the map", "neighbourhoods")
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(title)
        panel.set_aspect("equal")
        panel.axis("off")
    for panel in panels[[0, 1, 3]]:
        panel.scatter(cloud[:, 0], cloud[:, 1], s=1, color="#c4c4c4")
    panels[0].scatter(first[:, 0], first[:, 1], s=9, color=PALETTE[0])
    order = np.arange(size * size)
    panels[1].scatter(second[:, 0], second[:, 1], s=22, c=order, cmap="viridis")
    panels[2].imshow(order.reshape(size, size), cmap="viridis")
    for number in order:
        panels[2].text(number % size, number // size, number, ha="center", va="center", fontsize=5, color="white")
    for chosen, colour in zip((0, 1, 2), PALETTE, strict=False):
        group = first[grouping.neighbours_2[0, chosen].long()]
        panels[3].scatter(group[:, 0], group[:, 1], s=9, color=colour)
        panels[3].scatter(*second[chosen, :2], s=60, marker="*", color=colour, edgecolors="black", zorder=3)
        panels[3].annotate(str(chosen), second[chosen, :2].tolist(), (5, 4), textcoords="offset points", fontsize=8)
    stamp(figure, label)
    return figure


def draw_query(images: torch.Tensor, attention: torch.Tensor, query: int, titles: Sequence[str], label: str) -> Figure:
    """For each photograph: the place of a query, the row of attention that it takes, the attention that places receive.

    Args:
        images: (B, 3, S, S).
        attention: (B, N, N), rows sum to one, N a square number.
        query: a position, 0 to N - 1.
        titles: of the photographs.
        label: for the stamp.

    Raises:
        BadInput: for a query that is no position, or wrong shapes.
    """
    count, extent = attention.shape[-1], images.shape[-1]
    check_shape("attention", attention, (len(images), count, count))
    if not 0 <= query < count:
        raise BadInput(f"query {query}: expected a position from 0 to {count - 1}")
    size = round(count**0.5)
    cell = extent / size
    figsize = (1.75 * len(images) + 0.5, 5.0)
    figure, lines = plt.subplots(3, len(images), figsize=figsize, squeeze=False, layout="constrained")
    shown = torch.stack((attention[:, query], attention.mean(dim=1))) * count  # 1 = uniform
    names, frame = ("what the query takes", "what places receive"), (0, extent, extent, 0)
    for line, several, name in zip(lines[1:], shown.numpy(), names, strict=True):
        line[0].set_ylabel(name)
        for panel, image, values in zip(line, images, several, strict=True):
            panel.imshow(image.mean(dim=0).numpy(), cmap="gray", extent=frame, vmin=0, vmax=1)
            drawn = panel.imshow(values.reshape(size, size), cmap="magma", alpha=0.65, extent=frame, vmin=0)
            bar = figure.colorbar(drawn, ax=panel, fraction=0.046, pad=0.02)
            bar.ax.tick_params(labelsize=6)
    for panel, image, title in zip(lines[0], images, titles, strict=True):
        panel.imshow(image.permute(1, 2, 0).numpy(), extent=frame)
        panel.set_title(title, loc="center")
    lines[0, 0].set_ylabel("query")
    for panel in lines.flat:
        corner = (query % size * cell, query // size * cell)
        panel.add_patch(plt.Rectangle(corner, cell, cell, fill=False, ec="white", lw=1.3))
        panel.set(xticks=[], yticks=[])
    stamp(figure, f"1 = uniform attention; {label}")
    return figure


def target_logits(theta: torch.Tensor, norm: float, settings: AdaFaceSettings) -> torch.Tensor:
    """AdaFace's target logit over s.

    Args:
        theta: (T,) angles to the true class, radians.
        norm: of the embedding, where the running mean is 20 and the running standard deviation 5.
        settings: of the margin.

    Returns:
        (T,).
    """
    labels = torch.zeros(len(theta), dtype=torch.int64)
    norms = torch.full((len(theta), 1), norm)
    logits = adaface_logits(theta.cos()[:, None], norms, labels, mean=RUNNING_MEAN, std=RUNNING_STD, settings=settings)
    return logits[:, 0] / settings.scale


def draw_margins(label: str) -> Figure:
    """Target logits over the angle: both rules at the paper's h = 0, and AdaFace's own settings at three qualities."""
    theta = torch.linspace(0.05, float(np.pi) - 0.05, 180)
    degrees = theta.rad2deg()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
    left.plot(degrees, theta.cos(), color="#999999", ls="--", label="no margin")
    for rule, text in (("official", "official, h = 0 (CosFace)"), ("printed", "printed, h = 0 (both margins)")):
        left.plot(degrees, target_logits(theta, RUNNING_MEAN, AdaFaceSettings(rule=rule)), label=text)
    left.set(title="The paper's m = 0.5, h = 0", ylabel="target logit / s")
    own = AdaFaceSettings(margin=0.4, h=0.333)
    for norm, text in ((4.0, "low quality, k = -1"), (20.0, "average, k = 0"), (36.0, "high quality, k = 1")):
        right.plot(degrees, target_logits(theta, norm, own), label=text)
    right.set(title="AdaFace's own m = 0.4, h = 0.333")
    for panel in (left, right):
        panel.set_xlabel("theta, angle to the true class (degrees)")
        panel.legend()
    stamp(figure, label)
    return figure


def hard_histogram(values: torch.Tensor, bins: int) -> torch.Tensor:
    """Shares (bins,) of values (E,) in bins whose first and last centre lie at 0 and at the largest value."""
    counts = torch.histc(values / values.max() * (bins - 1), bins=bins, min=-0.5, max=bins - 0.5)
    return counts / len(values)


def draw_histogram(attention: torch.Tensor, label: str, bins: int = 32) -> Figure:
    """Soft and hard histogram of one attention map (N, N), in multiples of uniform attention."""
    values = attention.flatten()
    centres = torch.linspace(0, float(values.max()), bins) * attention.shape[-1]
    figure, panel = plt.subplots(figsize=(6.2, 2.6), layout="constrained")
    panel.bar(centres, histogram(values[None], bins)[0], width=float(centres[1]) * 0.85, label="soft bins")
    panel.plot(centres, hard_histogram(values, bins), "o", ms=3.5, color=PALETTE[1], label="hard bins")
    panel.set(xlabel="attention (1 = uniform)", ylabel="share of entries", yscale="log")
    panel.legend()
    stamp(figure, label)
    return figure


def draw_descent(losses: Mapping[str, Sequence[float]], maps: Mapping[str, torch.Tensor], label: str) -> Figure:
    """Losses over steps, and attention maps (N, N) in multiples of uniform attention."""
    size, widths = (2.7 + 1.6 * len(maps), 2.3), (1.7, *[1] * len(maps))
    figure, panels = plt.subplots(1, 1 + len(maps), figsize=size, width_ratios=widths, layout="constrained")
    for name, values in losses.items():
        panels[0].plot(values, label=name)
    panels[0].set(title="value of the loss", xlabel="step", ylabel="nats")
    panels[0].set_ylim(bottom=0)
    panels[0].legend(fontsize=6.5)
    for panel, (name, attention) in zip(panels[1:], maps.items(), strict=True):
        drawn = panel.imshow(attention * len(attention), cmap="magma", vmin=0, vmax=3)
        panel.set_title(name, fontsize=8)
        panel.axis("off")
    figure.colorbar(drawn, ax=panels[1:], fraction=0.02, label="1 = uniform", extend="max")
    stamp(figure, label)
    return figure
