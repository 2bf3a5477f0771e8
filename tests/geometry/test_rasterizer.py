from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.geometry.camera import NEAR, PerspectiveCamera, WeakPerspectiveCamera, face_to_camera
from facelib.geometry.rasterizer import Fragments, interpolate, rasterize

BACKENDS = pytest.mark.parametrize("backend", ["numba", "torch"])
PERSPECTIVE = pytest.mark.parametrize("perspective", [True, False])
ONE = torch.tensor([[0, 1, 2]])
# Legs of 4 pixels along the first row and column of pixel centres; front-facing (clockwise as v runs down).
CORNER = torch.tensor([[[0.5, 0.5, 100.0], [0.5, 4.5, 100.0], [4.5, 0.5, 100.0]]])


def soup(seed: int, images: int = 2, vertices: int = 30, triangles: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Random triangles around a 12 x 16 image; half the coordinates on pixel centres and edges, to provoke ties."""
    generator = torch.Generator().manual_seed(seed)
    screen = torch.rand(images, vertices, 3, generator=generator) * torch.tensor([24.0, 20.0, 50.0])
    screen += torch.tensor([-4.0, -4.0, 30.0])
    rounded = torch.rand(images, vertices, 1, generator=generator) < 0.5
    screen = torch.where(rounded, (screen * 2).round() / 2, screen)
    return screen, torch.randint(vertices, (triangles, 3), generator=generator)


def sphere(perspective: bool, subdivisions: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A bumpy closed mesh in the camera frame, its screen points, and its triangles."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=80.0)
    vertices = torch.tensor(mesh.vertices, dtype=torch.float32)
    vertices = vertices * (1 + 0.05 * torch.sin(vertices / 10).sum(-1, keepdim=True))
    points = face_to_camera(vertices[None], torch.eye(3)[None], torch.tensor([[0.0, 0.0, 500.0]]))
    camera = PerspectiveCamera(180.0, 32.0, 30.0) if perspective else WeakPerspectiveCamera(0.3, 32.0, 30.0)
    return points, camera.project(points), torch.tensor(mesh.faces)


def slow_rasterize(screen: np.ndarray, triangles: np.ndarray, height: int, width: int, perspective: bool):
    """Independent and plain, in float64: solve for the barycentrics at every pixel of every triangle."""
    depth = np.full((height, width), np.inf)
    ids = np.full((height, width), -1)
    for number, triangle in enumerate(triangles):
        corners = screen[triangle].astype(np.float64)
        system = np.vstack((corners[:, :2].T, np.ones(3)))
        if abs(np.linalg.det(system)) < 1e-12:
            continue
        for i in range(height):
            for j in range(width):
                weights = np.linalg.solve(system, (j + 0.5, i + 0.5, 1.0))
                if (weights < 0).any():
                    continue
                z = 1 / (weights / corners[:, 2]).sum() if perspective else weights @ corners[:, 2]
                if z < depth[i, j]:
                    depth[i, j], ids[i, j] = z, number
    return ids, depth


def assert_same(first: Fragments, second: Fragments) -> None:
    """Bit for bit."""
    assert torch.equal(first.triangle, second.triangle)
    assert torch.equal(first.depth, second.depth)
    assert torch.equal(first.barycentric, second.barycentric)


# ---- smoke, errors, shapes ----


@BACKENDS
@PERSPECTIVE
def test_one_triangle_by_hand(backend, perspective):
    """Top and left pixel centres on the border belong to it, those on the hypotenuse (lower right) do not."""
    seen = rasterize(CORNER, ONE, 6, 5, perspective=perspective, backend=backend)
    expected = torch.zeros(1, 6, 5, dtype=torch.bool)
    for row, columns in enumerate((4, 3, 2, 1)):
        expected[0, row, :columns] = True
    assert torch.equal(seen.mask, expected)
    assert torch.equal(seen.triangle, torch.where(expected, 0, -1).int())
    assert seen.barycentric[0, 1, 2].tolist() == pytest.approx([0.25, 0.25, 0.5])
    assert seen.barycentric[~expected].eq(0).all()
    assert seen.depth[0, 0, 0] == pytest.approx(100)
    assert seen.depth[~expected].isinf().all()


@BACKENDS
def test_shapes_and_dtypes(backend):
    screen, triangles = soup(0, images=3)
    seen = rasterize(screen.double(), triangles, 7, 9, perspective=True, backend=backend)
    assert (seen.triangle.shape, seen.triangle.dtype) == ((3, 7, 9), torch.int32)
    assert (seen.barycentric.shape, seen.barycentric.dtype) == ((3, 7, 9, 3), torch.float32)
    assert (seen.depth.shape, seen.depth.dtype) == ((3, 7, 9), torch.float32)
    assert_same(seen, rasterize(screen, triangles.int(), 7, 9, perspective=True, backend=backend))


@pytest.mark.parametrize(
    ("screen", "triangles", "size", "message"),
    [
        (torch.zeros(4, 3), ONE, (4, 4), "screen has shape"),
        (torch.zeros(0, 4, 3), ONE, (4, 4), "no size zero"),
        (torch.zeros(1, 4, 3), ONE[:0], (4, 4), "triangles has shape"),
        (torch.zeros(1, 4, 3), ONE + 2, (4, 4), "vertices 2 to 4: expected ids in 0 to 3"),
        (torch.zeros(1, 4, 3), ONE - 1, (4, 4), "vertices -1"),
        (torch.zeros(1, 4, 3), ONE + 2**32, (4, 4), "expected ids"),
        (torch.zeros(1, 4, 3), ONE.float(), (4, 4), "integer"),
        (torch.zeros(1, 4, 3).int(), ONE, (4, 4), "floating-point"),
        (torch.zeros(1, 4, 3), ONE, (0, 4), "0 x 4"),
    ],
)
def test_bad_input_is_refused(screen, triangles, size, message):
    with pytest.raises(BadInput, match=message):
        rasterize(screen, triangles, *size, perspective=True)


def test_unknown_backend_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'numba'"):
        rasterize(CORNER, ONE, 4, 4, perspective=True, backend="numbra")


def test_the_choice_of_backend_is_logged(caplog):
    with caplog.at_level(logging.DEBUG, logger="facelib.geometry.rasterizer"):
        rasterize(CORNER, ONE, 4, 4, perspective=True)
    assert "backend numba" in caplog.text


# ---- agreement ----


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.booleans(), st.booleans(), st.integers(1, 3))
def test_kernel_equals_reference_on_random_triangles(seed, perspective, cull, threads):
    screen, triangles = soup(seed)
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        fast, plain = (
            rasterize(screen, triangles, 12, 16, perspective=perspective, cull_back_faces=cull, backend=backend)
            for backend in ("numba", "torch")
        )
    finally:
        torch.set_num_threads(usual)
    assert_same(fast, plain)


@PERSPECTIVE
@pytest.mark.parametrize("cull", [True, False])
def test_kernel_equals_reference_on_a_closed_mesh(perspective, cull):
    _, screen, triangles = sphere(perspective, subdivisions=4)
    fast, plain = (
        rasterize(screen, triangles, 60, 64, perspective=perspective, cull_back_faces=cull, backend=backend)
        for backend in ("numba", "torch")
    )
    assert_same(fast, plain)


def test_reference_in_small_portions_gives_the_same(monkeypatch):
    screen, triangles = soup(5)
    whole = rasterize(screen, triangles, 12, 16, perspective=True, backend="torch")
    monkeypatch.setattr("facelib.geometry.rasterizer_reference._PAIRS_AT_ONCE", 50)
    assert_same(whole, rasterize(screen, triangles, 12, 16, perspective=True, backend="torch"))


@BACKENDS
@PERSPECTIVE
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_a_slow_float64_rasterizer(backend, perspective, seed):
    """Coordinates away from pixel centres, so that no rule about ties is needed."""
    generator = torch.Generator().manual_seed(seed)
    screen = torch.rand(1, 12, 3, generator=generator) * torch.tensor([14.0, 12.0, 50.0])
    screen[..., 2] += 20
    triangles = torch.stack([torch.randperm(12, generator=generator)[:3] for _ in range(15)])
    seen = rasterize(screen, triangles, 10, 12, perspective=perspective, backend=backend)
    ids, depth = slow_rasterize(screen[0].numpy(), triangles.numpy(), 10, 12, perspective)
    np.testing.assert_array_equal(seen.triangle[0].numpy(), ids)
    np.testing.assert_allclose(seen.depth[0].numpy(), depth, rtol=1e-5)


@BACKENDS
def test_a_batch_equals_one_by_one(backend):
    screen, triangles = soup(7, images=3)
    together = rasterize(screen, triangles, 12, 16, perspective=True, backend=backend)
    for i in range(3):
        alone = rasterize(screen[i : i + 1], triangles, 12, 16, perspective=True, backend=backend)
        assert torch.equal(alone.triangle[0], together.triangle[i])
        assert torch.equal(alone.depth[0], together.depth[i])


# ---- rules ----


@BACKENDS
@pytest.mark.parametrize("flip", [False, True])
def test_triangles_that_share_an_edge_share_no_pixel_and_leave_none_out(backend, flip):
    """A square with all corners on pixel centres, cut along the diagonal through pixel centres."""
    screen = torch.tensor([[[1.5, 1.5, 9.0], [1.5, 6.5, 9.0], [6.5, 6.5, 9.0], [6.5, 1.5, 9.0]]])
    halves = torch.tensor([[0, 1, 2], [0, 2, 3]])
    halves = halves.flip(1) if flip else halves
    first, second = (rasterize(screen, half[None], 8, 8, perspective=True, backend=backend).mask for half in halves)
    square = torch.zeros(1, 8, 8, dtype=torch.bool)
    square[0, 1:6, 1:6] = True
    assert not (first & second).any()
    assert torch.equal(first | second, square)


@BACKENDS
def test_a_fan_of_slivers_has_no_cracks(backend):
    rim = torch.linspace(0, 2 * torch.pi, 400)[:-1]
    around = torch.stack((16 + 40 * rim.cos(), 16 + 40 * rim.sin(), torch.full_like(rim, 50.0)), dim=-1)
    screen = torch.cat((torch.tensor([[16.37, 15.81, 50.0]]), around))[None]
    outer = torch.arange(1, 400)
    triangles = torch.stack((torch.zeros_like(outer), outer, outer % 399 + 1), dim=-1)
    assert rasterize(screen, triangles, 32, 32, perspective=True, backend=backend).mask.all()


@BACKENDS
def test_the_nearer_triangle_wins_and_of_equals_the_lower_id(backend):
    screen = torch.cat((CORNER, CORNER + torch.tensor([0.0, 0.0, 5.0])), dim=1)
    far_near_near = torch.tensor([[3, 4, 5], [0, 1, 2], [1, 2, 0], [2, 1, 0]])
    seen = rasterize(screen, far_near_near, 6, 6, perspective=True, backend=backend)
    assert set(seen.triangle.unique().tolist()) == {-1, 1}


@BACKENDS
@PERSPECTIVE
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("coordinate", [0, 1, 2])
def test_a_non_finite_vertex_drops_its_triangles_only(backend, perspective, value, coordinate):
    screen = torch.cat((CORNER, CORNER - torch.tensor([0.0, 0.0, 50.0])), dim=1)
    screen[0, 4, coordinate] = value
    seen = rasterize(screen, torch.tensor([[3, 4, 5], [0, 1, 2]]), 6, 6, perspective=perspective, backend=backend)
    assert set(seen.triangle.unique().tolist()) == {-1, 1}


@BACKENDS
def test_triangles_without_area_are_dropped(backend):
    screen = torch.tensor([[[0.0, 0.0, 9.0], [4.0, 4.0, 9.0], [2.0, 2.0, 9.0]]])
    triangles = torch.tensor([[0, 1, 2], [0, 0, 1], [1, 1, 1]])
    assert not rasterize(screen, triangles, 6, 6, perspective=False, backend=backend).mask.any()


@BACKENDS
def test_the_near_plane_drops_triangles_under_perspective_only(backend):
    screen = CORNER.clone()
    for depth in (NEAR, 0.0, -5.0):
        screen[0, 1, 2] = depth
        assert not rasterize(screen, ONE, 6, 6, perspective=True, backend=backend).mask.any()
        assert rasterize(screen, ONE, 6, 6, perspective=False, backend=backend).mask.any()
    screen[0, 1, 2] = 2 * NEAR
    assert rasterize(screen, ONE, 6, 6, perspective=True, backend=backend).mask.any()


@BACKENDS
@pytest.mark.parametrize("far", [1e4, 1e12, 1e18, 1e30])
def test_vertices_far_outside_the_image_are_safe(backend, far):
    """A triangle around everything covers the image while its area is finite in float32; nothing crashes beyond."""
    screen = torch.tensor([[[-far, -far, 9.0], [-far, far, 9.0], [2 * far, 0.0, 9.0]]])
    seen = rasterize(screen, ONE, 5, 7, perspective=True, backend=backend)
    assert seen.mask.all() == (far < 1e19)
    away = screen + torch.tensor([10 * far, 0.0, 0.0])
    assert not rasterize(away, ONE, 5, 7, perspective=True, backend=backend).mask.any()


@BACKENDS
def test_a_front_face_is_counter_clockwise_seen_from_the_camera(backend):
    """In the face frame a frontal triangle, counter-clockwise around +z, survives culling; reversed it does not."""
    vertices = torch.tensor([[[-50.0, -50, 0], [50, -50, 0], [0, 50, 0]]])
    points = face_to_camera(vertices, torch.eye(3)[None], torch.tensor([[0.0, 0.0, 500.0]]))
    screen = PerspectiveCamera(50.0, 8.0, 8.0).project(points)
    assert rasterize(screen, ONE, 16, 16, perspective=True, cull_back_faces=True, backend=backend).mask.any()
    turned = rasterize(screen, ONE.flip(1), 16, 16, perspective=True, cull_back_faces=True, backend=backend)
    assert not turned.mask.any()


@BACKENDS
@PERSPECTIVE
def test_culling_changes_nothing_on_a_closed_mesh(backend, perspective):
    _, screen, triangles = sphere(perspective)
    kept, culled = (
        rasterize(screen, triangles, 60, 64, perspective=perspective, cull_back_faces=cull, backend=backend)
        for cull in (False, True)
    )
    assert kept.mask.any()
    assert_same(kept, culled)


# ---- interpolation ----


@BACKENDS
@PERSPECTIVE
def test_interpolated_points_project_back_onto_their_pixels(backend, perspective):
    """Fails by pixels where interpolation is not perspective-correct."""
    points, screen, triangles = sphere(perspective, subdivisions=1)
    camera = PerspectiveCamera(180.0, 32.0, 30.0) if perspective else WeakPerspectiveCamera(0.3, 32.0, 30.0)
    seen = rasterize(screen, triangles, 60, 64, perspective=perspective, backend=backend)
    surface = interpolate(points, triangles, seen)
    found = camera.project(surface[seen.mask][None])[0]
    _, row, column = seen.mask.nonzero().unbind(-1)
    torch.testing.assert_close(found[:, :2], torch.stack((column, row), dim=-1) + 0.5, rtol=0, atol=1e-3)
    torch.testing.assert_close(found[:, 2], seen.depth[seen.mask], rtol=0, atol=1e-3)
    torch.testing.assert_close(seen.barycentric[seen.mask].sum(-1), torch.ones(len(found)), rtol=0, atol=1e-6)


def test_interpolation_kernel_equals_the_reference():
    screen, triangles = soup(3)
    seen = rasterize(screen, triangles, 12, 16, perspective=True)
    for images in (1, 2):
        attributes = torch.rand(images, 30, 5, generator=torch.Generator().manual_seed(1))
        reference = interpolate(attributes.clone().requires_grad_(), triangles, seen)
        assert reference.requires_grad
        found = interpolate(attributes, triangles, seen)
        torch.testing.assert_close(found, reference.detach(), rtol=0, atol=1e-6)
        assert not found[~seen.mask].any()


def test_interpolation_is_differentiable_to_attributes_and_barycentrics():
    screen, triangles = soup(4, images=1)
    seen = rasterize(screen, triangles, 5, 6, perspective=True)
    attributes = torch.rand(1, 30, 2, dtype=torch.float64, requires_grad=True)
    barycentric = seen.barycentric.double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, b: interpolate(a, triangles, Fragments(seen.triangle, b, seen.depth)), (attributes, barycentric)
    )


def test_interpolation_refuses_what_was_not_rasterized():
    screen, triangles = soup(3)
    seen = rasterize(screen, triangles, 12, 16, perspective=True)
    with pytest.raises(BadInput, match="3 images"):
        interpolate(torch.rand(3, 30, 1), triangles, seen)
    with pytest.raises(BadInput, match="expected ids"):
        interpolate(torch.rand(2, 20, 1), triangles, seen)
    with pytest.raises(BadInput, match="there are 2"):
        interpolate(torch.rand(2, 30, 1), triangles[:2], seen)
