"""Ours beside the printed numbers, as data frame, Markdown, CSV and LaTeX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_records import make_record
from tiny_runs import use_private_runs

from facelib.errors import MissingPart, UnknownName
from facelib.papers.joint_attention import METHODS
from facelib.papers.published import published_tables
from facelib.report import intervals
from facelib.report.intervals import combine, draws_of_methods
from facelib.report.markup import to_latex, to_markdown
from facelib.report.records import find_records, folder_of, keep_records, records_of, tabulated_methods
from facelib.report.tables import (
    all_tables_as_markdown,
    caption,
    comparison,
    missing,
    readable,
    systems,
    write_tables,
)
from facelib.runs.folders import record_path
from facelib.runs.records import read_record, write_record

PAPER = "joint_attention"
POOLED, PROFILE = "tar_at_far_1pct", "tar_at_far_1pct/90+"
ARL_POOLED = "arl_vtf.tar_at_far_1pct"
BY_FOLD = {"ir18": (0.25, 0.30, 0.41), "jam": (0.5, 0.5, 0.5), "jam_je": (0.1, 0.2, 0.9)}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(intervals, "DRAWS", 40)
    return tmp_path / "runs"


@pytest.fixture
def three_folds() -> None:
    for method, values in BY_FOLD.items():
        for fold, value in enumerate(values):
            make_record(method, fold, **{PROFILE: value})


def cell(table: pd.DataFrame, method: str, origin: str, column: str) -> float:
    (value,) = table.loc[(table["method"] == method) & (table["origin"] == origin), column]
    return value


def test_mean_and_deviation_over_folds_in_percent(three_folds: None) -> None:
    backbones, adapted = comparison(PAPER, "smoke", "2"), comparison(PAPER, "smoke", "1")

    assert cell(backbones, "IR-18", "ours", PROFILE) == pytest.approx(32.0)  # (25 + 30 + 41) / 3
    # sqrt((49 + 4 + 81) / 2)
    assert cell(backbones, "IR-18", "ours", f"sd {PROFILE}") == pytest.approx(8.18535277)
    assert cell(adapted, "JAM", "ours", f"sd {PROFILE}") == 0
    assert set(adapted["folds"]) == {3}


def test_printed_rows_stand_below_ours_in_the_papers_order(three_folds: None) -> None:
    make_record("jam_je_aligned")
    table = comparison(PAPER, "smoke", "1")
    printed = table[table["origin"] == "printed"]

    assert len(printed) == 11
    assert printed["method"].iloc[0] == "CrossPoint"
    ours_alone = "JAM + JE, aligned pairs (ours, not in the paper)"
    assert table["method"].tolist()[9:] == ["JAM + JE", "JAM + JE", "JAM", "JAM", ours_alone]
    assert table["origin"].tolist()[9:] == ["ours", "printed", "ours", "printed", "ours"]
    assert cell(table, "JAM + JE", "printed", PROFILE) == 78.910
    assert cell(comparison(PAPER, "smoke", "2"), "IR-18", "printed", POOLED) == 78.377


def test_the_second_data_set_has_its_own_metrics(three_folds: None) -> None:
    table = comparison(PAPER, "smoke", "3")
    shown = readable(PAPER, "3", table)

    assert cell(table, "JAM", "printed", ARL_POOLED) == 66.353
    mean = 100 * sum(record.metrics[ARL_POOLED]["value"] for record in records_of(PAPER, "smoke", "jam")) / 3
    assert cell(table, "JAM", "ours", ARL_POOLED) == pytest.approx(mean)
    assert list(shown.columns) == ["method", "origin", "folds", "pose", "frontal", "TAR@1%FAR", "AUC", "EER"]
    assert shown[shown["method"] == "Poster et al."]["origin"].tolist() == ["printed"]
    assert "IR-18 (ours, not in this table)" in shown["method"].tolist()


def test_intervals_and_the_difference_to_the_reference(three_folds: None) -> None:
    table = comparison(PAPER, "smoke", "1")
    draws = draws_of_methods(PAPER, "smoke", ["jam", "jam_je"])
    own = combine(draws, ((1.0, "jam", POOLED),))
    gap = combine(draws, ((1.0, "jam", POOLED), (-1.0, "jam_je", POOLED)))

    assert cell(table, "JAM", "ours", "reference") == "JAM + JE"
    for column, value in {f"low {POOLED}": own.low, f"high {POOLED}": own.high}.items():
        assert cell(table, "JAM", "ours", column) == pytest.approx(100 * value)
    assert cell(table, "JAM", "ours", f"difference {POOLED}") == pytest.approx(100 * gap.value)
    assert cell(table, "JAM", "ours", f"difference low {POOLED}") == pytest.approx(100 * gap.low)
    assert pd.isna(cell(table, "JAM + JE", "ours", f"difference {POOLED}"))
    assert 0 <= cell(table, "JAM", "ours", "rank1") <= 100


def test_marks_of_significance_and_references_by_input() -> None:
    for method, skill in {"ir18": 1.0, "vgg16": 0.4, "resnet18": 2.5, "pointnet2": 1.0, "dgcnn": 0.4}.items():
        make_record(method, people=12, skill=skill)
    table = comparison(PAPER, "smoke", "2")
    pooled = readable(PAPER, "2", table).set_index(["method", "origin"])["TAR@1%FAR"]

    assert pooled["VGG-16", "ours"].endswith("] ↓")
    assert pooled["ResNet-18", "ours"].endswith("] ↑")
    assert pooled["DGCNN", "ours"].endswith("] ↓")
    assert pooled["IR-18", "ours"].endswith("]")
    assert cell(table, "DGCNN", "ours", "reference") == "PointNet++"
    assert cell(table, "VGG-16", "ours", "reference") == "IR-18"
    assert pooled["VGG-16", "printed"] == "56.1"


def test_one_fold_has_no_deviation() -> None:
    for method in BY_FOLD:
        make_record(method)
    table = comparison(PAPER, "smoke", "1")

    assert not [column for column in table.columns if column.startswith("sd ")]
    assert "±" not in to_markdown(readable(PAPER, "1", table), "")


def test_readable_numbers(three_folds: None) -> None:
    shown = readable(PAPER, "2", comparison(PAPER, "smoke", "2"))

    assert shown[shown["method"] == "IR-18"]["90+°"].tolist() == ["32.0 ± 8.2", "69.9"]
    assert list(shown.columns) == [
        *("method", "origin", "folds", "0-10°", "10-30°", "30-60°", "60-90°", "90+°", "TAR@1%FAR", "AUC", "EER")
    ]


def test_markdown(three_folds: None) -> None:
    shown = readable(PAPER, "1", comparison(PAPER, "smoke", "1"))
    lines = to_markdown(shown, caption(PAPER, "smoke", "1"), ["a note"]).splitlines()

    assert lines[0].startswith("Table I: ")
    assert "smoke tier" in lines[0]
    assert "not comparable" in lines[0]
    assert lines[2].startswith("| method | origin | folds | 0-10° |")
    assert len(lines[4:-2]) == 11 + 2
    assert {line.count("|") for line in lines[2:-2]} == {12}
    assert lines[-2:] == ["", "- a note"]


def test_latex(three_folds: None) -> None:
    text = to_latex(readable(PAPER, "2", comparison(PAPER, "smoke", "2")), caption(PAPER, "smoke", "2"))

    assert r"32.0 $\pm$ 8.2" in text
    assert r"TAR@1\%FAR" in text
    assert r"\begin{tabular}{llrrrrrrrrr}" in text
    assert text.count(r" \\") == 1 + 9 + 1
    assert text.isascii()
    assert r"90+$^\circ$" in text
    assert r"$\uparrow$" in text


def test_files(three_folds: None, tmp_path: Path) -> None:
    tables = write_tables(PAPER, "smoke", tmp_path / "out")
    read = pd.read_csv(tmp_path / "out" / "table_2.csv", comment="#")

    expected = {f"table_{number}.{ending}" for number in "123" for ending in ("csv", "md", "tex")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    assert list(tables) == ["1", "2", "3"]
    assert cell(read, "IR-18", "ours", PROFILE) == 32
    assert "smoke tier" in (tmp_path / "out" / "table_1.csv").read_text().splitlines()[0]


def test_all_tables_in_one_text(three_folds: None) -> None:
    text = all_tables_as_markdown(PAPER, "smoke")

    assert [text.count(table.title) for table in published_tables(PAPER).values()] == [1, 1, 1]
    assert "- CrossPoint: no run, `facelib run joint_attention crosspoint --fold 0 --tier smoke`" in text


def test_a_method_without_a_run_keeps_its_printed_line_and_names_its_command() -> None:
    make_record("jam")
    table = comparison(PAPER, "smoke", "1")
    notes = missing(PAPER, "smoke", "1")

    assert table[table["origin"] == "ours"]["method"].tolist() == ["JAM"]
    assert not [column for column in table if column.startswith("difference")]  # the reference has no run either
    assert len(notes) == len(tabulated_methods(PAPER, "1")) - 1
    assert "JAM + JE: no run, `facelib run joint_attention jam_je --fold 0 --tier smoke`" in notes
    # A table of which nothing has run shows what is printed, as long as another one has a run.
    assert set(comparison(PAPER, "smoke", "2")["origin"]) == {"printed"}


def test_a_tier_without_runs_says_how_to_make_them() -> None:
    make_record("ir18")

    with pytest.raises(MissingPart, match=r"no run of joint_attention at the laptop tier.*facelib reproduce --paper"):
        comparison(PAPER, "laptop", "1")
    with pytest.raises(MissingPart, match="facelib run joint_attention ir18 --fold 0 --tier laptop"):
        records_of(PAPER, "laptop", "ir18")
    assert find_records(PAPER, "laptop", "ir18") == []


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="paper with printed numbers 'joint'"):
        comparison("joint", "smoke", "1")
    with pytest.raises(UnknownName, match="unknown table of joint_attention '4': expected one of 1, 2, 3"):
        comparison(PAPER, "smoke", "4")


def test_a_record_without_a_metric_is_named() -> None:
    record = make_record("jam")
    less = {name: metric for name, metric in record.metrics.items() if name != "auc"}
    write_record(record_path(folder_of(record)), replace(record, metrics=less))

    with pytest.raises(UnknownName, match=r"unknown metric 'auc'.*facelib run joint_attention jam"):
        comparison(PAPER, "smoke", "1")


def test_systems_are_described() -> None:
    described = systems(PAPER)

    assert list(described.columns) == ["evaluated on", "backbone", "clouds from", "terms", "tables"]
    assert described.loc["PointNet++"].tolist() == ["clouds", "pointnet2", "", "", "2"]
    assert described.loc["JAM + JE"].tolist() == ["images", "ir18", "pointnet2", "jam, je", "1, 3"]
    assert described.loc["IR-18", "tables"] == "2, 3 (ours)"
    assert len(described) == len(tabulated_methods(PAPER))


def test_records_come_by_fold_and_runs_set_aside_do_not_count(runs: Path) -> None:
    for fold in (2, 0, 1):
        make_record("jam", fold)
    make_record("jam_je")  # another method, though its name begins alike
    folder = folder_of(make_record("jam", 1))
    folder.rename(folder.with_name(f"superseded-{folder.name}-1"))

    assert [record.fold for record in records_of(PAPER, "smoke", "jam")] == [0, 2]


def test_pretrainings_stand_in_no_table() -> None:
    everything = tabulated_methods(PAPER)

    assert set(METHODS) - set(everything) == {name for name in METHODS if name.startswith("pretrain_")}
    assert tabulated_methods(PAPER, "2") == [n for n in everything if "2" in dict(METHODS[n].rows)]
    assert len(tabulated_methods(PAPER, "1")) == 12


def test_records_are_kept_beside_the_tables_but_for_the_smoke_tier(tmp_path: Path) -> None:
    for tier in ("smoke", "laptop"):
        for fold in (0, 2):
            make_record("jam", fold=fold, tier=tier)
    make_record("jam", seed=1, tier="laptop")

    assert keep_records(PAPER, "smoke", tmp_path / "kept") == 0
    assert keep_records(PAPER, "laptop", tmp_path / "kept") == 2
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"jam-fold0.json", "jam-fold2.json"}
    assert read_record(tmp_path / "kept" / "jam-fold2.json") == records_of(PAPER, "laptop", "jam")[-1]
