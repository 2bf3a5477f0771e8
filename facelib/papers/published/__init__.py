"""The papers' printed numbers as data: the one place where they stand, with table, row and column."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from facelib import papers
from facelib.errors import unknown_name

if TYPE_CHECKING:
    from facelib.papers.paper import Paper


@dataclass(frozen=True)
class PublishedRow:
    """One row of a printed table.

    Args:
        table: number of the table, in Arabic figures.
        row: label as printed, citations left out.
        method: the method of ours that stands beside it, or None where the paper's own system is out of reach.
        counterpart: where `method` is None, a method of ours that plays its part.
        values: metric's name, as in records -> number as printed, in the table's unit; none where the paper has a dash.
        prefix: of the names in `values` over those of the table's columns, for a second row of one method that is
            evaluated otherwise.
    """

    table: str
    row: str
    method: str | None
    counterpart: str | None
    values: dict[str, float]
    prefix: str = ""


@dataclass(frozen=True)
class PublishedTable:
    """A printed table.

    Args:
        table: its number, in Arabic figures.
        title: number and subject, in our words.
        unit: of the numbers: "percent", "degrees", "mm" or "MB"; of a table of ours with several, "mm and percent".
        columns: names of the metrics, as in records.
        rows: in the paper's order.
        note: what a reader of the numbers should know; may be empty.
    """

    table: str
    title: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    note: str = ""


def published_tables(paper: str) -> dict[str, PublishedTable]:
    """Every printed table of a paper by its number.

    Raises:
        UnknownName: when the paper has no file of printed numbers.
    """
    own = papers.load_paper(paper).printed if paper in papers.PAPERS else None
    if own is not None:
        return dict(own)
    folder = resources.files(__package__)
    try:
        text = (folder / f"{paper}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        known = [item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")]
        raise unknown_name("paper with printed numbers", paper, known) from None
    tables = (_table(**table) for table in json.loads(text)["tables"])
    return {table.table: table for table in tables}


def all_tables(paper: Paper) -> dict[str, PublishedTable]:
    """Every printed table of a paper by its number, then those of ours, which have no printed rows."""
    printed = published_tables(paper.name)
    ours = {name: table for name, table in paper.tables.items() if name not in printed}
    units = {name: dict.fromkeys(paper.metrics[each].shown_unit for each in table.main) for name, table in ours.items()}
    return printed | {
        name: PublishedTable(name, table.title, " and ".join(units[name]), table.main, ())
        for name, table in ours.items()
    }


def published_rows(paper: str) -> list[PublishedRow]:
    """Every printed row of a paper, in the paper's order.

    Raises:
        UnknownName: when the paper has no file of printed numbers.
    """
    return [row for table in published_tables(paper).values() for row in table.rows]


def printed_values(paper: str) -> dict[tuple[str, str], float]:
    """(method of ours, metric) -> the number that the paper prints for it, or for the system whose part it plays.

    Where several tables print one, that of the last: paper 4 prints other errors of one method in tables 3 and 5.
    """
    return {
        (name, metric): value
        for row in published_rows(paper)
        if (name := row.method or row.counterpart)
        for metric, value in row.values.items()
    }


def _table(
    table: str, title: str, unit: str, columns: list[str], rows: list[dict[str, Any]], note: str = ""
) -> PublishedTable:
    lines = tuple(_row(table, columns, **row) for row in rows)
    return PublishedTable(table, title, unit, tuple(columns), lines, note)


def _row(
    table: str,
    columns: list[str],
    row: str,
    method: str | None,
    values: list[float | None],
    counterpart: str | None = None,
    prefix: str = "",
) -> PublishedRow:
    printed = {prefix + name: value for name, value in zip(columns, values, strict=True) if value is not None}
    return PublishedRow(table, row, method, counterpart, printed, prefix)
