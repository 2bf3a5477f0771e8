"""One paper's tier as a workflow of Snakemake: its folder, its lock, its plan, and what came of it."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from facelib.errors import FacelibError, MissingPart
from facelib.grid.jobs import Job, batches, mark_of, singles
from facelib.grid.progress import Progress
from facelib.papers.paper import Paper
from facelib.papers.run import Say
from facelib.papers.status import Status, identity_of, statuses
from facelib.runs.folders import RUNS_VARIABLE, Run, runs_folder
from facelib.storage import digest_of, exclusive_lock, write_json

WORKFLOW = Path(__file__).parents[1] / "workflow"
SHORT_TIERS = ("smoke",)  # whose runs take seconds, less than starting a notebook: many share one
LOOK_EVERY_S = 0.3
LINES_SHOWN = 15  # of Snakemake's own log, when it could not start


class Workflow:
    """The folder of a paper's tier, and how its runs are made."""

    def __init__(self, paper: Paper, tier: str, jobs: int, profile: str | None, keep_code: bool, say: Say) -> None:
        if importlib.util.find_spec("snakemake") is None:
            raise MissingPart('snakemake is missing: pip install "facelib-companion[notebooks]", or use --directly')
        self.paper, self.tier, self.jobs, self.profile = paper, tier, jobs, profile
        self.keep_code, self.say = keep_code, say
        self.folder = runs_folder() / paper.name / tier
        self.logs = self.folder / "logs"
        self.marks = self.folder / "grid"  # what Snakemake sees: the plan, and a file for each run and job that ended
        self.job_of: dict[Run, Job] = {}

    def lock(self) -> AbstractContextManager[IO[str]]:
        """Hold the folder, so that no second workflow works in it."""
        held = f"another workflow makes runs in {self.folder} (process {{holders}}): wait for it, or end it first"
        return exclusive_lock(self.folder / "grid.lock", held)

    def unmade(self, wanted: Iterable[Run]) -> dict[Run, Status]:
        """The runs that must be made, and why."""
        every = statuses(wanted, keep_code=self.keep_code)
        return {run: status for run, status in every.items() if not status.is_current}

    def tell_plan(self, wanted: Sequence[Run], waiting: Iterable[Run], unmade: Mapping[Run, Status]) -> None:
        self.say(f"{self.paper.name} at {self.tier}: {len(wanted) - len(unmade)} of {len(wanted)} runs stand")
        for run in waiting:
            if unmade[run].state == "outdated":
                self.say(f"{run.method} fold {run.fold} is set aside and made again: {unmade[run].reason}")

    def plan(self, waiting: Sequence[Run]) -> list[Job]:
        """Share runs among jobs and write the plan that Snakemake reads."""
        planned = batches(waiting, self.jobs) if self.tier in SHORT_TIERS else singles(waiting)
        shutil.rmtree(self.marks / "done", ignore_errors=True)
        shutil.rmtree(self.marks / "failed", ignore_errors=True)
        for name in ("done", "failed"):
            (self.marks / name).mkdir(parents=True)
        self.logs.mkdir(exist_ok=True)
        for job in planned:
            self.log(job).unlink(missing_ok=True)
            self.job_of.update(dict.fromkeys(job.runs, job))
        described = [self._described(job, len(planned) - number) for number, job in enumerate(planned)]
        threads = 1 if self.jobs > 1 or self.profile else _cores()
        write_json(self.marks / "plan.json", {"threads": threads, "jobs": described})
        return planned

    def _described(self, job: Job, priority: int) -> dict[str, Any]:
        methods, fold = [run.method for run in job.runs], str(job.runs[0].fold)
        words = [sys.executable, "-m", "facelib", "run", self.paper.name, *methods]
        words += ["--fold", fold, "--tier", self.tier, *(["--keep-code"] if self.keep_code else [])]
        identities = [dataclasses.asdict(identity_of(run)) for run in job.runs]
        return {
            "name": job.name,
            "command": shlex.join(words),
            "after": [mark_of(run) for run in job.after],
            "done": [mark_of(run) for run in job.runs],
            "failed": f"failed/{job.name}",
            "made_from": digest_of([{**identity, "needs": None} for identity in identities]),
            "log": str(self.log(job)),
            "priority": priority,
        }

    def log(self, job: Job) -> Path:
        return self.logs / f"{job.name}.log"

    def snakemake(self, lock: IO[str], *options: str) -> subprocess.Popen[bytes]:
        """Start Snakemake on the plan; it holds the lock too, so that nobody else starts while it lives."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(WORKFLOW / "Snakefile")]
        command += ["--configfile", str(self.marks / "plan.json"), "--directory", str(self.marks)]
        command += ["--nolock"]  # ours is held already, and goes with its processes however they end
        command += ["--keep-going", "--rerun-incomplete", "--rerun-triggers", "params", "input"]
        command += ["--scheduler", "greedy", "--nocolor", *self._where(), *options]
        environment = os.environ | {RUNS_VARIABLE: str(runs_folder())}
        with open(self.logs / "snakemake.log", "wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, pass_fds=(lock.fileno(),), stdin=subprocess.DEVNULL
            )
        lock.write(f"{process.pid}\n")
        lock.flush()
        return process

    def _where(self) -> list[str]:
        if self.profile is None:
            return ["--cores", str(self.jobs if self.jobs > 1 else _cores())]
        packaged = WORKFLOW / "profiles" / self.profile
        return ["--profile", str(packaged if packaged.is_dir() else self.profile)]

    def work(self, waiting: Sequence[Run], standing: int, lock: IO[str]) -> set[Run]:
        """Make runs and tell each one as it ends.

        Returns:
            The runs of jobs that were started.

        Raises:
            FacelibError: Snakemake started no job at all.
        """
        planned = self.plan(waiting)
        progress = Progress(planned, standing, self.marks, self.say)
        process = self.snakemake(lock)
        try:
            while process.poll() is None:
                time.sleep(LOOK_EVERY_S)
                progress.look()
        except KeyboardInterrupt:
            self.say("stopping; the same command goes on from here")
            process.wait()  # Ctrl-C has reached it too
            raise
        progress.look()
        tried = {run for job in planned if self.log(job).exists() for run in job.runs}
        if not tried:
            raise self.broken()
        return tried

    def broken(self) -> FacelibError:
        lines = (self.logs / "snakemake.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return FacelibError("\n".join(["Snakemake could not start the runs:", *lines[-LINES_SHOWN:]]))

    def tell_unmade(self, run: Run, needed: Run | None) -> None:
        """Say that a run was not made, and why or where that can be read."""
        what = f"{run.method} fold {run.fold}"
        if needed is not None:
            self.say(f"NOT STARTED {what}: it needs {needed.method} fold {needed.fold}")
            return
        log = self.log(self.job_of[run])
        self.say(f"FAILED {what}: {_error_in(log, str(run))}\n  see why: less {log}")


def _error_in(log: Path, run: str) -> str:
    """The line of a job's log that says why a run failed, as far as there is one."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    for start in (f"{run} failed: ", "Error: "):
        for line in lines:
            if line.startswith(start):
                return line.removeprefix(start)
    return lines[-1] if lines else "its job left no log"


def _cores() -> int:
    return os.cpu_count() or 1
