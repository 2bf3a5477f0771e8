"""Grids on Slurm, whose commands are pretended; `make test-slurm` has a real one."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from toy_grid import BASE, TOY, kill_all, start_grid, toy_is, use_slow_toy
from toy_papers import TOY_FOLDER

from facelib.errors import BadInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.grid import make_runs
from facelib.grid.places import Place
from facelib.grid.profiles import PROFILES, place_of
from facelib.grid.slurm import Slurm
from facelib.papers.status import status_of
from facelib.runs.folders import runs_folder

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_slurm") is None, reason="without the extra slurm"
)
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct")


@pytest.fixture(autouse=True)
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face_model: MorphableModel) -> Path:
    """The folder of pretended jobs."""
    use_slow_toy(monkeypatch, tmp_path)
    commands, jobs = tmp_path / "commands", tmp_path / "jobs"
    commands.mkdir()
    jobs.mkdir()
    program = Path(__file__).parent / "pretended_slurm.py"
    for name in COMMANDS:  # by a shell, since the first line of a script cannot name a Python whose path has a space
        words = shlex.join([sys.executable, str(program), name])
        (commands / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRETENDED_SLURM", str(jobs))
    return jobs


def profile(folder: Path, first_look_s: int = 1, **resources: Any) -> str:
    """The shipped one, quicker and with other resources."""
    content = yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())
    content |= {"latency-wait": 5, "slurm-init-seconds-before-status-checks": first_look_s}
    content["default-resources"] |= resources
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return str(folder)


def asked(job: Path) -> str:
    return shlex.join(json.loads(job.read_text())["asked"])


def wait_for_job(job: Path, grid: subprocess.Popen[str]) -> None:
    while not job.exists() and grid.poll() is None:
        time.sleep(0.1)


def queue(folder: Path, said: list[str]) -> Slurm:
    place = place_of(profile(folder), None, runs_folder() / TOY / "smoke" / "grid", said.append)
    assert isinstance(place, Slurm)
    return place


@pytest.mark.slow
def test_runs_are_made_and_no_name_of_a_folder_reaches_a_shell(
    tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "my 'papers' ü {1}; touch x; $(touch x)"
    odd.mkdir()
    (odd / "environment").symlink_to(Path(sys.executable).parents[1])
    (odd / "clone").symlink_to(TOY_FOLDER.parents[1])
    monkeypatch.setenv("PYTHONPATH", f"{TOY_FOLDER}{os.pathsep}{odd / 'clone'}")
    monkeypatch.setenv("HOME", str(odd))

    python = odd / "environment" / "bin" / Path(sys.executable).name
    chosen = profile(odd / "profile", first_look_s=20)  # about when the job ends; later looks come more seldom
    grid = start_grid(["base"], python, profile=chosen)
    said, _ = grid.communicate()

    assert grid.returncode == 0, said
    assert status_of(BASE).is_current
    assert [*tmp_path.rglob("x"), *TOY_FOLDER.rglob("x")] == []
    (job,) = slurm.glob("*.json")
    assert "--cpus-per-task=1" in asked(job)


def test_a_runs_folder_that_cannot_be_given_to_a_cluster_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path / "x; touch y"))
    with pytest.raises(BadInput, match=r"x; touch y/.*expected plain letters.*FACELIB_RUNS"):
        make_runs([BASE], profile="slurm")
    assert [*tmp_path.rglob("y")] == []


def test_jobs_of_a_killed_call_are_ended_before_they_are_submitted_again(tmp_path: Path, slurm: Path) -> None:
    toy_is(epoch_s=60.0)
    chosen = profile(tmp_path / "profile")
    grid = start_grid(["base"], profile=chosen)
    wait_for_job(slurm / "1.json", grid)
    kill_all(grid)
    queued = queue(tmp_path / "other", []).queued()
    assert [(job.number, job.name, job.state) for job in queued] == [("1", "base_fold0", "RUNNING")]

    grid = start_grid(["base"], profile=chosen)
    wait_for_job(slurm / "2.json", grid)
    assert (slurm / "1.cancelled").exists()
    grid.terminate()
    said, _ = grid.communicate(timeout=60)
    assert said.startswith("ending Slurm jobs of an earlier call, their runs go on from their last epochs: 1\n")
    assert queue(tmp_path / "last", []).queued() == []


def test_a_signal_ends_the_jobs_in_the_queue(tmp_path: Path, slurm: Path) -> None:
    toy_is(epoch_s=60.0)
    grid = start_grid(["base"], profile=profile(tmp_path / "profile"))
    wait_for_job(slurm / "1.json", grid)
    grid.send_signal(signal.SIGTERM)
    grid.communicate(timeout=60)

    assert grid.returncode == 128 + signal.SIGTERM
    assert (slurm / "1.cancelled").exists()


def test_what_keeps_jobs_from_starting_is_told_at_once_and_once(tmp_path: Path, slurm: Path) -> None:
    grid = start_grid(["base"], profile=profile(tmp_path / "large", gpu=2))
    assert grid.stdout is not None
    said = [grid.stdout.readline() for _ in range(2)]
    assert said[1] == "base_fold0 waits in Slurm's queue: PartitionConfig (scontrol show job 1)\n"
    grid.terminate()
    said, _ = grid.communicate(timeout=60)
    assert said == "stopping; the same command goes on from here\n"

    grid = start_grid(["base"], profile=profile(tmp_path / "huge", mem_mb=100_000))
    said, _ = grid.communicate(timeout=60)
    refused = "Slurm refuses a job: sbatch: error: Batch job submission failed: "
    assert [line for line in said.splitlines() if line.startswith(refused)] == [
        f"{refused}Requested node configuration is not available"
    ]


def test_without_sbatch_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPart, match="sbatch is missing"):
        make_runs([BASE], profile="slurm")
    assert not BASE.folder.exists()


def test_the_profile_says_how_many_jobs_run_at_once_unless_the_command_does(tmp_path: Path) -> None:
    assert place_of("slurm", None, tmp_path, print).jobs == 16
    assert "--jobs" not in place_of("slurm", None, tmp_path, print).options(1)
    place = place_of("slurm", 3, tmp_path, print)
    assert place.jobs == 3
    assert "--jobs 3" in " ".join(place.options(1))
    assert Place(3).options(8) == ["--cores", "24"]
