"""What `facelib bench` does: run the benchmarks, leave a record, draw the pictures, print the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from facelib.benchmarks.run import run_benchmarks, run_growth, write_benchmark_record
from facelib.report.manifest import write_figure
from facelib.report.speed import draw_growth, draw_ratios, growth_data, ratio_data, speed_label
from facelib.runs.folders import project_folder, runs_folder
from facelib.runs.records import describe_environment

COLUMNS = ("name", "size", "peer", "ours_ms", "peer_ms", "ratio", "agree", "ours_mib", "peer_mib", "goal", "met")
GROWTH_COLUMNS = ("kernel", "counted", "n", "ours_ms")
Tell = Callable[[str], None]


def measure(only: str | None, tell: Tell) -> tuple[list[dict[str, Any]], list[Path]]:
    """Run benchmarks against their peers; all of them together also make the picture of ratios.

    Args:
        only: one benchmark, or the first words of several; None for all.
        tell: called with the name of each benchmark before it runs.

    Returns:
        The rows (see `run_benchmarks`) and the files written, the record first.

    Raises:
        UnknownName: when there is no benchmark of that name.
    """
    rows = run_benchmarks(only, tell)
    files = [write_benchmark_record(runs_folder() / "benchmarks", rows)]
    if only is None and any(row["ratio"] is not None for row in rows):
        data = ratio_data(rows)
        files.append(_save(draw_ratios(data), data, "ratios", "facelib bench", key="name"))
    return rows, files


def measure_growth(only: str | None, tell: Tell) -> tuple[list[dict[str, Any]], list[Path]]:
    """Time our kernels at three sizes each; all of them together also make the picture of growth.

    Args, Returns, Raises: as `measure`; for the rows see `run_growth`.
    """
    rows = run_growth(only, tell)
    files = [write_benchmark_record(runs_folder() / "benchmarks", rows)]
    if only is None:
        data = growth_data(rows)
        files.append(_save(draw_growth(data), data, "growth", "facelib bench --growth", key="kernel"))
    return rows, files


def as_table(rows: list[dict[str, Any]]) -> str:
    """Rows as text, columns as wide as their content; what is missing, and how to install it, below."""
    heads = COLUMNS if "peer" in rows[0] else GROWTH_COLUMNS
    lines = [heads, *([_cell(row[head]) for head in heads] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_joined(line, widths) for line in lines]
    text += [f"{row['name']}: {row['missing']}" for row in rows if row.get("missing")]
    return "\n".join(text)


def _joined(cells: Iterable[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _save(figure: Any, data: pd.DataFrame, name: str, command: str, *, key: str) -> Path:
    """Write a picture to `figures/`, or beside the records where it lacks what the committed one shows.

    Args:
        figure, data, name: as of `write_figure`.
        command: that makes it.
        key: the column that says what a row measures.
    """
    folder = project_folder() / "figures" / "benchmarks"
    committed = folder / f"{name}.csv"
    if committed.exists() and not set(pd.read_csv(committed)[key]) <= set(data[key]):
        folder = runs_folder() / "benchmarks"
    environment = describe_environment()
    origin = {"command": command, "code": environment["code"], "hardware": environment["hardware"]}
    return write_figure(figure, data, folder, name, label=speed_label(environment), origin=origin)
