"""Still pictures are the same every time and obey the frames; a turnable face carries both of its forms."""

from __future__ import annotations

import base64
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.report.views import draw_frames, draw_landmarks, draw_strip, face_mesh, photograph, turnable_faces

NOSE_TIP, CHIN, RIGHT_CORNER, LEFT_CORNER = 30, 8, 36, 45


def mean_face(model: MorphableModel) -> tuple[torch.Tensor, torch.Tensor]:
    return model.mean[None], model.texture_mean[None]


def test_draw_strip_smoke() -> None:
    figure = draw_strip(torch.rand(5, 3, 8, 8), list("abcde"), "embedded faces", columns=3)

    assert len(figure.axes) == 6
    assert [axis.get_title() for axis in figure.axes] == [*"abcde", ""]
    assert "embedded faces" in [text.get_text() for text in figure.texts]
    plt.close(figure)


def test_draw_frames_and_landmarks_smoke(face_model: MorphableModel) -> None:
    vertices, albedo = mean_face(face_model)
    shot = photograph(face_model, vertices, albedo, size=48)

    for figure in (draw_frames(face_model, vertices, albedo, "label"), draw_landmarks(shot, "label")):
        assert any("label" in text.get_text() for text in figure.texts)
        plt.close(figure)


def test_frames_show_which_axes_enter_the_page(face_model: MorphableModel) -> None:
    figure = draw_frames(face_model, *mean_face(face_model), "label")

    notes = [{text.get_text() for text in panel.texts} for panel in figure.axes]
    plt.close(figure)

    assert "z out of the page" in notes[0]  # a frontal face looks at us
    assert "x into the page" in notes[1]  # its nose turned to our right, its left side is away from us
    assert "z into the page" in notes[2]  # a camera looks away from us


@pytest.mark.parametrize("titles", [["one"], ["one", "two", "three"]])
def test_wrong_number_of_titles(titles: list[str]) -> None:
    with pytest.raises(BadInput, match=f"{len(titles)} titles for 2 pictures"):
        draw_strip(torch.rand(2, 3, 8, 8), titles, "label")


def test_bad_vertices(face_model: MorphableModel) -> None:
    vertices, albedo = mean_face(face_model)
    broken = vertices.clone()
    broken[0, 5, 1] = float("nan")

    with pytest.raises(BadInput, match="vertices"):
        photograph(face_model, broken, albedo)
    with pytest.raises(BadInput, match="vertices"):
        face_mesh(face_model, broken[0], albedo[0])
    with pytest.raises(BadInput, match="vertices"):
        photograph(face_model, vertices[:, :-1], albedo)
    with pytest.raises(BadInput, match="pose"):
        photograph(face_model, vertices, albedo, torch.tensor([[0.0, float("nan"), 0.0]]))


def test_photograph_is_white_around_a_face_and_always_the_same(face_model: MorphableModel) -> None:
    vertices, albedo = mean_face(face_model)
    first, second = (photograph(face_model, vertices, albedo, size=40) for _ in range(2))

    assert first.image.shape == (1, 3, 40, 40)
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.image[0, :, 20, 0], torch.ones(3))  # beside the head
    assert float(first.image[0, :, 20, 20].max()) < 0.98  # skin


def test_landmarks_are_in_the_pixels_of_the_small_picture(face_model: MorphableModel) -> None:
    shot = photograph(face_model, *mean_face(face_model), size=40, crop=2.0)
    low, high = shot.landmarks[0].amin(dim=0), shot.landmarks[0].amax(dim=0)

    assert float((high - low).max()) == pytest.approx(20.0, abs=0.01)  # the crop is twice their box
    assert ((low + high) / 2).tolist() == pytest.approx([20.0, 20.0], abs=0.01)


@pytest.mark.parametrize(("axis", "row"), [("yaw", 0), ("pitch", 1), ("roll", 2)])
def test_signs_of_the_angles(face_model: MorphableModel, axis: str, row: int) -> None:
    vertices, albedo = mean_face(face_model)
    pose = torch.zeros(1, 3)
    pose[0, row] = 25.0
    u, v = photograph(face_model, vertices, albedo, pose, size=40).landmarks[0].T.numpy()
    between = (u[RIGHT_CORNER] + u[LEFT_CORNER]) / 2, (v[RIGHT_CORNER] + v[LEFT_CORNER]) / 2
    frontal = photograph(face_model, vertices, albedo, size=40).landmarks[0, :, 1]
    nose_above_chin = float(v[CHIN] - v[NOSE_TIP]), float(frontal[CHIN] - frontal[NOSE_TIP])

    if axis == "yaw":  # the nose goes to the right of the image
        assert u[NOSE_TIP] - between[0] > 2
    elif axis == "pitch":  # looking up, the nose rises towards the eyes
        assert (v[NOSE_TIP] - between[1]) / nose_above_chin[0] < 0.7 * float(
            frontal[NOSE_TIP] - frontal[[RIGHT_CORNER, LEFT_CORNER]].mean()
        ) / nose_above_chin[1]
    else:  # counter-clockwise in the image: the eye on the left of the image goes down
        assert v[RIGHT_CORNER] - v[LEFT_CORNER] > 2


def test_face_mesh_keeps_shape_and_colour(face_model: MorphableModel) -> None:
    vertices, albedo = face_model.mean, face_model.texture_mean
    mesh = face_mesh(face_model, vertices, albedo)

    np.testing.assert_allclose(np.stack((mesh.x, mesh.y, mesh.z), axis=1), vertices.numpy(), atol=0.051)
    np.testing.assert_array_equal(np.stack((mesh.i, mesh.j, mesh.k), axis=1), face_model.triangles.numpy())
    number = 100
    encoded = [int(mesh.vertexcolor[number][place : place + 2], 16) / 255 for place in (1, 3, 5)]
    np.testing.assert_allclose(encoded, albedo[number].numpy() ** (1 / 2.2), atol=0.003)


def test_turnable_faces_bring_a_mesh_and_a_picture(face_model: MorphableModel) -> None:
    vertices, albedo = (part.expand(2, -1, -1) for part in mean_face(face_model))
    faces = turnable_faces(face_model, vertices, albedo, ["one", "two"], "embedded faces")
    bundle = faces._repr_mimebundle_()

    plotly = bundle["application/vnd.plotly.v1+json"]
    assert [trace["type"] for trace in plotly["data"]] == ["mesh3d", "mesh3d"]
    assert len(json.dumps(plotly)) < 1_000_000
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert plt.get_fignums() == []

    with pytest.raises(BadInput, match="1 titles for 2"):
        turnable_faces(face_model, vertices, albedo, ["one"], "label")
