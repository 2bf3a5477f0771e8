"""Many runs at once: in the right order, whatever is killed or fails meanwhile, and only those that must be made."""

from __future__ import annotations

import fcntl
import importlib.util
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny_runs import use_private_runs

import facelib.papers
from facelib.cli import main
from facelib.errors import BadInput, FacelibError, UnknownName
from facelib.grid import dry_run, make_runs
from facelib.grid.jobs import Job, batches, singles
from facelib.grid.workflow import Workflow
from facelib.reproduction import outdated, reproduce_directly, runs_of
from facelib.runs.folders import record_path, run_folder, runs_folder
from facelib.runs.records import Record, read_record, same_result

TOY = Path(__file__).parent / "toy_paper"
RUNS = [("base", 0), ("teacher", 0), ("student", 0), ("other", 0)]
WITH_FOLD_1 = [*RUNS, ("teacher", 1), ("student", 1), ("other", 1)]


@pytest.fixture(autouse=True)
def toy_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy paper among the papers, here and in every Python that is started, with runs of its own."""
    monkeypatch.setattr(facelib.papers, "PAPERS", ("toy",))
    monkeypatch.setattr(facelib.papers, "__path__", [*facelib.papers.__path__, str(TOY)])
    monkeypatch.syspath_prepend(str(TOY.parent / "runs"))
    folders = [str(TOY), str(TOY.parents[1]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    monkeypatch.setenv("TOY_STATE", str(tmp_path / "toy.json"))
    use_private_runs(monkeypatch, tmp_path / "runs")
    toy_is()


def toy_is(**state: Any) -> None:
    Path(os.environ["TOY_STATE"]).write_text(json.dumps({"epoch_s": 0.0, "failing": [], "code": {}} | state))


def make(*, directly: bool = False, **options: Any) -> tuple[bool, list[str]]:
    said: list[str] = []
    what = {"paper": "toy", "tier": "smoke", "say": said.append} | options
    complete = reproduce_directly(**what) if directly else make_runs(**what, jobs=2)
    return complete, said


def record_of(run: tuple[str, int]) -> Record:
    return read_record(record_path(run_folder("toy", "smoke", *run, 0)))


def time_of(run: tuple[str, int]) -> int:
    return record_path(run_folder("toy", "smoke", *run, 0)).stat().st_mtime_ns


def superseded() -> list[str]:
    return sorted(path.name for path in (runs_folder() / "toy" / "smoke").glob("superseded-*"))


# Order and jobs


def test_what_a_run_needs_comes_before_it() -> None:
    assert runs_of("toy") == RUNS
    assert runs_of("toy", (0, 1)) == WITH_FOLD_1
    assert runs_of("toy", (2,), ["student"]) == [("base", 0), ("teacher", 2), ("student", 2)]
    with pytest.raises(UnknownName, match="did you mean 'teacher'"):
        runs_of("toy", (0,), ["teachr"])


def test_single_jobs_wait_for_the_runs_that_are_planned_with_them() -> None:
    assert singles("toy", RUNS) == [
        Job(("base",), 0),
        Job(("teacher",), 0, after=(("base", 0),)),
        Job(("student",), 0, after=(("base", 0), ("teacher", 0))),
        Job(("other",), 0, after=(("base", 0),)),
    ]
    assert singles("toy", [("student", 0)]) == [Job(("student",), 0)]


def test_batches_hold_every_run_once_and_a_teacher_with_its_students() -> None:
    base = (("base", 0),)
    assert batches("toy", WITH_FOLD_1, 2) == [
        Job(("base",), 0),
        Job(("teacher", "student"), 0, after=base),
        Job(("other",), 0, after=base),
        Job(("teacher", "student"), 1, after=base),
        Job(("other",), 1, after=base),
    ]
    assert batches("toy", RUNS, 1) == [Job(("base",), 0), Job(("teacher", "student", "other"), 0, after=base)]


def test_batches_are_balanced() -> None:
    methods = {f"method{n}": facelib.papers.load_paper("toy").Method(f"method{n}") for n in range(7)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facelib.papers.load_paper("toy"), "METHODS", methods)
        shares = batches("toy", [(name, 0) for name in methods], 2)

    assert [len(job.methods) for job in shares] == [4, 3]
    assert sorted(itertools.chain(*(job.methods for job in shares))) == sorted(methods)


# What must be made


def test_a_change_of_code_asks_for_the_right_runs_and_only_these() -> None:
    make(directly=True, folds=(0, 1))
    before, written = record_of(("other", 0)), {run: time_of(run) for run in WITH_FOLD_1}

    toy_is(code={"other": "facelib.conventions"})
    assert [run for run in WITH_FOLD_1 if outdated("toy", *run, "smoke")] == [("other", 0), ("other", 1)]
    assert not [run for run in WITH_FOLD_1 if outdated("toy", *run, "smoke", keep_code=True)]
    complete, said = make(directly=True, folds=(0, 1))

    assert complete
    assert superseded() == ["superseded-other-fold0-seed0-1", "superseded-other-fold1-seed0-1"]
    assert [line.split(":")[0] for line in said if "--keep-code accepts it" in line] == [
        f"toy other fold {fold} at smoke" for fold in (0, 1)
    ]
    assert [run for run in WITH_FOLD_1 if time_of(run) != written[run]] == [("other", 0), ("other", 1)]
    assert [line.split(":")[0] for line in same_result(before, record_of(("other", 0)))] == ["code.digest"]


def test_other_weights_ask_for_the_runs_that_start_from_them_and_equal_ones_do_not() -> None:
    make(directly=True)

    toy_is(code={"base": "facelib.conventions"})  # another version that gives the same weights
    make(directly=True)
    assert superseded() == ["superseded-base-fold0-seed0-1"]

    weights = run_folder("toy", "smoke", "teacher", 0, 0) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    reason = outdated("toy", "student", 0, "smoke")
    assert reason == "made from other weights of teacher"
    assert [run for run in RUNS if outdated("toy", *run, "smoke")] == [("student", 0)]
    weights.unlink()
    assert [run[0] for run in RUNS if outdated("toy", *run, "smoke")] == ["teacher", "student"]


def test_dry_run_says_what_would_be_run_and_runs_nothing() -> None:
    make(directly=True, methods=["teacher"])
    toy_is(code={"teacher": "facelib.conventions"})
    said: list[str] = []

    dry_run("toy", "smoke", jobs=2, say=said.append)

    assert said[0] == "toy at smoke: 1 of 4 runs stand"
    assert said[1].startswith("teacher fold 0 is set aside and made again: made from another version of the code")
    assert said[2:] == ["fold 0: teacher student", "fold 0: other"]
    assert superseded() == []
    assert not run_folder("toy", "smoke", "other", 0, 0).exists()


@pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_slurm") is None, reason="without the extra slurm"
)
def test_the_slurm_profile_is_accepted() -> None:
    dry_run("toy", "laptop", folds=(0, 1, 2), profile="slurm", say=lambda _: None)

    plan = json.loads((runs_folder() / "toy" / "laptop" / "grid" / "plan.json").read_text())
    assert len(plan["jobs"]) == 10
    log = (runs_folder() / "toy" / "laptop" / "logs" / "snakemake.log").read_text()
    assert "student_fold2" in log
    assert "cpus_per_task=" in log


def test_a_profile_that_does_not_exist_is_refused_with_what_snakemake_says() -> None:
    with pytest.raises(FacelibError, match=r"(?s)could not start the runs.*no-such-profile"):
        dry_run("toy", "smoke", profile="no-such-profile", say=lambda _: None)


# Making them


def test_a_failing_run_does_not_stop_the_others_and_is_told() -> None:
    toy_is(failing=["teacher"])
    complete, said = make()

    assert not complete
    assert [run for run in RUNS if not outdated("toy", *run, "smoke")] == [("base", 0), ("other", 0)]
    assert sum(line.startswith("[") for line in said) == 2
    log = runs_folder() / "toy" / "smoke" / "logs" / "teacher_and_1_more_fold0.log"
    assert said[-2:] == [
        f"FAILED teacher fold 0: train.ipynb failed: BadInput: teacher was told to fail\n  see why: less {log}",
        "NOT STARTED student fold 0: it needs teacher fold 0",
    ]
    assert "teacher was told to fail" in log.read_text()

    toy_is()
    complete, said = make()

    assert complete
    assert said[0] == "toy at smoke: 2 of 4 runs stand"
    assert [line.split(":")[0] for line in said[1:]] == ["[3/4] teacher fold 0", "[4/4] student fold 0"]
    assert not any("set aside" in line for line in said)


def test_runs_that_waited_for_a_sound_member_of_a_failed_job_are_made_in_another_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both needed runs share a job; the one that fails must not keep the other's student waiting."""
    monkeypatch.setattr(
        "facelib.grid.workflow.batches", lambda _, runs, __: [job for job in _shared(runs) if job.methods]
    )
    toy_is(failing=["teacher"])
    rounds: list[int] = []
    work = Workflow.work
    monkeypatch.setattr(Workflow, "work", lambda self, *rest: rounds.append(1) or work(self, *rest))

    complete, said = make()

    assert not complete
    assert len(rounds) == 2
    assert [run for run in RUNS if not outdated("toy", *run, "smoke")] == [("base", 0), ("other", 0)]
    assert said[-1] == "NOT STARTED student fold 0: it needs teacher fold 0"


