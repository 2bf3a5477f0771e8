"""The nearest place on a surface against a search over many points of it; the warp against maps that it must repeat."""

from __future__ import annotations

import numpy as np
import pytest

from facelib.faces.correspondence import surface_weights, warp_by_landmarks


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_nearest_place_by_dense_search(generator: np.random.Generator) -> None:
    vertices = generator.normal(size=(8, 3))
    triangles = np.array([[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 0], [1, 3, 5]])
    points = generator.normal(size=(20, 3)) * 1.5
    weights = surface_weights(points, vertices, triangles)

    steps = np.linspace(0, 1, 60)
    a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
    corners = np.stack([a, b, 1 - a - b], axis=1)[a + b <= 1 + 1e-9]
    dense = (corners @ vertices[triangles]).reshape(-1, 3)
    expected = np.linalg.norm(points[:, None] - dense, axis=2).min(axis=1)
    found = np.linalg.norm(weights @ vertices - points, axis=1)
    assert (found <= expected + 1e-9).all()
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_weights_are_barycentric(generator: np.random.Generator) -> None:
    vertices = generator.normal(size=(6, 3))
    triangles = np.array([[0, 1, 2], [3, 4, 5]])
    weights = surface_weights(generator.normal(size=(9, 3)), vertices, triangles)
    assert weights.shape == (9, 6)
    assert weights.data.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(surface_weights(vertices, vertices, triangles).toarray(), np.eye(6), atol=1e-9)


def test_warp_takes_landmarks_to_landmarks(generator: np.random.Generator) -> None:
    source, target = generator.normal(size=(2, 20, 3)) * 50
    np.testing.assert_allclose(warp_by_landmarks(source, source, target), target, atol=1e-6)


def test_warp_repeats_affine_maps(generator: np.random.Generator) -> None:
    source, points = generator.normal(size=(2, 20, 3)) * 50
    matrix, shift = generator.normal(size=(3, 3)), generator.normal(size=3)
    np.testing.assert_allclose(
        warp_by_landmarks(points, source, source @ matrix + shift), points @ matrix + shift, atol=1e-6
    )
