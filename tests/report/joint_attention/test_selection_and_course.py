"""Which epoch was kept, and how attention went, as records say it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_records import make_record, use_made_runs

from facelib.report.joint_attention.attention_course import course_data, draw_course
from facelib.report.joint_attention.selection import selection_data
from facelib.runs.records import Record


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def with_history(record: Record, rates: list[float], keep: str, **watched: list[float]) -> Record:
    history = [
        {
            "epoch": epoch,
            "validation": {"tar_at_far_1pct": rate},
            "watch": {name: v[epoch] for name, v in watched.items()},
        }
        for epoch, rate in enumerate(rates)
    ]
    training = record.parameters["training"] | {"keep": keep}
    return replace(record, history=history, parameters=record.parameters | {"training": training})


def test_the_kept_epoch_and_what_the_choice_rested_on() -> None:
    record = make_record("ir18", fold=1, seed=2)
    runs = [with_history(record, [0.5, 0.8, 0.7], keep) for keep in ("best", "last")]
    best, last = selection_data({"IR-18": runs, "untrained": [replace(record, history=[])]}).to_dict("records")

    assert (best["method"], best["fold"], best["start"], best["epochs"]) == ("IR-18", 1, 2, 3)
    assert (best["kept"], best["by"], last["kept"], last["by"]) == (2, "best", 3, "last")
    assert (best["at_best"], best["at_last"], best["moves"]) == pytest.approx((80, 70, 20))
    assert best["evaluated"] == pytest.approx(100 * record.metrics["tar_at_far_1pct"]["value"])


def test_an_older_record_kept_its_best_epoch() -> None:
    record = with_history(make_record("ir18"), [0.5, 0.4], "best")
    del record.parameters["training"]["keep"]

    assert selection_data({"IR-18": [record]})["by"].tolist() == ["best"]


def test_attention_is_drawn_as_it_was_watched() -> None:
    even = {"gamma": [0.0, 0.1], "row_maximum_2d": [0.25, 0.25], "row_entropy_2d": [np.log(4)] * 2}
    records = {
        "JAM": [with_history(make_record("jam"), [0.5, 0.6], "last", **even)],
        "JAM + JE": [with_history(make_record("jam_je"), [0.5, 0.6], "last", gamma=[0.0, -0.2])],  # an older one
        "IR-18": [with_history(make_record("ir18"), [0.5, 0.6], "last")],
    }
    data = course_data(records)
    figure = draw_course(data, ["JAM"])

    assert set(data["method"]) == {"JAM", "JAM + JE"}
    gamma, maximum, places = figure.axes
    assert [text.get_text() for text in gamma.texts] == ["JAM", "JAM + JE"]
    assert [text.get_text() for text in maximum.texts] == ["JAM"]
    np.testing.assert_allclose(gamma.lines[1].get_ydata(), [0, 0.2])
    assert data.query("method == 'JAM + JE'")["gamma"].tolist() == [0, -0.2]
    np.testing.assert_allclose(places.lines[0].get_ydata(), [4, 4])  # of four equal shares
