"""Grids of the slow toy paper, for the tests that make them in this process or in one that they may kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from toy_papers import TOY_FOLDER, use_toy_papers

from facelib.runs.folders import Run

TOY = "slow_toy"


def toy_run(method: str, fold: int = 0) -> Run:
    return Run(TOY, method, fold)


BASE, TEACHER, STUDENT, OTHER = RUNS = [toy_run(method) for method in ("base", "teacher", "student", "other")]


def use_slow_toy(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """The toy paper among the papers, here and in every Python that is started, with runs of its own."""
    use_toy_papers(patch, folder, TOY)
    folders = [str(TOY_FOLDER), str(TOY_FOLDER.parents[1]), os.environ.get("PYTHONPATH", "")]
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    patch.setenv("TOY_STATE", str(folder / "toy.json"))
    toy_is()


def toy_is(**state: Any) -> None:
    path = Path(os.environ["TOY_STATE"])
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"epoch_s": 0.0, "failing": [], "code": {}} | state))
    new.replace(path)  # whole at any moment: trainings read it meanwhile


def start_grid(
    methods: Sequence[str] | None = None, python: str | Path = sys.executable, **options: Any
) -> subprocess.Popen[str]:
    """`facelib reproduce` without its tables, in a process group of its own."""
    program = (
        "import functools\n"
        "from facelib.grid import make_runs\n"
        "from facelib.papers import load_paper\n"
        "from facelib.papers.status import runs_of\n"
        f"runs = runs_of(load_paper({TOY!r}), 'smoke', methods={methods!r})\n"
        f"say = functools.partial(print, flush=True)\n"
        f"raise SystemExit(not make_runs(runs, say=say, **{ ({'jobs': 2} | options)!r}))"
    )
    command = [str(python), "-c", program]
    return subprocess.Popen(command, start_new_session=True, cwd=TOY_FOLDER, stdout=subprocess.PIPE, text=True)


def started_by(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def kill_all(grid: subprocess.Popen[str]) -> None:
    """Leave nothing of a grid on this machine, as when its power goes."""
    others = started_by(grid)
    grid.kill()
    assert grid.wait() == -signal.SIGKILL
    for process in others:
        with suppress(psutil.NoSuchProcess):
            process.kill()
