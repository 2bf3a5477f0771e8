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
        method: the method of ours that stands beside it, or None where the paper's own system is out of reach.
        counterpart: where `method` is None, a method of ours that plays its part.
        values: metric's name -> number as printed (unit in the table's description).
    """

    table: str
    row: str
    method: str | None
    counterpart: str | None
    values: dict[str, float]


@dataclass(frozen=True)
class PublishedTable:
    """A printed table.

    Args:
        table: its number, in Arabic figures.
        title: number and subject, in our words.
        columns: names of the metrics, as in records.
        rows: in the paper's order.
    """

    table: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]


def published_tables(paper: str) -> dict[str, PublishedTable]:
    """Every printed table of a paper by its number.

    Raises:
        UnknownName: when the paper has no file of printed numbers.
    """
    folder = resources.files(__package__)
    try:
        text = (folder / f"{paper}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        known = [item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")]
        raise unknown_name("paper with printed numbers", paper, known) from None
    tables = {}
    for table in json.loads(text)["tables"]:
        number, columns = table["table"], tuple(table["columns"])
        rows = tuple(
            PublishedRow(
                number,
                row["row"],
                row["method"],
                row.get("counterpart"),
                dict(zip(columns, row["values"], strict=True)),
            )
            for row in table["rows"]
        )
        tables[number] = PublishedTable(number, table["title"], columns, rows)
    return tables


def published_rows(paper: str) -> list[PublishedRow]:
    """Every printed row of a paper, in the paper's order.

    Raises:
        UnknownName: when the paper has no file of printed numbers.
    """
    return [row for table in published_tables(paper).values() for row in table.rows]


def printed_values(paper: str) -> dict[tuple[str, str], float]:
    """(method of ours, metric) -> the number that the paper prints for it, or for the system whose part it plays."""
    return {
        (name, metric): value
        for row in published_rows(paper)
        if (name := row.method or row.counterpart)
        for metric, value in row.values.items()
    }
