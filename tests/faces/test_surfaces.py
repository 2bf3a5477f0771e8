"""Tubes and sheets against their closed forms, and which way they face."""

from __future__ import annotations

import math

import pytest
import torch

from facelib.faces.surfaces import SIDES, Surface, join, sheet, sheet_triangles, tube
from facelib.geometry.normals import triangle_normals, vertex_normals

GREY = torch.full((1, 3), 0.5)
UP = torch.tensor([0.0, 0.0, 1.0])


def volume(surface: Surface) -> float:
    """Of a closed mesh, positive when its triangles are counter-clockwise from outside (divergence theorem)."""
    a, b, c = surface.vertices[0, surface.triangles].double().unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def circle(radius: float, points: int) -> torch.Tensor:
    turn = torch.arange(points) * (2 * math.pi / points)
    return radius * torch.stack((turn.cos(), turn.sin(), 0 * turn), dim=-1)[None]


@pytest.mark.parametrize("turned_round", [False, True])
def test_a_closed_tube_is_a_torus_seen_from_outside(turned_round: bool) -> None:
    high, thick = 1.5, 1.0
    path = circle(20.0, 400).flip(1) if turned_round else circle(20.0, 400)
    ring = tube(path, UP, torch.tensor([high]), torch.tensor([thick]), GREY, closed=True)
    section = SIDES / 2 * math.sin(2 * math.pi / SIDES) * high * thick  # of the hexagon inscribed in an ellipse

    # Pappus: the section times the way of its centre.
    assert volume(ring) == pytest.approx(section * 2 * math.pi * 20.0, rel=1e-3)


def test_an_open_tube_keeps_its_distance_from_a_bent_path() -> None:
    path = torch.tensor([[[0.0, 0, 0], [10, 0, 0], [20, 0, 5], [25, 0, 20]]])
    across = torch.tensor([0.0, 1.0, 0.0])
    around = tube(path, across, torch.tensor([2.0]), torch.tensor([2.0]), GREY)
    distance = (around.vertices.view(4, SIDES, 3) - path[0][:, None]).norm(dim=-1)

    torch.testing.assert_close(distance, torch.full((4, SIDES), 2.0))
    outwards = around.vertices.view(4, SIDES, 3) - path[0][:, None]
    normals = vertex_normals(around.vertices, around.triangles).view(4, SIDES, 3)
    assert ((outwards * normals).sum(-1) > 1).all()


def test_a_sheet_is_seen_from_both_sides() -> None:
    x, y = torch.arange(3.0), torch.tensor([1.0, 0.0])  # columns to the right, rows down
    grid = torch.stack((x.expand(2, -1), y[:, None].expand(-1, 3), torch.zeros(2, 3)), dim=-1)[None]
    both = sheet(grid, GREY)
    normals = triangle_normals(both.vertices, both.triangles)[0]

    assert normals[:, 2].tolist() == [1.0] * 4 + [-1.0] * 4
    assert vertex_normals(both.vertices, both.triangles)[0, :, 2].tolist() == [1.0] * 6 + [-1.0] * 6


def test_the_squares_of_a_grid_by_hand() -> None:
    assert sheet_triangles(2, 2).tolist() == [[0, 2, 1], [1, 2, 3]]
    assert len(sheet_triangles(3, 4, columns_closed=True)) == 2 * 2 * 4
    assert len(sheet_triangles(3, 4, rows_closed=True, columns_closed=True)) == 2 * 3 * 4


def test_joined_surfaces_keep_their_shapes_and_colours() -> None:
    first = sheet(torch.rand(2, 3, 3, 3), torch.zeros(2, 3))
    second = sheet(torch.rand(2, 4, 2, 3), torch.ones(2, 3))
    both = join(first, second)
    corners = both.vertices[:, both.triangles]

    expected = torch.cat([part.vertices[:, part.triangles] for part in (first, second)], dim=1)
    assert torch.equal(corners, expected)
    assert both.albedo[:, both.triangles[: len(first.triangles)]].max() == 0
    assert both.albedo[:, both.triangles[len(first.triangles) :]].min() == 1
