"""Colours of points that a photograph does not show are guessed near those it shows, and grey elsewhere."""

from __future__ import annotations

import torch

from facelib.faces.coloured_mesh import GAP, UNKNOWN, coloured_mesh, known_colours


def strip(points: int) -> torch.Tensor:
    """Triangles of a band whose points are 0 to points - 1 in zigzag, each joined to the two before it."""
    return torch.tensor([(point, point + 1, point + 2) for point in range(points - 2)])


def test_unknown_colours_are_means_of_known_neighbours_and_grey_beyond_two_edges() -> None:
    colours = torch.full((8, 3), torch.nan)
    colours[0], colours[1] = torch.tensor([0.2, 0.4, 0.6]), torch.tensor([0.4, 0.8, 1.0])
    filled = known_colours(colours, strip(8))

    assert GAP == 2
    torch.testing.assert_close(filled[:2], colours[:2])
    # Point 2 sees 0 in one triangle, as an edge of it, and 1 in two; 3 sees 1 in one triangle alone.
    torch.testing.assert_close(filled[2], (colours[0] + 2 * colours[1]) / 3)
    torch.testing.assert_close(filled[3], colours[1])
    torch.testing.assert_close(filled[4], (filled[2] + 2 * filled[3]) / 3)
    torch.testing.assert_close(filled[5], filled[3])
    assert (filled[6:] == UNKNOWN).all()


def test_known_colours_stay_as_they_are_and_without_any_all_is_grey() -> None:
    colours = torch.rand(6, 3, generator=torch.Generator().manual_seed(0))

    assert torch.equal(known_colours(colours, strip(6)), colours)
    assert (known_colours(torch.full((6, 3), torch.nan), strip(6)) == UNKNOWN).all()
    assert (known_colours(torch.full((6, 3), 2.0), strip(6)) == 1).all()


def test_a_mesh_shows_them() -> None:
    colours = torch.full((5, 3), torch.nan)
    colours[0] = 1.0
    vertices = torch.rand(5, 3, generator=torch.Generator().manual_seed(1))
    shown = coloured_mesh(vertices, strip(5), colours).visual.vertex_colors[:, 0].tolist()

    assert shown == [255] * 5
