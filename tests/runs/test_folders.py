"""A run's name, its folder and its command; one with changed settings never lies where the plain one does."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from facelib.cli import main
from facelib.runs.folders import Run, runs_folder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path))
    return tmp_path


def test_a_plain_run(folder: Path) -> None:
    run = Run("sadrnet", "direct", fold=1, tier="laptop", seed=3)

    assert runs_folder() == folder
    assert run.folder == folder / "sadrnet" / "laptop" / "direct-fold1-seed3"
    assert run.record == run.folder / "record.json"
    assert run.weights == run.folder / "weights.safetensors"
    assert str(run) == "sadrnet direct fold 1 seed 3 at laptop"
    assert run.command == "facelib run sadrnet direct --fold 1 --tier laptop --seed 3"
    assert Run("sadrnet", "direct").command == "facelib run sadrnet direct --fold 0 --tier smoke"


def test_changed_settings_have_a_folder_of_their_own(folder: Path) -> None:
    plain = Run("sadrnet", "direct")
    runs = [Run("sadrnet", "direct", changes=changes) for changes in ({"a": 1}, {"a": 2}, {"a": 1, "b": "x"})]
    folders = {run.folder for run in (plain, *runs)}

    assert len(folders) == 4
    assert all(run.folder.name.startswith("direct-fold0-seed0-set-") for run in runs)
    assert Run("sadrnet", "direct", changes={"b": "x", "a": 1}).folder == runs[2].folder  # in whatever order
    assert (
        Run("sadrnet", "direct", changes={"a": (1, 2)}).folder == Run("sadrnet", "direct", changes={"a": [1, 2]}).folder
    )
    assert str(runs[2]) == "sadrnet direct fold 0 at smoke with a=1, b=x"
    assert len({plain, *runs}) == 4


def test_the_command_makes_the_same_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"training.milestones": [1, 2], "training.learning_rate": 0.5, "warm_start": False, "loss.pairs": "all x"}
    run = Run("sadrnet", "direct", fold=0, seed=2, changes=changes)
    made: list[Run] = []
    monkeypatch.setattr("facelib.reproduction.make", lambda runs, **_: made.extend(runs))
    words = shlex.split(run.command)

    assert words[0] == "facelib"
    with pytest.raises(Exception, match="no record at"):
        main.main(words[1:], standalone_mode=False)
    assert made == [run]
