"""Figure 6: photographs are chosen by rule, and every panel carries its own error."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_predictions import knowing, pictures_in, shaken, shifted, texts_of, tiny_evaluator

from facelib.errors import BadInput
from facelib.metrics.landmark_error import nme
from facelib.report.overlay import FOUND, TRUE
from facelib.report.sadrnet.alignment_pictures import comparison_data, draw_comparison, typical_photographs
from facelib.report.sadrnet.predictions import Predictions

ROWS = np.array([4, 9])


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return tiny_evaluator(aside=knowing(shifted((3, 4, 0))), shaken=knowing(shaken(1.0))).predict(ROWS)


def test_typical_photographs_have_the_median_error_of_their_group() -> None:
    scores = {
        "rows": np.array([10, 11, 12, 13, 14, 15]),
        "yaw": np.deg2rad([0.0, 5, -7, 80, 3, -4]),
        "occluder": np.array([0, 0, 0, 0, 1, 1]),
        "sparse_2d": np.array([0.3, 0.1, 0.2, 0.9, 0.6, 0.5]),
    }

    assert typical_photographs(scores) == {"yaw 0-30°": 12, "yaw 60-90°": 13, "glasses": 15}


def test_source_data_are_the_errors_of_the_shown_photographs(predictions: Predictions) -> None:
    data = comparison_data(["a", "b"], predictions)

    assert data["method"].tolist() == ["aside", "aside", "shaken", "shaken"]
    assert data["row"].tolist() == [4, 9] * 2
    assert data["group"].tolist() == ["a", "b"] * 2
    np.testing.assert_allclose(data["yaw"], np.tile(np.rad2deg(predictions.yaw), 2))
    landmarks = predictions.landmarks()[..., :2]
    width, height = (landmarks.amax(dim=1) - landmarks.amin(dim=1)).unbind(1)
    np.testing.assert_allclose(data["sparse_2d"][:2], 5 / (width * height).sqrt(), rtol=1e-5)
    np.testing.assert_allclose(data["dense_3d"][:2], 5 / predictions.face_sizes(), rtol=1e-5)
    evaluated = [
        points[:, predictions.evaluated].numpy() for points in (predictions.points("shaken"), predictions.points())
    ]
    dense = nme(*evaluated, normaliser="box", points="all", subtract_mean_depth=True)
    np.testing.assert_allclose(data["dense_3d"][2:], dense, rtol=1e-5)


def test_errors_are_read_from_the_scores_and_not_computed(predictions: Predictions) -> None:
    noted = {label: {"sparse_2d": np.array([7.25, 8.5]), "dense_3d": np.array([1.0, 2.0])} for label in "ab"}
    known = replace(predictions, found=dict(zip("ab", predictions.found.values(), strict=True)), scores=noted)
    data, figure = comparison_data(["x", "y"], known), draw_comparison(["x", "y"], known)

    assert data["sparse_2d"].tolist() == [7.25, 8.5] * 2
    assert data["dense_3d"].tolist() == [1, 2] * 2
    assert [texts_of(figure).count(text) for text in ("725.00", "850.00")] == [2, 2]


def test_every_network_has_its_columns_and_every_panel_its_error(predictions: Predictions) -> None:
    figure = draw_comparison(["frontal", "turned"], predictions)
    texts = texts_of(figure)

    assert pictures_in(figure) == 2 * (1 + 2 * 2)
    assert {"photograph", "landmarks", "mesh", "aside", "shaken", "frontal", "turned"} <= set(texts)
    for label in predictions.found:
        for error in predictions.scores[label]["sparse_2d"]:
            assert f"{100 * error:.2f}" in texts
    assert sum(len(panel.lines) for panel in figure.axes) == 2 * 2 * 2
    assert {line.get_color() for panel in figure.axes for line in panel.lines} == {FOUND, TRUE}


@pytest.mark.parametrize("make", [comparison_data, draw_comparison])
def test_a_title_for_each_photograph(make: object, predictions: Predictions) -> None:
    with pytest.raises(BadInput, match="1 titles for 2 photographs"):
        make(["a"], predictions)
