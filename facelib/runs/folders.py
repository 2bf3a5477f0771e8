"""Where runs lie: <runs>/<paper>/<tier>/<method>-fold<f>-seed<s>/record.json.

<runs> is $FACELIB_RUNS, or `runs` in the folder from which facelib is called.
"""

from __future__ import annotations

import os
from pathlib import Path

RUNS_VARIABLE = "FACELIB_RUNS"


def runs_folder() -> Path:
    """The folder of all runs."""
    return Path(os.environ.get(RUNS_VARIABLE) or "runs").expanduser().resolve()


def run_folder(paper: str, tier: str, method: str, fold: int, seed: int) -> Path:
    """The folder of one run."""
    return runs_folder() / paper / tier / f"{method}-fold{fold}-seed{seed}"


def record_path(folder: Path) -> Path:
    """The record in a run's folder."""
    return folder / "record.json"
