from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.geometry.cropping import crop_around, within_radius

VERTICES = torch.tensor([[100.0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 5], [0, 0, -1]])
TRIANGLES = torch.tensor([[0, 1, 2], [1, 2, 3], [3, 2, 4], [4, 5, 0]], dtype=torch.int32)
ORIGIN = torch.zeros(3)


def test_a_crop_by_hand():
    """Triangles keep only if whole; a vertex without a triangle stays; the border belongs to the inside."""
    crop = crop_around(VERTICES, TRIANGLES, ORIGIN, 1.0)
    assert crop.kept.tolist() == [1, 2, 3, 5]
    assert torch.equal(crop.vertices, VERTICES[crop.kept])
    assert crop.triangles.tolist() == [[0, 1, 2]]
    assert crop.triangles.dtype == torch.int32


def test_the_triangles_of_a_crop_are_those_of_the_mesh():
    generator = torch.Generator().manual_seed(0)
    vertices = torch.randn(300, 3, generator=generator)
    triangles = torch.randint(300, (900, 3), generator=generator)
    crop = crop_around(vertices, triangles, vertices[0], 1.5)
    inside = (vertices - vertices[0]).norm(dim=-1) <= 1.5
    whole = triangles[inside[triangles].all(1)]
    assert 0 < len(whole) < 900
    assert torch.equal(crop.kept[crop.triangles], whole)
    assert torch.equal(crop.kept, within_radius(vertices, vertices[0], 1.5).nonzero()[:, 0])


def test_a_radius_that_holds_all_changes_nothing():
    crop = crop_around(VERTICES, TRIANGLES, ORIGIN, 1e6)
    assert torch.equal(crop.vertices, VERTICES)
    assert torch.equal(crop.triangles, TRIANGLES)


def test_gradients_reach_the_kept_vertices_only():
    vertices = VERTICES.clone().requires_grad_()
    crop_around(vertices, TRIANGLES, ORIGIN, 1.0).vertices.sum().backward()
    assert vertices.grad[:, 0].tolist() == [0, 1, 1, 1, 0, 1]


@pytest.mark.parametrize(
    ("vertices", "triangles", "centre", "radius", "message"),
    [
        (VERTICES[None], TRIANGLES, ORIGIN, 1.0, "shape"),
        (VERTICES, TRIANGLES[:0], ORIGIN, 1.0, "shape"),
        (VERTICES, TRIANGLES, ORIGIN[:2], 1.0, "centre"),
        (VERTICES * math.nan, TRIANGLES, ORIGIN, 1.0, "non-finite"),
        (VERTICES, TRIANGLES, ORIGIN * math.inf, 1.0, "non-finite"),
        (VERTICES, TRIANGLES + 3, ORIGIN, 1.0, "ids"),
        (VERTICES, TRIANGLES, ORIGIN, 0.0, "radius"),
        (VERTICES, TRIANGLES, ORIGIN, math.nan, "radius"),
        (VERTICES, TRIANGLES, ORIGIN + 50, 1.0, r"no point lies within 1.0 mm of the centre, the nearest is 83.82 mm"),
        (VERTICES, TRIANGLES, VERTICES[0], 1.0, "no triangle"),
    ],
)
def test_empty_crops_and_bad_input_are_refused(vertices, triangles, centre, radius, message):
    with pytest.raises(BadInput, match=message):
        crop_around(vertices, triangles, centre, radius)
