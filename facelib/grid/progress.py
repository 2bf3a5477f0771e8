"""What a workflow says while it goes on: each run that ended, how many there are, how long the others may take."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from facelib.grid.jobs import Job, mark_of
from facelib.reproduction import MethodFold, Say, result_line
from facelib.runs.folders import record_path, run_folder


class Progress:
    """Looks for runs that ended, and tells them.

    Args:
        paper, tier: of the runs.
        planned: the jobs that make them.
        standing: runs that stood before.
        marks: folder of the files that ended jobs leave.
        say: told a line at a time.
    """

    def __init__(self, paper: str, tier: str, planned: Iterable[Job], standing: int, marks: Path, say: Say) -> None:
        self.paper, self.tier, self.marks, self.say = paper, tier, marks, say
        self.jobs = list(planned)
        self.before = {run: _time_of(self.record(run)) for job in self.jobs for run in job.runs}
        self.left = list(self.before)
        self.standing = standing
        self.started = time.monotonic()

    def look(self) -> None:
        """Tell what ended since the last look."""
        for run in [run for run in self.left if self.is_made(run)]:
            self.left.remove(run)
            self.say(f"[{self.made}/{self.total}] {run[0]} fold {run[1]}: {self.result(run)}{self.estimate()}")
        for job in [job for job in self.jobs if (self.marks / "failed" / job.name).exists()]:
            self.jobs.remove(job)
            unmade = [run for run in job.runs if run in self.left]
            self.say(f"failed: {', '.join(f'{method} fold {fold}' for method, fold in unmade)}")

    def is_made(self, run: MethodFold) -> bool:
        record = self.record(run)
        new = record.exists() and _time_of(record) != self.before[run]
        return new or (self.marks / mark_of(run)).exists()

    def record(self, run: MethodFold) -> Path:
        return record_path(run_folder(self.paper, self.tier, *run, 0))

    def result(self, run: MethodFold) -> str:
        return result_line(self.paper, self.record(run))

    @property
    def made(self) -> int:
        return self.standing + len(self.before) - len(self.left)

    @property
    def total(self) -> int:
        return self.standing + len(self.before)

    def estimate(self) -> str:
        if not self.left:
            return ""
        seconds = (time.monotonic() - self.started) * len(self.left) / (len(self.before) - len(self.left))
        return f"; about {_duration(seconds)} left"


def _time_of(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
