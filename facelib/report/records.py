"""The records of a tier, and the command that makes a missing one."""

from __future__ import annotations

from pathlib import Path

from facelib.errors import MissingPart
from facelib.papers import load_paper
from facelib.runs.folders import record_path, run_folder, runs_folder
from facelib.runs.records import Record, read_record, run_command, write_record


def find_records(paper: str, tier: str, method: str) -> list[Record]:
    """All records of a method at a tier, by fold and seed; perhaps none."""
    folders = sorted((runs_folder() / paper / tier).glob(f"{method}-fold*-seed*"))
    command = run_command(paper, method, 0, tier)
    return [read_record(path, command) for folder in folders if (path := record_path(folder)).exists()]


def records_of(paper: str, tier: str, method: str) -> list[Record]:
    """As find_records, when a method must have one.

    Raises:
        MissingPart: when there is none; the message says which command makes it.
    """
    records = find_records(paper, tier, method)
    if not records:
        raise MissingPart(
            f"no run of {method} at the {tier} tier: make it with `{run_command(paper, method, 0, tier)}`"
        )
    return records


def no_runs(paper: str, tier: str, method: str) -> MissingPart:
    """The error for a tier without runs; its message says how to make them, this method's first."""
    return MissingPart(
        f"no run of {paper} at the {tier} tier: make one with `{run_command(paper, method, 0, tier)}`, "
        f"or all with `facelib reproduce --paper {paper} --tier {tier}`"
    )


def keep_records(paper: str, tier: str, folder: Path) -> int:
    """Copy the records of a tier to where its tables lie, as method-fold0.json; the smoke tier's tell nothing and stay.

    Returns:
        How many were copied.
    """
    package = load_paper(paper)
    if tier == next(iter(package.TIERS)):
        return 0
    records = [record for method in package.METHODS for record in find_records(paper, tier, method) if record.seed == 0]
    for record in records:
        write_record(folder / f"{record.method}-fold{record.fold}.json", record)
    return len(records)


def tabulated_methods(paper: str, table: str | None = None) -> list[str]:
    """The methods of a paper that stand in a table, or in this one; pretrainings stand in none."""
    return [
        name
        for name, method in load_paper(paper).METHODS.items()
        if any(table in (None, number) for number, _ in method.rows)
    ]


def folder_of(record: Record) -> Path:
    """The folder of a record's run."""
    return run_folder(record.paper, record.tier, record.method, record.fold, record.seed)
