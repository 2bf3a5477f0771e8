from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.metrics.surface_error import mesh_fitting_error, point_to_plane, reconstruction_nme


def cloud(seed: int, count: int) -> np.ndarray:
    return 10 * np.random.default_rng(seed).normal(size=(count, 3))


def plane(step: float = 1.0, size: int = 11) -> tuple[np.ndarray, np.ndarray]:
    """A square of triangles in z = 0, facing +z."""
    x, y = np.meshgrid(np.arange(size) * step, np.arange(size) * step)
    vertices = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    corner = np.arange(size * size).reshape(size, size)[:-1, :-1].ravel()
    lower = np.stack([corner, corner + 1, corner + size], axis=1)
    return vertices, np.concatenate([lower, np.stack([corner + 1, corner + size + 1, corner + size], axis=1)])


def slow_distances(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.sqrt(((points[:, None] - targets[None]) ** 2).sum(-1).min(axis=1))


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20))
def test_the_mesh_fitting_error_equals_slow_loops(seed, count, true_count):
    predicted, true = cloud(seed, count), cloud(seed + 1, true_count)
    distances = np.concatenate([slow_distances(predicted, true), slow_distances(true, predicted)])
    found = mesh_fitting_error(predicted, true, flying_distance=np.inf)
    assert found.error == pytest.approx((distances**2).mean(), rel=1e-12)


@pytest.mark.parametrize("direction", ["predicted_to_true", "true_to_predicted", "both"])
def test_a_shift_within_the_plane_is_no_distance_to_it(direction):
    vertices, triangles = plane()
    named = {"direction": direction, "statistic": "rms"}
    slid = vertices + np.array([0.3, 0.2, 0])
    assert point_to_plane(slid, vertices, triangles, **named) == pytest.approx(0, abs=1e-12)
    assert point_to_plane(slid + np.array([0, 0, -0.4]), vertices, triangles, **named) == pytest.approx(0.4)


def test_planes_are_those_of_the_nearest_true_vertex():
    """A tilted true surface: the distance along its normal, for points that lie above single vertices."""
    vertices, triangles = plane()
    tilt = np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]])
    true = vertices @ tilt.T
    predicted = true[[5, 40]] + np.array([[0.0, 0, 0.1], [0, 0, 0.3]])
    found = point_to_plane(predicted, true, triangles, direction="predicted_to_true", statistic="mean")
    assert found == pytest.approx(0.8 * 0.2)


def test_plane_distances_of_a_curved_surface_equal_slow_loops():
    true, triangles = plane()
    true[:, 2] = np.sin(true[:, 0]) + np.cos(true[:, 1] / 2)
    predicted = true[::2] + cloud(0, len(true[::2])) / 50
    normals = np.zeros_like(true)
    for a, b, c in triangles:
        normals[[a, b, c]] += np.cross(true[b] - true[a], true[c] - true[a])
    normals /= np.sqrt((normals**2).sum(axis=1, keepdims=True))
    nearest_true = [int(((true - point) ** 2).sum(axis=1).argmin()) for point in predicted]
    nearest_predicted = [int(((predicted - point) ** 2).sum(axis=1).argmin()) for point in true]
    forth = [abs((predicted[i] - true[j]) @ normals[j]) for i, j in enumerate(nearest_true)]
    back = [abs((predicted[i] - true[j]) @ normals[j]) for j, i in enumerate(nearest_predicted)]
    expected = {"predicted_to_true": forth, "true_to_predicted": back, "both": forth + back}
    for direction, distances in expected.items():
        found = point_to_plane(predicted, true, triangles, direction=direction, statistic="mean")
        assert found == pytest.approx(np.mean(distances), rel=1e-9)


def test_moving_both_surfaces_changes_nothing():
    vertices, triangles = plane()
    predicted, true = vertices + cloud(0, len(vertices)) / 20, vertices + cloud(1, len(vertices)) / 20
    turn = np.linalg.qr(cloud(2, 3))[0]
    turn *= np.linalg.det(turn)  # no reflection
    moved = [points @ turn.T + 7 for points in (predicted, true)]
    named = {"direction": "both", "statistic": "rms"}
    assert point_to_plane(*moved, triangles, **named) == pytest.approx(
        point_to_plane(predicted, true, torch.from_numpy(triangles), **named)
    )
    assert mesh_fitting_error(*moved, flying_distance=0.5).error == pytest.approx(
        mesh_fitting_error(predicted, true, flying_distance=0.5).error
    )


