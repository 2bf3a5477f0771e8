"""A direct fit as pictures: how far shapes are off, and the terms over the steps."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.networks import face_renderer, mean_coefficients
from facelib.report.msma import fitting_steps as pictures

SIZE = 48


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def person() -> FaceCoefficients:
    return mean_coefficients()._replace(identity=torch.randn(1, 80, generator=torch.Generator().manual_seed(0)))


def test_shape_errors_after_the_best_similarity(person: FaceCoefficients) -> None:
    renderer = face_renderer(SIZE)
    found, true = (renderer.shape_of(face)[0].double().numpy() for face in (mean_coefficients(), person))
    found, true = found - found.mean(axis=0), true - true.mean(axis=0)
    u, s, vt = np.linalg.svd(found.T @ true)  # of a proper turn here
    laid = s.sum() / (found**2).sum() * found @ u @ vt

    errors = pictures.shape_errors(renderer, mean_coefficients(), person)
    np.testing.assert_allclose(errors[0], np.linalg.norm(laid - true, axis=1), atol=1e-3)
    assert pictures.shape_errors(renderer, person, person).max() < 1e-3


def test_a_stage_shows_how_far_it_is_off(person: FaceCoefficients) -> None:
    renderer = face_renderer(SIZE)
    stages = {"start": mean_coefficients(), "end": person}
    figure = pictures.draw_fit(renderer, torch.rand(3, SIZE, SIZE), stages, person, "made")

    titles = [panel.get_title() for panel in figure.axes]
    off = pictures.shape_errors(renderer, mean_coefficients(), person).mean()
    assert titles[:3] == ["photograph", "start", "end"]
    assert titles[3:6] == ["true shape", f"off by {off:.2f} mm", "off by 0.00 mm"]


def test_terms_keep_their_colours_from_part_to_part() -> None:
    first = [{"landmarks": torch.tensor(value)} for value in (2.0, 1.0)]
    second = [{"photometric": torch.tensor(3.0), "landmarks": torch.tensor(0.5)}] * 3
    left, right = pictures.draw_descent({"placing": first, "all": second}, "made").axes

    lines = {line.get_label(): line for line in right.lines}
    assert left.lines[0].get_ydata().tolist() == [2, 1]
    assert left.lines[0].get_color() == lines["landmarks"].get_color() != lines["photometric"].get_color()
