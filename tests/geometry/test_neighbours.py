from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry import neighbours
from facelib.geometry.neighbours import knn, nearest

LINE = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [3, 0, 0], [10, 0, 0]]])


def cloud(count: int, seed: int = 0, batch: int = 2, dimensions: int = 3) -> torch.Tensor:
    return torch.randn(batch, count, dimensions, generator=torch.Generator().manual_seed(seed))


def slow_knn(queries: torch.Tensor, points: torch.Tensor, k: int) -> list[list[int]]:
    rows = []
    for query in queries:
        squares = ((points - query) ** 2).double()
        distances = ((squares[:, 0] + squares[:, 1]) + squares[:, 2]).tolist()
        rows.append(sorted(range(len(points)), key=lambda i: (distances[i], i))[:k])
    return rows


def test_nearest_by_hand():
    queries = torch.tensor([[[0.4, 0, 0], [0.5, 0, 0], [3, 4, 0], [99, 0, 0]]])
    distances, indices = nearest(queries, LINE)
    assert indices.tolist() == [[0, 0, 2, 4]]  # of two equally far the lowest index
    torch.testing.assert_close(distances, torch.tensor([[0.4, 0.5, 4, 89]]))


def test_knn_by_hand_nearest_first():
    distances, indices = knn(torch.tensor([[[2.9, 0, 0]]]), LINE, 4)
    assert indices.tolist() == [[[2, 3, 1, 0]]]
    torch.testing.assert_close(distances, torch.tensor([[[0.1, 0.1, 1.9, 2.9]]]))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 300),
    st.integers(1, 12),
    st.sampled_from(["plain", "doubled", "clustered", "outlier"]),
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(1, 2),
)
def test_tree_equals_reference_to_the_last_bit_and_slow_loop(seed, size, k, kind, dtype, threads):
    points, queries, k = cloud(size, seed).to(dtype), cloud(7, seed + 1).to(dtype), min(k, size)
    if kind == "doubled":
        points, queries = points.round(), queries.round()
    if kind == "clustered":
        points = points * 10.0 ** -(torch.arange(size)[:, None] % 9)
    if kind == "outlier":
        points[:, 0] = 1e25  # its square overflows in float32
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = knn(queries, points, k)
    finally:
        torch.set_num_threads(usual)
    expected = neighbours._knn_torch(queries, points, k)
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(found.distances, expected.distances)
    if dtype == torch.float64 and kind != "outlier":
        assert found.indices.tolist() == [slow_knn(*pair, k) for pair in zip(queries, points, strict=True)]


def test_nearest_is_knn_of_one_and_every_point_finds_itself():
    points = cloud(500)
    distances, indices = nearest(points, points)
    assert torch.equal(indices, torch.arange(500).expand(2, -1))
    assert not distances.any()
    queries = cloud(50, seed=1)
    assert torch.equal(nearest(queries, points).indices, knn(queries, points, 3).indices[..., 0])


def test_nearest_in_a_cloud_of_one_place_is_the_first_point():
    assert not nearest(cloud(20), torch.zeros(2, 5000, 3)).indices.any()


def test_infinitely_far_points_are_still_found():
    """Squares that overflow."""
    points = torch.tensor([[[1e30, 0, 0], [-1e30, 0, 0]]])
    distances, indices = knn(torch.zeros(1, 1, 3), points, 2)
    assert indices.tolist() == [[[0, 1]]]
    assert distances.isinf().all()


@pytest.mark.parametrize("dimensions", [1, 2, 4, 64])
def test_neighbours_in_feature_space_equal_brute_force(dimensions):
    points, queries = 5 + cloud(200, 0, 2, dimensions).double(), 5 + cloud(30, 1, 2, dimensions).double()
    distances, indices = knn(queries, points, 7)
    expected = torch.cdist(queries, points, compute_mode="donot_use_mm_for_euclid_dist").topk(7, largest=False)
    assert torch.equal(indices, expected.indices)
    torch.testing.assert_close(distances, expected.values)


def test_features_far_off_the_origin_still_find_themselves():
    points = 1000 + cloud(300, dimensions=16)
    distances, indices = knn(points, points, 2)
    assert torch.equal(indices[..., 0], torch.arange(300).expand(2, -1))
    assert not distances[..., 0].any()
    assert (distances[..., 1] > 0).all()


def test_equal_features_go_to_the_lowest_index():
    points = cloud(3, dimensions=8).repeat_interleave(2, dim=1)
    assert torch.equal(knn(points, points, 2).indices[..., 0], torch.tensor([0, 0, 2, 2, 4, 4]).expand(2, -1))


@pytest.mark.parametrize("search", ["_knn_torch", "_knn_features"])
def test_parts_change_nothing(monkeypatch, search):
    points, queries = cloud(60), cloud(35, 1)
    whole = getattr(neighbours, search)(queries, points, 4)
    monkeypatch.setattr(neighbours, "_PAIRS", 1000)
    parts = getattr(neighbours, search)(queries, points, 4)
    assert torch.equal(whole.indices, parts.indices)
    torch.testing.assert_close(whole.distances, parts.distances)


def test_no_gradient_is_asked_of_the_search():
    points = cloud(10).requires_grad_()
    assert not nearest(points, points).distances.requires_grad


@pytest.mark.parametrize(
    ("queries", "points", "k", "message"),
    [
        (LINE[0], LINE, 1, "queries has shape"),
        (LINE, LINE[:, :0], 1, "points has shape"),
        (LINE.int(), LINE.int(), 1, "floating-point"),
        (LINE * math.nan, LINE, 1, "non-finite"),
        (LINE, LINE * math.inf, 1, "non-finite"),
        (LINE, LINE.double(), 1, "dtype"),
        (LINE, LINE.expand(2, -1, -1), 1, "expected the same"),
        (LINE[..., :2], LINE, 1, "dimensions"),
        (LINE, LINE, 0, "k is 0: expected 1 to 5"),
        (LINE, LINE, 6, "k is 6: expected 1 to 5"),
    ],
)
def test_bad_searches_are_refused(queries, points, k, message):
    with pytest.raises(BadInput, match=message):
        knn(queries, points, k)
    if k == 1:
        with pytest.raises(BadInput, match=message):
            nearest(queries, points)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_finds_the_same():
    points, queries = cloud(2000), cloud(300, 1)
    found = knn(queries.cuda(), points.cuda(), 5)
    assert torch.equal(found.indices.cpu(), knn(queries, points, 5).indices)
