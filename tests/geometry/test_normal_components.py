from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.geometry.normal_components import METHODS, normal_components

BACKENDS = ("numba", "torch")


def bumpy(height: int, width: int, seed: int = 0, holes: float = 0.1, dtype=torch.float32) -> torch.Tensor:
    """A (1, 3, H, W) face-like surface on a grid of 1.3 mm with noise and scattered holes; row 0 on top."""
    generator = torch.Generator().manual_seed(seed)
    y = 1.3 * torch.arange(height, dtype=torch.float64).flip(0)[:, None].expand(-1, width)
    x = 1.3 * torch.arange(width, dtype=torch.float64).expand(height, -1)
    noise = torch.randn(height, width, generator=generator, dtype=torch.float64)
    z = 4 * torch.sin(x / 4) + 3 * torch.cos(y / 3 + x / 9) + 0.1 * noise
    positions = torch.stack((x, y, z))[None]
    positions[:, :, torch.rand(height, width, generator=generator) < holes] = math.nan
    return positions.to(dtype)


def plane(height: int, width: int, slope_x: float, slope_y: float, dtype=torch.float64) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height, 0, -1, dtype=dtype), torch.arange(width, dtype=dtype), indexing="ij")
    return torch.stack((x, y, slope_x * x + slope_y * y))[None]


