from __future__ import annotations

import math

import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry.normal_components import normal_components
from facelib.geometry.range_images import (
    fill_small_holes,
    range_image_of_depth,
    range_image_of_mesh,
    range_image_of_points,
)

SPHERE = trimesh.creation.icosphere(subdivisions=5, radius=80.0)
VERTICES = torch.tensor(SPHERE.vertices)[None]
TRIANGLES = torch.tensor(SPHERE.faces)
ORIGIN = torch.zeros(1, 3)


def square(slope_x: float, slope_y: float, side: float = 50.0) -> torch.Tensor:
    """(1, 4, 3): the corners of a part of the plane z = slope_x x + slope_y y, counter-clockwise from outside."""
    x = torch.tensor([-side, side, side, -side], dtype=torch.float64)
    y = torch.tensor([-side, -side, side, side], dtype=torch.float64)
    return torch.stack((x, y, slope_x * x + slope_y * y), dim=-1)[None]


TWO_TRIANGLES = torch.tensor([[0, 1, 2], [0, 2, 3]])


# ---- of meshes ----


def test_cells_lie_where_the_grid_puts_them():
    """Two rows of three cells of 2 mm about (10, 20): x to the right, y up."""
    image = range_image_of_mesh(square(0.5, -1), TWO_TRIANGLES, torch.tensor([[10.0, 20, 5]]), 2, 3, 2.0)
    x, y, z = image[0]
    assert image.shape == (1, 3, 2, 3)
    assert image.dtype == torch.float64
    assert x.tolist() == [[8, 10, 12], [8, 10, 12]]
    assert y.tolist() == [[21, 21, 21], [19, 19, 19]]
    torch.testing.assert_close(z, 0.5 * x - y, rtol=0, atol=1e-4)


def test_a_sphere_is_seen_from_the_front():
    """The near half, its edge, and nothing beyond it."""
    image = range_image_of_mesh(VERTICES, TRIANGLES, ORIGIN, 100, 100, 2.0)
    x, y, z = image[0]
    seen = z.isfinite()
    beyond = torch.linspace(-99, 99, 100).square() + torch.linspace(-99, 99, 100)[:, None].square() > 80**2
    assert not seen[beyond].any()
    assert seen[~beyond].float().mean() > 0.98
    inner = x.square() + y.square() < 70**2
    torch.testing.assert_close(z[inner], (80**2 - x.square() - y.square()).sqrt()[inner], rtol=0, atol=0.15)


def test_each_surface_has_its_own_centre():
    vertices = torch.cat((square(0.2, 0), square(-0.4, 0.1)))
    centre = torch.tensor([[0.0, 0, 0], [7, -3, 100]])
    together = range_image_of_mesh(vertices, TWO_TRIANGLES, centre, 5, 6, 1.0)
    for i in range(2):
        alone = range_image_of_mesh(vertices[i : i + 1], TWO_TRIANGLES, centre[i : i + 1], 5, 6, 1.0)
        assert torch.equal(together[i], alone[0])


@settings(max_examples=20)
@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_plane_gives_its_own_normal_everywhere(slope_x, slope_y):
    """From the mesh over the range image to the normal component images."""
    image = range_image_of_mesh(square(slope_x, slope_y), TWO_TRIANGLES, ORIGIN, 12, 10, 1.5)
    normals, mask = normal_components(image)
    expected = torch.tensor([-slope_x, -slope_y, 1], dtype=torch.float64)
    assert mask.all()
    expected = (expected / expected.norm())[None, :, None, None].expand_as(normals)
    torch.testing.assert_close(normals, expected, rtol=0, atol=1e-4)


# ---- of depth ----


def test_depth_on_a_grid_lies_where_a_mesh_would():
    depth = torch.tensor([[[1.0, 2, math.nan], [4, 5, 6]]])
    x, y, z = range_image_of_depth(depth, 2.0)[0]
    torch.testing.assert_close(x, torch.tensor([[-2.0, 0, math.nan], [-2, 0, 2]]), equal_nan=True)
    torch.testing.assert_close(y, torch.tensor([[1.0, 1, math.nan], [-1, -1, -1]]), equal_nan=True)
    torch.testing.assert_close(z, depth[0], equal_nan=True)
    seen = range_image_of_mesh(square(0.5, -1), TWO_TRIANGLES, ORIGIN, 4, 5, 3.0)
    torch.testing.assert_close(range_image_of_depth(seen[:, 2], 3.0), seen)


# ---- of points ----


def test_a_cell_takes_the_mean_of_its_foremost_layer():
    points = torch.tensor([[[0.2, 0.2, 10.0], [0.6, 0.4, 8], [0.4, 0.9, 4], [0.5, 0.5, -60], [-0.5, -0.5, 1]]])
    points = torch.cat((points, torch.full((1, 1, 3), math.nan), torch.tensor([[[500.0, 0, 0]]])), dim=1)
    image = range_image_of_points(points, ORIGIN, 2, 2, 1.0, layer=5.0)
    torch.testing.assert_close(image[0, :, 0, 1], torch.tensor([0.4, 0.3, 9.0]))
    torch.testing.assert_close(image[0, :, 1, 0], torch.tensor([-0.5, -0.5, 1.0]))
    assert image[0, :, 0, 0].isnan().all()
    assert image[0, :, 1, 1].isnan().all()


