from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, DegenerateInput
from facelib.geometry import nearest_on_surface as module
from facelib.geometry.nearest_on_surface import nearest_on_surface

ONE = torch.tensor([[0, 1, 2]])
FLAT = torch.tensor([[[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]])


def soup(count: int, seed: int, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices (B, V, 3) and triangles of any three of them, large and small ones."""
    generator = torch.Generator().manual_seed(seed)
    vertices = torch.randn(batch, 3 + count // 2, 3, generator=generator, dtype=torch.float64)
    triangles = [torch.randperm(vertices.shape[1], generator=generator)[:3] for _ in range(count)]
    return vertices, torch.stack(triangles)


def slow_distances(queries: torch.Tensor, vertices: torch.Tensor, triangles: torch.Tensor) -> np.ndarray:
    """(M,): one query after the other, by trimesh's nearest point of a triangle, which must have an area."""
    corners = vertices.numpy()[triangles.numpy()]
    found = []
    for query in queries.numpy():
        points = trimesh.triangles.closest_point(corners, np.repeat(query[None], len(corners), axis=0))
        found.append(np.linalg.norm(points - query, axis=1).min())
    return np.array(found)


@pytest.mark.parametrize(
    ("query", "point"),
    [
        ((1, 1, 5), (1, 1, 0)),  # above the inside
        ((2, -3, 4), (2, 0, 0)),  # beyond an edge
        ((5, 5, 0), (2, 2, 0)),  # beyond the slanting one
        ((-3, -4, 0), (0, 0, 0)),  # beyond a corner
        ((9, -1, 0), (4, 0, 0)),
        ((0.5, 0.25, 0), (0.5, 0.25, 0)),  # on it
    ],
)
def test_nearest_points_by_hand(query, point):
    queries, expected = torch.tensor([[query]]).float(), torch.tensor([[point]]).float()
    found = nearest_on_surface(queries, FLAT, ONE)
    torch.testing.assert_close(found.points, expected)
    torch.testing.assert_close(found.distances, (queries - expected).norm(dim=-1))
    assert found.triangles.tolist() == [[0]]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 120),
    st.sampled_from([0.01, 1.0, 30.0]),
    st.booleans(),
    st.integers(1, 2),
)
def test_tree_equals_reference_and_a_slow_loop(seed, count, spread, thin, threads):
    vertices, triangles = soup(count, seed)
    queries = spread * soup(20, seed + 1)[0]
    if thin:
        triangles[::2, 2] = triangles[::2, 0]
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = nearest_on_surface(queries, vertices, triangles)
    finally:
        torch.set_num_threads(usual)
    reference = module._find_torch(queries, vertices[:, triangles])
    torch.testing.assert_close(found.distances, reference.distances, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close((queries - found.points).norm(dim=-1), found.distances)
    if not thin:
        for distances, *mesh in zip(found.distances, queries, vertices, strict=True):
            np.testing.assert_allclose(distances.numpy(), slow_distances(*mesh, triangles), rtol=1e-6, atol=1e-6)


def test_the_points_lie_on_the_triangles_named():
    vertices, triangles = soup(60, seed=3, batch=1)
    queries = soup(100, seed=4, batch=1)[0]
    found = nearest_on_surface(queries, vertices, triangles)
    again = nearest_on_surface(found.points, vertices, triangles)
    torch.testing.assert_close(again.distances, torch.zeros_like(again.distances), rtol=0, atol=1e-9)
    for query, point, triangle in zip(queries[0], found.points[0], found.triangles[0], strict=True):
        alone = nearest_on_surface(query[None, None], vertices, triangles[triangle][None])
        torch.testing.assert_close(alone.points[0, 0], point)


@pytest.mark.parametrize("find", [module._find_numba, module._find_torch])
def test_triangles_without_an_area_are_edges_and_points(find):
    corners = torch.tensor([[[[0.0, 0, 0], [1, 0, 0], [3, 0, 0]], [[9.0, 9, 9]] * 3]]).double()
    found = find(torch.tensor([[[2.0, 5, 0], [9, 9, 7]]]).double(), corners)
    assert found.points.tolist() == [[[2, 0, 0], [9, 9, 9]]]
    assert found.triangles.tolist() == [[0, 1]]


def test_single_precision_far_from_the_origin():
    """Computed in float64: only the coordinates themselves are rounded."""
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=80.0)
    vertices, triangles = torch.tensor(mesh.vertices, dtype=torch.float32)[None] + 1000, torch.tensor(mesh.faces)
    queries = 1000 + 85 * torch.nn.functional.normalize(
        torch.randn(1, 50, 3, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    found = nearest_on_surface(queries, vertices, triangles)
    exact = nearest_on_surface(queries.double(), vertices.double(), triangles)
    assert found.distances.dtype == found.points.dtype == torch.float32
    torch.testing.assert_close(found.distances.double(), exact.distances, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"queries": torch.zeros(1, 3)}, BadInput, "queries has shape"),
        ({"queries": torch.zeros(2, 4, 3)}, BadInput, "2 clouds of queries"),
        ({"queries": torch.zeros(1, 4, 3).double()}, BadInput, "expected one dtype"),
        ({"queries": torch.full((1, 1, 3), torch.nan)}, DegenerateInput, "queries holds 3 non-finite"),
        ({"vertices": FLAT / 0}, DegenerateInput, "vertices holds"),
        ({"triangles": ONE[:0]}, BadInput, "triangles has shape"),
        ({"triangles": ONE + 1}, BadInput, "expected ids"),
        ({"triangles": ONE.float()}, BadInput, "expected integer vertex ids"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        nearest_on_surface(**{"queries": torch.zeros(1, 4, 3), "vertices": FLAT, "triangles": ONE, **change})
