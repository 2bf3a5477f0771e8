"""The papers' printed numbers as data: the one place where they stand, with table, row and column."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

from facelib.errors import unknown_name


@dataclass(frozen=True)
class PublishedRow:
    """One row of a printed table.

    Args:
        table: number of the table, in Arabic figures.
        row: label as printed, citations left out.
        method: the method of ours that stands beside it, or None where we have none yet.
        values: column -> number as printed (unit in the table's description).
    """

    table: str
    row: str
    method: str | None
    values: dict[str, float]


def published_rows(paper: str) -> list[PublishedRow]:
    """Every printed row of a paper, in the paper's order.

    Raises:
        UnknownName: when the paper has no file of printed numbers.
    """
    folder = resources.files(__package__)
    try:
        text = (folder / f"{paper}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        known = [item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")]
        raise unknown_name("paper with printed numbers", paper, known) from None
    return [
        PublishedRow(table["table"], row["row"], row["method"], dict(zip(table["columns"], row["values"], strict=True)))
        for table in json.loads(text)["tables"]
        for row in table["rows"]
    ]
