"""Many runs at once: in the right order, whatever is killed or fails meanwhile, and only those that must be made."""

from __future__ import annotations

import dataclasses
import fcntl
import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from toy_grid import (
    BASE,
    OTHER,
    RUNS,
    STUDENT,
    TEACHER,
    TOY,
    kill_all,
    start_grid,
    started_by,
    toy_is,
    toy_run,
    use_slow_toy,
)
from toy_papers import TOY_FOLDER

from facelib.cli import main
from facelib.errors import BadInput, UnknownName
from facelib.faces.morphable_model import MorphableModel
from facelib.grid import dry_run, make_runs
from facelib.grid.jobs import Job, batches, blocked_runs, singles
from facelib.grid.progress import Progress
from facelib.grid.workflow import Workflow
from facelib.papers import load_paper
from facelib.papers.paper import Method
from facelib.papers.status import Status, runs_of, status_of
from facelib.reproduction import make_directly
from facelib.runs.folders import Run, runs_folder
from facelib.runs.records import Record, read_record, same_result
from facelib.storage import write_checked

WITH_FOLD_1 = [*RUNS, toy_run("teacher", 1), toy_run("student", 1), toy_run("other", 1)]


@pytest.fixture(autouse=True)
def toy_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face_model: MorphableModel) -> None:
    use_slow_toy(monkeypatch, tmp_path)


def make(
    *, directly: bool = False, folds: Sequence[int] = (0,), methods: Sequence[str] | None = None
) -> tuple[bool, list[str]]:
    said: list[str] = []
    wanted = runs_of(load_paper(TOY), "smoke", folds, methods)
    complete = make_directly(wanted, say=said.append) if directly else make_runs(wanted, jobs=2, say=said.append)
    return complete, said


def unmade(runs: Sequence[Run], *, keep_code: bool = False) -> list[Run]:
    return [run for run in runs if not status_of(run, keep_code=keep_code).is_current]


def record_of(run: Run) -> Record:
    return read_record(run.record)


def time_of(run: Run) -> int:
    return run.record.stat().st_mtime_ns


def superseded() -> list[str]:
    return sorted(path.name for path in (runs_folder() / TOY / "smoke").glob("superseded-*"))


# Order and jobs


def test_what_a_run_needs_comes_before_it() -> None:
    paper = load_paper(TOY)
    assert runs_of(paper, "smoke") == RUNS
    assert runs_of(paper, "smoke", (0, 1)) == WITH_FOLD_1
    assert runs_of(paper, "smoke", (2,), ["student"]) == [BASE, toy_run("teacher", 2), toy_run("student", 2)]
    assert runs_of(paper, "smoke", (2, 3)) == runs_of(paper, "smoke", (2,))  # it has three folds
    with pytest.raises(UnknownName, match="did you mean 'teacher'"):
        runs_of(paper, "smoke", (0,), ["teachr"])
    with pytest.raises(UnknownName, match="did you mean 'smoke'"):
        runs_of(paper, "smok")


def test_single_jobs_wait_for_the_runs_that_are_planned_with_them() -> None:
    assert singles(RUNS) == [
        Job((BASE,)),
        Job((TEACHER,), after=(BASE,)),
        Job((STUDENT,), after=(BASE, TEACHER)),
        Job((OTHER,), after=(BASE,)),
    ]
    assert singles([STUDENT]) == [Job((STUDENT,))]


def test_batches_hold_every_run_once_and_a_teacher_with_its_students() -> None:
    assert batches(WITH_FOLD_1, 2) == [
        Job((BASE,)),
        Job((TEACHER, STUDENT), after=(BASE,)),
        Job((OTHER,), after=(BASE,)),
        Job((toy_run("teacher", 1), toy_run("student", 1)), after=(BASE,)),
        Job((toy_run("other", 1),), after=(BASE,)),
    ]
    assert batches(RUNS, 1) == [Job((BASE,)), Job((TEACHER, STUDENT, OTHER), after=(BASE,))]


