from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from facelib.errors import BadInput
from facelib.geometry.rotations import (
    angle_from_frontal,
    euler_to_matrix,
    geodesic_distance,
    matrix_to_euler,
    matrix_to_quaternion,
    normalise_quaternion,
    quaternion_to_matrix,
)

NOSE = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
CROWN = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)


def radians(*degrees: float) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(math.radians(value), dtype=torch.float64) for value in degrees)


def test_no_turn_is_the_identity():
    assert torch.equal(euler_to_matrix(*radians(0, 0, 0)), torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize(
    "function", [matrix_to_euler, angle_from_frontal, lambda r: geodesic_distance(r, r), matrix_to_quaternion]
)
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


@pytest.mark.filterwarnings("ignore:Gimbal lock")
def test_gimbal_lock_equals_scipy():
    """SciPy, too, sets the third angle to zero there."""
    matrix = euler_to_matrix(*radians(25, 90, 40))
    yaw, turned_down, roll = Rotation.from_matrix(matrix.numpy()).as_euler("YXZ")
    assert [float(angle) for angle in matrix_to_euler(matrix)] == pytest.approx([yaw, -turned_down, roll], abs=1e-7)


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


# ---- quaternions ----

components = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: max(map(abs, q)) > 1e-3)


def test_quaternions_by_hand():
    """No turn, half a turn about each axis, and a quarter about z."""
    half = 0.5**0.5
    for diagonal, expected in (((1, 1, 1), (0, 0, 0, 1)), ((1, -1, -1), (1, 0, 0, 0)), ((-1, 1, -1), (0, 1, 0, 0))):
        matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
        assert matrix_to_quaternion(matrix).tolist() == pytest.approx(expected)
    quarter = euler_to_matrix(*radians(0, 0, 90))
    assert matrix_to_quaternion(quarter).tolist() == pytest.approx([0, 0, half, half])


@settings(max_examples=100)
@given(components)
def test_quaternions_equal_scipy_and_survive_the_round_trip(q):
    rotation = Rotation.from_quat(q)
    found = matrix_to_quaternion(torch.tensor(rotation.as_matrix()))
    expected = rotation.as_quat(canonical=True)
    if abs(expected[3]) < 1e-12:  # half a turn: either sign may come out of rounding
        expected = expected * np.sign(expected @ found.numpy())
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-14)
    np.testing.assert_allclose(quaternion_to_matrix(torch.tensor(q)).double(), rotation.as_matrix(), atol=1e-6)
    np.testing.assert_allclose(quaternion_to_matrix(found).numpy(), rotation.as_matrix(), atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("largest", range(4))
def test_quaternions_are_accurate_wherever_the_largest_component_is(dtype, largest):
    generator = torch.Generator().manual_seed(largest)
    quaternions = 0.05 * torch.randn(200, 4, generator=generator, dtype=torch.float64)
    quaternions[:, largest] = 1
    quaternions = normalise_quaternion(quaternions)
    found = matrix_to_quaternion(quaternion_to_matrix(quaternions).to(dtype)).double()
    flipped = (found * quaternions).sum(-1).sign()[:, None]  # near w = 0 rounding may choose the other sign
    assert (found * flipped - quaternions).abs().max() < 4 * torch.finfo(dtype).eps


@pytest.mark.parametrize(
    ("given_", "settled"),
    [
        ((0.5, 0.5, 0.5, -0.5), (-0.5, -0.5, -0.5, 0.5)),
        ((-1, 2, 2, 0), (1 / 3, -2 / 3, -2 / 3, 0)),
        ((0, -3, 4, 0), (0, 0.6, -0.8, 0)),
        ((0, 0, -2, 0), (0, 0, 1, 0)),
        ((0, 0, 0, -1e-300), (0, 0, 0, 1)),
        ((3e300, 0, 0, 4e300), (0.6, 0, 0, 0.8)),
    ],
)
def test_the_sign_is_settled_by_w_then_x_then_y(given_, settled):
    found = normalise_quaternion(torch.tensor(given_, dtype=torch.float64))
    assert found.tolist() == pytest.approx(settled, abs=1e-15)


@pytest.mark.parametrize("function", [normalise_quaternion, quaternion_to_matrix])
def test_unusable_quaternions_are_refused(function):
    with pytest.raises(BadInput, match=r"\(\.\.\., 4\)"):
        function(torch.ones(4, 3))
    with pytest.raises(BadInput, match="length zero"):
        function(torch.tensor([[0.0, 0, 0, 1], [0, 0, 0, 0]]))
    with pytest.raises(BadInput, match="non-finite"):
        function(torch.tensor([0.0, 0, 0, math.nan]))


def test_a_matrix_that_is_not_finite_is_refused():
    with pytest.raises(BadInput, match="non-finite"):
        matrix_to_quaternion(torch.full((3, 3), math.nan))


@pytest.mark.parametrize("largest", range(4))
def test_quaternion_gradcheck(largest):
    quaternion = torch.tensor([0.1, -0.2, 0.15, 0.05], dtype=torch.float64)
    quaternion[largest] = 1
    matrix = quaternion_to_matrix(quaternion).requires_grad_()
    assert torch.autograd.gradcheck(matrix_to_quaternion, matrix)
    assert torch.autograd.gradcheck(quaternion_to_matrix, quaternion.requires_grad_())
    eye = torch.eye(3, dtype=torch.float64, requires_grad=True)  # three of four components are zero
    assert torch.autograd.gradcheck(matrix_to_quaternion, eye)


def test_batches_of_quaternions_of_any_shape():
    quaternions = normalise_quaternion(torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)))
    matrices = quaternion_to_matrix(quaternions)
    assert matrices.shape == (2, 5, 3, 3)
    assert torch.allclose(matrix_to_quaternion(matrices), quaternions, atol=1e-6)
