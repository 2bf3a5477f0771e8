"""Curves of learning count photographs, and leave out runs that did not watch the shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from made_records import make_face_record, use_made_runs

from facelib.papers.sadrnet.methods import METHODS
from facelib.report.records import open_runs
from facelib.report.sadrnet.learning_curve import SHOWN, draw_learning, learning_data, photographs
from facelib.runs.records import write_record


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def test_samples_are_batches_times_photographs() -> None:
    record = make_face_record("sadrnet")
    sizes = {"stream": {"batches": 7}, "encoder": {"batches": 3}}
    sizes |= {"training": {"batch_size": 10}, "pretraining": {"batch_size": 5}}
    assert photographs(replace(record, parameters=sizes)) == 70
    assert photographs(replace(record, method="face_encoder", parameters=sizes)) == 15


def test_runs_that_watched_the_shape_are_drawn() -> None:
    rows = [{"validation": {"shape_ratio": 1 - 0.1 * n, "sparse_2d": 0.05 / (n + 1), "error": 1.0}} for n in range(3)]
    old, new = make_face_record("direct"), make_face_record("sadrnet")
    write_record(old.run.record, replace(old, history=[{"validation": {"sparse_2d": 0.1}}]))
    write_record(new.run.record, replace(new, history=rows))
    found = open_runs("sadrnet", "smoke")
    data = learning_data(found, ["direct", "sadrnet", "coefficients"])

    assert list(data.columns) == ["method", "seed", "samples", *SHOWN]
    assert data["method"].unique().tolist() == [METHODS["sadrnet"].label]
    assert (data["samples"] / photographs(new)).tolist() == [1, 2, 3]
    assert data["shape_ratio"].tolist() == pytest.approx([1.0, 0.9, 0.8])
    assert learning_data(found, ["direct"]).empty
    figure = draw_learning(data)
    assert [panel.get_xscale() for panel in figure.axes] == ["log", "log"]
    assert figure.axes[0].lines[0].get_ydata().tolist() == pytest.approx([100, 90, 80])
