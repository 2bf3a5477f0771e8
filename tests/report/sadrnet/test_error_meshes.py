"""A face to turn: errors are distances in mm, colours those of the photograph where it shows the face."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from made_predictions import knowing, pictures_in, shaken, texts_of, tiny_archive, tiny_evaluator
from PIL import Image

from facelib.papers.sadrnet.reconstruction import seen_points
from facelib.report.sadrnet.error_meshes import (
    draw_meshes,
    error_meshes,
    interactive_meshes,
    mesh_data,
    photographed_mesh,
)
from facelib.report.sadrnet.predictions import Predictions


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    turned = np.abs(tiny_archive().arrays["pose"][:, 0]).argmax()
    networks = {"right": knowing(lambda points: 2 * points), "rough (as A)": knowing(shaken(0.5))}
    return tiny_evaluator(**networks).predict(np.array([turned]))


def test_values_are_distances_in_mm(predictions: Predictions) -> None:
    true, right, rough = error_meshes(predictions)
    shape = predictions.mapper.points_of(predictions.true.shape)[0]

    torch.testing.assert_close(true.vertices, shape)
    assert (true.values, right.title, rough.title) == (None, "right", "rough (as A)")
    assert right.values.max() < 1e-3
    torch.testing.assert_close(rough.values, (rough.vertices - shape).square().sum(dim=1).sqrt())
    assert rough.values.mean() > 1
    evaluated = np.sort(np.concatenate([mesh.values[predictions.evaluated].numpy() for mesh in (right, rough)]))
    assert right.limit == rough.limit == pytest.approx(evaluated[int(0.98 * len(evaluated))], rel=0.01)


def test_the_table_says_how_errors_are_spread(predictions: Predictions) -> None:
    meshes = error_meshes(predictions)
    right, rough = mesh_data(meshes).itertuples()
    values = np.sort(meshes[2].values.numpy())

    assert right.method == "right"
    assert right.largest < 1e-3
    assert rough.mean == pytest.approx(values.mean())
    assert rough.median == pytest.approx(values[len(values) // 2], rel=0.01)
    assert rough.p95 == pytest.approx(values[int(0.95 * len(values))], rel=0.01)
    assert rough.largest == values[-1]


def test_colours_are_those_under_the_seen_points(predictions: Predictions) -> None:
    mesh, points = photographed_mesh(predictions), predictions.points()[0]
    seen = seen_points(points, mesh.triangles, 64)

    seen &= ((points[:, :2] > 0) & (points[:, :2] < 64)).all(dim=1)  # a crop may end before the face does

    assert torch.equal(mesh.colours.isnan().any(dim=1), ~seen)
    assert 0.2 < seen.float().mean() < 0.9  # the far side of a turned face is hidden
    well_inside = ((points[:, :2] > 1) & (points[:, :2] < 63)).all(dim=1)
    for texel in (seen & well_inside).nonzero()[::200, 0].tolist():
        # Between the four pixels around the point, whose middles lie half a pixel inwards.
        u, v = (points[texel, :2] - 0.5).tolist()
        column, row = int(np.floor(u)), int(np.floor(v))
        around = predictions.faces.images[0, :, row : row + 2, column : column + 2]
        weights = torch.tensor([1 - v + row, v - row])[:, None] * torch.tensor([1 - u + column, u - column])
        torch.testing.assert_close(mesh.colours[texel], (around * weights).sum(dim=(1, 2)), atol=1e-4, rtol=0)


def test_a_predicted_face_is_in_mm_too(predictions: Predictions) -> None:
    mesh = photographed_mesh(predictions, "rough (as A)")

    assert mesh.title == "rough (as A)"
    torch.testing.assert_close(mesh.vertices, predictions.laid_shapes("rough (as A)")[0])


def test_every_mesh_is_seen_from_two_sides(predictions: Predictions) -> None:
    figure = draw_meshes(predictions, error_meshes(predictions))

    assert pictures_in(figure) == 1 + 2 * 3
    assert {"photograph", "true face", "right", "rough", "error (mm)"} <= set(texts_of(figure))


def test_the_meshes_to_turn_come_with_a_still_picture(predictions: Predictions) -> None:
    picture = interactive_meshes(predictions, error_meshes(predictions), "embedded faces, smoke tier")

    assert [trace.name for trace in picture.figure.data] == ["true face", "right", "rough (as A)"]
    assert [trace.visible for trace in picture.figure.data] == [True, False, False]
    assert picture.figure.layout.annotations[0].text == "embedded faces, smoke tier"
    assert Image.open(io.BytesIO(picture.png)).size[0] > 300
    assert plt.get_fignums() == []
