"""House style of the pictures, and the label that says how large a run they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers; blue, orange, green ... in the order of use.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#4D4D4D")

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


def tier_label(tier: str, data: str = "embedded faces") -> str:
    """What every table and picture says of its origin, such as "embedded faces, laptop tier: reduced sizes"."""
    return f"{data}, {TIER_NOTES.get(tier, tier + ' tier')}"


def stamp(figure: Figure, text: str) -> None:
    """Write a label at the lower right of a figure, below its axes."""
    figure.text(0.995, -0.01, text, ha="right", va="top", fontsize=6.5, color="#666666", style="italic")