def _shared(runs: list[tuple[str, int]]) -> Iterator[Job]:
    """Base and teacher in one job, all others in another one that waits for it."""
    first = tuple(method for method, _ in runs if method in ("base", "teacher"))
    rest = tuple(method for method, _ in runs if method not in first)
    yield Job(first, 0)
    yield Job(rest, 0, after=tuple((method, 0) for method in first))


def test_a_second_workflow_is_refused() -> None:
    lock = runs_folder() / "toy" / "smoke" / "grid.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("1234\n")
        file.flush()
        with pytest.raises(BadInput, match=r"another workflow makes runs in .*smoke \(process 1234\)"):
            make()
    assert [path.name for path in lock.parent.iterdir()] == ["grid.lock"]


def test_the_command_ends_with_1_when_a_run_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facelib.cli.PAPERS", ("toy",))
    monkeypatch.setattr("facelib.reproduction.report", lambda *_, **__: "the table of what stands")
    toy_is(failing=["other"])

    result = CliRunner().invoke(main, ["reproduce", "--directly", "--methods", "other,teacher"])
    assert result.exit_code == 1
    assert "toy other fold 0 at smoke failed: other was told to fail" in result.output
    assert "the table of what stands" in result.output

    result = CliRunner().invoke(main, ["reproduce", "--directly", "--methods", "teacher"])
    assert result.exit_code == 0


