"""A paper of one small file goes all the way: data, runs, records, tables, claims and a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from toy_papers import TOY_FOLDER, use_toy_papers

from facelib.errors import MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.papers import load_paper
from facelib.papers.paper import Paper
from facelib.papers.run import load_network, open_archive, train
from facelib.papers.status import runs_of, status_of, statuses
from facelib.report.claims import write_claims
from facelib.report.intervals import Estimates, open_estimates
from facelib.report.records import open_runs
from facelib.report.tables import table_as_markdown, write_tables
from facelib.report.verdicts import evaluate_claims
from facelib.runs.folders import Run
from facelib.runs.records import Record, read_record, read_scores
from facelib.storage import read_json

FOLDS = (0, 1)


@pytest.fixture(autouse=True, scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[Paper]:
    with pytest.MonkeyPatch.context() as patch:
        use_toy_papers(patch, tmp_path_factory.mktemp("toy"), "toy")
        yield load_paper("toy")


@pytest.fixture(scope="module")
def records(toy: Paper) -> dict[tuple[str, int], Record]:
    """Every run of two folds of the tier of which claims are judged."""
    made = [read_record(train(run, say=lambda text: None)) for run in runs_of(toy, "laptop", FOLDS)]
    return {(record.method, record.fold): record for record in made}


@pytest.fixture(scope="module")
def estimates(records: dict[tuple[str, int], Record]) -> Estimates:
    return open_estimates(open_runs("toy", "laptop"))


def accuracy(records: dict[tuple[str, int], Record], method: str) -> list[float]:
    return [records[method, fold].metrics["accuracy"]["value"] for fold in FOLDS]


def test_it_is_one_file_that_can_be_read_at_once() -> None:
    assert len((TOY_FOLDER / "toy.py").read_text().splitlines()) < 150


def test_runs_come_after_what_they_need_and_are_current(toy: Paper, records: dict[tuple[str, int], Record]) -> None:
    names = ["teacher", "student", "other"]  # the teacher before its student, though it stands after it
    assert list(records) == [("base", 0), *((name, fold) for fold in FOLDS for name in names)]
    assert {status.state for status in statuses(runs_of(toy, "laptop", FOLDS)).values()} == {"current"}
    assert status_of(Run("toy", "teacher", 2, "laptop")).state == "missing"


def test_a_record_says_what_was_run(toy: Paper, records: dict[tuple[str, int], Record]) -> None:
    record = records["student", 1]

    assert record.run == Run("toy", "student", 1, "laptop")
    assert record.parameters["training"]["epochs"] == len(record.history) == 6
    assert record.data["source"] == "toy_faces"
    assert record.code["needs"].keys() == {"base", "teacher"}
    assert set(record.history[0]["losses"]) == {"label", "teacher"}
    assert set(records["teacher", 1].history[0]["losses"]) == {"label"}
    assert records["other", 1].parameters["training"]["learning_rate"] == 1e-4


def test_a_run_computes_on_the_threads_that_its_settings_name(toy: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    build = toy.steps.build_network
    monkeypatch.setattr(
        toy.steps, "build_network", lambda *given: seen.append(torch.get_num_threads()) or build(*given)
    )
    usual = torch.get_num_threads()
    runs = [Run("toy", "base", changes={"pretraining.threads": count}) for count in (1, 3)]

    assert [read_record(train(run)).threads for run in runs] == [1, 3] == sorted(set(seen))
    assert torch.get_num_threads() == usual


def test_scores_are_those_of_the_stored_network_on_people_who_were_held_out(
    toy: Paper, records: dict[tuple[str, int], Record]
) -> None:
    run = Run("toy", "student", 1, "laptop")
    arrays = open_archive(toy, "student", toy.run_settings("student", "laptop"), "toy_faces").arrays
    scores = read_scores(run.record, records["student", 1])
    evaluated = np.isin(arrays["identity"], range(1, 24, 3))
    weights = {name: value.numpy() for name, value in load_network(run).state_dict().items()}
    hidden = np.maximum(arrays["numbers"][evaluated] @ weights["0.weight"].T + weights["0.bias"], 0)
    told = (hidden @ weights["2.weight"].T + weights["2.bias"]).argmax(1)

    assert set(scores["identity"]) == set(range(1, 24, 3))
    np.testing.assert_array_equal(scores["hits"], told == (arrays["numbers"][evaluated].sum(1) > 0))
    assert records["student", 1].metrics["accuracy"]["value"] == scores["hits"].mean()


def test_the_table_has_our_rows_beside_the_printed_ones(
    records: dict[tuple[str, int], Record], estimates: Estimates, tmp_path: Path
) -> None:
    tables = write_tables(estimates, tmp_path)
    lines = tables["1"].set_index(["method", "origin"])

    assert list(lines.index) == [
        ("Teacher", "ours"), ("Teacher", "printed"), ("Student", "ours"), ("Student", "printed"), ("Theirs", "printed"),
        ("Other (ours, not in the paper)", "ours"),
    ]  # fmt: skip
    for label, name in (("Teacher", "teacher"), ("Student", "student"), ("Other (ours, not in the paper)", "other")):
        line = lines.loc[label, "ours"]
        assert line["accuracy"] == pytest.approx(100 * np.mean(accuracy(records, name)))
        assert line["sd accuracy"] == pytest.approx(100 * np.std(accuracy(records, name), ddof=1))
        assert line["low accuracy"] < line["accuracy"] < line["high accuracy"]
        assert line["folds"] == 2
    gap = np.mean(accuracy(records, "other")) - np.mean(accuracy(records, "teacher"))
    assert lines.loc["Other (ours, not in the paper)", "ours"]["difference accuracy"] == pytest.approx(100 * gap)
    assert [lines.loc[name, "printed"]["accuracy"] for name in ("Teacher", "Student", "Theirs")] == [95, 90, 70]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table_1.csv", "table_1.md", "table_1.tex"]
    written = pd.read_csv(tmp_path / "table_1.csv", comment="#")
    np.testing.assert_allclose(written["accuracy"], tables["1"]["accuracy"], atol=5e-4)
    text = table_as_markdown(estimates, "1")
    assert "Table I: accuracy (paper 0), percent" in text
    assert "the last epoch" in text
    assert f"{100 * np.mean(accuracy(records, 'student')):.1f} ±" in text


def test_claims_are_judged_and_drawn(
    records: dict[tuple[str, int], Record], estimates: Estimates, tmp_path: Path
) -> None:
    helps, hurts = write_claims(estimates, tmp_path)
    teacher, student, other = (100 * np.mean(accuracy(records, name)) for name in ("teacher", "student", "other"))

    assert (helps.verdict, hurts.verdict) == ("reproduced", "contradicted")
    (one,), (two,) = helps.comparisons, hurts.comparisons
    assert one.difference == pytest.approx(teacher - other)
    assert two.difference == pytest.approx(other - student)
    assert 0 < one.low < one.difference < one.high
    assert two.low < two.difference < two.high < 0
    assert (one.printed, two.printed) == (95 - 70, 70 - 90)  # theirs stands for the third network
    assert one.folds == FOLDS
    entries = read_json(tmp_path / "claims.json", "")["claims"]
    assert [(entry["name"], entry["verdict"]) for entry in entries] == [
        ("learning_helps", "reproduced"), ("teaching_hurts", "contradicted"),
    ]  # fmt: skip
    assert (tmp_path / "claims.png").read_bytes().startswith(b"\x89PNG")
    assert pd.read_csv(tmp_path / "claims.csv")["difference"].tolist() == pytest.approx(
        [teacher - other, other - student], abs=1e-3
    )


def test_who_knows_nothing_has_no_skill(
    records: dict[tuple[str, int], Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a guess is nearly always right, two methods are not told apart by the ways in which they fail."""
    runs = open_runs("toy", "laptop")
    metrics = {"accuracy": replace(runs.paper.metrics["accuracy"], knows_nothing=0.999)}
    strict = replace(runs, paper=replace(runs.paper, metrics=metrics))
    assert [one.verdict for one in evaluate_claims(open_estimates(strict))] == ["no skill", "no skill"]


def test_what_is_missing_is_named(toy: Paper) -> None:
    with pytest.raises(MissingPart, match="facelib run toy base --fold 0 --tier smoke` first"):
        train(Run("toy", "teacher"))
    with pytest.raises(MissingPart, match="no run of toy at the smoke tier: make one with `facelib run toy student"):
        table_as_markdown(open_estimates(open_runs("toy", "smoke")), "1")
