from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pipe import pipe

from facelib.errors import BadInput
from facelib.geometry.cylindrical_uv import cylindrical_layout
from facelib.geometry.normals import triangle_normals
from facelib.geometry.uv_maps import UVLayout


@pytest.fixture(scope="module")
def mean_face(face_model):
    """(V, 3), the triangles, and which vertices are face: no ears, nothing behind eyes and lips."""
    hidden = sum(face_model.regions[name] for name in ("ears", "cavities", "tongue"))
    return face_model.mean, face_model.triangles, hidden < 0.5


@pytest.fixture(scope="module")
def layout(mean_face, face_model) -> UVLayout:
    vertices, triangles, kept = mean_face
    chin, brows = vertices[face_model.landmarks[8], 1], vertices[face_model.landmarks[[19, 24]], 1].mean()
    return cylindrical_layout(vertices, triangles, 256, bottom=float(chin) - 25, top=float(brows) + 45, kept=kept)


# ---- maps and vertices ----


def test_texel_points_and_maps_are_the_same_numbers(layout, mean_face):
    maps = layout.position_map(torch.stack((mean_face[0], mean_face[0].flip(0))))
    points = layout.texel_points(maps)
    assert points.shape == (2, int(layout.mask.sum()), 3)
    assert torch.equal(points.mT, maps[:, :, layout.mask])
    row, column = layout.mask.nonzero()[1234]
    assert torch.equal(points[:, 1234], maps[:, :, row, column])


def test_the_mean_face_comes_back_within_two_tenths_of_a_millimetre(layout, mean_face):
    """On average; steep places such as the nose's underside and the throat by less than two, and all landmarks."""
    vertices = mean_face[0]
    found = layout.vertices(layout.position_map(vertices[None]))[0]
    error = (found - vertices).norm(dim=-1)
    assert torch.equal(error.isnan(), ~layout.shown)
    assert layout.shown.sum() > 2000
    assert error[layout.shown].mean() < 0.2
    assert error[layout.shown].median() < 0.06
    assert error[layout.shown].max() < 2.1


def test_another_face_comes_back_as_well(layout, mean_face, face_model):
    """The layout is the mean face's, the vertices somebody else's."""
    identity = torch.randn(3, 60, generator=torch.Generator().manual_seed(0))
    vertices = face_model.vertices(identity)
    error = (layout.vertices(layout.position_map(vertices)) - vertices).norm(dim=-1)[:, layout.shown]
    assert error.mean() < 0.25
    assert error.quantile(0.99) < 2.5


def test_a_map_that_varies_evenly_is_sampled_exactly_even_next_to_holes(layout):
    """Columns and rows as the map's values: a vertex must find its own place, with garbage outside the face."""
    centre = torch.arange(256, dtype=torch.float64) + 0.5
    maps = torch.stack((centre.expand(256, 256), centre[:, None].expand(256, 256)))[None]
    garbage = torch.where(layout.mask, maps, torch.nan)
    found = layout.vertices(garbage)[0]
    inner = ((layout.place - 128).abs().amax(dim=1) < 120) & layout.shown
    assert (found - layout.place)[layout.shown].abs().max() < 1
    assert (found - layout.place)[inner].abs().quantile(0.95) < 1e-3


def test_any_attribute_can_be_mapped(layout, face_model):
    colour = face_model.texture_mean[None]
    found = layout.vertices(layout.position_map(torch.cat((colour, colour), dim=-1)))
    assert found.shape == (1, len(face_model.mean), 6)
    assert torch.equal(found[..., :3].isnan(), found[..., 3:].isnan())
    assert (found[..., 3:] - colour)[0, layout.shown].abs().mean() < 0.02  # the skin is speckled


def test_all_landmarks_are_shown_and_their_texels_are_the_nearest(layout, mean_face, face_model):
    texels = layout.nearest_texels(face_model.landmarks)
    assert layout.mask[texels[:, 0], texels[:, 1]].all()
    assert len(texels.unique(dim=0)) > 60  # inner and outer lips may share one
    positions = layout.position_map(mean_face[0][None])[0, :, texels[:, 0], texels[:, 1]].T
    assert (positions - mean_face[0][face_model.landmarks]).norm(dim=-1).max() < 2
    tip = texels[30]
    assert (tip[1] - 127.5).abs() < 3
    assert texels[36, 1] < tip[1] < texels[45, 1]  # the subject's right eye is left in the map
    assert texels[36, 0] < tip[0] < texels[8, 0]


# ---- the grid of texels ----


def test_the_grid_covers_a_pipe_and_faces_outwards():
    vertices, triangles = pipe()
    size = 40
    layout = cylindrical_layout(vertices, triangles, size)
    grid = layout.grid_triangles
    assert len(grid) == 2 * (size - 1) ** 2
    points = layout.texel_points(layout.position_map(vertices[None]))
    normals = triangle_normals(points.contiguous(), grid)[0]
    outwards = points[0, grid].mean(dim=1) * torch.tensor([1.0, 0, 1])
    assert (normals * outwards).sum(-1).min() > 0
    edges = layout.grid_edges
    assert len(edges) == 2 * size * (size - 1) + (size - 1) ** 2  # rows, columns, diagonals
    assert (edges[:, 0] < edges[:, 1]).all()
    assert len(edges.unique(dim=0)) == len(edges)


