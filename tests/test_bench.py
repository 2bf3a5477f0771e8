"""`facelib bench`: rows become a record, two pictures and a table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_benchmark import SUM
from tiny_runs import use_private_runs

from facelib import bench
from facelib.benchmarks import run as running
from facelib.benchmarks.measure import Goal
from facelib.storage import read_json

CASE = replace(SUM, goal=Goal(ms=1000), growth=(100, 400, 1600))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(bench, "project_folder", lambda: tmp_path)
    monkeypatch.setattr(running, "CASES", (CASE,))
    return tmp_path


def told() -> tuple[list[str], Any]:
    names: list[str] = []
    return names, names.append


def test_a_full_run_leaves_a_record_and_the_picture_of_ratios(project: Path) -> None:
    names, tell = told()
    rows, (record, picture) = bench.measure(None, tell)

    assert names == ["sum"]
    content = json.loads(record.read_text())
    assert content["rows"] == rows
    assert {"schema", "time", "code", "packages", "hardware", "threads"} <= content.keys()
    assert picture == project / "figures" / "benchmarks" / "ratios.png"
    assert all(picture.with_suffix(ending).stat().st_size > 0 for ending in (".png", ".pdf", ".csv"))
    assert read_json(picture.with_name("manifest.json"), "")["ratios"]["command"] == "facelib bench"


def test_one_benchmark_leaves_a_record_only(project: Path) -> None:
    _, files = bench.measure("sum", lambda name: None)
    assert [path.parent for path in files] == [project / "runs" / "benchmarks"]


def test_growth_times_three_sizes_and_draws_them(project: Path) -> None:
    rows, (record, picture) = bench.measure_growth(None, lambda name: None)
    assert [(row["kernel"], row["n"]) for row in rows] == [("sum", 100), ("sum", 400), ("sum", 1600)]
    assert all(row["ours_ms"] > 0 for row in rows)
    assert json.loads(record.read_text())["rows"] == rows
    assert picture.name == "growth.png"
    assert bench.as_table(rows).splitlines()[0].split() == ["kernel", "counted", "n", "ours_ms"]


def test_the_table_shows_what_is_missing_and_what_is_wrong() -> None:
    row = {"name": "sum", "size": "3", "peer": "a loop", "ours_ms": 1.0, "peer_ms": 2.5, "ratio": 2.5, "agree": False}
    row |= {"ours_mib": 0.0, "peer_mib": None, "goal": "", "met": None, "missing": None}
    absent = row | {"name": "product", "peer_ms": None, "ratio": None, "agree": None, "missing": "install it"}
    heads, first, second, missing = bench.as_table([row, absent]).splitlines()
    assert heads.split() == list(bench.COLUMNS)
    assert first.split() == ["sum", "3", "a", "loop", "1.00", "2.50", "2.50", "NO", "0.00", "-", "-", "-"]
    assert "product" in second
    assert missing == "product: install it"


def test_a_run_that_lacks_a_peer_leaves_the_committed_comparison_alone(project: Path) -> None:
    committed = project / "figures" / "benchmarks" / "ratios.csv"
    committed.parent.mkdir(parents=True)
    committed.write_text("name,ratio\nsum,2.0\nproduct,3.0\n")

    _, (_, picture) = bench.measure(None, lambda name: None)

    assert picture == project / "runs" / "benchmarks" / "ratios.png"
    assert committed.read_text().count("\n") == 3
