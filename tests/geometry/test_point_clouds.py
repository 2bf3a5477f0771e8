from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry import point_clouds
from facelib.geometry.kernels import ball_grid
from facelib.geometry.kernels import ball_query as ball_kernels
from facelib.geometry.point_clouds import (
    ball_query,
    farthest_point_sampling,
    normalise_to_unit_sphere,
    sample_surface,
)

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


def clustered(count: int) -> torch.Tensor:
    """Ten clusters of very different size, half of the points doubled."""
    generator = torch.Generator().manual_seed(3)
    place = 100 * torch.randn(10, 3, generator=generator)[torch.randint(10, (count,), generator=generator)]
    points = place + torch.randn(count, 3, generator=generator) * 10 ** (
        3 * torch.rand(count, 1, generator=generator) - 2
    )
    points[::2] = points[1::2]
    return points[None]


def with_outliers(count: int) -> torch.Tensor:
    points = cloud(count, seed=4, images=1)
    points[0, 17], points[0, 30] = torch.tensor([1e8, -1e8, 0]), torch.tensor([0, 1e30, 0])
    return points


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("radius", [1e-30, 0.01, 1.0, 20.0, 70.0, 1e3, 1e12, 1e25])
@pytest.mark.parametrize("make", [clustered, with_outliers, lambda count: torch.ones(1, count, 3)])
def test_hard_clouds_agree_with_the_reference(make, radius, dtype):
    points = make(3000).to(dtype)
    centres = torch.cat((points[:, :40], points[:, :40] + 0.6 * radius, cloud(20, seed=5, images=1).to(dtype)), dim=1)
    for count in (1, 32):
        found = ball_query(centres, points, radius, count)
        assert torch.equal(found, point_clouds._ball_query_torch(centres, points, radius, count))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 400), st.floats(0.01, 3), st.integers(1, 400), st.booleans())
def test_grid_and_looking_through_give_the_same(seed, size, radius, count, doubled):
    points, centres, count = cloud(size, seed) / 100, cloud(9, seed + 1) / 100, min(count, size)
    if doubled:
        points, centres = points.round(), centres.round()
    usual = ball_kernels.COARSE
    answers = []
    try:
        for ball_kernels.COARSE in (0.0, math.inf):
            answers.append(ball_query(centres, points, radius, count))
    finally:
        ball_kernels.COARSE = usual
    assert torch.equal(*answers)


def test_a_small_radius_takes_the_grid_and_a_large_one_does_not(monkeypatch):
    class Taken(Exception):
        pass

    def take(*_):
        raise Taken

    monkeypatch.setattr(ball_kernels, "search_grid", take)
    extent = float((LINE.amax(1) - LINE.amin(1)).max())
    with pytest.raises(Taken):
        ball_query(LINE, LINE, 0.9 * extent / ball_kernels.COARSE, 1)
    ball_query(LINE, LINE, 1.1 * extent / ball_kernels.COARSE, 1)


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-20, 1e20), st.integers(-3, 2**20 + 3), st.integers(-2, 2), st.booleans())
def test_a_ball_touches_at_most_three_cells_along_an_axis(reach, border, nudge, from_above):
    """Also with an end exactly on a border between cells, or a rounding beside it."""
    cell = reach * (1 + ball_grid._MARGIN)
    place = border * cell + (reach if from_above else -reach)
    for _ in range(abs(nudge)):
        place = math.nextafter(place, math.copysign(math.inf, nudge))
    first, last = ball_grid._touched(place, reach, cell)
    assert last - first <= 2
    for inside in (place - reach / (1 + ball_grid._MARGIN), place, place + reach / (1 + ball_grid._MARGIN)):
        assert not 0 <= inside / cell < 2**20 or first <= int(inside / cell) <= last


def test_a_small_radius_makes_no_more_buckets_than_twice_the_points(monkeypatch):
    """However far the points lie apart."""
    shapes = []
    sort = ball_grid._sort_into_buckets
    monkeypatch.setattr(ball_grid, "_sort_into_buckets", lambda *given: (shapes.append(given[5].shape), sort(*given)))
    points = with_outliers(500)
    ball_query(points, points, 1e-6, 1)
    assert shapes == [(1, 513)]


def test_other_precisions_go_to_the_reference():
    points = (cloud(50) / 100).half()
    assert torch.equal(ball_query(points, points, 0.5, 4), point_clouds._ball_query_torch(points, points, 0.5, 4))


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


# ---- points on a surface ----


VERTICES = torch.tensor([[[0.0, 0, 0], [8, 0, 0], [0, 8, 0], [8, 5, 0], [9, 8, 6]]])
TRIANGLES = torch.tensor([[0, 1, 2], [1, 3, 2], [3, 4, 2]])


def test_a_triangle_receives_points_in_proportion_to_its_area():
    """Areas 4.5 (z = 0, x < 0) and 1.5."""
    vertices = torch.tensor([[[-3.0, 0, 0], [0, 0, 0], [0, 3, 0], [1, 0, 0], [0, 0, 0], [0, 3, 0]]])
    points = sample_surface(vertices, torch.tensor([[0, 1, 2], [3, 4, 5]]), 40_000, torch.Generator().manual_seed(0))
    left = float((points[..., 0] < 0).float().mean())
    assert left == pytest.approx(0.75, abs=0.01)
    assert points[0, points[0, :, 0] < 0].mean(0).tolist() == pytest.approx([-1, 1, 0], abs=0.03)  # the centroid


def test_the_distribution_is_that_of_trimesh():
    trimesh = pytest.importorskip("trimesh")
    from scipy.stats import ks_2samp

    ours = sample_surface(VERTICES, TRIANGLES, 5_000, torch.Generator().manual_seed(0))[0]
    mesh = trimesh.Trimesh(VERTICES[0].numpy(), TRIANGLES.numpy(), process=False)
    theirs, _ = trimesh.sample.sample_surface(mesh, 5_000, seed=0)
    uneven = sample_surface(VERTICES, TRIANGLES[[0, 1, 1, 2]], 5_000, torch.Generator().manual_seed(0))[0]
    directions = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, -1, 0]]).double()
    for direction in directions:
        assert ks_2samp(ours.double() @ direction, theirs @ direction.numpy()).pvalue > 0.01
    assert min(ks_2samp(uneven.double() @ d, theirs @ d.numpy()).pvalue for d in directions) < 1e-6


def test_each_mesh_of_a_batch_is_sampled_on_its_own_and_the_generator_decides():
    vertices = torch.cat((VERTICES, VERTICES + 100))
    draw = lambda seed: sample_surface(vertices, TRIANGLES.int(), 50, torch.Generator().manual_seed(seed))  # noqa: E731
    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))
    assert draw(0)[0].max() < 10
    assert draw(0)[1].min() > 90


@pytest.mark.parametrize(
    ("vertices", "triangles", "count", "message"),
    [
        (VERTICES[0], TRIANGLES, 5, "shape"),
        (VERTICES, TRIANGLES[:0], 5, "shape"),
        (VERTICES * math.nan, TRIANGLES, 5, "non-finite"),
        (VERTICES, TRIANGLES + 3, 5, "ids in 0 to 4"),
        (VERTICES, TRIANGLES.float(), 5, "integer"),
        (VERTICES, torch.zeros_like(TRIANGLES), 5, "area"),
        (VERTICES, TRIANGLES, 0, "count"),
    ],
)
def test_unusable_surfaces_are_refused(vertices, triangles, count, message):
    with pytest.raises(BadInput, match=message):
        sample_surface(vertices, triangles, count, torch.Generator())