def test_no_side_of_the_face_grid_leads_over_a_fold(layout, mean_face):
    points = layout.texel_points(layout.position_map(mean_face[0][None]))[0]
    edges = layout.grid_edges
    lengths = (points[edges[:, 0]] - points[edges[:, 1]]).norm(dim=-1)
    assert lengths.max() <= 10 * 0.85  # rows are 0.8 mm high
    whole = layout.mask[1:, 1:] & layout.mask[1:, :-1] & layout.mask[:-1, 1:] & layout.mask[:-1, :-1]
    assert len(layout.grid_triangles) > 2 * int(whole.sum()) - 500  # few are left out
    normals = triangle_normals(points[None].contiguous(), layout.grid_triangles)[0]
    axis_to_middle = points[layout.grid_triangles].mean(dim=1) * torch.tensor([1.0, 0, 1])
    assert ((normals * axis_to_middle).sum(-1) > 0).all()  # the outermost surface faces outwards


# ---- gradients, batches, devices ----


def test_gradcheck():
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]])
    vertices = torch.tensor([[-50.0, -9, 50], [50, -9, 50], [50, 9, 50], [-50, 9, 50]], dtype=torch.float64)
    layout = cylindrical_layout(vertices, triangles, 4, half_angle=math.pi / 4)
    assert layout.mask.all()
    given_ = vertices[None].clone().requires_grad_()
    assert torch.autograd.gradcheck(layout.position_map, given_)
    maps = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: layout.vertices(m)[:, layout.shown], maps)
    assert torch.autograd.gradcheck(layout.texel_points, maps)


def test_no_nan_gradient_from_vertices_that_are_not_shown():
    vertices, triangles = pipe()
    layout = cylindrical_layout(vertices, triangles, 16)
    maps = torch.rand(1, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(layout.vertices(maps).nan_to_num().sum(), maps)
    assert gradient.isfinite().all()
    assert gradient.any()


def test_a_batch_equals_one_by_one(layout, mean_face):
    faces = mean_face[0] * torch.tensor([1.0, 1.1, 0.9])[:, None, None]
    maps = layout.position_map(faces)
    assert maps.shape == (3, 3, 256, 256)
    assert torch.equal(maps, torch.cat([layout.position_map(face[None]) for face in faces]))
    torch.testing.assert_close(
        layout.vertices(maps), torch.cat([layout.vertices(m[None]) for m in maps]), equal_nan=True
    )


@settings(max_examples=15)
@given(st.floats(0.5, 2), st.floats(-50, 50), st.integers(0, 99))
def test_mapping_is_linear_in_the_vertices(scale, shift, seed):
    vertices, triangles = pipe(dtype=torch.float64)
    layout = cylindrical_layout(vertices, triangles, 16)
    other = torch.randn(1, *vertices.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        layout.position_map(scale * other + shift), scale * layout.position_map(other) + shift, rtol=1e-5, atol=1e-4
    )


def test_a_layout_moves_to_another_device():
    vertices, triangles = pipe()
    moved = cylindrical_layout(vertices, triangles, 8).to("meta")
    assert {getattr(moved, name).device.type for name in UVLayout.__annotations__} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu(layout, mean_face):
    vertices, triangles, kept = mean_face
    moved = layout.to("cuda")
    maps = moved.position_map(vertices[None].cuda())
    torch.testing.assert_close(maps.cpu(), layout.position_map(vertices[None]), rtol=0, atol=1e-4)
    torch.testing.assert_close(moved.vertices(maps).cpu(), layout.vertices(maps.cpu()), equal_nan=True)
    built = cylindrical_layout(vertices.cuda(), triangles.cuda(), 256, kept=kept.cuda())
    assert built.mask.any()


# ---- bad input ----


def test_bad_maps_are_refused():
    vertices, triangles = pipe()
    layout = cylindrical_layout(vertices, triangles, 16)
    for call in (
        lambda: layout.position_map(vertices),
        lambda: layout.position_map(vertices[None, :5]),
        lambda: layout.vertices(torch.zeros(1, 3, 16, 17)),
        lambda: layout.texel_points(torch.zeros(3, 16, 16)),
        lambda: layout.nearest_texels(torch.tensor([[1]])),
        lambda: layout.nearest_texels(torch.tensor([1008])),
        lambda: layout.nearest_texels(torch.tensor([1.0])),
    ):
        with pytest.raises(BadInput, match="expected"):
            call()
    with pytest.raises(BadInput, match=r"does not show vertices \[24\]"):
        layout.nearest_texels(torch.tensor([0, 24]))  # 24 lies at the back
