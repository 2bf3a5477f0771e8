"""Training curves show every term of a loss from the epoch in which it comes in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_records import make_face_record, use_made_runs

from facelib.papers.sadrnet import PAPER
from facelib.report.training_curves import draw_losses, draw_training_curves, loss_data, printed_metrics


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def test_terms_begin_where_they_come_in() -> None:
    validation = {"sparse_2d": 0.05, "shape_ratio": 0.9, "error": 0.1}
    rows = [
        {"losses": {"deformation": 3.0}, "validation": validation},
        {"losses": {"deformation": 2.0, "edge": 0.5}, "validation": validation},
    ]
    figure = draw_training_curves(PAPER, {"made": replace(make_face_record("sadrnet"), history=rows)})
    assert figure is not None
    losses, metrics = figure.axes
    drawn = {line.get_label(): line.get_ydata() for line in losses.lines}
    np.testing.assert_array_equal(drawn["deformation"], [3, 2])
    np.testing.assert_array_equal(drawn["edge"], [np.nan, 0.5])
    assert [line.get_label() for line in metrics.lines] == ["Sparse 2D"]  # what is no metric in print has no line
    np.testing.assert_allclose(metrics.lines[0].get_ydata(), [5, 5])


def test_terms_of_validation_people_are_dashed_and_what_else_is_watched_is_shown_as_it_is() -> None:
    watched = {"loss": 5.0, "held_out_edge": 4.0, "spread": 0.2}
    rows = [{"losses": {"edge": 3.0, "face": 1.0}, "validation": watched}] * 2
    figure = draw_training_curves(PAPER, {"made": replace(make_face_record("sadrnet"), history=rows)})
    assert figure is not None
    losses, others = figure.axes
    dashed = [line for line in losses.lines if line.get_linestyle() == "--"]
    np.testing.assert_array_equal(dashed[0].get_ydata(), [4, 4])
    assert np.isnan(dashed[1].get_ydata()).all()  # validation does not give this term
    assert dashed[0].get_color() == losses.lines[0].get_color()
    assert "dashed" in losses.get_ylabel()
    assert [line.get_label() for line in others.lines] == ["spread"]
    np.testing.assert_array_equal(others.lines[0].get_ydata(), [0.2, 0.2])


def test_what_is_watched_of_held_out_people_is_no_term_of_the_loss() -> None:
    rows = [{"losses": {"edge": 3.0}, "validation": {"held_out_rank1": rate}} for rate in (0.0, 0.5)]
    figure = draw_training_curves(PAPER, {"made": replace(make_face_record("sadrnet"), history=rows)})
    assert figure is not None
    losses, others = figure.axes
    assert "dashed" not in losses.get_ylabel()
    np.testing.assert_array_equal(others.lines[0].get_ydata(), [0, 0.5])
    assert others.get_yscale() == "linear"  # a rate may be 0


def test_a_panel_without_a_curve_is_left_out() -> None:
    rows = [{"losses": {"edge": 3.0}, "validation": {"loss": 5.0, "held_out_edge": 4.0}}]
    figure = draw_training_curves(PAPER, {"made": replace(make_face_record("sadrnet"), history=rows)})
    assert figure is not None
    assert [panel.axison for panel in figure.axes] == [True, False]


def test_without_a_training_there_is_no_picture() -> None:
    assert draw_training_curves(PAPER, {"mean": replace(make_face_record("mean_face"), history=[])}) is None
    assert "shape_ratio" not in printed_metrics(PAPER)
    assert "sparse_2d" in printed_metrics(PAPER)


def test_terms_of_several_runs_have_a_panel_each() -> None:
    rows = [
        {"losses": {"edge": 3.0}, "validation": {"loss": 5.0, "held_out_edge": 4.0}},
        {"losses": {"edge": 2.0, "face": 1.0}, "validation": {"loss": 5.0}},
    ]
    record = replace(make_face_record("sadrnet"), history=rows)
    data, figure = loss_data({"made": record}), draw_losses({"a": record, "b": record, "c": record})

    assert data[["epoch", "term", "training"]].to_numpy().tolist() == [[0, "edge", 3], [1, "edge", 2], [1, "face", 1]]
    assert data["validation"].fillna(-1).tolist() == [4, -1, -1]
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["a", "b", "c", ""]
    assert [panel.axison for panel in figure.axes] == [True, True, True, False]
    assert len(figure.axes[0].lines) == 4
