"""Figure 11: roughness is counted edge by edge and triangle by triangle."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_predictions import knowing, pictures_in, shaken, texts_of, tiny_archive, tiny_evaluator

from facelib.errors import BadInput
from facelib.metrics.bootstrap import mean_interval
from facelib.report.sadrnet.mesh_loss import draw_shapes, roughness, roughness_data, roughness_table
from facelib.report.sadrnet.predictions import Evaluator


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return tiny_evaluator(right=knowing(lambda points: 0.5 * points), rough=knowing(shaken(0.3)))


def test_roughness_by_counting(evaluator: Evaluator) -> None:
    predictions = evaluator.predict(np.array([6, 0]))
    measured = roughness(predictions, "rough")
    evaluated = predictions.evaluated.numpy()
    edges, triangles = (
        [tuple(ids) for ids in faces.tolist() if all(evaluated[i] for i in ids)]
        for faces in (predictions.mapper.edges, predictions.mapper.triangles)
    )

    for number in range(2):
        found, true = (
            points[number].double().numpy()
            for points in (predictions.laid_shapes("rough"), predictions.mapper.points_of(predictions.true.shape))
        )
        long, short = ([np.linalg.norm(points[a] - points[b]) for a, b in edges] for points in (true, found))
        assert measured["edge"][number] == pytest.approx(
            sum(abs(a - b) for a, b in zip(long, short, strict=True)) / sum(long), rel=1e-3
        )
        angles = []
        for a, b, c in triangles:
            one, two = (np.cross(points[b] - points[a], points[c] - points[a]) for points in (found, true))
            angles.append(np.degrees(np.arccos(one @ two / np.linalg.norm(one) / np.linalg.norm(two))))
        assert measured["normal"][number] == pytest.approx(np.mean(angles), rel=1e-3)
        assert measured["reconstruction"][number] == pytest.approx(
            np.linalg.norm(found - true, axis=1)[evaluated].mean(), rel=1e-3
        )


def test_a_face_of_another_size_is_not_rough(evaluator: Evaluator) -> None:
    data = roughness_data(evaluator)
    means = data.groupby("method")[["edge", "normal", "reconstruction"]].mean()

    assert data["row"].tolist() == [*range(12)] * 2
    assert data["identity"].tolist() == tiny_archive().arrays["identity"].tolist() * 2
    assert (means.loc["right"] < (1e-4, 0.1, 1e-3)).all()
    assert (means.loc["rough"] > (0.1, 5, 0.3)).all()


def test_the_table_has_means_with_intervals() -> None:
    numbers = {"edge": [0.01, 0.02, 0.06], "normal": [1.0, 2.0, 6.0], "reconstruction": [2.0, 2.0, 2.0]}
    table = roughness_table(pd.DataFrame({"row": [0, 1, 2], "identity": [0, 0, 1], "method": "x"} | numbers))
    known = mean_interval(np.array([1.0, 2.0, 6.0]), np.array([0, 0, 1]), seed=0)

    spread = f"3.00 [{known.low:.2f}, {known.high:.2f}]"
    assert table.splitlines()[-1] == f"| x | 3 | {spread} | {spread} | 2.00 [2.00, 2.00] |"
    assert "edge length error (% of the edge)" in table


def test_every_shape_is_seen_from_two_sides_with_its_roughness(evaluator: Evaluator) -> None:
    predictions = evaluator.predict(np.array([6, 0]))
    figure = draw_shapes(["one", "two"], predictions)
    texts, measured = texts_of(figure), roughness(predictions, "rough")

    assert pictures_in(figure) == 2 * (1 + 2 * 3)
    assert {"photograph", "true face", "right", "rough", "one", "two"} <= set(texts)
    for edge, normal in zip(measured["edge"], measured["normal"], strict=True):
        assert {f"edges {100 * edge:.1f} %", f"normals {normal:.1f}°"} <= set(texts)
    with pytest.raises(BadInput, match="1 titles for 2 photographs"):
        draw_shapes(["one"], predictions)
