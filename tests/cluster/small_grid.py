"""A few smoke runs of paper 1, for one_node_slurm.sh: made without tables, and compared.

small_grid.py make PROFILE     on Slurm, or on this machine where PROFILE is ""
small_grid.py compare FOLDER   the records in FACELIB_RUNS with those in another folder of runs
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from facelib.grid import make_runs
from facelib.papers import load_paper
from facelib.papers.status import runs_of
from facelib.runs.records import read_record

RUNS = runs_of(load_paper("joint_attention"), "smoke", methods=["jam", "ir18"])


def make(profile: str) -> bool:
    return make_runs(RUNS, jobs=2, profile=profile or None, say=lambda line: print(line, flush=True))


def compare(folder: str) -> bool:
    """Say of how many runs the metrics are equal to the last bit."""
    ours = [read_record(run.record).metrics for run in RUNS]
    os.environ["FACELIB_RUNS"] = str(Path(folder).resolve())
    equal = sum(mine == read_record(run.record).metrics for mine, run in zip(ours, RUNS, strict=True))
    print(f"{equal} of {len(RUNS)} records have equal metrics")
    return equal == len(RUNS)


if __name__ == "__main__":
    command, argument = sys.argv[1:]
    sys.exit(0 if {"make": make, "compare": compare}[command](argument) else 1)
