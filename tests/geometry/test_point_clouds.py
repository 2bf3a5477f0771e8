from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry import point_clouds
from facelib.geometry.point_clouds import ball_query, farthest_point_sampling, normalise_to_unit_sphere

LINE = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [10, 0, 0]]])
GRID = torch.cartesian_prod(*[torch.arange(6.0)] * 3)[None]


def cloud(count: int, seed: int = 0, images: int = 2) -> torch.Tensor:
    return 100 * torch.randn(images, count, 3, generator=torch.Generator().manual_seed(seed))


# ---- farthest points ----


def test_farthest_points_by_hand():
    assert farthest_point_sampling(LINE, 3).tolist() == [[0, 3, 2]]
    assert farthest_point_sampling(LINE, 2, start=3).tolist() == [[3, 0]]


@pytest.mark.parametrize(("count", "start"), [(0, 0), (5, 0), (1, -1), (1, 4)])
def test_farthest_points_out_of_range_are_refused(count, start):
    with pytest.raises(BadInput, match=r"expected [01] to [34]"):
        farthest_point_sampling(LINE, count, start)


@pytest.mark.parametrize("bad", [torch.zeros(4, 3), torch.zeros(1, 0, 3), torch.full((1, 4, 3), math.nan), LINE.int()])
def test_unusable_clouds_are_refused(bad):
    for function in (
        lambda points: farthest_point_sampling(points, 1),
        lambda points: ball_query(points, LINE, 1.0, 1),
        lambda points: ball_query(LINE, points, 1.0, 1),
        normalise_to_unit_sphere,
    ):
        with pytest.raises(BadInput):
            function(bad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("size", "count", "start"), [(1, 1, 0), (3, 3, 2), (500, 500, 7), (3000, 200, 2999)])
def test_library_equals_the_reference(dtype, size, count, start):
    points = cloud(size).to(dtype)
    chosen = farthest_point_sampling(points, count, start)
    assert chosen.dtype == torch.int64
    assert torch.equal(chosen, point_clouds._farthest_point_sampling_torch(points, count, start))


def test_every_choice_is_a_farthest_point_even_among_equals():
    chosen = farthest_point_sampling(GRID, 100)[0]
    distance = torch.cdist(GRID[0], GRID[0, chosen])  # (N, count)
    for step in range(1, 100):
        to_chosen = distance[:, :step].amin(dim=1)
        assert to_chosen[chosen[step]] == to_chosen.max()


# ---- balls ----


def slow_ball_query(centres: torch.Tensor, points: torch.Tensor, radius: float, count: int) -> list[list[int]]:
    rows = []
    for centre in centres:
        distances = [math.dist(centre.tolist(), point.tolist()) for point in points]
        found = [i for i, distance in enumerate(distances) if distance <= radius][:count]
        found = found or [min(range(len(points)), key=distances.__getitem__)]
        rows.append(found + [found[0]] * (count - len(found)))
    return rows


def test_balls_by_hand():
    """Full, on the border, padded with the first found, and empty."""
    centres = torch.tensor([[[1.0, 0, 0], [3, 0, 0], [10.5, 0, 0], [6.5, 0, 0]]])
    expected = [[[0, 1, 2], [2, 2, 2], [3, 3, 3], [3, 3, 3]]]
    assert ball_query(centres, LINE, 1.0, 3).tolist() == expected
    assert ball_query(centres, LINE, 1.0, 2).tolist() == [[row[:2] for row in expected[0]]]


@pytest.mark.parametrize(
    ("centres", "radius", "count", "message"),
    [
        (LINE, 0.0, 1, "radius"),
        (LINE, math.nan, 1, "radius"),
        (LINE, math.inf, 1, "radius"),
        (LINE, 1.0, 0, "count"),
        (LINE, 1.0, 5, "count"),
        (LINE.expand(2, -1, -1), 1.0, 1, "clouds"),
        (LINE.double(), 1.0, 1, "dtype"),
    ],
)
def test_bad_queries_are_refused(centres, radius, count, message):
    with pytest.raises(BadInput, match=message):
        ball_query(centres, LINE, radius, count)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 300), st.floats(1, 300), st.integers(1, 40), st.integers(1, 2))
def test_kernel_equals_reference_and_slow_loop(seed, size, radius, count, threads):
    points, centres, count = cloud(size, seed), cloud(5, seed + 1), min(count, size)
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = ball_query(centres, points, radius, count)
    finally:
        torch.set_num_threads(usual)
    assert torch.equal(found, point_clouds._ball_query_torch(centres, points, radius, count))
    assert found.tolist() == [slow_ball_query(*pair, radius, count) for pair in zip(centres, points, strict=True)]


def test_points_on_the_border_of_a_grid_agree():
    found = ball_query(GRID, GRID, 1.0, 7)
    assert torch.equal(found, point_clouds._ball_query_torch(GRID, GRID, 1.0, 7))
    inner = GRID[0].gt(0).all(-1) & GRID[0].lt(5).all(-1)
    assert all(len(row.unique()) == 7 for row in found[0, inner])


# ---- unit sphere ----


def test_unit_sphere_has_centroid_zero_and_radius_one():
    moved = normalise_to_unit_sphere(cloud(50).double() + 1000)
    assert moved.mean(dim=1).abs().max() < 1e-12
    torch.testing.assert_close(moved.norm(dim=-1).amax(dim=1), torch.ones(2, dtype=torch.float64))


def test_unit_sphere_forgets_place_and_size():
    points = cloud(50).double()
    torch.testing.assert_close(normalise_to_unit_sphere(3 * points + 5), normalise_to_unit_sphere(points))


def test_a_cloud_in_one_place_is_refused():
    points = cloud(5)
    points[1] = 0.1
    with pytest.raises(BadInput, match="cloud 1"):
        normalise_to_unit_sphere(points)


def test_unit_sphere_gradcheck():
    assert torch.autograd.gradcheck(normalise_to_unit_sphere, cloud(5).double().requires_grad_())
