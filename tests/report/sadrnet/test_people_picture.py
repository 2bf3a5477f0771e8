"""The picture of ten people: who is shown, and what is measured on them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from made_predictions import knowing, pictures_in, shaken, texts_of, tiny_archive, tiny_evaluator

from facelib.errors import BadInput
from facelib.report.sadrnet.people_picture import draw_people, people_data, shown_people, told_faces
from facelib.report.sadrnet.predictions import Evaluator

HALF_SIZE = 0.5
SCORES = {
    "rows": np.arange(6) + 20,
    "identity": np.array([4, 4, 4, 7, 7, 9]),
    "occluder": np.array([0, 0, 1, 0, 0, 3]),
    "yaw": np.deg2rad([-20.0, 12.0, 1.0, 50.0, -29.0, 0.0]),
}


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return tiny_evaluator(right=knowing(lambda points: HALF_SIZE * points), rough=knowing(shaken(1.0)))


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


def test_everybody_is_shown_ahead_with_nothing_worn() -> None:
    assert shown_people(SCORES).tolist() == [21, 24]
    assert shown_people(SCORES, most=1).tolist() == [21]
    with pytest.raises(BadInput, match="nobody looks ahead"):
        shown_people(SCORES | {"yaw": SCORES["yaw"] + np.pi / 2})


def test_faces_are_laid_onto_the_true_one(evaluator: Evaluator) -> None:
    predictions = evaluator.predict(np.array([0, 6]))
    data = people_data(predictions, "right")
    assert data["row"].tolist() == [0, 6]
    assert data["right"].tolist() == pytest.approx([0, 0], abs=1e-3)
    assert (data["mean face"] > 1).all()
    scores = evaluator.scores["right"]
    assert data["mean face"].tolist() == pytest.approx(scores["mean_face_mm"][[0, 6]].tolist(), rel=1e-4)
    faces = told_faces(predictions, "rough")
    assert torch.equal(faces["true face"], predictions.mapper.points_of(predictions.true.shape))


def test_the_picture_says_how_far_each_is_off(evaluator: Evaluator) -> None:
    predictions = evaluator.predict(np.arange(len(tiny_archive()))[:3])
    figure = draw_people(predictions, "rough")
    assert pictures_in(figure) == 6 * 3
    texts = texts_of(figure)
    for value in people_data(predictions, "rough")[["rough", "mean face"]].to_numpy().flat:
        assert f"{value:.1f} mm" in texts
    assert {"photograph", "true face", "rough", "mean face", "rough: off by", "distance (mm)"} <= set(texts)