def test_what_needs_a_failed_run_is_blocked_by_it_however_far_the_chain_goes() -> None:
    assert blocked_runs({BASE}, RUNS[1:]) == {TEACHER: BASE, STUDENT: BASE, OTHER: BASE}
    assert blocked_runs({TEACHER}, RUNS) == {STUDENT: TEACHER}
    assert blocked_runs({STUDENT}, RUNS) == {}


def test_batches_are_balanced() -> None:
    methods = {f"method{n}": Method(f"method{n}", "", "network", "") for n in range(7)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facelib.papers.slow_toy.PAPER", dataclasses.replace(load_paper(TOY), methods=methods))
        shares = batches([toy_run(name) for name in methods], 2)

    assert [len(job.runs) for job in shares] == [4, 3]
    assert sorted(run.method for job in shares for run in job.runs) == sorted(methods)


# What must be made


def test_a_change_of_code_asks_for_the_right_runs_and_only_these() -> None:
    make(directly=True, folds=(0, 1))
    before, written = record_of(OTHER), {run: time_of(run) for run in WITH_FOLD_1}
    others = [OTHER, toy_run("other", 1)]

    toy_is(code={"other": "facelib.conventions"})
    assert unmade(WITH_FOLD_1) == others
    assert "another version of the code" in status_of(OTHER).reason
    assert unmade(WITH_FOLD_1, keep_code=True) == []
    complete, said = make(directly=True, folds=(0, 1))

    assert complete
    assert superseded() == ["superseded-other-fold0-seed0-1", "superseded-other-fold1-seed0-1"]
    assert [line.split(":")[0] for line in said if "--keep-code accepts it" in line] == [
        f"{TOY} other fold {fold} at smoke" for fold in (0, 1)
    ]
    assert [run for run in WITH_FOLD_1 if time_of(run) != written[run]] == others
    assert [line.split(":")[0] for line in same_result(before, record_of(OTHER))] == ["code.digest"]


def test_other_weights_ask_for_the_runs_that_start_from_them_and_equal_ones_do_not() -> None:
    make(directly=True)

    toy_is(code={"base": "facelib.conventions"})  # another version that gives the same weights
    make(directly=True)
    assert superseded() == ["superseded-base-fold0-seed0-1"]

    weights = TEACHER.weights
    write_checked(weights, weights.read_bytes() + b" ")
    assert status_of(STUDENT).reason == "made from other weights of teacher"
    assert unmade(RUNS) == [STUDENT]
    weights.unlink()
    assert unmade(RUNS) == [TEACHER, STUDENT]


def test_dry_run_says_what_would_be_run_and_runs_nothing() -> None:
    make(directly=True, methods=["teacher"])
    toy_is(code={"teacher": "facelib.conventions"})
    said: list[str] = []

    dry_run(RUNS, jobs=2, say=said.append)

    assert said[0] == f"{TOY} at smoke: 1 of 4 runs stand"
    assert said[1].startswith("teacher fold 0 is set aside and made again: made from another version of the code")
    assert said[2:] == ["fold 0: teacher student", "fold 0: other"]
    assert superseded() == []
    assert not OTHER.folder.exists()


needs_slurm_plugin = pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_slurm") is None, reason="without the extra slurm"
)


