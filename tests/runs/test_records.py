from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

import facelib
from facelib.errors import BadInput, CorruptFile, MissingPart, UnknownName
from facelib.runs import records
from facelib.runs.folders import Run
from facelib.runs.records import (
    Record,
    describe_environment,
    new_record,
    read_record,
    read_scores,
    require_metric,
    same_result,
    write_record,
    write_scores,
)
from facelib.storage import read_json, write_json


def some_record(**changes) -> Record:
    record = new_record(
        Run("1_joint_attention", "jam", fold=1, changes={"epochs": 2, "model.width": 0.25}),
        data={"source": "embedded", "fingerprint": "0123456789abcdef"},
        parameters={"epochs": 2, "model": {"width": 0.25}},
        metrics={"tar@1%": {"value": 0.5, "unit": "1"}},
        wall_time_s=1.5,
        history=[{"epoch": 0, "losses": {"identity": 2.0}}, {"epoch": 1, "losses": {"identity": 1.0}}],
    )
    return dataclasses.replace(record, **changes)


def edit(path: Path, change) -> None:
    values = read_json(path, "")
    change(values)
    write_json(path, values)


def test_round_trip(tmp_path):
    record = some_record()
    write_record(tmp_path / "run" / "record.json", record)
    assert read_record(tmp_path / "run" / "record.json") == record
    assert require_metric(record, "tar@1%") == 0.5


def test_a_record_says_which_run_it_is_of(tmp_path):
    run = Run("toy", "jam", fold=2, tier="laptop", seed=4, changes={"model.stages": (1, 2), "model.width": 0.5})
    record = new_record(run, data={"source": "", "fingerprint": ""}, parameters={}, metrics={}, wall_time_s=0.0)
    assert record.run == run
    write_record(tmp_path / "record.json", record)
    again = read_record(tmp_path / "record.json").run
    assert again.changes == {"model.stages": [1, 2], "model.width": 0.5}
    assert (again.folder, again.command) == (run.folder, run.command)


def test_missing_record_names_the_command(tmp_path):
    with pytest.raises(MissingPart, match="facelib run 1_joint_attention jam --fold 1 --tier smoke"):
        read_record(tmp_path / "record.json", command=some_record().run.command)


@pytest.mark.parametrize("damage", [lambda text: text[: len(text) // 2], lambda text: "", lambda text: "[1, 2]"])
def test_damaged_file_is_found(tmp_path, damage):
    path = tmp_path / "record.json"
    write_record(path, some_record())
    path.write_text(damage(path.read_text()))
    with pytest.raises(CorruptFile, match=r"record\.json"):
        read_record(path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda v: v.pop("metrics"), "metrics"),
        (lambda v: v.pop("changes"), "changes"),
        (lambda v: v.update(changes=[]), "changes"),
        (lambda v: v.update(colour="red"), "colour"),
        (lambda v: v.update(fold="1"), "fold"),
        (lambda v: v["metrics"]["tar@1%"].pop("unit"), "tar@1%"),
        (lambda v: v["metrics"]["tar@1%"].update(value="0.5"), "tar@1%"),
        (lambda v: v["data"].pop("fingerprint"), "data"),
        (lambda v: v.update(scores={"file": "scores.npz"}), "scores"),
    ],
)
def test_wrong_fields_are_named(tmp_path, change, named):
    path = tmp_path / "record.json"
    write_record(path, some_record())
    edit(path, change)
    with pytest.raises(CorruptFile, match=named):
        read_record(path)


def test_an_edited_record_is_refused_and_names_the_command(tmp_path):
    path = tmp_path / "record.json"
    write_record(path, some_record())
    path.write_text(path.read_text().replace('"value": 0.5', '"value": 0.6'))
    with pytest.raises(CorruptFile, match=r"record\.json was damaged or edited.*again with `facelib run toy jam`"):
        read_record(path, "facelib run toy jam")


def test_a_record_without_checksum_is_refused(tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(dataclasses.asdict(some_record())))
    with pytest.raises(CorruptFile, match=r"record\.json holds no checksum .*make it again with `facelib run"):
        read_record(path)


def test_other_schema_version_is_refused(tmp_path):
    path = tmp_path / "record.json"
    write_record(path, some_record())
    edit(path, lambda values: values.update(schema_version=99))
    with pytest.raises(BadInput, match="schema version 99, expected 3"):
        read_record(path)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"metrics": {"eer": {"value": math.nan, "unit": "1"}}}, "'eer' is nan"),
        ({"metrics": {"eer": {"value": 0.1}}}, "'eer'"),
        ({"history": [{"losses": {"je": math.inf}}]}, r"history\.0\.losses\.je is inf"),
        ({"tier": None}, "tier"),
    ],
)
def test_bad_record_is_not_written(tmp_path, changes, named):
    with pytest.raises(BadInput, match=named):
        write_record(tmp_path / "record.json", some_record(**changes))
    assert list(tmp_path.iterdir()) == []


def test_unknown_metric_names_run_and_spelling():
    with pytest.raises(UnknownName) as error:
        require_metric(some_record(), "tar@1")
    assert "did you mean 'tar@1%'" in str(error.value)
    assert "facelib run 1_joint_attention jam" in str(error.value)


def test_same_result_ignores_time_and_memory_only():
    record = some_record()
    other = dataclasses.replace(record, wall_time_s=9.0, peak_memory_mb=1.0, finished_at="2000-01-01")
    assert same_result(record, other) == []
    changed = dataclasses.replace(
        other, metrics={"tar@1%": {"value": 0.5 + 1e-16 + 1e-15, "unit": "1"}}, history=record.history[:1]
    )
    assert [line.partition(":")[0] for line in same_result(record, changed)] == [
        "metrics.tar@1%.value",
        "history.1.epoch",
        "history.1.losses.identity",
    ]


def test_full_disk_keeps_the_old_record(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    write_record(path, some_record())

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="free space"):
        write_record(path, some_record(fold=2))
    assert read_record(path).fold == 1
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


def test_scores_beside_the_record(tmp_path):
    scores = write_scores(tmp_path / "scores.npz", {"genuine": np.arange(4.0), "impostor": np.zeros(3)})
    record = some_record(scores=scores)
    write_record(tmp_path / "record.json", record)
    found = read_scores(tmp_path / "record.json", read_record(tmp_path / "record.json"))
    np.testing.assert_array_equal(found["genuine"], np.arange(4.0))
    assert write_scores(tmp_path / "scores.npz", {"genuine": np.arange(4.0), "impostor": np.zeros(3)}) == scores

    write_scores(tmp_path / "scores.npz", {"genuine": np.arange(5.0)})
    with pytest.raises(CorruptFile, match=r"scores\.npz"):
        read_scores(tmp_path / "record.json", record)
    (tmp_path / "scores.npz").unlink()
    with pytest.raises(MissingPart, match="facelib run"):
        read_scores(tmp_path / "record.json", record)
    with pytest.raises(MissingPart, match="no scores"):
        read_scores(tmp_path / "record.json", some_record())


def test_environment_says_version_threads_and_hardware():
    environment = describe_environment()
    assert environment["code"]["version"] == facelib.__version__
    assert environment["packages"]["torch"].startswith("2.")
    assert environment["threads"] >= 1
    assert environment["hardware"]["memory_mb"] > 100


def test_environment_works_outside_git(monkeypatch):
    records._code_version.cache_clear()
    monkeypatch.setenv("PATH", "/nonexistent")
    code = records._code_version()
    records._code_version.cache_clear()
    assert code == {"version": facelib.__version__, "commit": None, "modified": None}
