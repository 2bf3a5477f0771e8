"""The records of a tier, and the command that makes a missing one."""

from __future__ import annotations

from pathlib import Path

from facelib.errors import MissingPart
from facelib.papers import load_paper
from facelib.runs.folders import record_path, run_folder, runs_folder
from facelib.runs.records import Record, read_record, run_command


def records_of(paper: str, tier: str, method: str) -> list[Record]:
    """All records of a method at a tier, by fold and seed.

    Raises:
        MissingPart: when there is none; the message says which command makes it.
    """
    folders = sorted((runs_folder() / paper / tier).glob(f"{method}-fold*-seed*"))
    paths = [record_path(folder) for folder in folders if record_path(folder).exists()]
    if not paths:
        raise MissingPart(
            f"no run of {method} at the {tier} tier: make it with `{run_command(paper, method, 0, tier)}`"
        )
    return [read_record(path) for path in paths]


def tabulated_methods(paper: str) -> list[str]:
    """The methods of a paper that stand in a table (the pretraining does not)."""
    return [name for name, method in load_paper(paper).METHODS.items() if method.printed is not None]


def folder_of(record: Record) -> Path:
    """The folder of a record's run."""
    return run_folder(record.paper, record.tier, record.method, record.fold, record.seed)
