"""Figure 6: photographs are chosen by rule, and every panel carries its own error."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_predictions import knowing, pictures_in, shaken, shifted, texts_of, tiny_reader

from facelib.errors import BadInput
from facelib.metrics.landmark_error import nme
from facelib.report.sadrnet.alignment_pictures import comparison_data, draw_comparison, typical_photographs
from facelib.report.sadrnet.overlay import FOUND, TRUE
from facelib.report.sadrnet.predictions import Predictions

ROWS = np.array([4, 9])


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def predict() -> Predictions:
    return tiny_reader(aside=knowing(shifted((3, 4, 0))), shaken=knowing(shaken(1.0))).read(ROWS)


def test_typical_photographs_have_the_median_error_of_their_group() -> None:
    scores = {
        "rows": np.array([10, 11, 12, 13, 14, 15]),
        "yaw": np.deg2rad([0.0, 5, -7, 80, 3, -4]),
        "occluder": np.array([0, 0, 0, 0, 1, 1]),
        "sparse_2d": np.array([0.3, 0.1, 0.2, 0.9, 0.6, 0.5]),
    }

    assert typical_photographs(scores) == {"yaw 0-30°": 12, "yaw 60-90°": 13, "glasses": 15}


def test_source_data_are_the_errors_of_the_shown_photographs(read: Predictions) -> None:
    data = comparison_data(["a", "b"], read)

    assert data["method"].tolist() == ["aside", "aside", "shaken", "shaken"]
    assert data["row"].tolist() == [4, 9] * 2
    assert data["group"].tolist() == ["a", "b"] * 2
    np.testing.assert_allclose(data["yaw"], np.tile(np.rad2deg(read.yaw), 2))
    landmarks = read.landmarks()[..., :2]
    width, height = (landmarks.amax(dim=1) - landmarks.amin(dim=1)).unbind(1)
    np.testing.assert_allclose(data["sparse_2d"][:2], 5 / (width * height).sqrt(), rtol=1e-5)
    np.testing.assert_allclose(data["dense_3d"][:2], 5 / read.face_sizes(), rtol=1e-5)
    evaluated = [points[:, read.evaluated].numpy() for points in (read.points("shaken"), read.points())]
    dense = nme(*evaluated, normaliser="box", points="all", subtract_mean_depth=True)
    np.testing.assert_allclose(data["dense_3d"][2:], dense, rtol=1e-5)


def test_every_network_has_its_columns_and_every_panel_its_error(read: Predictions) -> None:
    figure = draw_comparison(["frontal", "turned"], read)
    texts = texts_of(figure)

    assert pictures_in(figure) == 2 * (1 + 2 * 2)
    assert {"photograph", "landmarks", "mesh", "aside", "shaken", "frontal", "turned"} <= set(texts)
    for label in read.found:
        for error in read.sparse_error(label):
            assert f"{100 * error:.2f}" in texts
    assert sum(len(panel.lines) for panel in figure.axes) == 2 * 2 * 2
    assert {line.get_color() for panel in figure.axes for line in panel.lines} == {FOUND, TRUE}


@pytest.mark.parametrize("make", [comparison_data, draw_comparison])
def test_a_title_for_each_photograph(make: object, read: Predictions) -> None:
    with pytest.raises(BadInput, match="1 titles for 2 photographs"):
        make(["a"], read)
