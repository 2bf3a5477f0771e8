from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.geometry import rasterizer
from facelib.geometry.camera import NEAR, PerspectiveCamera, WeakPerspectiveCamera, face_to_camera
from facelib.geometry.rasterizer import Fragments, interpolate, rasterize
from facelib.geometry.rasterizer_reference import interpolate_torch

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


def crowd(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Many small triangles of both sides over a 40 x 50 image, of five depths only, so that equal ones compete."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.rand(1, 400, 1, 2, generator=generator) * torch.tensor([50.0, 40.0])
    corners = place + 14 * torch.rand(1, 400, 3, 2, generator=generator) - 7
    corners = torch.where(torch.rand(1, 400, 1, 1, generator=generator) < 0.5, corners.round(), corners)
    depth = torch.randint(-2, 3, (1, 400, 1, 1), generator=generator).expand(-1, -1, 3, -1)
    return torch.cat((corners, depth), dim=-1).flatten(1, 2), torch.arange(1200).view(400, 3)


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


@contextmanager
def threads(count: int) -> Iterator[None]:
    usual = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


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


def test_two_devices_are_refused():
    with pytest.raises(BadInput, match="screen is on cpu, triangles on meta"):
        rasterize(CORNER, ONE.to("meta"), 4, 4, perspective=True)


def test_triton_is_refused_on_the_cpu_and_asked_for_where_it_is_missing(monkeypatch):
    with pytest.raises(BadInput, match="works on cuda"):
        rasterize(CORNER, ONE, 4, 4, perspective=True, backend="triton")
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "facelib.geometry.kernels.rasterizer_triton", raising=False)
    with pytest.raises(MissingPart, match="pip install triton"):
        rasterizer._drawing_function("triton")


@pytest.mark.parametrize(
    ("device", "installed", "expected"),
    [("cpu", True, "numba"), ("cuda", True, "triton"), ("cuda", False, "torch"), ("mps", True, "torch")],
)
def test_the_fastest_backend_of_a_device(monkeypatch, device, installed, expected):
    monkeypatch.setattr(rasterizer, "find_spec", lambda name: object() if installed else None)
    assert rasterizer._choose_backend("auto", torch.device(device)) == expected


def test_the_choice_of_backend_is_logged(caplog):
    with caplog.at_level(logging.DEBUG, logger="facelib.geometry.rasterizer"):
        rasterize(CORNER, ONE, 4, 4, perspective=True)
    assert "backend numba" in caplog.text


# ---- agreement ----


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.booleans(), st.booleans(), st.integers(1, 3))
def test_kernel_equals_reference_on_random_triangles(seed, perspective, cull, count):
    screen, triangles = soup(seed)
    with threads(count):
        fast, plain = (
            rasterize(screen, triangles, 12, 16, perspective=perspective, cull_back_faces=cull, backend=backend)
            for backend in ("numba", "torch")
        )
    assert_same(fast, plain)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_kernel_equals_reference_where_depths_are_equal(seed, perspective):
    """Also between front and back faces, which are drawn apart."""
    screen, triangles = crowd(seed)
    screen = screen + torch.tensor([0.0, 0.0, 100.0 * perspective])
    fast, plain = (
        rasterize(screen, triangles, 40, 50, perspective=perspective, backend=backend) for backend in ("numba", "torch")
    )
    assert_same(fast, plain)