@settings(max_examples=20)
@given(st.floats(-2, 2), st.floats(-2, 2), st.integers(0, 99))
def test_points_of_a_plane_give_its_normal(slope_x, slope_y, seed):
    """Though the points lie anywhere in their cells."""
    xy = 20 * torch.rand(2, 6000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 10
    points = torch.cat((xy, xy @ torch.tensor([[slope_x], [slope_y]], dtype=torch.float64)), dim=-1)
    image = range_image_of_points(points, ORIGIN, 10, 10, 2.0)
    normals, mask = normal_components(image)
    expected = torch.tensor([-slope_x, -slope_y, 1], dtype=torch.float64)
    assert mask.all()
    torch.testing.assert_close(normals[1, :, 5, 5], expected / expected.norm(), rtol=0, atol=1e-9)


def test_mesh_and_points_of_a_sphere_agree():
    points = torch.tensor(trimesh.sample.sample_surface(SPHERE, 100_000, seed=0)[0])[None]
    of_points = range_image_of_points(points, ORIGIN, 30, 30, 3.0)
    of_mesh = range_image_of_mesh(VERTICES, TRIANGLES, ORIGIN, 30, 30, 3.0)
    assert of_points.isfinite().all()
    assert (of_points - of_mesh).norm(dim=1).mean() < 1


# ---- holes ----


def holed(*cells: tuple[slice, slice]) -> torch.Tensor:
    image = range_image_of_mesh(square(0.3, 0.7), TWO_TRIANGLES, torch.tensor([[3.0, 4, 5]]), 16, 18, 2.0)
    for rows, columns in cells:
        image[:, :, rows, columns] = math.nan
    return image


def test_small_holes_inside_are_filled_exactly_on_a_plane():
    """Two of 6 and 1 cells; the corner, the hole at the border and the large one stay."""
    inner, single = (slice(3, 5), slice(4, 7)), (slice(8, 9), slice(2, 3))
    corner, border, large = (slice(0, 1), slice(0, 1)), (slice(5, 8), slice(15, 18)), (slice(10, 14), slice(6, 11))
    given_ = holed(inner, single, corner, border, large)
    filled = fill_small_holes(given_, largest=6)
    expected = holed(corner, border, large)
    torch.testing.assert_close(filled, expected, equal_nan=True, rtol=0, atol=1e-4)
    untouched = given_.isfinite()
    assert torch.equal(filled[untouched], given_[untouched])
    assert given_[:, :, 3, 4].isnan().all()  # the input stays as it was


def test_filling_treats_each_image_by_itself_and_leaves_whole_and_empty_ones():
    images = torch.cat((holed(), holed((slice(3, 5), slice(4, 7))), torch.full((1, 3, 16, 18), math.nan).double()))
    filled = fill_small_holes(images)
    assert torch.equal(filled[0], images[0])
    torch.testing.assert_close(filled[1], images[0], rtol=0, atol=1e-4)
    assert filled[2].isnan().all()


# ---- bad input ----


def of_points(points=VERTICES, centre=ORIGIN, height=8, width=8, cell=1.0, layer=5.0):
    return range_image_of_points(points, centre, height, width, cell, layer)


def of_mesh(points=VERTICES, centre=ORIGIN, height=8, width=8, cell=1.0):
    return range_image_of_mesh(points, TRIANGLES, centre, height, width, cell)


@pytest.mark.parametrize("function", [of_points, of_mesh])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": VERTICES[0]}, "has shape"),
        ({"centre": torch.zeros(3)}, "centre has shape"),
        ({"centre": torch.zeros(2, 3)}, "2 centres for 1"),
        ({"centre": torch.full((1, 3), math.nan)}, "non-finite"),
        ({"centre": torch.tensor([[500.0, 0, 0]])}, "nothing of (mesh|cloud) 0 falls on the grid"),
        ({"points": VERTICES / 0}, "nothing of (mesh|cloud) 0 falls on the grid"),
        ({"cell": 0.0}, "cell is 0"),
        ({"cell": math.nan}, "cell is nan"),
        ({"height": 0}, "expected at least 1 x 1"),
    ],
)
def test_bad_input_is_refused(function, change, message):
    with pytest.raises(BadInput, match=message):
        function(**change)


def test_more_bad_input_is_refused():
    with pytest.raises(BadInput, match="layer is -1"):
        of_points(layer=-1.0)
    with pytest.raises(BadInput, match="depth has shape"):
        range_image_of_depth(torch.zeros(4, 4), 1.0)
    with pytest.raises(BadInput, match="cell is 0"):
        range_image_of_depth(torch.zeros(1, 4, 4), 0.0)
    with pytest.raises(BadInput, match="positions has shape"):
        fill_small_holes(torch.zeros(3, 4, 4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu():
    mesh = range_image_of_mesh(VERTICES.cuda(), TRIANGLES.cuda(), ORIGIN.cuda(), 8, 8, 1.0)
    torch.testing.assert_close(mesh.cpu(), of_mesh())
    torch.testing.assert_close(of_points(VERTICES.cuda(), ORIGIN.cuda(), cell=9.0).cpu(), of_points(cell=9.0))
