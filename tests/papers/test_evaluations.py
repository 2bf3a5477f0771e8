"""Judging runs afterwards: an import makes none outdated, and what was made from something else does not count."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_ict import use_cache_with_our_model, use_other_heads
from tiny_runs import use_private_runs

from facelib.cli import main
from facelib.faces.ict_model import ict_model_path, load_ict_model
from facelib.faces.morphable_model import MorphableModel, write_model
from facelib.papers import evaluations
from facelib.papers.evaluations import Origin, current_outcomes
from facelib.papers.run import evaluate, train
from facelib.papers.sadrnet import PAPER
from facelib.papers.status import status_of
from facelib.report import intervals
from facelib.report.intervals import open_estimates
from facelib.report.records import open_runs, scores_of
from facelib.report.tables import comparison, table_as_markdown
from facelib.runs.folders import Run
from facelib.runs.records import read_record

SIZES = {"evaluation.identities": 20, "evaluation.images": 1, "evaluation.florence": 2, "evaluation.ict": 2}
RUN = Run("sadrnet", "mean_face", changes=SIZES)


@pytest.fixture(scope="module")
def first_record(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[bytes]:
    """Of a baseline that was run before anything was imported; then heads are."""
    folder = tmp_path_factory.mktemp("evaluations")
    with pytest.MonkeyPatch.context() as patch:
        use_cache_with_our_model(patch, folder)
        use_private_runs(patch, folder / "runs")
        patch.setattr(intervals, "RESAMPLES", 40)
        train(RUN, say=lambda text: None)
        assert not (RUN.folder / evaluations.FOLDER).exists()
        yield RUN.record.read_bytes()


@pytest.fixture
def imported(first_record: bytes, tmp_path: Path, face_model: MorphableModel) -> Iterator[bytes]:
    """The same with heads imported, and the run's folder as it was."""
    with pytest.MonkeyPatch.context() as patch:
        runs = RUN.folder.parents[2]
        shutil.copytree(runs, tmp_path / "runs")
        use_other_heads(patch, tmp_path, face_model)
        use_private_runs(patch, tmp_path / "runs")
        yield first_record


def told(run: Run = RUN) -> list[str]:
    said: list[str] = []
    evaluate(run, say=said.append)
    return said


def test_an_import_makes_no_run_outdated_and_the_next_call_evaluates_it(imported: bytes) -> None:
    said: list[str] = []
    assert status_of(RUN).is_current
    train(RUN, say=said.append)
    assert [text.partition(": ")[2] for text in said] == ["up to date", "evaluated on heads of ICT-FaceKit"]
    assert RUN.record.read_bytes() == imported
    assert status_of(RUN).is_current
    assert told() == []  # nothing is done twice


def test_metrics_and_scores_are_taken_as_the_records_own(imported: bytes) -> None:
    told()
    record = status_of(RUN).record
    assert record is not None
    scores = scores_of(record)
    assert len(scores["ict_scan"]) == 4  # two people, of whom the run's own settings say nothing
    assert record.metrics["ict_scan"]["value"] == pytest.approx(scores["ict_scan"].mean())
    assert "ict_scan" not in read_record(RUN.record).metrics
    assert {"sparse_2d", "florence"} <= scores.keys()


def test_tables_show_them_with_intervals_or_say_what_to_do(imported: bytes) -> None:
    before = table_as_markdown(open_estimates(open_runs("sadrnet", "smoke")), "ict")
    assert "| Mean face" not in before
    assert "not evaluated on heads of ICT-FaceKit: import them with `facelib faces import-ict FOLDER`" in before
    assert "`facelib evaluate sadrnet --tier smoke`" in before
    told()
    estimates = open_estimates(open_runs("sadrnet", "smoke"))
    (line,) = comparison(estimates, "ict").to_dict("records")
    record = status_of(RUN).record
    assert record is not None
    assert line["ict_scan"] == pytest.approx(100 * record.metrics["ict_scan"]["value"])
    assert line["ict_scan_mm"] == pytest.approx(record.metrics["ict_scan_mm"]["value"])
    assert line["low ict_scan"] <= line["ict_scan"] <= line["high ict_scan"]
    text = table_as_markdown(estimates, "ict")
    assert "Scan (mm)" in text
    assert "not evaluated" not in text
    assert "Rows 'printed'" not in text


def test_without_the_import_what_was_found_stands(imported: bytes) -> None:
    told()
    ict_model_path().unlink()
    assert current_outcomes(PAPER, RUN).keys() == {"ict"}
    assert told() == []


@pytest.mark.parametrize("change", ["heads", "weights", "code", "scores", "json"])
def test_what_was_made_from_something_else_does_not_count(
    imported: bytes, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told()
    file = RUN.folder / evaluations.FOLDER / "ict.json"
    if change == "heads":
        model = load_ict_model()
        write_model(ict_model_path(), replace(model, mean=model.mean * 1.01))
    elif change == "weights":
        monkeypatch.setattr(evaluations, "verify_once", lambda path: "0" * 64)
    elif change == "code":
        monkeypatch.setattr(evaluations, "code_digest", lambda roots: "0")
    elif change == "scores":
        file.with_suffix(".npz").write_bytes(b"")
    else:
        file.write_text("{}")
    assert current_outcomes(PAPER, RUN) == {}
    assert "ict_scan" not in status_of(RUN).record.metrics  # type: ignore[union-attr]
    monkeypatch.undo()
    if change in ("heads", "scores", "json"):
        assert told() == [f"{RUN}: evaluated on heads of ICT-FaceKit"]


def test_failures_are_counted_together(imported: bytes) -> None:
    origin = evaluations.origin_today(PAPER, RUN, "ict")
    failed = {"failed": {"value": 2, "unit": "samples"}}
    evaluations.keep(RUN, "ict", origin, failed, {"ict_scan": np.zeros(2)})
    record = read_record(RUN.record)
    assert evaluations.with_metrics(PAPER, record).metrics["failed"]["value"] == 2
    also = replace(record, metrics=record.metrics | {"failed": {"value": 3.0, "unit": "samples"}})
    assert evaluations.with_metrics(PAPER, also).metrics["failed"] == {"value": 5, "unit": "samples"}


def test_an_origin_without_data_tells_nothing_against_any() -> None:
    made = Origin("w", "d", "c")
    assert made.accepts(made)
    assert Origin("w", None, "c").accepts(made)
    assert not Origin("w", "e", "c").accepts(made)
    assert not Origin("w", None, "d").accepts(made)


def test_a_run_that_is_not_current_is_not_evaluated(imported: bytes) -> None:
    other = Run("sadrnet", "mean_face", changes={**SIZES, "network.width": 0.5})
    assert told(other) == [f"{other}: missing, and not evaluated"]


def test_the_command_evaluates_what_stands_or_says_what_is_missing(imported: bytes) -> None:
    done = CliRunner().invoke(main, ["evaluate", "sadrnet"])
    assert done.output.strip() == f"{RUN}: evaluated on heads of ICT-FaceKit"
    ict_model_path().unlink()
    missing = CliRunner().invoke(main, ["evaluate", "sadrnet"])
    assert "facelib faces import-ict FOLDER" in missing.output
    assert missing.exit_code == 0
    assert CliRunner().invoke(main, ["evaluate", "sadrnet", "sadrnett"]).exit_code == 1
