"""Components are shown as records and tables have them."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_records import make_face_record, use_made_runs

from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.methods import METHODS
from facelib.report import intervals
from facelib.report.intervals import open_estimates
from facelib.report.records import open_runs
from facelib.report.sadrnet.component_picture import LEAST, component_data, draw_components


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    monkeypatch.setattr(intervals, "RESAMPLES", 60)
    yield
    plt.close("all")


def test_marks_are_the_records_metrics_with_intervals() -> None:
    records = {name: make_face_record(name) for name in ("sadrnet", "coefficients")}
    data = component_data(open_estimates(open_runs("sadrnet", "smoke")), ["sadrnet", "direct", "coefficients"])

    assert data["method"].unique().tolist() == [METHODS[name].label for name in records]
    for name, record in records.items():
        own = data[data["method"] == METHODS[name].label]
        assert own["component"].tolist() == list(range(1, 11))
        for line in own.itertuples():
            assert line.read == pytest.approx(record.metrics[f"component/{line.component}"]["value"])
            assert line.low <= line.read <= line.high

    figure = draw_components(data)
    marks = {
        line.get_label(): line.get_ydata() for line in figure.axes[0].lines if not line.get_label().startswith("_")
    }
    for label, read in data.groupby("method", sort=False)["read"]:
        np.testing.assert_allclose(marks[label], 100 * read)


def test_what_lies_far_below_stands_at_the_edge_with_its_number() -> None:
    data = pd.DataFrame(
        {"method": ["one", "two"], "component": 1, "read": [0.5, -2.7], "low": [0.4, -4.0], "high": 0.6}
    )
    (axis,) = draw_components(data).axes
    one, two = (line.get_ydata()[0] for line in axis.lines if not line.get_label().startswith("_"))
    assert one == 50
    assert axis.get_ylim()[0] == LEAST < two < LEAST + 5
    assert [text.get_text() for text in axis.texts] == ["-270"]


def test_every_method_has_a_mark_of_its_own() -> None:
    methods = PAPER.tabulated()
    for name in methods:
        make_face_record(name)
    figure = draw_components(component_data(open_estimates(open_runs("sadrnet", "smoke")), methods))
    looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].lines if line.get_marker() != "None"}
    assert len(looks) == len(methods)
