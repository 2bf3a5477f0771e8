"""Where runs lie: <runs>/<paper>/<tier>/<method>-fold<f>-seed<s>/record.json.

<runs> is $FACELIB_RUNS; else `runs` in the checkout that facelib is imported from, so that notebooks, which start in
their own folder, find it too; else `runs` in the current folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from facelib.errors import MissingPart

RUNS_VARIABLE = "FACELIB_RUNS"


def project_folder() -> Path:
    """The checkout that holds `notebooks` and `figures`.

    Raises:
        MissingPart: when facelib was installed without them.
    """
    folder = Path(__file__).resolve().parents[2]
    if not (folder / "notebooks").is_dir():
        raise MissingPart(f"{folder} holds no notebooks: clone the repository and install it with `make setup`")
    return folder


def runs_folder() -> Path:
    """The folder of all runs."""
    chosen = os.environ.get(RUNS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / "runs"


def run_folder(paper: str, tier: str, method: str, fold: int, seed: int) -> Path:
    """The folder of one run."""
    return runs_folder() / paper / tier / f"{method}-fold{fold}-seed{seed}"


def record_path(folder: Path) -> Path:
    """The record in a run's folder."""
    return folder / "record.json"
