from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from facelib.errors import BadInput
from facelib.geometry.rotations import angle_from_frontal, euler_to_matrix, geodesic_distance, matrix_to_euler

NOSE = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
CROWN = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)


def radians(*degrees: float) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(math.radians(value), dtype=torch.float64) for value in degrees)


def test_no_turn_is_the_identity():
    assert torch.equal(euler_to_matrix(*radians(0, 0, 0)), torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("function", [matrix_to_euler, angle_from_frontal, lambda r: geodesic_distance(r, r)])
def test_another_shape_is_refused(function):
    with pytest.raises(BadInput, match=r"\(\.\.\., 3, 3\)"):
        function(torch.zeros(3, 4))


def test_batches_of_any_shape():
    angles = torch.rand(3, 2, 5, generator=torch.Generator().manual_seed(0))
    matrices = euler_to_matrix(*angles)
    assert matrices.shape == (2, 5, 3, 3)
    assert angle_from_frontal(matrices).shape == (2, 5)
    assert torch.allclose(torch.stack(matrix_to_euler(matrices)), angles, atol=1e-5)


def test_gradcheck():
    angles = torch.tensor([[0.3, -0.2, 0.7]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: torch.stack(matrix_to_euler(euler_to_matrix(*a.unbind(-1)))), angles)


def test_signs_of_the_conventions():
    """Yaw turns the nose to the subject's left, pitch up; roll moves the crown to the subject's right."""
    assert (euler_to_matrix(*radians(30, 0, 0)) @ NOSE)[0] == pytest.approx(0.5)
    assert (euler_to_matrix(*radians(0, 30, 0)) @ NOSE)[1] == pytest.approx(0.5)
    assert (euler_to_matrix(*radians(0, 0, 30)) @ CROWN)[0] == pytest.approx(-0.5)


def test_order_equals_scipy():
    yaw, pitch, roll = 0.4, -0.3, 1.1
    expected = Rotation.from_euler("YXZ", [yaw, -pitch, roll]).as_matrix()
    matrix = euler_to_matrix(*(torch.tensor(value, dtype=torch.float64) for value in (yaw, pitch, roll)))
    np.testing.assert_allclose(matrix.numpy(), expected, atol=1e-14)


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_angles_survive_the_round_trip(yaw, pitch, roll):
    found = matrix_to_euler(euler_to_matrix(*radians(yaw, pitch, roll)))
    assert [math.degrees(value) for value in found] == pytest.approx([yaw, pitch, roll], abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pitch", [90, -90])
def test_gimbal_lock_puts_the_whole_turn_into_yaw(dtype, pitch):
    matrix = euler_to_matrix(*radians(25, pitch, 40)).to(dtype)
    yaw, found_pitch, roll = matrix_to_euler(matrix)
    assert roll == 0
    assert math.degrees(found_pitch) == pytest.approx(pitch, abs=1e-3)
    assert torch.allclose(euler_to_matrix(yaw, found_pitch, roll), matrix, atol=2e-6)


@pytest.mark.parametrize("degrees", [0, 1e-5, 10, 90, 180])
def test_angle_from_frontal_is_exact_even_near_zero(degrees):
    (angle,) = radians(degrees)
    zero = torch.zeros_like(angle)
    for turn in (euler_to_matrix(angle, zero, zero + 0.3), euler_to_matrix(-angle, zero, zero)):
        assert float(angle_from_frontal(turn)) == pytest.approx(float(angle), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("angle", [0.0, 1e-7, 1.0, math.pi - 1e-7, math.pi])
def test_geodesic_distance_equals_the_angle_of_a_known_turn(angle):
    first = Rotation.random(random_state=3).as_matrix()
    axis = np.array([2.0, -1.0, 2.0]) / 3
    second = first @ Rotation.from_rotvec(angle * axis).as_matrix()
    found = geodesic_distance(torch.tensor(first), torch.tensor(second))
    assert float(found) == pytest.approx(angle, abs=1e-14)
