from __future__ import annotations

import math

import pytest
import torch
from made_pipe import HEIGHT, LEVELS, RADIUS, pipe

from facelib.errors import BadInput
from facelib.geometry.cylindrical_uv import cylindrical_layout


def test_rows_follow_y_and_columns_the_angle():
    """Eqs. 7 and 8: the texel in row i and column j shows y and atan2(x, z) of its centre."""
    vertices, triangles = pipe()
    size = 64
    layout = cylindrical_layout(vertices, triangles, size, half_angle=math.radians(100))
    x, y, z = layout.position_map(vertices[None])[0]
    centre = torch.arange(size) + 0.5
    assert layout.mask.all()
    torch.testing.assert_close(y, (HEIGHT - 2 * HEIGHT * centre / size)[:, None].expand(size, size), atol=1e-3, rtol=0)
    angle = torch.rad2deg(torch.atan2(x, z))
    assert (angle - (200 * centre / size - 100)).abs().max() < 0.05  # a chord of 7.5 degrees is not its arc
    assert (torch.hypot(x, z) - RADIUS).abs().max() < 0.2


def test_vertices_have_their_place_by_hand():
    vertices, triangles = pipe()
    layout = cylindrical_layout(vertices, triangles, 64)
    for x, y, z, column, row in ((0, 0, 80, 32, 32), (80, 100, 0, 64, 0), (-80, -100, 0, 0, 64)):
        nearest = (vertices - torch.tensor([x, y, z])).norm(dim=1).argmin()
        assert layout.place[nearest].tolist() == pytest.approx([column, row], abs=1e-3)


def test_the_outermost_surface_is_shown():
    """A second, narrower pipe inside the first, first or last in the list of triangles."""
    vertices, triangles = pipe()
    inner, _ = pipe(60.0)
    both = torch.cat((vertices, inner))
    for order in ((triangles, triangles + len(vertices)), (triangles + len(vertices), triangles)):
        layout = cylindrical_layout(both, torch.cat(order), 64)
        assert torch.hypot(*layout.position_map(both[None])[0, [0, 2]]).min() > 79
        shown = layout.shown.view(2, -1)
        assert not shown[1].any()
        angle = torch.atan2(vertices[:, 0], vertices[:, 2]).abs()
        assert torch.equal(shown[0], angle <= math.pi / 2 + 1e-6)


def test_triangles_over_the_seam_at_the_back_are_left_out():
    vertices, triangles = pipe()
    layout = cylindrical_layout(vertices, triangles, 96, half_angle=math.pi)
    assert len(layout.triangles) == len(triangles) - 2 * (LEVELS - 1)
    angle = torch.atan2(*layout.position_map(vertices[None])[0, [0, 2]])[layout.mask]
    columns = layout.mask.nonzero()[:, 1] + 0.5
    assert (torch.rad2deg(angle) - (360 * columns / 96 - 180)).abs().max() < 0.05


def test_limits_cut_the_map_and_kept_vertices_its_triangles():
    vertices, triangles = pipe()
    limited = cylindrical_layout(vertices, triangles, 32, bottom=-50.0, top=20.0)
    y = limited.position_map(vertices[None])[0, 1]
    assert (float(y.min()), float(y.max())) == pytest.approx((-50 + 35 / 32, 20 - 35 / 32), abs=1e-3)
    half = cylindrical_layout(vertices, triangles, 32, bottom=-100.0, top=100.0, kept=vertices[:, 1] >= 0)
    assert torch.equal(half.mask, torch.arange(32)[:, None].expand(32, 32) < 16)


@pytest.mark.parametrize("size", [16, 64])
def test_a_grid_without_folds_is_whole_at_any_size(size):
    """What counts as a fold grows with the steps between texels."""
    vertices, triangles = pipe()
    assert len(cylindrical_layout(vertices, triangles, size).grid_triangles) == 2 * (size - 1) ** 2


def test_a_step_over_a_fold_is_left_out_of_the_grid():
    """The inner pipe is seen below, the outer one above; rows are 3.1 mm high, the step between them 50 mm long."""
    vertices, triangles = pipe()
    inner, _ = pipe(RADIUS - 50)
    kept = torch.cat((vertices[:, 1] >= 0, vertices[:, 1] > -math.inf))
    both, size = torch.cat((vertices, inner)), 64
    layout = cylindrical_layout(both, torch.cat((triangles, triangles + len(vertices))), size, kept=kept)
    assert layout.mask.all()
    assert len(layout.grid_triangles) == 2 * (size - 1) * (size - 2)  # one row of squares less


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vertices": torch.zeros(1, 4, 3)}, "vertices has shape"),
        ({"vertices": pipe()[0] * math.nan}, "non-finite"),
        ({"vertices": pipe()[0] * torch.tensor([1.0, 0, 1])}, "expected a height above zero"),
        ({"vertices": pipe()[0] * torch.tensor([0.0, 1, 0])}, "no extent"),
        ({"vertices": pipe()[0] * torch.tensor([1.0, 1, 0]) - torch.tensor([0, 0, 1.0])}, "check the axes"),
        ({"triangles": torch.tensor([[0, 1, 5000]])}, "0 to 1007"),
        ({"size": 1}, "at least 2 texels"),
        ({"half_angle": 0.0}, "half_angle is 0"),
        ({"half_angle": 4.0}, "half_angle is 4"),
        ({"half_angle": math.nan}, "half_angle is nan"),
        ({"bottom": 10.0, "top": 10.0}, "expected a height above zero"),
        ({"bottom": 500.0, "top": 600.0}, "lies outside its limits"),
        ({"kept": torch.zeros(1008, dtype=torch.bool)}, "no vertex"),
        ({"kept": torch.arange(1008) % 7 == 0}, "all its corners kept"),
        ({"kept": torch.ones(1008)}, r"torch\.bool"),
        ({"kept": torch.ones(7, dtype=torch.bool)}, "kept has shape"),
    ],
)
def test_bad_mean_faces_and_limits_are_refused(change, message):
    vertices, triangles = pipe()
    with pytest.raises(BadInput, match=message):
        cylindrical_layout(**({"vertices": vertices, "triangles": triangles, "size": 16} | change))