@PERSPECTIVE
def test_kernel_equals_reference_where_rounding_decides(perspective):
    """A back face of lower id in the plane of a front face: it wins where both depths round alike, hidden or not."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(600, 6, 2, generator=generator) * 3 - 1
    depth = 30 + 50 * torch.rand(600, 1, 1, generator=generator)
    screen = torch.cat((corners, depth.expand(-1, 6, -1)), dim=-1)
    triangles = torch.tensor([[0, 1, 2], [2, 1, 0], [3, 4, 5], [5, 4, 3]])
    fast, plain = (
        rasterize(screen, triangles, 1, 1, perspective=perspective, backend=backend) for backend in ("numba", "torch")
    )
    assert fast.triangle.unique().tolist() == [-1, 0, 1, 2, 3]
    assert_same(fast, plain)


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 300), (12, 16), (41, 13)])
def test_an_image_shared_by_threads_has_the_same_bits(count, height, width):
    screen, triangles = soup(11, images=1)
    screen = screen * torch.tensor([width / 16, height / 12, 1.0])
    with threads(1):
        whole = rasterize(screen, triangles, height, width, perspective=True)
    with threads(count):
        assert_same(whole, rasterize(screen, triangles, height, width, perspective=True))


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


@BACKENDS
def test_hidden_back_faces_behind_front_faces_and_before_them(backend):
    """A wall of front faces with back faces behind, on and in front of it, each in its own part of the wall."""
    wall = torch.tensor([[-9.0, -9, 50], [-9, 99, 50], [99, -9, 50]])
    behind, on, before = (
        torch.tensor([[x, 4.0, z], [x + 8, 4, z], [x, 12, z]]) for x, z in ((4, 50.0001), (16, 50), (28, 49.9999))
    )
    screen = torch.cat((behind, on, before, wall))[None]
    seen = rasterize(screen, torch.arange(12).view(4, 3), 40, 40, perspective=True, backend=backend)
    assert seen.mask.all()
    assert set(seen.triangle.unique().tolist()) == {1, 2, 3}
    assert (seen.triangle[0, :, :14] == 3).all()
    culled = rasterize(
        screen, torch.arange(12).view(4, 3), 40, 40, perspective=True, cull_back_faces=True, backend=backend
    )
    assert (culled.triangle == 3).all()


@BACKENDS
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4000), (4000, 1), (3, 40_000), (7, 8), (8, 9)])
def test_images_of_any_size(backend, height, width):
    """Two triangles cover the left two thirds; column u shows whether its number survived."""
    edge = 2 * width / 3
    screen = torch.tensor([[[-1.0, -1, 5], [-1, height + 1, 5], [edge, -1, 5], [edge, height + 1, 5]]])
    triangles = torch.tensor([[0, 1, 2], [2, 1, 3]])
    seen = rasterize(screen, triangles, height, width, perspective=False, backend=backend)
    expected = (torch.arange(width) + 0.5 < edge).expand(1, height, -1)
    assert torch.equal(seen.mask, expected)
    u = interpolate(screen[..., :1], triangles, seen)[..., 0]
    torch.testing.assert_close(
        u[expected], (torch.arange(width) + 0.5).expand(1, height, -1)[expected], rtol=1e-5, atol=1e-4
    )


@BACKENDS
def test_nothing_visible_is_no_error(backend):
    seen = rasterize(CORNER + 100, ONE, 4, 4, perspective=True, backend=backend)
    assert not seen.mask.any()
    assert seen.depth.isinf().all()
    assert not interpolate(torch.ones(1, 3, 2), ONE, seen).any()


@BACKENDS
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_triangle_ids_of_any_integer_type(backend, dtype):
    seen = rasterize(CORNER, ONE.to(dtype), 6, 5, perspective=True, backend=backend)
    assert seen.mask.sum() == 10


@BACKENDS
def test_a_depth_too_large_for_float32_leaves_pixels_empty(backend):
    screen = CORNER * torch.tensor([100.0, 100.0, 1.0])
    screen[..., 2] = -3e38
    seen = rasterize(screen, ONE, 20, 20, perspective=False, backend=backend)
    assert not seen.mask.any()
    screen[..., 2] = 3e30
    for perspective in (True, False):
        seen = rasterize(screen, ONE, 20, 20, perspective=perspective, backend=backend)
        torch.testing.assert_close(seen.depth[seen.mask], torch.full((int(seen.mask.sum()),), 3e30))


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
        reference = interpolate_torch(attributes, triangles, seen.triangle, seen.barycentric)
        found = interpolate(attributes, triangles, seen)
        torch.testing.assert_close(found, reference, rtol=0, atol=1e-6)
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
