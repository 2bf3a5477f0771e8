"""Which systems figures show, as far as runs of them exist; and which ones those of paper 1 name."""

from __future__ import annotations

from collections.abc import Iterable

from facelib.errors import MissingPart
from facelib.papers import load_paper
from facelib.papers.joint_attention import METHODS
from facelib.report.records import find_records, records_of, tabulated_methods
from facelib.runs.records import Record

PAPER = "joint_attention"
FIGURE_4 = ("crosspoint", "jam_je")
FIGURE_5 = ("ir18_ts", "jam", "jam_je")


def methods_of_table(table: str, *kinds: str) -> list[str]:
    """Names of the methods that stand in a table.

    Args:
        table: "1", "2" or "3".
        kinds: "image", "cloud", "joint"; by default all.
    """
    return [name for name in tabulated_methods(PAPER, table) if not kinds or METHODS[name].kind in kinds]


def existing_records(
    tier: str, methods: Iterable[str], paper: str = PAPER
) -> tuple[dict[str, list[Record]], list[str]]:
    """The records of these methods at a tier, and the methods that have none.

    Args:
        tier: smoke, laptop, gpu or paper.
        methods: names in the paper's METHODS.
        paper: whose.

    Returns:
        label -> records by fold, in the order asked for; and the labels of those without a record.

    Raises:
        MissingPart: when none of them has a record; the message says which command makes the first one.
    """
    labels = {name: method.label for name, method in load_paper(paper).METHODS.items()}
    found = {name: find_records(paper, tier, name) for name in methods}
    if not any(found.values()):
        records_of(paper, tier, next(iter(found)))  # raises, naming the command
    records = {labels[name]: folds for name, folds in found.items() if folds}
    return records, [labels[name] for name, folds in found.items() if not folds]


def one_fold(records: dict[str, list[Record]]) -> dict[str, Record]:
    """One record of each method, all of the first fold that all of them have; pictures of faces compare like with like.

    Raises:
        MissingPart: when they have no fold in common; the message says which command makes one.
    """
    shared = set.intersection(*({record.fold for record in folds} for folds in records.values()))
    if not shared:
        found = {label: sorted({record.fold for record in folds}) for label, folds in records.items()}
        first, *_, last = (folds[0] for folds in records.values())
        command = last.command.replace(f"--fold {last.fold}", f"--fold {first.fold}")
        raise MissingPart(f"the methods share no fold: {found}; make one with `{command}`")
    return {label: next(r for r in folds if r.fold == min(shared)) for label, folds in records.items()}


def proposed() -> list[str]:
    """Labels of the methods that the paper proposes, which pictures emphasise."""
    return [
        method.label for method in METHODS.values() if any((row or "").startswith("Ours") for _, row in method.rows)
    ]
