"""The pictures of paper 3's method notebook, and the small computations in them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from facelib.errors import BadInput
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.uv_maps import UVLayout
from facelib.geometry.uv_regions import region_weight_map
from facelib.models.face_template import FaceTemplate
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.sadrnet import method_pictures as pictures

SIZE = 64
WEIGHTS = (16.0, 12.0, 3.0, 0.0)


@pytest.fixture(scope="module")
def layout(face_model: MorphableModel) -> UVLayout:
    return face_layout(face_model, SIZE)


@pytest.fixture(scope="module")
def template(face_model: MorphableModel, layout: UVLayout) -> FaceTemplate:
    return FaceTemplate(layout, face_model.mean, face_model.landmarks)


def test_every_picture_smoke(face_model: MorphableModel, layout: UVLayout, template: FaceTemplate) -> None:
    mean, skin = template.mean_map, (torch.rand(2, 16, 16) > 0.5).float()
    images = torch.rand(2, 3, 16, 16)
    face = pictures.hidden_landmarks(template, mean, 60.0, 128.0)
    weightings = {"alike": torch.ones(68), "by visibility": face.seen}
    curves = {name: [0.0, 1.0] for name in weightings}
    weights = region_weight_map(layout, face_model.landmarks, WEIGHTS)
    drawn = [
        pictures.draw_texels(layout, mean, [(30, 30), (40, 35)], "label"),
        pictures.draw_deformation(layout, mean, mean + 1, "label"),
        pictures.draw_regions(layout, weights, WEIGHTS, "label"),
        pictures.draw_targets(images, skin, images, skin, "label"),
        pictures.draw_self_alignment(face, face.image, weightings, curves, [0, 8], "label"),
        pictures.draw_choices({"depth": ("pixels", [0, 1], {"a": [0, 1], "b": [0, 0]})}, "label"),
    ]

    for figure in drawn:
        assert any("label" in text.get_text() for text in figure.texts)
        plt.close(figure)


def test_bad_input(layout: UVLayout, template: FaceTemplate) -> None:
    row, column = (~layout.mask).nonzero()[0].tolist()

    with pytest.raises(BadInput, match=rf"texel \({row}, {column}\) shows nothing"):
        pictures.draw_texels(layout, template.mean_map, [(row, column)], "label")
    with pytest.raises(BadInput, match="covered"):
        pictures.draw_targets(
            torch.rand(1, 3, 8, 8), torch.ones(1, 8, 8), torch.rand(2, 3, 8, 8), torch.ones(1, 8, 8), ""
        )


def test_a_position_map_in_colours_spans_them_and_is_white_off_the_face(
    layout: UVLayout, template: FaceTemplate
) -> None:
    colours, on_face = pictures.position_colours(template.mean_map, layout.mask), layout.mask.numpy()

    assert (colours[~on_face] == 1).all()
    np.testing.assert_allclose(colours[on_face].min(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(colours[on_face].max(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("yaw", pictures.TURNS)
def test_marks_lie_where_the_picture_shows_their_points(layout: UVLayout, template: FaceTemplate, yaw: float) -> None:
    points = layout.texel_points(template.mean_map[None])[0]
    nose = template.landmarks_of(template.mean_map[None])[0, 30]
    colours = torch.ones(len(points), 3)
    colours[(points - nose).norm(dim=1) < 6] = torch.tensor([1.0, 0.0, 0.0])
    picture = shaded_picture(FaceMesh("face", points, layout.grid_triangles, colours), yaw, pictures.SIDE)
    rows, columns = ((picture[0] - picture[1]) > 0.3).nonzero(as_tuple=True)

    u, v = pictures.place_on_picture(points, nose, yaw)
    assert u == pytest.approx(columns.float().mean().item(), abs=8)
    assert v == pytest.approx(rows.float().mean().item(), abs=8)


def test_only_hidden_landmarks_are_disturbed_and_the_far_side_is_hidden(template: FaceTemplate) -> None:
    face = pictures.hidden_landmarks(template, template.mean_map, 70.0, 128.0)
    moved = (pictures.augmented(face, 8.0, 50, 0) - face.image).norm(dim=2)
    hidden = face.seen == 0

    assert 5 < int(hidden.sum()) < 40
    assert face.shape[hidden, 0].mean() > face.shape[~hidden, 0].mean()  # the subject's left
    assert (moved[:, ~hidden] == 0).all()
    assert moved[:, hidden].square().mean() == pytest.approx(3 * 8.0**2, rel=0.1)
    assert (pictures.augmented(face, 0.0, 1, 0)[0] == face.image).all()


def test_alignment_errors_vanish_without_errors_and_visibility_mends_them(template: FaceTemplate) -> None:
    face = pictures.hidden_landmarks(template, template.mean_map, 70.0, 128.0)

    exact = pictures.alignment_errors(face, face.image[None], face.seen)
    assert exact.abs().max() < 0.05
    larger = face.image[None] * torch.tensor([1.1, 1.1, 1.1])
    assert pictures.alignment_errors(face, larger, torch.ones(68))[1].item() == pytest.approx(10, abs=0.01)
    pixels = pictures.augmented(face, 8.0, 100, 0)
    alike, weighted = (pictures.alignment_errors(face, pixels, v)[0].mean() for v in (torch.ones(68), face.seen))
    assert weighted < 0.4 * alike