# Killing them


def start_workflow() -> subprocess.Popen[bytes]:
    """`facelib reproduce` without its tables, in a process group of its own."""
    program = "from facelib.grid import make_runs; make_runs('toy', 'smoke', jobs=2, say=lambda _: None)"
    return subprocess.Popen([sys.executable, "-c", program], start_new_session=True, cwd=TOY)


def newest_checkpoint() -> float:
    return max((path.stat().st_mtime for path in runs_folder().rglob("checkpoint_*.pt")), default=0.0)


def test_killed_at_random_moments_the_records_are_those_of_an_undisturbed_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "FACELIB_RUNS": str(tmp_path / "undisturbed")}
    program = "from facelib.reproduction import reproduce_directly; reproduce_directly('toy', 'smoke')"
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=TOY, check=True, capture_output=True)

    toy_is(epoch_s=0.4)
    moments = random.Random()
    for wait_for_epoch in (False, True, True):
        began = time.time()
        workflow = start_workflow()
        while wait_for_epoch and newest_checkpoint() < began and workflow.poll() is None:
            time.sleep(0.05)
        time.sleep(moments.uniform(0.0, 1.0 if wait_for_epoch else 5.0))
        os.killpg(workflow.pid, signal.SIGKILL)
        assert workflow.wait() == -signal.SIGKILL
    assert any(outdated("toy", *run, "smoke") for run in RUNS)
    assert start_workflow().wait() == 0

    ours = {run: record_of(run) for run in RUNS}
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path / "undisturbed"))
    assert {run: same_result(record_of(run), ours[run]) for run in RUNS} == {run: [] for run in RUNS}
    assert superseded() == []
