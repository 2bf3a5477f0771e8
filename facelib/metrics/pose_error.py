"""Errors of head pose: Euler angles, the geodesic angle that knows no gimbal lock, and translation (papers 3 and 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facelib.errors import BadInput, unknown_name
from facelib.geometry.rotations import euler_to_matrix, geodesic_distance
from facelib.metrics.inputs import Array, point_array

PROTOCOLS = ("all", "aflw2000", "sadrnet_fix")
AFLW2000_LIMIT = 99.0  # degrees
FIX_PITCH_OR_ROLL, FIX_YAW = 20.0, 5.0  # degrees


@dataclass(frozen=True)
class PoseError:
    """Mean absolute errors in degrees.

    Args:
        yaw, pitch, roll: of the Euler angles, differences taken the short way round.
        mean: of these three.
        geodesic: mean angle of the rotation between predicted and true.
        samples: how many were evaluated.
    """

    yaw: float
    pitch: float
    roll: float
    mean: float
    geodesic: float
    samples: int


def pose_error(predicted: Array, true: Array, *, protocol: str) -> PoseError:
    """Mean errors of head poses.

    Args:
        predicted, true: (B, 3) yaw, pitch, roll of R_head in radians, see `facelib.conventions`.
        protocol: which samples are evaluated.
            "all";
            "aflw2000": not those with a true angle beyond +-99 degrees;
            "sadrnet_fix": of these not those with a pitch or roll error above 20 and a yaw error below 5 degrees
            (paper 3, section IV.D).

    Raises:
        BadInput: for shapes that do not fit, non-finite angles, or when the protocol leaves no sample.
        UnknownName: for another protocol.
    """
    if protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    errors = euler_errors(predicted, true)
    evaluated = np.ones(len(errors), bool)
    if protocol != "all":
        evaluated &= (np.abs(np.rad2deg(point_array("true", true, (None, 3)))) <= AFLW2000_LIMIT).all(axis=1)
    if protocol == "sadrnet_fix":
        evaluated &= ~near_gimbal_lock(errors)
    if not evaluated.any():
        raise BadInput(f"protocol {protocol!r} leaves none of {len(errors)} samples: expected at least one")
    yaw, pitch, roll = (float(value) for value in errors[evaluated].mean(axis=0))
    return PoseError(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        mean=(yaw + pitch + roll) / 3,
        geodesic=float(geodesic_errors(predicted, true)[evaluated].mean()),
        samples=int(evaluated.sum()),
    )


def euler_errors(predicted: Array, true: Array) -> np.ndarray:
    """Absolute differences of yaw, pitch and roll, wrapped to [-180, 180) first.

    Args:
        predicted, true: (B, 3) radians.

    Returns:
        (B, 3) degrees, 0 to 180.

    Raises:
        BadInput: for shapes that do not fit or non-finite angles.
    """
    guess, truth = _poses(predicted, true)
    return np.abs((np.rad2deg(guess - truth) + 180) % 360 - 180)


def aflw2000_angles(rotation: torch.Tensor) -> np.ndarray:
    """Head rotations in the order of the turns that 300W-LP and AFLW2000-3D have, R_x(pitch) R_y(yaw) R_z(roll).

    Its gimbal lock is a yaw of 90 degrees, which every profile comes near; that of the package's order
    (`facelib.conventions`) is a pitch of 90 degrees.

    Args:
        rotation: R_head, (B, 3, 3).

    Returns:
        (B, 3) yaw in [-pi/2, pi/2], pitch and roll in (-pi, pi], radians; signs as in the package's order.
    """
    yaw = rotation[:, 0, 2].clamp(-1, 1).asin()
    pitch = torch.atan2(rotation[:, 1, 2], rotation[:, 2, 2])
    roll = torch.atan2(-rotation[:, 0, 1], rotation[:, 0, 0])
    return torch.stack((yaw, pitch, roll), dim=1).numpy()


def near_gimbal_lock(errors: np.ndarray) -> np.ndarray:
    """Samples whose pitch or roll is far off though the face looks the right way (paper 3, section IV.D): (B,) bool.

    Args:
        errors: (B, 3) degrees, of `euler_errors`.
    """
    return (errors[:, 1:] > FIX_PITCH_OR_ROLL).any(axis=1) & (errors[:, 0] < FIX_YAW)


def geodesic_errors(predicted: Array, true: Array) -> np.ndarray:
    """The angle of the rotation that leads from the true to the predicted pose.

    Args:
        predicted, true: (B, 3) yaw, pitch, roll in radians.

    Returns:
        (B,) degrees, 0 to 180.

    Raises:
        BadInput: for shapes that do not fit or non-finite angles.
    """
    rotations = (euler_to_matrix(*torch.from_numpy(angles).unbind(-1)) for angles in _poses(predicted, true))
    return np.rad2deg(geodesic_distance(*rotations).numpy())


def translation_errors(predicted: Array, true: Array) -> np.ndarray:
    """Distance of predicted to true head positions.

    Args:
        predicted, true: (B, 3) mm.

    Returns:
        (B,) mm.

    Raises:
        BadInput: for shapes that do not fit or non-finite coordinates.
    """
    return np.linalg.norm(np.subtract(*_poses(predicted, true)), axis=1)


def _poses(predicted: Array, true: Array) -> tuple[np.ndarray, np.ndarray]:
    truth = point_array("true", true, (None, 3))
    return point_array("predicted", predicted, truth.shape), truth
