from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from facelib.errors import BadInput, UnknownName
from facelib.geometry.rotations import euler_to_matrix, matrix_to_euler
from facelib.metrics.pose_error import (
    aflw2000_angles,
    euler_errors,
    geodesic_errors,
    pose_error,
    translation_errors,
)


def radians(*degrees) -> np.ndarray:
    return np.deg2rad(np.array(degrees, float))


def test_hand_computed_errors():
    true = radians([0, 0, 0], [10, 20, 30])
    predicted = radians([2, 0, 0], [10, 16, 36])
    found = pose_error(predicted, true, protocol="all")
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((1, 2, 3))
    assert found.mean == pytest.approx(2)
    assert found.samples == 2
    assert geodesic_errors(predicted, true)[0] == pytest.approx(2)


def test_differences_go_the_short_way_round():
    assert euler_errors(radians([179, 0, -170]), radians([-179, 0, 160])) == pytest.approx(np.array([[2, 0, 30]]))
    assert euler_errors(radians([180, 540, 360]), radians([0, 0, 0])) == pytest.approx(np.array([[180, 180, 0]]))


def test_geodesic_angle_equals_scipy():
    """R_head = R_y(yaw) R_x(-pitch) R_z(roll)."""
    generator = np.random.default_rng(0)
    predicted, true = generator.uniform(-np.pi, np.pi, (2, 20, 3))
    rotations = [Rotation.from_euler("YXZ", angles * np.array([1, -1, 1])) for angles in (predicted, true)]
    expected = np.rad2deg((rotations[0].inv() * rotations[1]).magnitude())
    assert geodesic_errors(predicted, true) == pytest.approx(expected, abs=1e-9)


def test_geodesic_angle_knows_no_gimbal_lock():
    """Looking straight up, yaw and roll turn about one axis: far apart in Euler angles, the same pose."""
    predicted, true = radians([40, 90, 0]), radians([0, 90, 40])
    assert euler_errors(predicted, true).max() == pytest.approx(40)
    assert geodesic_errors(predicted, true)[0] < 1e-6


def test_protocols_drop_what_they_name():
    true = radians([0, 0, 0], [0, 0, 98], [0, -100, 0], [80, 0, 0], [80, 0, 0], [80, 0, 0])
    predicted = true + radians([1, 1, 1], [1, 1, 1], [1, 1, 1], [4, 25, 1], [6, 25, 1], [4, 19, 19])
    assert pose_error(predicted, true, protocol="all").samples == 6
    assert pose_error(predicted, true, protocol="aflw2000").samples == 5
    fixed = pose_error(predicted, true, protocol="sadrnet_fix")
    assert fixed.samples == 4
    assert (fixed.yaw, fixed.pitch, fixed.roll) == pytest.approx((12 / 4, 46 / 4, 22 / 4))
    assert fixed.geodesic == pytest.approx(geodesic_errors(predicted, true)[[0, 1, 4, 5]].mean())


def test_tensors_are_taken_as_arrays():
    true, predicted = np.random.default_rng(0).normal(size=(2, 5, 3))
    tensors = torch.from_numpy(predicted).requires_grad_(), torch.from_numpy(true)
    assert pose_error(*tensors, protocol="all") == pose_error(predicted, true, protocol="all")


def test_translation_is_a_distance():
    assert translation_errors([[3.0, 4, 0], [1, 1, 1]], [[0.0, 0, 0], [1, 1, 1]]).tolist() == [5, 0]


@pytest.mark.parametrize(
    ("predicted", "true", "message"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3)), "true has shape"),
        (np.zeros((2, 3)), np.zeros((3, 3)), "predicted has shape"),
        (np.zeros((2, 2)), np.zeros((2, 2)), "true has shape"),
        (np.full((1, 3), np.nan), np.zeros((1, 3)), "predicted holds 3"),
        (np.zeros((1, 3)), np.full((1, 3), np.inf), "true holds 3"),
    ],
)
def test_bad_input_is_named(predicted, true, message):
    for measure in (euler_errors, geodesic_errors, translation_errors):
        with pytest.raises(BadInput, match=message):
            measure(predicted, true)
    with pytest.raises(BadInput, match=message):
        pose_error(predicted, true, protocol="all")


def test_a_protocol_must_be_known_and_leave_something():
    with pytest.raises(UnknownName, match="did you mean 'aflw2000'"):
        pose_error(np.zeros((1, 3)), np.zeros((1, 3)), protocol="aflw200")
    with pytest.raises(BadInput, match="leaves none of 1 samples"):
        pose_error(radians([170, 0, 0]), radians([170, 0, 0]), protocol="aflw2000")


def test_angles_of_aflw2000_are_those_of_scipy() -> None:
    rotation = Rotation.random(50, np.random.default_rng(0))
    angles = aflw2000_angles(torch.from_numpy(rotation.as_matrix()))
    about_x, about_y, about_z = rotation.as_euler("XYZ").T  # each about the axes as the turns before left them

    # Lifting the face is a turn about -x: x points to the subject's left.
    np.testing.assert_allclose(angles, np.stack((about_y, -about_x, about_z), axis=1), atol=1e-9)


@pytest.mark.parametrize("axis", range(3))
def test_a_single_turn_is_the_same_in_every_order(axis: int) -> None:
    angles = torch.zeros(1, 3, dtype=torch.float64)
    angles[0, axis] = 0.6
    rotation = euler_to_matrix(*angles.unbind(1))

    np.testing.assert_allclose(aflw2000_angles(rotation), angles, atol=1e-9)


def test_near_the_right_angle_a_small_turn_is_a_large_error_in_one_order_only() -> None:
    true, found = (euler_to_matrix(*torch.deg2rad(torch.tensor([[angle] for angle in angles])))
                   for angles in ((89.0, 0.0, 0.0), (89.0, 3.0, 0.0)))  # fmt: skip
    orders = (lambda rotation: torch.stack(matrix_to_euler(rotation), dim=1).numpy(), aflw2000_angles)
    first, middle = (np.abs(np.rad2deg(angles(found) - angles(true)))[0] for angles in orders)

    assert first.tolist() == pytest.approx([0, 3, 0], abs=1e-3)
    assert middle[0] < 5
    assert max(middle[1:]) > 20