@needs_slurm_plugin
@pytest.mark.parametrize(("profile", "gpu"), [("slurm", False), ("slurm-gpu", True)])
def test_the_slurm_profiles_are_accepted(profile: str, gpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(load_paper(TOY).tiers, "laptop", {"training.threads": 8})
    dry_run(runs_of(load_paper(TOY), "laptop", range(3)), profile=profile, say=lambda _: None)

    plan = json.loads((runs_folder() / TOY / "laptop" / "grid" / "plan.json").read_text())
    assert len(plan["jobs"]) == 10
    assert [job["threads"] for job in plan["jobs"]] == [1] + [8] * 9  # the pretraining has settings of its own
    log = (runs_folder() / TOY / "laptop" / "logs" / "snakemake.log").read_text()
    assert "student_fold2" in log
    assert ("gpu=1" in log) == gpu
    assert log.count("threads: 8") == 9


def test_a_profile_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown profile 'slrum'.*did you mean 'slurm'"):
        dry_run(RUNS, profile="slrum", say=lambda _: None)


# Telling of them


def told(said: list[str], run: Run, **counts: Any) -> Progress:
    return Progress(singles([run]), reading_s=0.0, say=said.append, **counts)


def test_a_job_has_failed_when_it_is_not_tried_again(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "failed").mkdir()
    progress = told(said, TEACHER, wanted=4, standing=2, retries=1, marks=tmp_path)
    for lines in ("\n", "\n\n", "\n\n"):
        (tmp_path / "failed" / "teacher_fold0").write_text(lines)
        progress.look()
    assert said == ["failed: teacher fold 0"]


def test_a_run_that_was_made_and_yet_does_not_stand_is_told_with_its_reason() -> None:
    """As when its data set was made anew meanwhile: the log of its job ends well."""
    said: list[str] = []
    workflow = Workflow(load_paper(TOY), "smoke", 1, None, False, said.append)
    (job,) = singles([BASE])
    workflow.job_of[BASE] = job
    workflow.logs.mkdir(parents=True)
    workflow.log(job).write_text("the record\n")
    workflow.tell_unmade(BASE, Status(BASE, "outdated", "made from other data"), None)
    assert said[0].splitlines()[0] == "FAILED base fold 0: made from other data"


def test_runs_are_counted_among_all_also_in_a_second_round(tmp_path: Path) -> None:
    """Of five, two stand and two have failed in the first round."""
    make(directly=True, methods=["base"])
    said: list[str] = []
    progress = told(said, BASE, wanted=5, standing=2, retries=0, marks=tmp_path)
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "base_fold0").touch()
    progress.look()
    assert said[0].startswith("[3/5] base fold 0: accuracy")


# Making them


@pytest.mark.slow
def test_a_failing_run_does_not_stop_the_others_and_is_told() -> None:
    toy_is(failing=["teacher"])
    complete, said = make()

    assert not complete
    assert unmade(RUNS) == [TEACHER, STUDENT]
    assert sum(line.startswith("[") for line in said) == 2
    log = runs_folder() / TOY / "smoke" / "logs" / "teacher_and_1_more_fold0.log"
    assert said[-2:] == [
        f"FAILED teacher fold 0: train.ipynb failed: BadInput: teacher was told to fail\n  see why: less {log}",
        "NOT STARTED student fold 0: it needs teacher fold 0",
    ]
    assert "teacher was told to fail" in log.read_text()

    toy_is()
    complete, said = make()

    assert complete
    assert said[0] == f"{TOY} at smoke: 2 of 4 runs stand"
    assert [line.split(":")[0] for line in said[1:]] == ["[3/4] teacher fold 0", "[4/4] student fold 0"]
    assert re.search(r"; about \d+ s left, with tables and figures$", said[1])
    assert not any("set aside" in line for line in said)


@pytest.mark.slow
def test_runs_that_waited_for_a_sound_member_of_a_failed_job_are_made_in_another_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both needed runs share a job; the one that fails must not keep the other's student waiting."""
    monkeypatch.setattr("facelib.grid.workflow.batches", lambda runs, _: [job for job in _shared(runs) if job.runs])
    toy_is(failing=["teacher"])
    rounds: list[int] = []
    work = Workflow.work
    monkeypatch.setattr(Workflow, "work", lambda self, *rest: rounds.append(1) or work(self, *rest))

    complete, said = make()

    assert not complete
    assert len(rounds) == 2
    assert unmade(RUNS) == [TEACHER, STUDENT]
    assert said[-1] == "NOT STARTED student fold 0: it needs teacher fold 0"


def _shared(runs: Sequence[Run]) -> Iterator[Job]:
    """Base and teacher in one job, all others in another one that waits for it."""
    first = tuple(run for run in runs if run in (BASE, TEACHER))
    yield Job(first)
    yield Job(tuple(run for run in runs if run not in first), after=first)


def test_a_second_workflow_is_refused() -> None:
    lock = runs_folder() / TOY / "smoke" / "grid.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("1234\n")
        file.flush()
        with pytest.raises(BadInput, match=r"another workflow makes runs in .*smoke \(process 1234\)"):
            make()
    assert [path.name for path in lock.parent.iterdir()] == ["grid.lock"]


