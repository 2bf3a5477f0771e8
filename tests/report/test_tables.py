"""Ours beside the printed numbers, as data frame, Markdown, CSV and LaTeX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_records import make_record
from tiny_runs import use_private_runs

from facelib.errors import MissingPart, UnknownName
from facelib.report.records import folder_of, records_of, tabulated_methods
from facelib.report.tables import caption, comparison, readable, to_latex, to_markdown, write_tables
from facelib.runs.folders import record_path
from facelib.runs.records import write_record

PROFILE = "tar_at_far_1pct/90+"
BY_FOLD = {"ir18": (0.25, 0.30, 0.41), "jam": (0.5, 0.5, 0.5), "jam_je": (0.1, 0.2, 0.9)}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_private_runs(monkeypatch, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def three_folds() -> pd.DataFrame:
    for method, values in BY_FOLD.items():
        for fold, value in enumerate(values):
            make_record(method, fold, **{PROFILE: value})
    return comparison("joint_attention", "smoke")


def cell(table: pd.DataFrame, method: str, origin: str, column: str) -> float:
    (value,) = table.loc[(table["method"] == method) & (table["origin"] == origin), column]
    return value


def test_mean_and_deviation_over_folds_in_percent(three_folds: pd.DataFrame) -> None:
    assert cell(three_folds, "IR-18", "ours", PROFILE) == pytest.approx(32.0)  # (25 + 30 + 41) / 3
    # sqrt((49 + 4 + 81) / 2)
    assert cell(three_folds, "IR-18", "ours", f"sd {PROFILE}") == pytest.approx(8.18535277)
    assert cell(three_folds, "JAM", "ours", f"sd {PROFILE}") == 0
    assert set(three_folds["folds"]) == {3}


def test_printed_rows_stand_beside_ours(three_folds: pd.DataFrame) -> None:
    assert three_folds["method"].tolist() == ["IR-18", "IR-18", "JAM", "JAM", "JAM + JE", "JAM + JE"]
    assert three_folds["origin"].tolist() == ["ours", "printed"] * 3
    assert cell(three_folds, "JAM + JE", "printed", PROFILE) == 78.910
    assert cell(three_folds, "IR-18", "printed", "tar_at_far_1pct") == 78.377


def test_one_fold_has_no_deviation() -> None:
    for method in BY_FOLD:
        make_record(method)
    table = comparison("joint_attention", "smoke")

    assert not [column for column in table.columns if column.startswith("sd ")]
    assert "±" not in to_markdown(table, "")


def test_readable_numbers(three_folds: pd.DataFrame) -> None:
    shown = readable(three_folds)

    assert shown["90+°"].tolist()[:2] == ["32.0 ± 8.2", "69.9"]
    assert list(shown.columns) == [
        *("method", "origin", "folds", "0-10°", "10-30°", "30-60°", "60-90°", "90+°", "TAR@1%FAR", "AUC", "EER")
    ]


def test_markdown(three_folds: pd.DataFrame) -> None:
    lines = to_markdown(three_folds, caption("joint_attention", "smoke")).splitlines()

    assert "smoke tier" in lines[0]
    assert "not comparable" in lines[0]
    assert lines[2].startswith("| method | origin | folds | 0-10° |")
    assert len(lines[4:]) == 6
    assert {line.count("|") for line in lines[2:]} == {12}


def test_latex(three_folds: pd.DataFrame) -> None:
    text = to_latex(three_folds, caption("joint_attention", "smoke"))

    assert r"32.0 $\pm$ 8.2" in text
    assert r"TAR@1\%FAR" in text
    assert r"\begin{tabular}{llrrrrrrrrr}" in text
    assert text.count(r" \\") == 7
    assert text.isascii()
    assert r"90+$^\circ$" in text


def test_files(three_folds: pd.DataFrame, tmp_path: Path) -> None:
    write_tables("joint_attention", "smoke", tmp_path / "out")
    read = pd.read_csv(tmp_path / "out" / "table.csv", comment="#")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["table.csv", "table.md", "table.tex"]
    assert cell(read, "IR-18", "ours", PROFILE) == 32
    assert cell(read, "JAM", "ours", f"sd {PROFILE}") == 0
    assert "smoke tier" in (tmp_path / "out" / "table.csv").read_text().splitlines()[0]


def test_a_missing_run_names_its_command() -> None:
    make_record("ir18")

    with pytest.raises(MissingPart, match="facelib run joint_attention jam --fold 0 --tier smoke"):
        comparison("joint_attention", "smoke")
    with pytest.raises(MissingPart, match="facelib run joint_attention ir18 --fold 0 --tier laptop"):
        records_of("joint_attention", "laptop", "ir18")
    with pytest.raises(UnknownName, match="unknown paper"):
        comparison("joint", "smoke")


def test_a_record_without_a_metric_is_named() -> None:
    for method in BY_FOLD:
        make_record(method)
    record = make_record("jam")
    less = {name: metric for name, metric in record.metrics.items() if name != "auc"}
    write_record(record_path(folder_of(record)), replace(record, metrics=less))

    with pytest.raises(UnknownName, match=r"unknown metric 'auc'.*facelib run joint_attention jam"):
        comparison("joint_attention", "smoke")


def test_records_come_by_fold_and_runs_set_aside_do_not_count(runs: Path) -> None:
    for fold in (2, 0, 1):
        make_record("jam", fold)
    make_record("jam_je")  # another method, though its name begins alike
    folder = folder_of(make_record("jam", 1))
    folder.rename(folder.with_name(f"superseded-{folder.name}-1"))

    assert [record.fold for record in records_of("joint_attention", "smoke", "jam")] == [0, 2]


def test_the_pretraining_stands_in_no_table() -> None:
    assert tabulated_methods("joint_attention") == ["ir18", "jam", "jam_je"]
