"""Names beside the ends of lines, in place of a legend whose entries a reader has to look up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes

from facelib.report.style import EMPHASISED_COLOURS

MUTED = "#A6A6A6"
MUTED_TEXT = "#6E6E6E"
LINE_HEIGHT = 1.25  # of a line of text over its font size


def muted_looks(labels: Iterable[str], emphasised: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """As `facelib.report.style.line_looks`, but the lines that are not emphasised are all thin and grey.

    Args:
        labels: of the methods in one picture.
        emphasised: those to stand out; the same ones have the same colours in every picture.
    """
    looks: dict[str, dict[str, Any]] = {}
    for label in labels:
        if label in emphasised:
            colour = EMPHASISED_COLOURS[list(emphasised).index(label) % len(EMPHASISED_COLOURS)]
            looks[label] = {"color": colour, "linestyle": "solid", "linewidth": 2.2, "zorder": 3}
        else:
            looks[label] = {"color": MUTED, "linestyle": "solid", "linewidth": 0.9, "zorder": 2}
    return looks


def label_lines(
    axis: Axes,
    ends: Mapping[str, tuple[float, float]],
    looks: Mapping[str, Mapping[str, Any]],
    *,
    side: Literal["left", "right"] = "right",
    fontsize: float = 6.5,
) -> None:
    """Write each line's name outside the axes, as high as its end or as near as other names let it, with a thin leader.

    The limits of the axes must be set already, and the figure's size and layout stay as they are.

    Args:
        axis: linear in y.
        ends: name -> the point of its line that is nearest the side, in data.
        looks: name -> colour and so on of its line.
        side: on which the names stand.
        fontsize: of the names.
    """
    low, high = axis.get_ylim()
    points = axis.get_position().height * axis.figure.get_size_inches()[1] * 72  # type: ignore[union-attr]
    heights = [(end[1] - low) / (high - low) for end in ends.values()]
    places = spread_apart(heights, LINE_HEIGHT * fontsize / points, (0.0, 1.0))
    edge, text_at, alignment = (1.0, 1.06, "left") if side == "right" else (0.0, -0.06, "right")
    for (name, end), place in zip(ends.items(), places, strict=True):
        loud = looks[name]["linewidth"] > 1
        colour = looks[name]["color"] if loud else MUTED_TEXT
        axis.annotate(
            name, xy=end, xycoords="data", xytext=(text_at, place), textcoords="axes fraction", ha=alignment,
            va="center", fontsize=fontsize, color=colour, weight="bold" if loud else "normal", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": colour, "alpha": 0.7, "shrinkA": 1, "shrinkB": 0,
                        "relpos": (1 - edge, 0.5)},
        )  # fmt: skip


def spread_apart(values: Sequence[float], gap: float, limits: tuple[float, float] = (-np.inf, np.inf)) -> np.ndarray:
    """The nearest places to some values, by least squares, of which no two are closer than a gap; order is kept.

    Values that collide are pooled around their common mean (isotonic regression by pooling adjacent violators).

    Args:
        values: where places should be.
        gap: between two.
        limits: of all places; the lower one holds where they do not fit between both.
    """
    order = np.argsort(values, kind="stable")
    shifted = np.asarray(values, float)[order] - gap * np.arange(len(order))
    pools: list[list[float]] = []
    for value in shifted:
        pools.append([value])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    fitted = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools]) if pools else shifted
    low, high = limits
    fitted = np.clip(fitted, low, max(low, high - gap * (len(order) - 1)))
    places = np.empty(len(order))
    places[order] = fitted + gap * np.arange(len(order))
    return places
