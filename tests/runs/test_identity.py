"""What a run is made from, and what becomes of a folder that holds another one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from facelib.errors import BadInput
from facelib.runs.checkpoints import run_lock
from facelib.runs.folders import Run
from facelib.runs.identity import Identity, identity_of_record, reserve
from facelib.runs.records import new_record, write_record
from facelib.storage import read_json

WANTED = Identity({"epochs": 3, "loss": {"bins": 32, "rule": "official"}}, "data1", "code1", {"base": "a1"})
OTHERS = {
    "other settings (epochs was 4 and is 3)": {"settings": WANTED.settings | {"epochs": 4}},
    "other settings (loss.bins was 16 and is 32; loss.rule was None and is 'official')": {
        "settings": WANTED.settings | {"loss": {"bins": 16}}
    },
    "other data (fingerprint was data0 and is data1)": {"data": "data0"},
    "another version of the code": {"code": "code0"},
    "other weights of base": {"needs": {"base": "a0"}},
    "other weights of teacher": {"needs": {"base": "a1", "teacher": "b"}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jam-fold0-seed0"


def begin(folder: Path, identity: Identity) -> None:
    """A run that was killed after its first epoch."""
    reserve(folder, identity)
    (folder / "checkpoint_0000.pt").write_text("weights")


def finish(folder: Path, identity: Identity) -> None:
    begin(folder, identity)
    record = new_record(
        Run("toy", "jam"),
        data={"source": "toy", "fingerprint": identity.data},
        parameters=identity.settings,
        metrics={},
        wall_time_s=1.0,
        code_digest=identity.code,
        needs=identity.needs,
    )
    assert identity_of_record(record) == identity
    write_record(folder / "record.json", record)


@pytest.mark.parametrize("expected", OTHERS)
def test_differences_are_named(expected: str) -> None:
    (found,) = dataclasses.replace(WANTED, **OTHERS[expected]).differences(WANTED)

    assert found.startswith(expected)


def test_equal_runs_do_not_differ_and_code_may_be_let_pass() -> None:
    assert WANTED.differences(dataclasses.replace(WANTED)) == []
    older = dataclasses.replace(WANTED, code="code0")
    assert older.differences(WANTED, keep_code=True) == []
    assert len(dataclasses.replace(older, data="data0").differences(WANTED)) == 2
    assert len(dataclasses.replace(older, data="data0").differences(WANTED, keep_code=True)) == 1


def test_an_unfinished_run_of_the_same_goes_on(folder: Path) -> None:
    begin(folder, WANTED)

    assert reserve(folder, WANTED) is None
    assert (folder / "checkpoint_0000.pt").exists()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("leave", [begin, finish])
@pytest.mark.parametrize("expected", OTHERS)
def test_a_run_of_something_else_is_kept_beside(folder: Path, expected: str, leave) -> None:
    other = dataclasses.replace(WANTED, **OTHERS[expected])
    leave(folder, other)

    for number in (1, 2):
        set_aside = reserve(folder, WANTED)
        assert set_aside is not None
        kept, reason = set_aside
        assert kept.name == f"superseded-jam-fold0-seed0-{number}"
        assert (kept / "checkpoint_0000.pt").exists()
        assert read_json(kept / "run.json", "") == dataclasses.asdict(other)
        assert reason.startswith(f"made from {expected}")
        assert {path.name for path in folder.iterdir()} == {"run.json"}
        assert read_json(folder / "run.json", "") == dataclasses.asdict(WANTED)
        reserve(folder, other)
        leave(folder, other)


def test_a_run_that_does_not_say_what_it_is_made_from_is_set_aside(folder: Path) -> None:
    folder.mkdir()
    (folder / "checkpoint_0000.pt").write_text("weights of some older facelib")

    kept, reason = reserve(folder, WANTED) or (None, None)

    assert kept is not None
    assert reason == "it does not say what it was made from"


@pytest.mark.parametrize("content", ["", "[1]", '{"settings": {}}'])
def test_a_damaged_note_counts_as_none(folder: Path, content: str) -> None:
    begin(folder, WANTED)
    (folder / "run.json").write_text(content)

    assert reserve(folder, WANTED) is not None


def test_a_damaged_record_leaves_the_note_to_say_it(folder: Path) -> None:
    finish(folder, WANTED)
    (folder / "record.json").write_text("{")

    assert reserve(folder, WANTED) is None


def test_nothing_worth_keeping_is_not_kept(folder: Path) -> None:
    reserve(folder, dataclasses.replace(WANTED, data="data0"))

    assert reserve(folder, WANTED) is None


def test_a_folder_that_is_trained_in_is_not_touched(folder: Path) -> None:
    begin(folder, WANTED)
    with run_lock(folder), pytest.raises(BadInput, match="is being trained in by process"):
        reserve(folder, dataclasses.replace(WANTED, data="data0"))
    assert (folder / "checkpoint_0000.pt").exists()


def test_a_run_from_before_a_setting_came_had_its_default():
    before = dataclasses.replace(WANTED, settings={"epochs": 3, "loss": {"bins": 32}})
    assert before.differences(WANTED)
    defaults = {"epochs": 9, "loss": {"bins": 16, "rule": "official"}}
    assert not before.completed(defaults).differences(WANTED)
    other = dataclasses.replace(WANTED, settings={"epochs": 3, "loss": {"bins": 32, "rule": "printed"}})
    assert "loss.rule was 'official'" in before.completed(defaults).differences(other)[0]