def test_the_command_ends_with_1_when_a_run_failed_and_with_a_line_on_what_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("facelib.cli.PAPERS", (TOY,))
    monkeypatch.setattr("facelib.report.manifest.figures_folder", lambda folder, tier: tmp_path / "figures")
    toy_is(failing=["other"])

    result = CliRunner().invoke(main, ["reproduce", "--directly", "--methods", "other,teacher"])
    assert result.exit_code == 1
    assert f"{TOY} other fold 0 at smoke failed: other was told to fail" in result.output
    *_, head, line = result.output.splitlines()
    assert head.split("  ")[0] == "paper"
    assert re.split(r"  (?=\S)", line) == [TOY, "smoke", "2 current, 1 missing", "-       ", str(tmp_path / "figures")]
    assert (tmp_path / "figures" / "table_1.md").exists()

    result = CliRunner().invoke(main, ["reproduce", "--directly", "--methods", "teacher"])
    assert result.exit_code == 0


# Killing them


def newest_checkpoint() -> float:
    return max((path.stat().st_mtime for path in runs_folder().rglob("checkpoint_*.pt")), default=0.0)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1), (signal.SIGINT, -2)]
)
def test_a_signal_ends_the_trainings_too(number: signal.Signals, status: int) -> None:
    toy_is(epoch_s=3)
    grid = start_grid(["base"])
    while newest_checkpoint() == 0.0 and grid.poll() is None:
        time.sleep(0.05)
    toy_is(epoch_s=60)  # it would go on for minutes now
    others = started_by(grid)
    grid.send_signal(number)
    said, _ = grid.communicate(timeout=30)

    assert grid.returncode == status
    assert said.splitlines()[-1] == "stopping; the same command goes on from here"
    assert len(others) > 2  # Snakemake, a run, and the kernel of its notebook
    _, alive = psutil.wait_procs(others, timeout=5)
    assert alive == []
    assert not BASE.record.exists(), f"made in spite of the signal; the grid said {said!r}"


def test_no_name_of_a_folder_reaches_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "my 'papers' ü {1}; touch x; $(touch x) \"2\""
    odd.mkdir()
    (odd / "environment").symlink_to(Path(sys.executable).parents[1])
    (odd / "clone").symlink_to(TOY_FOLDER.parents[1])
    monkeypatch.setenv("PYTHONPATH", f"{TOY_FOLDER}{os.pathsep}{odd / 'clone'}")
    monkeypatch.setenv("FACELIB_RUNS", str(odd / "runs"))

    grid = start_grid(["base"], odd / "environment" / "bin" / Path(sys.executable).name)
    said, _ = grid.communicate()

    assert grid.returncode == 0, said
    assert BASE.record.exists()
    assert [*tmp_path.rglob("x"), *TOY_FOLDER.rglob("x")] == []


@pytest.mark.slow
def test_killed_at_random_moments_the_records_are_those_of_an_undisturbed_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "FACELIB_RUNS": str(tmp_path / "undisturbed")}
    program = (
        "from facelib.papers import load_paper; from facelib.papers.status import runs_of; "
        "from facelib.reproduction import make_directly; "
        f"make_directly(runs_of(load_paper({TOY!r}), 'smoke'))"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=TOY_FOLDER, check=True, capture_output=True)

    toy_is(epoch_s=0.4)
    moments = random.Random()
    for wait_for_epoch in (False, True, True):
        began = time.time()
        workflow = start_grid()
        while wait_for_epoch and newest_checkpoint() < began and workflow.poll() is None:
            time.sleep(0.05)
        time.sleep(moments.uniform(0.0, 1.0 if wait_for_epoch else 5.0))
        kill_all(workflow)
    assert unmade(RUNS)
    assert start_grid().wait() == 0

    ours = {run: record_of(run) for run in RUNS}
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path / "undisturbed"))
    assert {run: same_result(record_of(run), ours[run]) for run in RUNS} == {run: [] for run in RUNS}
    assert superseded() == []
