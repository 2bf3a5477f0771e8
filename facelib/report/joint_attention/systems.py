"""Which systems the figures of paper 1 show."""

from __future__ import annotations

from facelib.papers.joint_attention import PAPER

FIGURE_4 = ("crosspoint", "jam_je")
FIGURE_5 = ("ir18_ts", "jam", "jam_je")


def methods_of_table(table: str, *kinds: str) -> list[str]:
    """Names of the methods that stand in a table.

    Args:
        table: "1", "2" or "3".
        kinds: "image", "cloud", "joint", "baseline"; by default all.
    """
    return [name for name in PAPER.tabulated(table) if not kinds or PAPER.methods[name].kind in kinds]


def proposed() -> list[str]:
    """Labels of the methods that the paper proposes, which pictures emphasise."""
    return [
        method.label
        for method in PAPER.methods.values()
        if any((row or "").startswith("Ours") for _, row in method.printed_rows)
    ]
