from __future__ import annotations

import pytest
import torch
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry.normals import triangle_normals, vertex_normals
from facelib.geometry.rotations import euler_to_matrix

SPHERE = trimesh.creation.icosphere(subdivisions=2, radius=80.0)
TRIANGLES = torch.tensor(SPHERE.faces)


def bumpy(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    vertices = torch.tensor(SPHERE.vertices, dtype=dtype)
    noise = torch.randn(2, *vertices.shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return vertices + 3 * noise


def test_normals_of_a_sphere_point_outwards():
    vertices = torch.tensor(SPHERE.vertices, dtype=torch.float32)[None]
    outwards = vertices / 80
    assert (vertex_normals(vertices, TRIANGLES) * outwards).sum(-1).min() > 0.999


@pytest.mark.parametrize("function", [triangle_normals, vertex_normals])
def test_bad_meshes_are_refused(function):
    vertices = torch.rand(1, 4, 3)
    with pytest.raises(BadInput, match="0 to 3"):
        function(vertices, torch.tensor([[0, 1, 4]]))
    with pytest.raises(BadInput, match="-1"):
        function(vertices, torch.tensor([[0, 1, -1]]))
    with pytest.raises(BadInput, match="integer"):
        function(vertices, torch.tensor([[0.0, 1.0, 2.0]]))
    with pytest.raises(BadInput, match="no size zero"):
        function(vertices, torch.empty(0, 3, dtype=torch.int64))


@pytest.mark.parametrize("function", [triangle_normals, vertex_normals])
def test_gradcheck(function):
    vertices = torch.rand(1, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3], [1, 2, 3]])  # vertex 4 is isolated
    assert torch.autograd.gradcheck(lambda v: function(v, triangles), vertices)


def test_kernel_equals_the_reference():
    vertices = bumpy()
    reference = vertex_normals(vertices.clone().requires_grad_(), TRIANGLES)
    assert reference.requires_grad
    torch.testing.assert_close(vertex_normals(vertices, TRIANGLES), reference.detach(), rtol=0, atol=1e-6)


def test_reference_weights_by_area():
    """Recomputed with a plain loop."""
    vertices = bumpy(torch.float64)
    expected = torch.zeros_like(vertices[0])
    for triangle in TRIANGLES.tolist():
        a, b, c = vertices[0][triangle]
        expected[triangle] += torch.linalg.cross(b - a, c - a)
    expected /= expected.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(vertex_normals(vertices, TRIANGLES)[0], expected)


def test_degenerate_parts_have_the_zero_normal():
    vertices = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5]]])
    triangles = torch.tensor([[0, 1, 2]])
    assert not triangle_normals(vertices, triangles).any()
    assert not vertex_normals(vertices, triangles).any()
    assert not vertex_normals(vertices.requires_grad_(), triangles).any()


@pytest.mark.parametrize("requires_grad", [False, True])  # kernel and reference
def test_a_vertex_that_is_not_finite_spoils_its_triangles_only(requires_grad):
    """Their corners have NaN normals, the other vertices those they had."""
    vertices = bumpy()
    clean = vertex_normals(vertices, TRIANGLES)
    vertices[0, 5, 1] = torch.nan
    spoilt = torch.zeros(vertices.shape[1], dtype=torch.bool)
    spoilt[TRIANGLES[(TRIANGLES == 5).any(dim=1)].flatten()] = True
    found = vertex_normals(vertices.requires_grad_(requires_grad), TRIANGLES).detach()
    assert found[0, spoilt].isnan().all()
    torch.testing.assert_close(found[0, ~spoilt], clean[0, ~spoilt], rtol=0, atol=1e-6)
    torch.testing.assert_close(found[1], clean[1], rtol=0, atol=1e-6)


def test_degenerate_parts_have_no_nan_gradient():
    """A triangle without area, an isolated vertex, and two triangles that cancel."""
    vertices = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5], [0, 1, 0]]], requires_grad=True)
    triangles = torch.tensor([[0, 1, 2], [0, 1, 4], [1, 0, 4]])
    for function in (triangle_normals, vertex_normals):
        (gradient,) = torch.autograd.grad(function(vertices, triangles).sum(), vertices)
        assert gradient.isfinite().all()


@given(st.floats(-3, 3), st.floats(-1.5, 1.5), st.floats(-3, 3))
def test_normals_turn_with_the_mesh(yaw, pitch, roll):
    turn = euler_to_matrix(*torch.tensor([yaw, pitch, roll], dtype=torch.float64))
    vertices = bumpy(torch.float64)
    torch.testing.assert_close(
        vertex_normals(vertices @ turn.T + 7, TRIANGLES), vertex_normals(vertices, TRIANGLES) @ turn.T
    )
