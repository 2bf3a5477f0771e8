"""Jobs in Slurm's queue: those of an earlier call, and those that cannot start.

Snakemake's plugin submits and watches jobs, and knows only those of its own process. Their names begin as we say, so
that they are found again from any machine, whatever has become of that process.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facelib.errors import FacelibError, MissingPart
from facelib.grid.places import ProfilePlace
from facelib.papers.run import Say
from facelib.storage import digest_of

ENDED_WITHIN_S = 120.0  # Slurm gives a job half a minute between a warning and its end
WAITS_FOR_ITS_TURN = ("None", "Priority", "Resources", "BeginTime", "Licenses", "JobHeldUser", "Prolog", "Cleaning")
REFUSED = re.compile(r"sbatch failed\. The error message was '(.*?)'", re.DOTALL)


@dataclass(frozen=True)
class QueuedJob:
    """A line of squeue."""

    number: str
    name: str  # of the job in the plan
    state: str
    reason: str


class Slurm(ProfilePlace):
    """A cluster that Slurm shares out.

    Args:
        profile, content, jobs, folder: as in `ProfilePlace`.
        say: told what keeps jobs from starting.
    """

    def __init__(self, profile: Path, content: Mapping[str, Any], jobs: int | None, folder: Path, say: Say) -> None:
        super().__init__(profile, content, jobs, folder)
        self.name, self.say = f"facelib-{digest_of(str(folder))}", say
        self.told: set[str] = set()

    def options(self, threads: int) -> list[str]:
        return [*super().options(threads), "--slurm-jobname-prefix", self.name]

    def prepare(self) -> None:
        """End jobs that an earlier call has left, which was killed; their runs go on from their last epochs.

        Raises:
            MissingPart: this machine cannot submit jobs.
            FacelibError: Slurm does not answer, or does not end them.
        """
        if shutil.which("sbatch") is None:
            raise MissingPart(
                "sbatch is missing: start this on a machine that submits jobs to Slurm, or drop --profile"
            )
        earlier = self.queued()
        if not earlier:
            return
        numbers = [job.number for job in earlier]
        self.say(f"ending Slurm jobs of an earlier call, their runs go on from their last epochs: {' '.join(numbers)}")
        self.end()
        until = time.monotonic() + ENDED_WITHIN_S
        while left := self.queued():
            if time.monotonic() > until:
                raise FacelibError(f"Slurm does not end jobs {' '.join(job.number for job in left)}: see squeue --me")
            time.sleep(1.0)

    def look(self, log: Path) -> None:
        """Tell of jobs that Slurm refused, and of those that wait for more than their turn, once for each reason."""
        for error in REFUSED.findall(log.read_text(encoding="utf-8", errors="replace")):
            self._tell(error, f"Slurm refuses a job: {error}")
        with suppress(FacelibError):  # it may be away for a while; Snakemake asks again too
            for job in self.queued():
                if job.state == "PENDING" and job.reason not in WAITS_FOR_ITS_TURN:
                    line = f"{job.name} waits in Slurm's queue: {job.reason} (scontrol show job {job.number})"
                    self._tell(job.reason, line)

    def _tell(self, reason: str, line: str) -> None:
        if reason not in self.told:
            self.told.add(reason)
            self.say(line)

    def end(self) -> None:
        numbers = [job.number for job in self.queued()]
        if numbers:
            _answer("scancel", *numbers)

    def queued(self) -> list[QueuedJob]:
        """The jobs of this folder that run or wait."""
        lines = _answer("squeue", "--me", "--noheader", "--format=%j|%i|%k|%T|%r")
        ours = (line.split("|", 4) for line in lines if line.startswith(self.name))
        return [
            QueuedJob(number, comment.removeprefix("rule_"), state, reason)
            for _, number, comment, state, reason in ours
        ]


def _answer(*command: str) -> list[str]:
    """The lines that a command of Slurm prints.

    Raises:
        FacelibError: it fails, or does not answer.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise FacelibError(f"{command[0]} failed: {said.strip()}") from error
    return done.stdout.splitlines()
