"""Points and intervals are those of the tables; who is far off is named at the edge."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from made_records import make_face_record, use_made_runs

from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.methods import METHODS
from facelib.report import intervals
from facelib.report.error_points import DIFFERENCE, MEASURED, draw_points, point_data
from facelib.report.intervals import open_estimates
from facelib.report.records import open_runs

TITLES = {"sparse_2d": "Sparse", "euler": "Angles"}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    monkeypatch.setattr(intervals, "RESAMPLES", 60)
    yield
    plt.close("all")


def made(**values: float) -> pd.DataFrame:
    """Methods with these values, 0.2 more or less, and the first one as reference."""
    lines = [
        {"method": name, "metric": "sparse_2d", "reference": next(iter(values))}
        | dict(zip((*MEASURED, *DIFFERENCE), 2 * [value, value - 0.2, value + 0.2], strict=True))
        for name, value in values.items()
    ]
    return pd.DataFrame(lines)


def test_numbers_are_those_of_the_estimates() -> None:
    for name in ("sadrnet", "direct"):
        make_face_record(name)
    estimates = open_estimates(open_runs("sadrnet", "smoke"))
    data = point_data(estimates, PAPER.tabulated(), ["sparse_2d"], "sadrnet").set_index("method")

    assert list(data.index) == ["SADRNet", METHODS["direct"].label]
    own = estimates.combine([(1.0, "direct", "sparse_2d")])
    gap = estimates.combine([(1.0, "direct", "sparse_2d"), (-1.0, "sadrnet", "sparse_2d")])
    line = data.loc[METHODS["direct"].label]
    assert line[list(MEASURED)].tolist() == [own.value, own.low, own.high]
    assert line[list(DIFFERENCE)].tolist() == [gap.value, gap.low, gap.high]
    assert data.loc["SADRNet", list(DIFFERENCE)].tolist() == [0, 0, 0]


def test_without_the_reference_there_is_no_difference() -> None:
    make_face_record("direct")
    data = point_data(open_estimates(open_runs("sadrnet", "smoke")), ["direct"], ["sparse_2d"], "sadrnet")

    assert data[list(DIFFERENCE)].isna().all(axis=None)
    for only in (False, True):
        figure = draw_points(data, PAPER.metrics, {"sparse_2d": "Sparse"}, only_differences=only)
        assert [panel.get_xlabel() for panel in figure.axes] == ["percent"]


def test_no_run_gives_no_line() -> None:
    assert point_data(open_estimates(open_runs("sadrnet", "smoke")), ["direct"], ["sparse_2d"], "sadrnet").empty


def test_points_are_in_shown_units_and_rows_have_names() -> None:
    figure = draw_points(made(a=1.0, b=1.1), PAPER.metrics, {"sparse_2d": "Sparse"}, ["b"])
    above, below = figure.axes
    assert [line.get_xdata().tolist() for line in above.lines] == [[100], [pytest.approx(110)]]
    assert [tick.get_text() for tick in above.get_yticklabels()] == ["a", "b"]
    assert [tick.get_fontweight() for tick in above.get_yticklabels()] == ["normal", "bold"]
    assert (above.get_xlabel(), below.get_xlabel()) == ("percent", "difference (points)")
    assert "“a”" in figure.get_supxlabel()
    low, high = above.get_xlim()
    assert low < 80
    assert high > 130


def test_who_is_far_off_is_named_at_the_edge() -> None:
    (panel,) = draw_points(
        made(a=1.0, b=1.1, c=0.9, d=30.0), PAPER.metrics, {"sparse_2d": "Sparse"}, only_differences=True
    ).axes
    assert [text.get_text() for text in panel.texts] == ["3000.00 →"]
    assert panel.get_xlim()[1] < 200


def test_who_hardly_widens_the_panel_is_drawn() -> None:
    (panel,) = draw_points(
        made(a=1.0, b=1.01, c=1.02, d=1.3), PAPER.metrics, {"sparse_2d": "Sparse"}, only_differences=True
    ).axes
    assert not panel.texts
    assert panel.get_xlim()[1] > 150
