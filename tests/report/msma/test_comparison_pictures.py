"""Figures 4 to 7: every panel has its error, and numbers are those of the faces that are shown."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_predictions import pictures_in, texts_of
from made_readings import mean_faces, moved, two_photographs

from facelib.geometry.alignment import similarity_transform
from facelib.metrics.landmark_error import nme
from facelib.report.msma import comparison_pictures as pictures
from facelib.report.msma.turnable import draw_faces, face_data, interactive_faces

pytestmark = pytest.mark.usefixtures("face_model")


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


def test_distances_from_the_true_shape() -> None:
    shown = two_photographs()
    data = pictures.shape_data(shown, {"mean": mean_faces(), "right": shown.true})
    assert data["method"].tolist() == ["mean", "mean", "right", "right"]
    assert data["row"].tolist() == [0, 1, 0, 1]
    face, true = mean_faces()[0].shape[None], shown.true[0].shape[None]
    off = np.linalg.norm(similarity_transform(face, true).apply(face) - true, axis=2).mean()
    assert data["mm"].tolist() == pytest.approx([off, data["mm"][1], 0, 0], abs=1e-3)
    assert data["mm"][1] > 0.5

    figure = pictures.draw_shapes(shown, {"mean": mean_faces()})
    assert pictures_in(figure) == 2 * (1 + 2 * 2)
    assert {"plain", "covered eyes", "mean", "true face", f"{off:.1f} mm"} <= set(texts_of(figure))


def test_landmarks_are_compared_in_the_photograph() -> None:
    shown = two_photographs()
    read = {"right": shown.true, "aside": moved(shown.true, 3.0)}
    data = pictures.comparison_data(shown, read)
    true = np.stack([face.landmarks.numpy() for face in shown.true])
    expected = nme(true + np.array([3.0, 0.0]), true, normaliser="box", points="all")
    assert data["nme"].tolist() == pytest.approx([0, 0, *expected], abs=1e-6)
    assert data["mm"].tolist() == pytest.approx([0, 0, 0, 0], abs=1e-3)

    figure = pictures.draw_comparison(shown, read)
    assert pictures_in(figure) == 2 * 4
    assert {f"{100 * error:.1f} %" for error in expected} <= set(texts_of(figure))


def test_textures_are_compared_with_the_true_albedo() -> None:
    shown, read = two_photographs(), {"mean": mean_faces()}
    albedo = pictures.albedo_of(mean_faces())
    albedo[1] += 0.1
    data = pictures.texture_data(shown, read, albedo)
    assert data["albedo"].tolist() == pytest.approx([0, 0.1 * 3**0.5], abs=1e-5)
    figure = pictures.draw_textures(shown, read, albedo)
    assert pictures_in(figure) == 2 * (1 + 2 + 1)
    assert pictures_in(pictures.draw_relit(shown, mean_faces())) == 2 * (2 + len(pictures.RELIT) + len(pictures.TURNS))


def test_a_face_to_turn_has_three_buttons_a_method() -> None:
    image, face = two_photographs().faces.images[0], mean_faces()[0].fitted
    assert face is not None
    faces = {"a": face, "b": face}
    data = face_data(faces)
    assert data["method"].tolist() == ["a", "b"]
    assert data[["yaw", "spread_identity"]].to_numpy().tolist() == [[0, 0]] * 2
    assert pictures_in(draw_faces(image, faces)) == 2 * 7
    picture = interactive_faces(image, faces, "made")
    names = [[button.label for button in menu.buttons] for menu in picture.figure.layout.updatemenus]
    assert names == [[f"{name}: {part}" for part in ("photograph's colours", "albedo", "shape")] for name in "ba"]
    assert len(picture.figure.to_json()) < 6_000_000
