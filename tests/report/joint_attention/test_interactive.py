"""The ROC curves to play with show the data of the still ones, and the menu exchanges all of it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from made_records import make_record, use_made_runs

from facelib.report.joint_attention.interactive import interactive_roc, roc_figure, write_page
from facelib.report.joint_attention.roc import CONDITIONS, FAR_GRID, roc_data

METHODS = ("JAM", "IR-18", "PointNet++")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    use_made_runs(monkeypatch, tmp_path)
    records = {"JAM": [make_record("jam", skill=2.0)], "IR-18": [make_record("ir18", fold) for fold in range(3)]}
    return roc_data(records | {"PointNet++": [make_record("pointnet2")]}, tuple(CONDITIONS))


def chosen(figure: go.Figure, place: int) -> go.Figure:
    """The figure after a choice in the menu, as plotly's restyle does it: entry i of a list goes to trace i."""
    after = go.Figure(figure)
    (changes,) = figure.layout.updatemenus[0].buttons[place].args
    for name, values in changes.items():
        assert len(values) == len(figure.data)
        for trace, value in zip(after.data, values, strict=True):
            trace[name] = value
    return after


def test_curves_follow_the_menu(data: pd.DataFrame) -> None:
    figure = roc_figure(data, "label")
    buttons = figure.layout.updatemenus[0].buttons

    assert [button.label for button in buttons] == [condition.title for condition in CONDITIONS.values()]
    assert {button.method for button in buttons} == {"restyle"}
    for place, condition in enumerate(CONDITIONS):
        after = chosen(figure, place)
        for method, trace in zip(METHODS, after.data, strict=True):
            part = data[(data["method"] == method) & (data["condition"] == condition)]
            if part.empty:
                assert method == "PointNet++"
                assert condition.startswith("arl_vtf")
                assert list(trace.y) == []
                assert "not evaluated" in trace.name
                continue
            by_far = part.groupby("far")["tar"]
            np.testing.assert_allclose(trace.y, by_far.mean()[list(FAR_GRID[::2])], atol=6e-5)
            np.testing.assert_allclose(trace.customdata, by_far.std().fillna(0)[list(FAR_GRID[::2])], atol=6e-5)
            assert trace.meta[1:3] == pytest.approx((part["auc"].mean(), part["eer"].mean()), abs=6e-5)
            assert trace.meta[3] == part["fold"].nunique()
            assert f"{by_far.mean()[0.01]:.1%}" in trace.name


def test_the_first_condition_is_shown_at_first(data: pd.DataFrame) -> None:
    figure = roc_figure(data, "label")

    for before, after in zip(figure.data, chosen(figure, 0).data, strict=True):
        assert before == after


def test_the_menu_leaves_hidden_methods_hidden(data: pd.DataFrame) -> None:
    for button in roc_figure(data, "label").layout.updatemenus[0].buttons:
        assert "visible" not in button.args[0]


def test_the_legend_follows_the_rates(data: pd.DataFrame) -> None:
    figure = chosen(roc_figure(data, "label"), list(CONDITIONS).index("90+"))
    at = figure.data[0].x.index(0.01)
    ranked = sorted(figure.data, key=lambda trace: trace.legendrank)

    assert [trace.y[at] for trace in ranked] == sorted((trace.y[at] for trace in ranked), reverse=True)


def test_the_axis_can_be_switched(data: pd.DataFrame) -> None:
    figure = roc_figure(data, "label")
    changes = [button.args[0] for button in figure.layout.updatemenus[1].buttons]

    assert figure.layout.xaxis.type == "log"
    assert [(change["xaxis.type"], list(change["xaxis.range"])) for change in changes] == [
        ("log", [-3, 0]),
        ("linear", [0, 1]),
    ]


def test_it_stays_light(data: pd.DataFrame) -> None:
    figure = roc_figure(data, "label")

    assert {len(trace.x) for trace in figure.data} == {61}
    assert len(figure.to_json()) < 20_000 * len(METHODS)


def test_a_notebook_gets_a_still_picture_as_well(data: pd.DataFrame) -> None:
    picture = interactive_roc(data, "embedded faces, smoke tier", ["JAM"])
    bundle = picture._repr_mimebundle_()

    assert len(bundle["application/vnd.plotly.v1+json"]["data"]) == 3
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == "ROC curves of 3 methods under 9 conditions"
    assert "smoke tier" in json.dumps(bundle["application/vnd.plotly.v1+json"]["layout"]["annotations"])
    assert plt.get_fignums() == []


def test_a_page_needs_no_network(data: pd.DataFrame, tmp_path: Path) -> None:
    path = write_page(interactive_roc(data, "label"), tmp_path / "deep" / "roc.html")
    text = path.read_text(encoding="utf-8")

    assert "<script src=" not in text
    assert '<script charset="utf-8" src=' not in text
    assert len(text) < 8_000_000
    assert "90 and more degrees from frontal" in text
