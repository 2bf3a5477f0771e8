"""Drawings of paper 5's method notebook: faces by coefficients, light, and how far large kernels see."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import matplotlib.pyplot as plt
import pytest
import torch

from facelib.errors import BadInput, UnknownName
from facelib.geometry.lighting import coefficients_from_gamma, shade
from facelib.models.msma import BRANCHES
from facelib.papers.msma.networks import mean_coefficients
from facelib.report.msma import method_pictures as pictures


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_a_changed_face_differs_from_the_mean_face_in_one_number() -> None:
    face = pictures.changed("expression", 3, 2.5)

    assert face.expression[0, 3] == 2.5
    assert sum(int((values != 0).sum()) for values in face) == 1
    assert all((values == 0).all() for values in mean_coefficients())
    with pytest.raises(UnknownName, match="albedo"):
        pictures.changed("colour", 0, 1.0)


def test_stacked_faces_keep_their_order() -> None:
    faces = pictures.stacked([pictures.changed("identity", 0, value) for value in (1.0, -2.0)])

    assert faces.identity[:, 0].tolist() == [1, -2]
    assert faces.light.shape == (2, 27)


def test_light_from_a_side_is_brightest_there() -> None:
    """Even light of 0.8 pi Y_00 and a part that falls with the cosine: 0.8 / 2 sqrt(pi) + 0.489 n . d."""
    direction, colour = torch.tensor([0.3, -0.5, 0.2]), torch.tensor([1.0, 0.5, 0.0])
    normals = torch.nn.functional.normalize(torch.randn(1, 50, 3, generator=torch.Generator().manual_seed(0)), dim=2)
    light = coefficients_from_gamma(pictures.lit_from(*direction.tolist(), colour.tolist()))

    shaded = shade(torch.ones(1, 50, 3), normals, light)[0]
    even, slope = 0.4 * torch.pi**0.5, (3 / (4 * torch.pi)) ** 0.5
    expected = even + slope * (normals[0] @ direction)[:, None] * colour
    torch.testing.assert_close(shaded, expected)


def test_portraits_stand_on_white_and_are_lit_by_the_light_given() -> None:
    faces = pictures.stacked([mean_coefficients(), pictures.changed("identity", 1, 2.0)])
    plain, lit = pictures.portraits(faces), pictures.portraits(faces, pictures.lit_from(1.0, 0.0, 0.0))

    assert plain.shape == lit.shape == (2, 3, pictures.SIDE, pictures.SIDE)
    assert (plain[:, :, 0, 0] == 1).all()
    assert 0 <= lit.min() <= lit.max() <= 1
    left, right = lit[0, :, :, 50:75].mean(), lit[0, :, :, 85:110].mean()
    assert right > left + 0.05
    assert (plain[0] - plain[1]).abs().max() > 0.1


@pytest.mark.parametrize(("branch", "size"), zip(BRANCHES, (11, 23, 39), strict=True))
def test_branches_reach_as_far_as_their_kernels_say(branch: tuple[int, int, int], size: int) -> None:
    kernel, further, _ = branch
    ways = pictures.paths(*branch)

    assert ways.shape == (size, size) == (pictures.reach(*branch),) * 2
    assert ways.sum() == kernel**2 * further**2
    assert (ways[0] > 0).any()


def test_paths_are_counted_one_by_one() -> None:
    counted = torch.zeros(11, 11)
    for near, far in product(product(range(-1, 2), repeat=2), product(range(-4, 5, 2), repeat=2)):
        counted[5 + near[0] + far[0], 5 + near[1] + far[1]] += 1

    torch.testing.assert_close(pictures.paths(3, 5, 2), counted)
    with pytest.raises(BadInput, match="expected odd ones"):
        pictures.paths(4, 5, 2)


def test_the_drawings_have_a_panel_for_each_part() -> None:
    assert len(pictures.draw_harmonics("made").axes) == 9 + 1  # and the bar of colours
    assert len(pictures.draw_reach("made").axes) == len(BRANCHES)
