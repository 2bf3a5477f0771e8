"""House style of the pictures, and the label that says how large a run they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

# Okabe and Ito's colours, told apart by colour-blind readers; blue, orange, green ... in the order of use.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#4D4D4D")

# Lines of many methods: those to look at are thick, solid and have colours of their own; no two others share both
# colour and dashes, as 7 and 4 have no common factor.
EMPHASISED_COLOURS = ("#0072B2", "#D55E00", "#000000")
OTHER_COLOURS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#7F7F7F", "#882255", "#999933")
OTHER_DASHES: tuple[Any, ...] = ("solid", (0, (4, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1)))

ERROR_COLOURS = "YlOrRd"  # of matplotlib and plotly; small errors are light, so that shading shows on them

TIER_NOTES = {
    "smoke": "smoke tier: minutes of training, orderings mean nothing",
    "laptop": "laptop tier: reduced sizes",
    "gpu": "gpu tier: close to the paper's sizes",
    "paper": "paper tier",
}


def use_house_style() -> None:
    """Set matplotlib's defaults for every picture of facelib."""
    import matplotlib as mpl
    import seaborn as sns

    sns.set_theme(context="paper", style="ticks", palette=PALETTE, font="DejaVu Sans")
    mpl.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "savefig.bbox": "tight",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.grid": True,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "image.interpolation": "nearest",
            "svg.hashsalt": "facelib",
        }
    )


def line_looks(labels: Iterable[str], emphasised: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """How to draw each method's line: label -> keywords of matplotlib's `plot`.

    Args:
        labels: of the methods in one picture; up to 28 that are not emphasised look different.
        emphasised: those to stand out, drawn above the others; the same ones have the same colours in every picture.
    """
    looks: dict[str, dict[str, Any]] = {}
    others = 0
    for label in labels:
        if label in emphasised:
            colour = EMPHASISED_COLOURS[list(emphasised).index(label) % len(EMPHASISED_COLOURS)]
            looks[label] = {"color": colour, "linestyle": "solid", "linewidth": 2.2, "zorder": 3}
        else:
            colour, dashes = OTHER_COLOURS[others % len(OTHER_COLOURS)], OTHER_DASHES[others % len(OTHER_DASHES)]
            looks[label] = {"color": colour, "linestyle": dashes, "linewidth": 1.2, "zorder": 2}
            others += 1
    return looks


def legend_outside(figure: Figure, place: str, **options: Any) -> None:
    """A legend outside the axes, where the layout finds room; nothing moves any more, so it comes last.

    Without this it would go to the edge of the saved picture, which the stamp makes larger than the figure.

    Args:
        figure: with constrained layout.
        place: "lower center" and so on.
        options: of matplotlib's legend.
    """
    legend = figure.legend(**options | {"loc": f"outside {place}"})
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    legend.set_bbox_to_anchor((0, 0, 1, 1), transform=figure.transFigure)


def pixels(image: Tensor) -> np.ndarray:
    """An image (3, H, W) as matplotlib takes it, (H, W, 3) in [0, 1]."""
    return image.clamp(0, 1).permute(1, 2, 0).numpy()


def switch_off(panels: Iterable[Axes]) -> None:
    """Leave out the axes of panels that hold pictures or nothing."""
    for panel in panels:
        panel.axis("off")


def tier_label(tier: str, data: str = "") -> str:
    """What every table and picture says of its origin, such as "embedded faces, laptop tier: reduced sizes".

    Args:
        tier: of the runs.
        data: what they were evaluated on; by default what the tier reads.
    """
    usual = "licensed data" if tier == "paper" else "embedded faces"
    return f"{data or usual}, {TIER_NOTES.get(tier, tier + ' tier')}"


def stamp(figure: Figure, text: str) -> None:
    """Write a label at the lower right of a figure, below its axes."""
    figure.text(0.995, -0.01, text, ha="right", va="top", fontsize=6.5, color="#666666", style="italic")
