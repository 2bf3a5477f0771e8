from __future__ import annotations

import pytest
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import expression_coefficients
from facelib.faces.surfaces import Surface, join
from facelib.faces.teeth import DARKEST, WHITE, teeth
from facelib.geometry.rasterizer import rasterize

SIZE = 192


def shown_teeth(model: MorphableModel, expression: str) -> float:
    """Pixels of a frontal view of the mean face that show them."""
    heads = model.vertices(torch.zeros(1, len(model.identity_basis)), expression_coefficients(model, [expression]))
    worn = teeth(model, heads, torch.Generator().manual_seed(0))
    both = join(Surface(heads, torch.zeros_like(heads), model.triangles), worn)
    screen = both.vertices @ torch.tensor(FACE_TO_CAMERA).T * torch.tensor([0.8, 0.8, 1.0])
    screen = screen + torch.tensor([SIZE / 2, SIZE / 2, 1000.0])
    shown = rasterize(screen, both.triangles, SIZE, SIZE, perspective=False, cull_back_faces=True).triangle
    return float((shown >= len(model.triangles)).sum())


@pytest.mark.parametrize("expression", ["neutral", "anger", "lip_roll", "cheek_blowing"])
def test_a_closed_mouth_hides_them(face_model: MorphableModel, expression: str) -> None:
    assert shown_teeth(face_model, expression) <= 2  # pixels between the lips


@pytest.mark.parametrize("expression", ["grin", "mouth_stretch"])
def test_an_open_mouth_shows_them(face_model: MorphableModel, expression: str) -> None:
    assert shown_teeth(face_model, expression) > 60


def test_they_follow_the_lips_and_are_white(face_model: MorphableModel) -> None:
    heads = face_model.mean.expand(5, -1, -1)
    here, there = (
        teeth(face_model, heads + shift, torch.Generator().manual_seed(1)) for shift in (0, torch.tensor([1.0, 2, 3]))
    )
    torch.testing.assert_close(there.vertices - here.vertices, torch.tensor([1.0, 2, 3]).expand_as(here.vertices))
    factor = here.albedo / torch.tensor(WHITE)
    assert ((factor >= DARKEST - 1e-6) & (factor <= 1 + 1e-6)).all()
    corners = face_model.mean[face_model.landmarks[[60, 64]]]
    assert here.vertices[..., 0].min() > corners[0, 0]
    assert here.vertices[..., 0].max() < corners[1, 0]
