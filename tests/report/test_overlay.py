"""Faces lie over photographs where their points are, with the colours that they are given."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import pytest
import torch

from facelib.errors import BadInput
from facelib.report.overlay import (
    clay,
    error_colours,
    face_pixels,
    name_block,
    note_below,
    overlay_face,
    photograph_grid,
    picture_grid,
    show,
    show_landmarks,
    wrapped,
)

# A square of two triangles that faces the viewer: columns 2 to 6, rows 1 to 4 of an image of 8 x 8 pixels.
SQUARE = torch.tensor([[2.0, 1, 0], [6, 1, 0], [2, 4, 0], [6, 4, 0]])
FACING = torch.tensor([[0, 2, 1], [1, 2, 3]])
GREEN = torch.tensor([0.0, 1.0, 0.0]).expand(4, 3)


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


def test_a_face_covers_its_pixels_by_its_opacity() -> None:
    shown = overlay_face(torch.full((3, 8, 8), 0.5), SQUARE, FACING, GREEN, side=16, opacity=0.75)
    inside = torch.zeros(16, 16, dtype=torch.bool)
    inside[2:8, 4:12] = True

    torch.testing.assert_close(shown[:, inside].T, torch.tensor([0.125, 0.875, 0.125]).expand(48, 3))
    torch.testing.assert_close(shown[:, ~inside], torch.full((3, 16 * 16 - 48), 0.5))


def test_a_face_turned_away_covers_nothing() -> None:
    image = torch.full((3, 8, 8), 0.5)

    torch.testing.assert_close(overlay_face(image, SQUARE, FACING.flip(1), GREEN, side=8), image)
    assert not face_pixels(SQUARE[None], FACING.flip(1), 8).any()


def test_face_pixels() -> None:
    covered = face_pixels(torch.stack((SQUARE, SQUARE + 1)), FACING, 8)

    assert covered.sum(dim=(1, 2)).tolist() == [12, 12]
    assert covered[0, 1:4, 2:6].all()
    assert covered[1, 2:5, 3:7].all()


@pytest.mark.parametrize(
    ("image", "points", "colours", "text"),
    [
        (torch.rand(3, 8, 9), SQUARE, GREEN, "image is 8 x 9: expected a square"),
        (torch.rand(8, 8), SQUARE, GREEN, "image"),
        (torch.rand(3, 8, 8), SQUARE[:, :2], GREEN, "points"),
        (torch.rand(3, 8, 8), SQUARE, GREEN[:3], "colours"),
    ],
)
def test_wrong_shapes_are_named(image: torch.Tensor, points: torch.Tensor, colours: torch.Tensor, text: str) -> None:
    with pytest.raises(BadInput, match=text):
        overlay_face(image, points, FACING, colours)


def test_clay_is_brightest_towards_the_viewer() -> None:
    sloping = SQUARE + SQUARE[:, :1] * torch.tensor([0.0, 0.0, 1.0])  # turned by 45 degrees
    ahead, aside, away = clay(SQUARE, FACING), clay(sloping, FACING), clay(SQUARE, FACING.flip(1))

    torch.testing.assert_close(aside / ahead, torch.full((4, 3), 0.25 + 0.75 * 0.5**0.5))
    torch.testing.assert_close(away / ahead, torch.full((4, 3), 0.25))


def test_errors_grow_darker_until_the_limit() -> None:
    brightness = error_colours(torch.tensor([0.0, 0.5, 1.0, 2.0, 9.0]), 2.0).sum(dim=1)

    assert (brightness.diff()[:3] < -0.1).all()
    assert brightness[3] == brightness[4]


def test_landmarks_stand_at_their_pixels_and_not_outside() -> None:
    panel = plt.subplots()[1]
    found = torch.tensor([[4.0, 2.0], [9.0, 2.0]])
    show_landmarks(panel, found, found + 1, size=8, side=32)
    true, own = panel.lines

    assert own.get_xdata()[0] == 4 * 4 - 0.5  # the middle of the first pixel is at 0
    assert own.get_ydata()[0] == 2 * 4 - 0.5
    assert true.get_xdata()[0] == 5 * 4 - 0.5
    assert own.get_xdata()[1] != own.get_xdata()[1]  # NaN: beyond the right border


def test_a_corner_holds_a_number_and_a_picture_no_ticks() -> None:
    panel = plt.subplots()[1]
    show(panel, torch.rand(3, 4, 4) + 0.5, "3.14")

    assert panel.images[0].get_array().max() == 1
    assert [text.get_text() for text in panel.texts] == ["3.14"]
    assert len(panel.get_xticks()) == len(panel.get_yticks()) == 0


@pytest.mark.parametrize("height", [1.04, 1.15])
def test_panels_of_a_grid_are_squares_of_an_inch_with_room_below(height: float) -> None:
    figure, panels = picture_grid(3, 2, height)
    extents = [panel.get_window_extent() for panel in panels[:, 0]]

    for extent in extents:
        assert extent.width / figure.dpi == pytest.approx(1)
        assert extent.height / figure.dpi == pytest.approx(1)
    gaps = [above.y0 - below.y1 for above, below in pairwise(extents)]
    assert [gap / figure.dpi for gap in (*gaps, extents[-1].y0)] == pytest.approx([height - 1] * 3)


def test_names_and_notes_are_inside_the_saved_picture() -> None:
    figure, panels = picture_grid(1, 2)
    name_block(panels[0, 0], "both", 2, rise=20)
    note_below(figure, "what it means")
    saved = figure.get_tightbbox()

    texts = (panels[0, 0].texts[0], figure.texts[0])
    for text in texts:
        extent = text.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        assert saved.y0 <= extent.y0
        assert extent.y1 <= saved.y1
    middle = texts[0].get_window_extent()
    assert (middle.x0 + middle.x1) / 2 == pytest.approx(panels[0, 0].get_window_extent().x1, abs=1)


def test_long_names_take_several_lines_and_brackets_begin_one() -> None:
    assert wrapped("short (one)") == "short (one)"
    assert wrapped("Base method (somebody)") == "Base method\n(somebody)"
    assert wrapped("one two three four five") == "one two three\nfour five"
    assert wrapped("one two three four five", panels=2) == "one two three four five"


def test_photographs_have_a_row_and_methods_a_block() -> None:
    images = torch.rand(2, 3, 8, 8)
    figure, blocks = photograph_grid(["a", "b"], images, ["x", "y"], ("left", "right"))
    assert {label: panels.shape for label, panels in blocks.items()} == {"x": (2, 2), "y": (2, 2)}
    assert sum(bool(panel.images) for panel in figure.axes) == 2
    with pytest.raises(BadInput, match="1 titles for 2 photographs"):
        photograph_grid(["a"], images, ["x"], ("",))
    plt.close(figure)
