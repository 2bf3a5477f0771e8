"""What a workflow says while it goes on: each run that ended, how many there are, how long the others may take."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from facelib.grid.jobs import Job, mark_of
from facelib.papers.run import Say
from facelib.progress import duration
from facelib.reproduction import result_line
from facelib.runs.folders import Run


class Progress:
    """Looks for runs that ended, and tells them.

    Args:
        planned: the jobs that make them.
        wanted, standing: how many runs there are in all, and how many stood before.
        retries: of a job that failed.
        marks: folder of the files that ended jobs leave.
        reading_s: how long tables and figures will take after the runs.
        say: told a line at a time.
    """

    def __init__(
        self,
        planned: Iterable[Job],
        *,
        wanted: int,
        standing: int,
        retries: int,
        marks: Path,
        reading_s: float,
        say: Say,
    ) -> None:
        self.wanted, self.retries, self.marks, self.reading_s, self.say = wanted, retries, marks, reading_s, say
        self.jobs = list(planned)
        self.before = {run: _time_of(run.record) for job in self.jobs for run in job.runs}
        self.left = list(self.before)
        self.standing = standing
        self.started = time.monotonic()

    def look(self) -> None:
        """Tell what ended since the last look."""
        for run in [run for run in self.left if self.is_made(run)]:
            self.left.remove(run)
            self.say(f"[{self.made}/{self.wanted}] {run.method} fold {run.fold}: {result_line(run)}{self.estimate()}")
        for job in [job for job in self.jobs if self.failures(job) > self.retries]:
            self.jobs.remove(job)
            unmade = [run for run in job.runs if run in self.left]
            self.say(f"failed: {', '.join(f'{run.method} fold {run.fold}' for run in unmade)}")

    def is_made(self, run: Run) -> bool:
        new = run.record.exists() and _time_of(run.record) != self.before[run]
        return new or (self.marks / mark_of(run)).exists()

    @property
    def made(self) -> int:
        return self.standing + len(self.before) - len(self.left)

    def failures(self, job: Job) -> int:
        """How often a job has failed; each time leaves a line."""
        mark = self.marks / "failed" / job.name
        return len(mark.read_bytes().splitlines()) if mark.exists() else 0

    def estimate(self) -> str:
        if not self.left:
            return ""
        seconds = (time.monotonic() - self.started) * len(self.left) / (len(self.before) - len(self.left))
        return f"; about {duration(seconds + self.reading_s)} left, with tables and figures"


def _time_of(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
