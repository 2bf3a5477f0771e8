"""Rotations of the head: matrices, Euler angles in the package's order, quaternions, and angles between rotations.

The order and the signs of the angles are those of `facelib.conventions`: R_head = R_y(yaw) R_x(-pitch) R_z(roll),
acting on column vectors of the face frame. A quaternion is (x, y, z, w), the real part w last, as in SciPy and RoMa.
"""

from __future__ import annotations

import torch

from facelib.errors import DegenerateInput, check_finite, check_shape


def euler_to_matrix(yaw: torch.Tensor, pitch: torch.Tensor, roll: torch.Tensor) -> torch.Tensor:
    """The head rotation with these Euler angles.

    Args:
        yaw: (...), radians; positive turns the nose to the subject's left.
        pitch: (...), radians; positive looks up.
        roll: (...), radians; positive lowers the head towards the subject's right shoulder.

    Returns:
        R_head, (..., 3, 3).

    Raises:
        BadInput: for angles that are no tensors.
    """
    for name, angle in (("yaw", yaw), ("pitch", pitch), ("roll", roll)):
        check_shape(name, angle, (...,))
    yaw, pitch, roll = torch.broadcast_tensors(yaw, pitch, roll)
    sin_yaw, cos_yaw = yaw.sin(), yaw.cos()
    sin_pitch, cos_pitch = pitch.sin(), pitch.cos()
    sin_roll, cos_roll = roll.sin(), roll.cos()
    rows = (
        cos_yaw * cos_roll - sin_yaw * sin_pitch * sin_roll,
        -cos_yaw * sin_roll - sin_yaw * sin_pitch * cos_roll,
        sin_yaw * cos_pitch,
        cos_pitch * sin_roll,
        cos_pitch * cos_roll,
        sin_pitch,
        -sin_yaw * cos_roll - cos_yaw * sin_pitch * sin_roll,
        sin_yaw * sin_roll - cos_yaw * sin_pitch * cos_roll,
        cos_yaw * cos_pitch,
    )
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def matrix_to_euler(rotation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The Euler angles of head rotations.

    At gimbal lock (the nose straight up or down, cos(pitch) below the square root of the dtype's precision) yaw and
    roll turn about the same axis: roll is then 0 and yaw holds the whole turn.

    Args:
        rotation: R_head, (..., 3, 3).

    Returns:
        yaw in (-pi, pi], pitch in [-pi/2, pi/2] and roll in (-pi, pi], each (...), radians.

    Raises:
        BadInput: on another shape.
    """
    check_shape("rotation", rotation, (..., 3, 3))
    cos_pitch = torch.hypot(rotation[..., 1, 0], rotation[..., 1, 1])
    pitch = torch.atan2(rotation[..., 1, 2], cos_pitch)
    locked = cos_pitch < torch.finfo(rotation.dtype).eps ** 0.5
    yaw = torch.where(
        locked,
        torch.atan2(-rotation[..., 2, 0], rotation[..., 0, 0]),
        torch.atan2(rotation[..., 0, 2], rotation[..., 2, 2]),
    )
    free_roll = torch.atan2(rotation[..., 1, 0], rotation[..., 1, 1])
    return yaw, pitch, torch.where(locked, torch.zeros_like(free_roll), free_roll)


def matrix_to_quaternion(rotation: torch.Tensor) -> torch.Tensor:
    """The unit quaternion of rotations, with the sign of `normalise_quaternion`.

    Differentiable, and accurate for every rotation, as nothing is divided by a small component. A matrix that is not
    quite a rotation still gives a unit quaternion.

    Args:
        rotation: (..., 3, 3).

    Returns:
        (..., 4), x, y, z, w.

    Raises:
        BadInput: on another shape.
    """
    check_shape("rotation", rotation, (..., 3, 3))
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (row.unbind(-1) for row in rotation.unbind(-2))
    # The rows of 4 q q^T, each a multiple of q; that of the largest component is never near zero.
    rows = (
        (1 + xx - yy - zz, xy + yx, xz + zx, zy - yz),
        (xy + yx, 1 - xx + yy - zz, yz + zy, xz - zx),
        (xz + zx, yz + zy, 1 - xx - yy + zz, yx - xy),
        (zy - yz, xz - zx, yx - xy, 1 + xx + yy + zz),
    )
    multiples = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)  # (..., 4, 4)
    largest = multiples.diagonal(dim1=-2, dim2=-1).argmax(dim=-1)[..., None, None]
    return normalise_quaternion(multiples.take_along_dim(largest, dim=-2)[..., 0, :])


def quaternion_to_matrix(quaternion: torch.Tensor) -> torch.Tensor:
    """The rotation of a quaternion, whatever its length.

    Args:
        quaternion: (..., 4), x, y, z, w.

    Returns:
        (..., 3, 3).

    Raises:
        BadInput: as normalise_quaternion.
    """
    x, y, z, w = normalise_quaternion(quaternion).unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def normalise_quaternion(quaternion: torch.Tensor) -> torch.Tensor:
    """The quaternion of unit length and fixed sign: w >= 0, and where w = 0 the first of x, y, z not zero positive.

    The sign is that of SciPy's canonical quaternions; it jumps only at turns by pi.

    Args:
        quaternion: (..., 4), x, y, z, w.

    Raises:
        BadInput: on another shape.
        DegenerateInput: on a non-finite component, or a quaternion of length zero.
    """
    check_shape("quaternion", quaternion, (..., 4))
    check_finite("quaternion", quaternion)
    size = quaternion.abs().amax(dim=-1, keepdim=True)  # scaled by it first, squares neither vanish nor overflow
    if not (size > 0).all():
        raise DegenerateInput("a quaternion of length zero is no rotation: replace it, by (0, 0, 0, 1) for no turn")
    scaled = quaternion / size.detach()
    x, y, z, w = quaternion.unbind(-1)
    decisive = w.where(w != 0, x.where(x != 0, y.where(y != 0, z)))
    sign = torch.where(decisive < 0, -1.0, 1.0).to(quaternion.dtype)
    return scaled * (sign / scaled.norm(dim=-1))[..., None]


def angle_from_frontal(rotation: torch.Tensor) -> torch.Tensor:
    """The angle between the face's forward axis and that of a frontal face, arccos(R_head[2, 2]).

    Computed as an arctangent, which stays exact for nearly frontal faces where the arccosine does not.

    Args:
        rotation: R_head, (..., 3, 3).

    Returns:
        (...), radians in [0, pi].

    Raises:
        BadInput: on another shape.
    """
    check_shape("rotation", rotation, (..., 3, 3))
    sideways = torch.hypot(rotation[..., 0, 2], rotation[..., 1, 2])
    return torch.atan2(sideways, rotation[..., 2, 2])


def geodesic_distance(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """The angle of the rotation that leads from one rotation to another.

    Args:
        first: (..., 3, 3).
        second: (..., 3, 3), broadcast against `first`.

    Returns:
        (...), radians in [0, pi].

    Raises:
        BadInput: on another shape.
    """
    check_shape("first", first, (..., 3, 3))
    check_shape("second", second, (..., 3, 3))
    between = first.mT @ second
    # The rotation's axis times its sine, and its cosine from the trace: exact at both ends of [0, pi].
    axis = torch.stack(
        (
            between[..., 2, 1] - between[..., 1, 2],
            between[..., 0, 2] - between[..., 2, 0],
            between[..., 1, 0] - between[..., 0, 1],
        ),
        dim=-1,
    )
    trace = between.diagonal(dim1=-2, dim2=-1).sum(-1)
    return torch.atan2(axis.norm(dim=-1), trace - 1)
