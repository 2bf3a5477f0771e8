"""One paper's tier as a workflow of Snakemake: its folder, its lock, its plan, and what came of it."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any

from facelib.errors import FacelibError, MissingPart
from facelib.grid.jobs import Job, batches, mark_of, singles
from facelib.grid.profiles import place_of
from facelib.grid.progress import Progress
from facelib.papers.paper import Paper
from facelib.papers.run import Say, threads_of
from facelib.papers.status import Status, identity_of, statuses
from facelib.reproduction import reading_seconds
from facelib.runs.folders import RUNS_VARIABLE, Run, runs_folder
from facelib.storage import digest_of, exclusive_lock, process_name, write_json

SNAKEFILE = Path(__file__).parents[1] / "workflow" / "Snakefile"
SHORT_TIERS = ("smoke",)  # whose runs take seconds, less than starting a notebook: many share one
LOOK_EVERY_S = 0.3
ASK_EVERY = 20  # looks, lest a cluster's scheduler be asked too often
END_WITHIN_S = 10.0  # between asking Snakemake and its jobs to end and killing them; batch systems wait 30
LINES_SHOWN = 15  # of Snakemake's own log, when it could not start


class Workflow:
    """The folder of a paper's tier, and how its runs are made."""

    def __init__(
        self, paper: Paper, tier: str, jobs: int | None, profile: str | None, keep_code: bool, say: Say
    ) -> None:
        if importlib.util.find_spec("snakemake") is None:
            raise MissingPart('snakemake is missing: pip install "facelib-companion[notebooks]", or use --directly')
        self.paper, self.tier, self.keep_code, self.say = paper, tier, keep_code, say
        self.folder = runs_folder() / paper.name / tier
        self.logs = self.folder / "logs"
        self.said = self.logs / "snakemake.log"
        self.marks = self.folder / "grid"  # where Snakemake works: the plan, and a file for each run and job that ended
        self.place = place_of(profile, jobs, self.marks, say)
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
        """Share runs among jobs and write what Snakemake reads, all of it into the folder in which it works.

        Snakemake takes text for patterns and hands it to shells, so it gets no path but plain ones below that folder.
        """
        planned = batches(waiting, self.place.jobs) if self.tier in SHORT_TIERS else singles(waiting)
        shutil.rmtree(self.marks / "done", ignore_errors=True)
        shutil.rmtree(self.marks / "failed", ignore_errors=True)
        for name in ("done", "failed"):
            (self.marks / name).mkdir(parents=True)
        self.logs.mkdir(exist_ok=True)
        for job in planned:
            self.log(job).unlink(missing_ok=True)
            self.job_of.update(dict.fromkeys(job.runs, job))
        environment = self.marks / "environment"
        environment.unlink(missing_ok=True)
        environment.symlink_to(Path(sys.executable).parents[1])
        shutil.copyfile(SNAKEFILE, self.marks / "Snakefile")
        described = [self._described(job, len(planned) - number) for number, job in enumerate(planned)]
        write_json(self.marks / "plan.json", {"jobs": described})
        return planned

    def _described(self, job: Job, priority: int) -> dict[str, Any]:
        methods, fold = [run.method for run in job.runs], str(job.runs[0].fold)
        words = [self.python, "-m", "facelib", "run", self.paper.name, *methods]
        words += ["--fold", fold, "--tier", self.tier, *(["--keep-code"] if self.keep_code else [])]
        if self.tier in SHORT_TIERS and all(self.paper.method(name).is_pretraining for name in methods):
            words.append("--directly")  # a notebook would take longer than they do, and all others wait for them
        identities = [dataclasses.asdict(identity_of(run)) for run in job.runs]
        return {
            "name": job.name,
            "command": shlex.join(words),
            "after": [mark_of(run) for run in job.after],
            "done": [mark_of(run) for run in job.runs],
            "failed": f"failed/{job.name}",
            "made_from": digest_of([{**identity, "needs": None} for identity in identities]),
            "log": f"../logs/{job.name}.log",
            "threads": _threads(job),
            "priority": priority,
        }

    @property
    def python(self) -> str:
        """This Python, by a link in the folder in which Snakemake works."""
        executable = Path(sys.executable)
        return f"environment/{executable.parent.name}/{executable.name}"

    def log(self, job: Job) -> Path:
        return self.logs / f"{job.name}.log"

    def snakemake(self, lock: IO[str], planned: Sequence[Job], *options: str) -> subprocess.Popen[bytes]:
        """Start Snakemake on the plan; it holds the lock too, so that nobody else starts while it lives."""
        command = [str(self.marks / self.python), "-m", "snakemake", "--snakefile", "Snakefile"]
        command += ["--configfile", "plan.json"]
        command += ["--nolock"]  # ours is held already, and goes with its processes however they end
        command += ["--keep-going", "--rerun-incomplete", "--rerun-triggers", "params", "input"]
        command += ["--scheduler", "greedy", "--nocolor", *self.place.options(max(map(_threads, planned))), *options]
        environment = os.environ | {RUNS_VARIABLE: str(runs_folder())}
        with open(self.said, "wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.marks,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=(lock.fileno(),),
                stdin=subprocess.DEVNULL,
                process_group=0,  # of its own, which we end as a whole
            )
        lock.write(f"{process_name(process.pid)}\n")
        lock.flush()
        return process

    def work(self, waiting: Sequence[Run], wanted: int, standing: int, lock: IO[str]) -> set[Run]:
        """Make runs and tell each one as it ends.

        Args:
            waiting: the runs.
            wanted, standing: how many there are in all, and how many of them stand.
            lock: our hold on the folder.

        Returns:
            The runs of jobs that were started.

        Raises:
            FacelibError: Snakemake started no job at all.
        """
        planned = self.plan(waiting)
        progress = Progress(
            planned,
            wanted=wanted,
            standing=standing,
            retries=self.place.retries,
            marks=self.marks,
            reading_s=reading_seconds(self.paper, self.tier),
            say=self.say,
        )
        process = self.snakemake(lock, planned)
        try:
            for look in itertools.count(1):
                time.sleep(LOOK_EVERY_S)
                ended = process.poll() is not None
                progress.look()
                if ended or look % ASK_EVERY == 0:
                    self.place.look(self.said)
                if ended:
                    break
        except BaseException:  # Ctrl-C, a signal, a defect of ours: nothing goes on unwatched
            self.say("stopping; the same command goes on from here")
            self._end(process)
            raise
        tried = {run for job in planned if self.log(job).exists() for run in job.runs}
        if not tried:
            raise self.broken()
        return tried

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End Snakemake and its jobs, wherever they run."""
        try:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does; Snakemake ends the jobs that it sent elsewhere
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            pass  # it waits for others, or was started with signals shut out
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.place.end()  # what it did not know of, now that nothing sends more

    def broken(self) -> FacelibError:
        return FacelibError("\n".join(["Snakemake could not start the runs:", *_lines(self.said)[-LINES_SHOWN:]]))

    def tell_unmade(self, run: Run, status: Status, needed: Run | None) -> None:
        """Say that a run was not made, and why or where that can be read.

        Args:
            run: which one.
            status: what stands of it.
            needed: the run that it waited for, if it did.
        """
        what = f"{run.method} fold {run.fold}"
        if needed is not None:
            self.say(f"NOT STARTED {what}: it needs {needed.method} fold {needed.fold}")
            return
        log = self.log(self.job_of[run])
        lines = _lines(log)
        why = _error_in(lines, run) or status.reason or (lines[-1] if lines else "its job left no log")
        self.say(f"FAILED {what}: {why}\n  see why: less {shlex.quote(str(log if lines else self.said))}")


def _error_in(lines: Sequence[str], run: Run) -> str:
    """The line of a job's log that says why a run failed, as far as there is one."""
    for start in (f"{run} failed: ", "Error: "):
        for line in lines:
            if line.startswith(start):
                return line.removeprefix(start)
    return ""


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []


def _threads(job: Job) -> int:
    return max(map(threads_of, job.runs))