def slow_fit(positions: torch.Tensor, window: int, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Each window by itself: singular vectors of the centred points, or a least-squares solver."""
    points = positions[0].double().numpy()
    _, height, width = points.shape
    normals, mask = np.zeros(points.shape), np.zeros((height, width), bool)
    reach = window // 2
    for i, j in np.ndindex(height, width):
        near = points[:, max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1].reshape(3, -1)
        near = near[:, np.isfinite(near).all(axis=0)]
        if not np.isfinite(points[:, i, j]).all() or near.shape[1] < 3:
            continue
        near = near - near.mean(axis=1, keepdims=True)
        _, sizes, vectors = np.linalg.svd((near if method == "total" else near[:2]).T, full_matrices=False)
        if sizes[1] < 1e-3 * sizes[0]:
            continue
        if method == "total":
            normal = vectors[2] if len(vectors) == 3 else np.cross(vectors[0], vectors[1])
        else:
            (a, b), *_ = np.linalg.lstsq(near[:2].T, near[2], rcond=None)
            normal = np.array([-a, -b, 1])
        normals[:, i, j] = normal * np.copysign(1 / np.linalg.norm(normal), normal[2])
        mask[i, j] = True
    return normals, mask


def degrees_between(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest angle between normals (..., 3, H, W), of those that are not zero in either."""
    found, expected = found.double(), expected.double()
    sine = torch.linalg.cross(found, expected, dim=-3).norm(dim=-3)
    return math.degrees(float(torch.atan2(sine, (found * expected).sum(-3)).max()))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("window", [3, 5, 9])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_each_window_is_fitted_as_by_a_float64_decomposition(backend, method, window, offset):
    """With holes, at borders, and a metre away; 1e-5 degrees is what float32 keeps of a unit vector."""
    positions = bumpy(17, 23) + offset
    normals, mask = normal_components(positions, window=window, method=method, backend=backend)
    expected, expected_mask = slow_fit(positions, window, method)
    assert np.array_equal(mask[0], expected_mask)
    assert 0.8 < expected_mask.mean() < 1
    assert degrees_between(normals[0], torch.from_numpy(expected)) < 1e-5


@settings(max_examples=30)
@given(
    st.integers(0, 2**31),
    st.integers(3, 40),
    st.integers(3, 40),
    st.sampled_from([3, 5, 7, 21]),
    st.floats(0, 0.95),
    st.sampled_from(METHODS),
    st.booleans(),
    st.integers(1, 3),
)
def test_kernel_equals_the_reference(seed, height, width, window, holes, method, fill_holes, threads):
    window = min(window, (min(height, width) - 1) // 2 * 2 + 1)
    positions = torch.cat([bumpy(height, width, seed + i, holes, torch.float64) for i in range(2)])
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = normal_components(positions, window=window, method=method, fill_holes=fill_holes)
    finally:
        torch.set_num_threads(usual)
    reference = normal_components(positions, window=window, method=method, fill_holes=fill_holes, backend="torch")
    assert torch.equal(found[1], reference[1])
    torch.testing.assert_close(found[0], reference[0], rtol=0, atol=1e-6)


@settings(max_examples=30)
@given(st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 1000), st.sampled_from(METHODS))
def test_planes_come_out_exact(slope_x, slope_y, seed, method):
    positions = plane(12, 9, slope_x, slope_y)
    holes = torch.rand(12, 9, generator=torch.Generator().manual_seed(seed)) < 0.3
    normals, mask = normal_components(positions, ~holes[None], method=method)
    expected = torch.tensor([-slope_x, -slope_y, 1], dtype=torch.float64)
    expected = (expected / expected.norm())[:, None, None].expand_as(normals[0])
    assert not mask[0][holes].any()
    assert mask[0].sum() > 20
    # "total" squares the offsets: over 2,500 planes as steep as these it was off by 2.4e-9, the other by 1.7e-13.
    atol = 1e-8 if method == "total" else 1e-9
    torch.testing.assert_close(normals[0].where(mask, 0), expected.where(mask, 0), rtol=0, atol=atol)


@pytest.mark.parametrize("method", METHODS)
def test_a_sphere_is_met_within_a_third_of_a_degree(method):
    """A cap of 60 degrees, 5 x 5 windows on a grid of 1 mm, radius 80 mm."""
    x, y, _ = plane(161, 161, 0, 0)[0] - torch.tensor([80.0, 81.0, 0])[:, None, None]
    z = (80**2 - x**2 - y**2).clamp(min=0).sqrt()
    cap = (x**2 + y**2 < (80 * math.sin(math.radians(60))) ** 2)[None]
    normals, mask = normal_components(torch.stack((x, y, z))[None], cap, method=method)
    inner = (x**2 + y**2 < (80 * math.sin(math.radians(57))) ** 2)[None]
    assert mask[inner].all()
    assert degrees_between(normals.where(inner, 0), (torch.stack((x, y, z))[None] / 80).where(inner, 0)) < 1 / 3


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_values_are_unit_vectors_towards_the_viewer_and_zero_in_holes(backend, method):
    normals, mask = normal_components(bumpy(20, 20, holes=0.3), method=method, backend=backend)
    assert normals.dtype == torch.float32
    assert normals.abs().max() <= 1
    assert (normals[:, 2] >= 0).all()
    torch.testing.assert_close(normals.norm(dim=1), mask.float(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_a_surface_seen_edge_on_points_along_positive_x(backend, slope):
    """The plane x = 0: neither sign of its normal points to the viewer."""
    y, z, x = plane(6, 6, 0, 0)[0]
    normals, mask = normal_components(torch.stack((x, y, slope * z))[None], backend=backend)
    assert mask.all()
    torch.testing.assert_close(normals[0, :, 3, 3], torch.tensor([1.0, 0, 0], dtype=torch.float64))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_hole_stays_a_hole_unless_asked(backend, method):
    positions = plane(5, 5, 0.5, 0)
    positions[0, 1, 2, 2] = math.inf  # one coordinate is enough
    normals, mask = normal_components(positions, method=method, backend=backend)
    assert mask.sum() == 24
    assert not normals[0, :, 2, 2].any()
    filled, mask = normal_components(positions, method=method, fill_holes=True, backend=backend)
    assert mask.all()
    torch.testing.assert_close(filled[0, :, 2, 2], filled[0, :, 0, 0])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_fewer_than_three_points_off_a_line_make_a_hole(backend, method):
    """From the top: a row of points, one and two alone, three in a corner, and points all in one place."""
    valid = torch.zeros(5, 3, 7, dtype=torch.bool)
    valid[0, 1] = True
    valid[1, 0, 0] = True
    valid[2, 0, :2] = True
    valid[3, 0, :2] = valid[3, 1, 0] = True
    valid[4] = True
    positions = plane(3, 7, 0.3, -0.2).repeat(5, 1, 1, 1) + 900.1
    positions[4] = 900.1
    normals, mask = normal_components(positions, valid, window=3, method=method, backend=backend)
    assert torch.equal(mask, valid & torch.tensor([False, False, False, True, False])[:, None, None])
    assert not normals[~mask[:, None].expand_as(normals)].any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_one_best_plane_the_normal_nearest_to_z_is_taken(backend):
    """A ball: the corners of a regular tetrahedron. A rod: two squares far apart along (1, 0, 1)."""
    ball = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    across, along = torch.tensor([[0.0, 1, 0], [0.5**0.5, 0, -(0.5**0.5)]]), torch.tensor([1.0, 0, 1])
    corners = [sign * side + end * along for sign in (1, -1) for side in across for end in (5, -5)]
    clouds = (ball, torch.stack(corners).double())
    expected = ([0.0, 0, 1], [-(0.5**0.5), 0, 0.5**0.5])
    for cloud, normal in zip(clouds, expected, strict=True):
        positions = torch.full((1, 3, 3, 3), math.nan, dtype=torch.float64)
        positions.view(3, 9)[:, : len(cloud)] = cloud.T
        normals, mask = normal_components(positions, window=3, fill_holes=True, backend=backend)
        assert mask[0, 1, 1]  # its window holds all nine pixels
        torch.testing.assert_close(normals[0, :, 1, 1], torch.tensor(normal, dtype=torch.float64))


@pytest.mark.parametrize("slope", [50.0, 400.0, 1000.0])
def test_steep_planes_stay_exact(slope):
    """Up to 89.95 degrees, where the smaller eigenvalues lie close together next to the largest."""
    normals, mask = normal_components(plane(8, 8, slope, 0.3 * slope))
    expected = torch.tensor([-slope, -0.3 * slope, 1], dtype=torch.float64)
    expected = (expected / expected.norm())[None, :, None, None].expand_as(normals)
    assert mask.all()
    assert degrees_between(normals, expected) < 1e-4


@given(st.integers(0, 3), st.floats(-1000, 1000), st.floats(-1000, 1000), st.sampled_from(METHODS))
@settings(max_examples=20)
def test_normals_turn_with_the_image_by_quarters_and_ignore_shifts(quarters, shift_x, shift_z, method):
    """A turn about z moves the pixels as it moves the points, so the windows hold the same points."""
    positions = bumpy(14, 11, dtype=torch.float64)
    turn = torch.linalg.matrix_power(torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64), quarters)
    shift = torch.tensor([shift_x, 0, shift_z], dtype=torch.float64)[:, None, None]

    def turned(images: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ij,bjhw->bihw", turn, images).rot90(quarters, dims=(2, 3))

    normals, mask = normal_components(positions, method=method)
    found, found_mask = normal_components(turned(positions) + shift, method=method)
    assert torch.equal(found_mask, mask.rot90(quarters, dims=(1, 2)))
    torch.testing.assert_close(found, turned(normals), rtol=0, atol=1e-7)


def test_a_batch_equals_one_by_one():
    images = torch.cat([bumpy(12, 15, seed) + 100 * seed for seed in range(3)])
    together = normal_components(images)
    alone = [normal_components(image[None]) for image in images]
    for part, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(part, torch.cat(parts), rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_input_stays_as_it_was_and_gets_no_gradient(backend):
    positions = bumpy(8, 8).requires_grad_()
    mask = torch.ones(1, 8, 8, dtype=torch.bool)
    before = positions.detach().clone(), mask.clone()
    normals, _ = normal_components(positions, mask, backend=backend)
    assert not normals.requires_grad
    torch.testing.assert_close(positions.detach(), before[0], equal_nan=True)
    assert torch.equal(mask, before[1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_of_holes_gives_holes(backend):
    images = torch.cat((torch.full((1, 3, 6, 6), math.nan), bumpy(6, 6, holes=0)))
    normals, mask = normal_components(images, fill_holes=True, backend=backend)
    assert mask.flatten(1).any(dim=1).tolist() == [False, True]
    assert not normals[0].any()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": torch.zeros(3, 8, 8)}, "positions has shape"),
        ({"positions": torch.zeros(0, 3, 8, 8)}, "no size zero"),
        ({"positions": torch.zeros(1, 3, 8, 8, dtype=torch.int64)}, "float32 or float64"),
        ({"mask": torch.ones(1, 8, 9, dtype=torch.bool)}, "mask has shape"),
        ({"mask": torch.ones(1, 8, 8)}, r"torch\.bool"),
        ({"window": 4}, "odd number from 3 to 8"),
        ({"window": 1}, "odd number from 3 to 8"),
        ({"window": 9}, "odd number from 3 to 8"),
        ({"positions": torch.full((1, 3, 8, 8), -1e9)}, "mask what lies beyond"),
    ],
)
def test_bad_input_is_refused(backend, change, message):
    with pytest.raises(BadInput, match=message):
        normal_components(**({"positions": bumpy(8, 8)} | change), backend=backend)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="total"):
        normal_components(bumpy(8, 8), method="totall")
    with pytest.raises(UnknownName, match="numba"):
        normal_components(bumpy(8, 8), backend="nunba")


def test_a_masked_background_may_hold_any_value():
    positions = plane(8, 8, 0.2, 0)
    expected, _ = normal_components(positions)
    mask = torch.ones(1, 8, 8, dtype=torch.bool)
    mask[:, :2] = False
    positions[:, 2, :2] = -1e9
    normals, _ = normal_components(positions, mask)
    torch.testing.assert_close(normals[:, :, 2:], expected[:, :, 2:])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_cuda_equals_the_cpu(method):
    positions = bumpy(30, 40)
    found = normal_components(positions.cuda(), method=method)
    expected = normal_components(positions, method=method)
    assert torch.equal(found[1].cpu(), expected[1])
    torch.testing.assert_close(found[0].cpu(), expected[0], rtol=0, atol=1e-6)
    with pytest.raises(BadInput, match="choose 'torch'"):
        normal_components(positions.cuda(), backend="numba")
