from __future__ import annotations

import math

import pytest
import torch
import trimesh

from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera, WeakPerspectiveCamera, face_to_camera
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix
from facelib.geometry.visibility import facing_visibility, visible_in_depth

SPHERE = trimesh.creation.icosphere(subdivisions=4, radius=80.0)
VERTICES = torch.tensor(SPHERE.vertices, dtype=torch.float32)[None]
TRIANGLES = torch.tensor(SPHERE.faces)


def test_facing_by_hand():
    """Towards the viewer, away, edge-on, and no normal at all."""
    normals = torch.tensor([[[0, 0, 1.0], [0, 0.6, -0.8], [1, 0, 0], [0, 0, 0]]])
    assert facing_visibility(normals).tolist() == [[1, 0, 1, 1]]


def test_attention_is_looked_up_in_the_pixel_that_holds_the_vertex():
    """Eq. 10: A(floor x, floor y); in the last row a vertex outside to each side, and one that is not a number."""
    attention = torch.tensor([[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]])
    screen = torch.tensor([[[0.9, 0.9], [1.0, 0.0], [2.99, 1.01], [-0.1, 0], [3, 0], [0, -0.1], [0, 2], [math.nan, 0]]])
    normals = torch.tensor([0.0, 0, 1]).expand(1, 8, 3).clone()
    found = facing_visibility(normals, screen, attention)
    assert found[0].tolist() == pytest.approx([0.1, 0.2, 0.6, 0, 0, 0, 0, 0])
    normals[0, 1, 2] = -1
    assert facing_visibility(normals, screen, attention)[0, :3].tolist() == pytest.approx([0.1, 0, 0.6])


def test_attention_receives_the_gradient():
    attention = torch.rand(1, 4, 4, dtype=torch.float64, requires_grad=True)
    normals = torch.randn(1, 9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    screen = 4 * torch.rand(1, 9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(lambda a: facing_visibility(normals, screen, a), attention)


@pytest.mark.parametrize("perspective", [False, True])
def test_the_near_side_of_a_ball_is_visible_in_its_depth_image(perspective):
    camera = PerspectiveCamera(700.0, 64.0, 64.0) if perspective else WeakPerspectiveCamera(0.7, 64.0, 64.0)
    points = face_to_camera(VERTICES, torch.eye(3)[None], torch.tensor([[0.0, 0, 1000]]))
    screen = camera.project(points)
    depth = rasterize(screen, TRIANGLES, 128, 128, perspective=perspective).depth
    seen = visible_in_depth(screen, depth)
    ray = points / points.norm(dim=-1, keepdim=True) if perspective else torch.tensor([0.0, 0, 1])
    towards = -((points - torch.tensor([0.0, 0, 1000])) / 80 * ray).sum(-1)  # cosine of normal and view
    assert seen[towards > 0.3].all()
    assert not seen[towards < -0.25].any()  # nearer to the outline a pixel may be empty


def test_occlusion_by_another_part_shows_in_the_depth_but_not_in_the_normals():
    """A ball behind another one: both face the viewer, one is hidden."""
    vertices = torch.cat((VERTICES, VERTICES - torch.tensor([0.0, 0, 300])), dim=1)
    triangles = torch.cat((TRIANGLES, TRIANGLES + VERTICES.shape[1]))
    turn = euler_to_matrix(torch.zeros(1), torch.zeros(1), torch.zeros(1))
    screen = WeakPerspectiveCamera(0.7, 64.0, 64.0).project(face_to_camera(vertices, turn, torch.zeros(1, 3)))
    depth = rasterize(screen, triangles, 128, 128, perspective=False).depth
    facing = facing_visibility(vertex_normals(vertices, triangles))[0].bool()
    seen = visible_in_depth(screen, depth)[0]
    count = VERTICES.shape[1]
    middle = VERTICES[0, :, :2].norm(dim=-1) < 70
    assert seen[:count][facing[:count] & middle].all()
    assert facing[count:].float().mean() > 0.4
    assert not seen[count:][middle].any()


def test_tolerance_and_border_by_hand():
    depth = torch.tensor([[[600.0, math.inf]]])
    screen = torch.tensor([[[0.5, 0.5, 601.0], [0.5, 0.5, 603], [1.5, 0.5, 900], [2.5, 0.5, 1], [math.nan, 0.5, 1]]])
    assert visible_in_depth(screen, depth, tolerance=2.0).tolist() == [[True, False, True, False, False]]
    assert visible_in_depth(screen, depth, tolerance=0.0).tolist() == [[False, False, True, False, False]]


def test_bad_input_is_refused():
    normals, screen, attention = torch.ones(2, 5, 3), torch.ones(2, 5, 2), torch.ones(2, 8, 8)
    for call in (
        lambda: facing_visibility(normals[0]),
        lambda: facing_visibility(normals, screen),
        lambda: facing_visibility(normals, None, attention),
        lambda: facing_visibility(normals, screen[:, :4], attention),
        lambda: facing_visibility(normals, screen[..., :1], attention),
        lambda: facing_visibility(normals, screen, attention[:1]),
        lambda: visible_in_depth(screen, attention),
        lambda: visible_in_depth(normals, attention[0]),
        lambda: visible_in_depth(normals, attention, tolerance=-1.0),
        lambda: visible_in_depth(normals, attention, tolerance=math.nan),
    ):
        with pytest.raises(BadInput, match=r"expected|pass screen and attention"):
            call()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu():
    normals = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    screen, attention = 8 * torch.rand(2, 50, 3), torch.rand(2, 8, 8)
    found = facing_visibility(normals.cuda(), screen.cuda(), attention.cuda())
    assert torch.equal(found.cpu(), facing_visibility(normals, screen, attention))
    assert torch.equal(visible_in_depth(screen.cuda(), attention.cuda()).cpu(), visible_in_depth(screen, attention))
