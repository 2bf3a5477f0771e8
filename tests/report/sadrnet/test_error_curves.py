"""Curves count photographs; errors by yaw are those of the records, with the intervals of the tables."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_faces import made_scores
from made_records import make_face_record, use_made_runs

from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.methods import METHODS
from facelib.report import intervals
from facelib.report.intervals import Estimates, open_estimates
from facelib.report.manifest import save_figure
from facelib.report.records import open_runs
from facelib.report.sadrnet import error_curves
from facelib.report.sadrnet.error_curves import (
    EVERYTHING,
    METRICS,
    curve_data,
    draw_curves,
    draw_yaw,
    yaw_data,
)
from facelib.report.style import EMPHASISED_COLOURS, use_house_style
from facelib.report.yaw_errors import near_and_far


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    monkeypatch.setattr(intervals, "RESAMPLES", 60)
    yield
    plt.close("all")


@pytest.fixture
def curves() -> pd.DataFrame:
    return curve_data({"SADRNet": make_face_record("sadrnet"), "mean": make_face_record("mean_face", skill=0.5)})


def opened() -> Estimates:
    return open_estimates(open_runs("sadrnet", "smoke"))


def test_a_curve_counts_photographs(curves: pd.DataFrame) -> None:
    for label, method, skill in (("SADRNet", "sadrnet", 1.0), ("mean", "mean_face", 0.5)):
        errors = made_scores(method, skill=skill)
        for metric in METRICS:
            curve = curves[(curves["method"] == label) & (curves["metric"] == metric)]
            for place in (0, 50, 130, 200):
                error, share = curve.iloc[place][["error", "share"]]
                assert share == sum(value <= error for value in errors[metric]) / len(errors[metric])


def test_an_error_counts_at_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = np.array([0.0, 0.5, 1.0, 1.0])  # 19 of 20 have at most 1
    monkeypatch.setattr(error_curves, "scores_of", lambda record: dict.fromkeys(METRICS, errors))
    curve = curve_data({"made": make_face_record("sadrnet")}).iloc[:201].set_index("error")["share"]

    assert curve[0.0] == 0.25
    assert curve.iloc[99:102].tolist() == [0.25, 0.5, 0.5]
    assert curve[1.0] == 1


def test_curves_reach_as_far_as_19_of_20_photographs_of_a_typical_method() -> None:
    """The median of three: one that is far off does not squeeze the others."""
    curves = curve_data(
        {
            "SADRNet": make_face_record("sadrnet"),
            "direct": make_face_record("direct", skill=0.8),
            "mean": make_face_record("mean_face", skill=0.05),
        }
    )
    for metric in METRICS:
        part = curves[curves["metric"] == metric]
        end = part["error"].max()
        assert end == pytest.approx(np.quantile(made_scores("direct", skill=0.8)[metric], 0.95))
        last = part[part["error"] == end].set_index("method")["share"]
        assert last["direct"] == pytest.approx(0.95, abs=0.01)
        assert last["SADRNet"] > last["direct"] > 0.9 > last["mean"]


def test_methods_far_from_the_others_are_told_apart() -> None:
    assert near_and_far({"a": 0.0, "b": 0.2, "c": 0.4, "d": 30.0}) == (["a", "b", "c"], ["d"])
    assert near_and_far({"a": 0.0, "b": 3.0}) == (["a", "b"], [])
    assert near_and_far({"a": 0.0}) == (["a"], [])


def test_drawn_curves_are_in_percent_and_named(curves: pd.DataFrame) -> None:
    figure = draw_curves(curves, ["SADRNet"])

    for above, below, metric in zip(figure.axes[:2], figure.axes[2:4], METRICS, strict=True):
        lines = {line.get_label(): line for line in above.lines}
        part = curves[curves["metric"] == metric].set_index("method")
        np.testing.assert_allclose(lines["mean"].get_xdata(), 100 * part.loc["mean", "error"])
        np.testing.assert_allclose(lines["mean"].get_ydata(), 100 * part.loc["mean", "share"])
        assert lines["SADRNet"].get_color() == EMPHASISED_COLOURS[0]
        gap = 100 * (part.loc["mean", "share"].to_numpy() - part.loc["SADRNet", "share"].to_numpy())
        np.testing.assert_allclose(below.lines[1].get_ydata(), gap, atol=1e-9)
        assert not np.any(below.lines[0].get_ydata())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["SADRNet", "mean"]


def test_errors_by_yaw_are_those_of_records_and_tables() -> None:
    records = {name: make_face_record(name) for name in ("sadrnet", "direct")}
    estimates = opened()
    data = yaw_data(estimates, PAPER.tabulated())

    assert data["method"].unique().tolist() == ["SADRNet", METHODS["direct"].label]
    assert len(data) == 2 * 2 * 4
    for name, record in records.items():
        own = data[data["method"] == METHODS[name].label].set_index(["metric", "yaw"])
        for metric in METRICS:
            for yaw, key in ((EVERYTHING, metric), ("30-60", f"{metric}/30-60")):
                line = own.loc[(metric, yaw)]
                expected = estimates.combine([(1.0, name, key), (-1.0, "sadrnet", key)])
                assert line["error"] == pytest.approx(record.metrics[key]["value"])
                assert line["reference"] == METHODS["sadrnet"].label
                assert line[["difference", "low", "high"]].tolist() == [expected.value, expected.low, expected.high]
                assert line["low"] <= line["difference"] <= line["high"]
                assert (line["difference"] == 0) == (name == "sadrnet")


def test_every_method_has_a_mark_of_its_own() -> None:
    methods = PAPER.tabulated()
    for name in methods:
        make_face_record(name)
    data = yaw_data(opened(), methods)
    figure = draw_yaw(data, ["SADRNet"])

    lines = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in lines] == [METHODS[name].label for name in methods]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(methods)
    other = METHODS["direct"].label
    values = data[(data["method"] == other) & (data["metric"] == "sparse_2d")].set_index("yaw")["difference"] * 100
    (own,) = (line for line in lines if line.get_label() == other)
    np.testing.assert_allclose(own.get_ydata(), values[["0-30", "30-60", "60-90"]])
    apart = [line.get_ydata() for line in figure.axes[0].lines if line.get_marker() == own.get_marker()]
    assert any(np.allclose(each, values[[EVERYTHING]]) for each in apart if len(each) == 1)
    ticks = [tick.get_text().split("\n") for tick in figure.axes[1].get_xticklabels()]
    assert [name for name, _ in ticks] == ["0-30°", "30-60°", "60-90°", "all"]
    assert all(error.endswith(" %") for _, error in ticks)


def test_who_is_far_off_is_named_and_not_drawn() -> None:
    for name, skill in (("sadrnet", 1.0), ("direct", 0.95), ("no_attention", 0.97), ("mean_face", 0.1)):
        make_face_record(name, skill=skill)
    figure = draw_yaw(yaw_data(opened(), PAPER.tabulated()))
    drawn = {line.get_label() for line in figure.axes[0].lines}
    label = METHODS["mean_face"].label
    assert label not in drawn
    assert METHODS["direct"].label in drawn
    (note,) = (text.get_text() for text in figure.axes[0].texts)
    assert note.startswith(f"not drawn: {label}, ")


def test_who_is_drawn_in_one_panel_alone_stands_in_the_legend() -> None:
    for name in ("sadrnet", "direct", "no_attention", "mean_face"):
        make_face_record(name)
    data, label = yaw_data(opened(), PAPER.tabulated()), METHODS["mean_face"].label
    far = (data["method"] == label) & (data["metric"] == "sparse_2d")
    data.loc[far, ["difference", "low", "high"]] = 1.0
    figure = draw_yaw(data)
    assert label not in {line.get_label() for line in figure.axes[0].lines}
    assert label in {line.get_label() for line in figure.axes[1].lines}
    assert [text.get_text() for text in figure.legends[0].texts] == list(dict.fromkeys(data["method"]))


def test_the_legend_lies_between_axes_and_stamp_in_the_saved_picture(
    curves: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_house_style()
    figure = draw_curves(curves)
    legend, places = figure.legends[0], []
    draw = legend.draw

    def watched(renderer: object) -> None:
        draw(renderer)
        drawn = (figure.axes[0].xaxis.get_label(), legend, figure.texts[-1])
        places.append([part.get_window_extent(renderer) for part in drawn])

    monkeypatch.setattr(legend, "draw", watched)
    save_figure(figure, curves, tmp_path, "c", notebook="n", tier="smoke", parameters={})

    assert len(places) >= 2
    for label, box, stamp in places:
        assert label.y0 > box.y1
        assert box.y0 > stamp.y1
