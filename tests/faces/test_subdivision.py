"""The subdivision matrix against trimesh's Loop subdivision and against weights worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from facelib.faces.subdivision import subdivision_operator

SQUARE = np.array([[0, 1, 2], [0, 2, 3]])  # two triangles that share the diagonal 0-2


def _sorted_rows(points: np.ndarray) -> np.ndarray:
    rounded = points.round(9) + 0.0  # no minus zero
    return rounded[np.lexsort(rounded.T)]


def test_equals_loop_subdivision_of_trimesh() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=1)
    vertices = sphere.vertices * [1.0, 2.0, 3.0]
    operator, triangles = subdivision_operator(np.asarray(sphere.faces), len(vertices))
    expected, expected_triangles = trimesh.remesh.subdivide_loop(vertices, sphere.faces, iterations=1)
    ours = operator @ vertices
    np.testing.assert_allclose(_sorted_rows(ours), _sorted_rows(expected), atol=1e-8)
    centres, expected_centres = ours[triangles].mean(axis=1), expected[expected_triangles].mean(axis=1)
    np.testing.assert_allclose(_sorted_rows(centres), _sorted_rows(expected_centres), atol=1e-8)


def test_triangles_keep_their_orientation() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=1)
    operator, triangles = subdivision_operator(np.asarray(sphere.faces), len(sphere.vertices))
    finer = trimesh.Trimesh(operator @ sphere.vertices, triangles, process=False)
    assert finer.is_watertight
    assert finer.volume > 0


@pytest.mark.parametrize("sharp", [None, np.array([True, False, False, True])])
def test_rows_sum_to_one(sharp: np.ndarray | None) -> None:
    operator, _ = subdivision_operator(SQUARE, 4, sharp)
    assert operator.shape == (4 + 5, 4)
    np.testing.assert_allclose(np.asarray(operator.sum(axis=1)).ravel(), 1.0, atol=1e-12)


def test_weights_of_an_open_square_by_hand() -> None:
    operator, triangles = subdivision_operator(SQUARE, 4)
    weights = operator.toarray()
    # A border vertex: 3/4 of itself and 1/8 of its two neighbours along the border, none of the diagonal's other end.
    np.testing.assert_allclose(weights[0], [3 / 4, 1 / 8, 0, 1 / 8])
    np.testing.assert_allclose(weights[1], [1 / 8, 3 / 4, 1 / 8, 0])
    # Edges in order of their ends: 01, 02, 03, 12, 23.
    np.testing.assert_allclose(weights[4], [1 / 2, 1 / 2, 0, 0])  # on the border: the midpoint
    np.testing.assert_allclose(weights[5], [3 / 8, 1 / 8, 3 / 8, 1 / 8])  # the diagonal
    assert triangles.tolist()[:4] == [[0, 4, 5], [4, 1, 7], [5, 7, 2], [4, 7, 5]]


def test_sharp_vertices_stay_and_their_edges_are_halved() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=0)
    vertices = np.asarray(sphere.vertices)
    sharp = np.zeros(len(vertices), bool)
    sharp[0] = True
    operator, _ = subdivision_operator(np.asarray(sphere.faces), len(vertices), sharp)
    finer = operator @ vertices
    np.testing.assert_allclose(finer[0], vertices[0])
    assert np.linalg.norm(finer[1] - vertices[1]) > 0.05  # the others are smoothed
    edges = np.unique(np.sort(sphere.edges, axis=1), axis=0)
    touched = (edges == 0).any(axis=1)
    middles = vertices[edges].mean(axis=1)
    np.testing.assert_allclose(finer[len(vertices) :][touched], middles[touched], atol=1e-12)
    assert np.abs(finer[len(vertices) :][~touched] - middles[~touched]).max() > 0.01


def test_only_one_connected_part_is_split() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=0)
    both = np.concatenate([sphere.faces, sphere.faces + 12])
    vertices = np.concatenate([sphere.vertices, sphere.vertices + 5.0])
    second = np.arange(len(both)) >= 20
    operator, triangles = subdivision_operator(both, 24, only=second)
    finer = operator @ vertices
    np.testing.assert_array_equal(triangles[:20], sphere.faces)
    np.testing.assert_allclose(finer[:12], sphere.vertices)
    alone, alone_triangles = subdivision_operator(np.asarray(sphere.faces), 12)
    np.testing.assert_allclose(finer[triangles[20:]], (alone @ sphere.vertices + 5.0)[alone_triangles], atol=1e-12)
