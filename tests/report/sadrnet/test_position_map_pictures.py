"""Figures 3 and 4: maps hold the places of the face's points, and targets what shapes leave of the face."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from made_predictions import pictures_in, texts_of, tiny_archive, tiny_mapper

from facelib.errors import BadInput
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.papers.sadrnet.networks import face_model
from facelib.report.sadrnet.position_maps import (
    MAP_SIZE,
    Annotations,
    UnrolledFace,
    annotated,
    annotation_data,
    draw_annotations,
    draw_unrolled,
    unrolled_data,
    unrolled_face,
)


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return face_model()


@pytest.fixture(scope="module")
def unrolled(model: MorphableModel) -> UnrolledFace:
    return unrolled_face(model, seed=7)


@pytest.fixture(scope="module")
def made() -> Annotations:
    return annotated(tiny_archive(), tiny_mapper())


def test_a_map_holds_the_places_of_landmarks(model: MorphableModel, unrolled: UnrolledFace) -> None:
    vertices = model.vertices(sample_people(model, 1, 7).identity)[0]
    layout = face_layout(model, MAP_SIZE)
    rows, columns = layout.nearest_texels(model.landmarks).unbind(1)
    texel = 200 / MAP_SIZE  # mm; the face is less than 200 mm wide and high

    off = (unrolled.positions[:, rows, columns].T - vertices[model.landmarks]).norm(dim=1)
    assert off.median() < texel
    assert torch.equal(unrolled.positions.isnan(), ~layout.mask.expand(3, -1, -1))
    assert torch.equal(unrolled.texture.isnan(), unrolled.positions.isnan())
    assert unrolled.texture.nan_to_num(0).max() <= 1


def test_another_seed_is_another_person(model: MorphableModel, unrolled: UnrolledFace) -> None:
    assert (unrolled_face(model, seed=8).positions - unrolled.positions).nan_to_num(0).abs().max() > 1


def test_source_data_have_every_eighth_texel_of_the_face(unrolled: UnrolledFace) -> None:
    data = unrolled_data(unrolled)
    line = data.iloc[300]
    row, column = int(line["row"]), int(line["column"])

    assert len(data) == (~unrolled.positions[0, ::8, ::8].isnan()).sum()
    assert row % 8 == column % 8 == 0
    assert line[["x", "y", "z"]].tolist() == pytest.approx(unrolled.positions[:, row, column].tolist())
    assert line[["red", "green", "blue"]].tolist() == pytest.approx(unrolled.texture[:, row, column].tolist())


def test_six_panels_and_three_bars_in_mm(unrolled: UnrolledFace) -> None:
    figure = draw_unrolled(unrolled)
    texts = texts_of(figure)

    assert pictures_in(figure) == 6
    assert texts.count("mm") == 3
    assert {"(a) textured face", "(b) texture in UV space", "y: up", "z: out of the face"} <= set(texts)


def test_photographs_nearest_to_the_angles_are_taken_once(made: Annotations) -> None:
    yaw = np.abs(np.rad2deg(tiny_archive().arrays["pose"][:, 0]))
    left = set(np.flatnonzero(tiny_archive().arrays["occluder"] == 0).tolist())

    for angle, row, degrees in zip((0, 40, 75), made.rows, made.yaw, strict=True):
        assert abs(yaw[row] - angle) == min(abs(yaw[other] - angle) for other in left)
        assert degrees == yaw[row]
        left.remove(row)


def test_shapes_take_from_the_target_and_the_true_face_lies_on_the_skin(made: Annotations) -> None:
    data = annotation_data(made)

    assert (made.target <= made.skin).all()
    assert (made.occluded != made.images).flatten(1).any(dim=1).all()
    assert (data["agreement"] > 0.75).all()  # both are the same face, in texels and in pixels, but for what hair hides
    assert data["row"].tolist() == made.rows.tolist()


def test_shares_by_hand(made: Annotations) -> None:
    skin, projected, target = torch.zeros(3, 4, 4), torch.zeros(3, 4, 4, dtype=torch.bool), torch.zeros(3, 4, 4)
    skin[0, :2], projected[0, 1:3], target[0, 0] = 1, True, 1
    line = annotation_data(replace(made, skin=skin, projected=projected, target=target)).iloc[0]

    assert line[["face", "projected", "target"]].tolist() == [0.5, 0.5, 0.25]
    assert line["agreement"] == pytest.approx(1 / 3)  # one row of three


def test_too_few_photographs_are_refused() -> None:
    archive = tiny_archive()
    few = replace(archive, arrays={name: array[:2] for name, array in archive.arrays.items()})

    with pytest.raises(BadInput, match="photographs with nothing worn: expected at least 3"):
        annotated(few, tiny_mapper())


def test_every_photograph_has_five_panels(made: Annotations) -> None:
    figure = draw_annotations(made)
    texts = texts_of(figure)

    assert pictures_in(figure) == 3 * 5
    assert {"(a) photograph", "(e) target of the\nattention mask", f"yaw {made.yaw[1]:.0f}°"} <= set(texts)
    last = figure.axes[4].images[0].get_array()
    np.testing.assert_array_equal(last[..., 0], made.target[0])
