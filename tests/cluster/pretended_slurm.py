"""Stands for Slurm's commands, by whose names it is called: a job is a process of this machine.

PRETENDED_SLURM names the folder that holds its jobs, each with a file of what was asked for. A job that asks for more
than one GPU waits for ever, one that asks for more than 99 GB is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

FOLDER = Path(os.environ["PRETENDED_SLURM"])
# Runs its first argument and leaves its exit status in the file that its second one names.
RUN_AND_NOTE = 'sh -c "$1"; echo $? > "$2"'


def sbatch(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    for name in ("--job-name", "--output", "--comment", "--wrap", "--gpus", "--mem", "-D"):
        parser.add_argument(name)
    asked, _ = parser.parse_known_args(arguments)
    if int(asked.mem or 0) > 99_000:
        sys.exit("sbatch: error: Batch job submission failed: Requested node configuration is not available")
    number = len(list(FOLDER.glob("*.json"))) + 1
    process = None
    if int(asked.gpus or 0) < 2:
        command = ["sh", "-c", RUN_AND_NOTE, "sh", asked.wrap, str(FOLDER / f"{number}.ended")]
        output = (FOLDER / f"{number}.log").open("wb")
        environment = os.environ | {"SLURM_JOB_ID": str(number)}
        process = subprocess.Popen(
            command, cwd=asked.D, stdout=output, stderr=output, env=environment, start_new_session=True
        )
    job = {"name": asked.job_name, "comment": asked.comment, "process": process and process.pid, "asked": arguments}
    (FOLDER / f"{number}.json").write_text(json.dumps(job))
    print(number)


def srun(arguments: list[str]) -> None:
    command = list(arguments)
    while command[0].startswith("-"):
        command.pop(0)
    os.execvp(command[0], command)


def squeue(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    for name in ("--format", "--states", "--name"):
        parser.add_argument(name)
    wanted, _ = parser.parse_known_args(arguments)
    for path in sorted(FOLDER.glob("*.json")):
        job, state = json.loads(path.read_text()), state_of(path)
        if wanted.name not in (None, job["name"]) or (state not in ("RUNNING", "PENDING") and wanted.states != "all"):
            continue
        line = wanted.format
        values = {"%i": path.stem, "%j": job["name"], "%k": job["comment"], "%T": state}
        for field, value in (values | {"%r": "PartitionConfig" if state == "PENDING" else "None"}).items():
            line = line.replace(field, value)
        print(line)


def state_of(job: Path) -> str:
    if job.with_suffix(".cancelled").exists():
        return "CANCELLED"
    if job.with_suffix(".ended").exists():
        return "COMPLETED" if int(job.with_suffix(".ended").read_text() or 0) == 0 else "FAILED"
    return "RUNNING" if json.loads(job.read_text())["process"] else "PENDING"


def scancel(arguments: list[str]) -> None:
    for number in arguments:
        path = FOLDER / f"{number}.json"
        path.with_suffix(".cancelled").touch()
        with suppress(ProcessLookupError, TypeError):
            os.killpg(json.loads(path.read_text())["process"], signal.SIGKILL)


def scontrol(arguments: list[str]) -> None:
    print("MinJobAge = 300 sec")


def sacct(arguments: list[str]) -> None:
    sys.exit("Slurm accounting storage is disabled")


def sinfo(arguments: list[str]) -> None:
    print("only*")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2:])