def test_reconstruction_error_is_a_share_of_the_eye_distance():
    true = np.array([[[0.0, 0, 0], [6.0, 0, 8], [1.0, 1, 1]]])
    predicted = true + np.array([[[0.0, 0, 0], [0, 3.0, 4], [0, 0, 1]]])
    assert reconstruction_nme(predicted, true, outer_eye_corners=(0, 1)).tolist() == [2 / 10]


def test_flying_vertices_are_dropped_and_told():
    """Squared distances 0.09, 0.16 and 30^2 forth, 0.09 and 0.16 back; only the third of them flies."""
    predicted = np.array([[0.3, 0, 0], [20, 0.4, 0], [50, 0, 0]])
    true = np.array([[0.0, 0, 0], [20.0, 0, 0]])
    found = mesh_fitting_error(predicted, true, flying_distance=5)
    assert found.error == pytest.approx((0.09 + 0.16) / 2)
    assert (found.dropped, found.pairs) == (pytest.approx(1 / 5), 4)
    everything = mesh_fitting_error(predicted, true, flying_distance=np.inf)
    assert everything.error == pytest.approx((0.09 + 0.16 + 30**2 + 0.09 + 0.16) / 5)
    assert everything.dropped == 0


def test_the_limit_is_a_distance_not_its_square():
    """0.6 mm are beyond 0.5 mm though 0.36 is not."""
    predicted, true = np.array([[0.6, 0, 0], [0.0, 0, 0]]), np.zeros((1, 3))
    assert mesh_fitting_error(predicted, true, flying_distance=0.5).pairs == 2
    assert mesh_fitting_error(predicted, true, flying_distance=0.6).pairs == 3


POINTS, TRIANGLES = plane(size=3)


@pytest.mark.parametrize(
    ("predicted", "true", "message"),
    [
        (POINTS[:0], POINTS, "predicted has shape"),
        (POINTS, POINTS[:, :2], "true has shape"),
        (POINTS * np.nan, POINTS, "predicted holds"),
        (POINTS, np.where(POINTS == 1, np.inf, POINTS), "true holds"),
    ],
)
def test_bad_points_are_named(predicted, true, message):
    named = {"direction": "both", "statistic": "rms"}
    with pytest.raises(BadInput, match=message):
        point_to_plane(predicted, true, TRIANGLES, **named)
    with pytest.raises(BadInput, match=message):
        mesh_fitting_error(predicted, true, flying_distance=1)
    with pytest.raises(BadInput, match=message):
        reconstruction_nme(predicted[None], true[None], outer_eye_corners=(0, 1))


def test_names_must_be_known():
    with pytest.raises(UnknownName, match=r"direction 'true_to_predict'.*did you mean"):
        point_to_plane(POINTS, POINTS, TRIANGLES, direction="true_to_predict", statistic="rms")
    with pytest.raises(UnknownName, match=r"statistic 'rmse'.*did you mean 'rms'"):
        point_to_plane(POINTS, POINTS, TRIANGLES, direction="both", statistic="rmse")


def test_other_bad_input_is_named():
    named = {"direction": "predicted_to_true", "statistic": "rms"}
    with pytest.raises(BadInput, match="expected ids in 0 to 8"):
        point_to_plane(POINTS, POINTS, TRIANGLES + 1, **named)
    with pytest.raises(BadInput, match="true vertex 8 has no normal"):
        point_to_plane(POINTS, POINTS, TRIANGLES[(TRIANGLES != 8).all(axis=1)], **named)
    for limit in (0.0, -1.0, float("nan")):
        with pytest.raises(BadInput, match="positive length"):
            mesh_fitting_error(POINTS, POINTS, flying_distance=limit)
    with pytest.raises(BadInput, match=r"all 18 pairs are farther apart than 0\.5 mm, the nearest 9"):
        mesh_fitting_error(POINTS, POINTS + np.array([0, 0, 9]), flying_distance=0.5)
    with pytest.raises(BadInput, match="vertex ids from 0 to 8"):
        reconstruction_nme(POINTS[None], POINTS[None], outer_eye_corners=(0, 9))
    with pytest.raises(BadInput, match="sample 0 has its outer eye corners in one place"):
        reconstruction_nme(POINTS[None], POINTS[None], outer_eye_corners=(3, 3))


def test_surfaces_without_a_finite_distance_and_ids_that_are_no_numbers_are_refused():
    vertices, triangles = plane()
    named = {"direction": "both", "statistic": "rms"}
    with pytest.raises(BadInput, match="too far apart"):
        point_to_plane(1e300 * vertices, vertices, triangles, **named)
    for wrong in (None, triangles.astype(float), triangles.astype(str)):
        with pytest.raises(BadInput, match=r"true_triangles are .* expected whole numbers"):
            point_to_plane(vertices, vertices, wrong, **named)
