"""The losses of DAPoseNet (paper 4, supplement, eqs. 6 and 7): labelled poses, and landmarks on a bare surface."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

from facelib.errors import BadInput, DegenerateInput, check_alike, check_finite, check_shape
from facelib.geometry.neighbours import nearest

ALPHA = 350.0  # mm a quaternion component, about three times the radius of a head
THRESHOLD_MM = 30.0


def pose_loss(
    quaternion: torch.Tensor,
    translation: torch.Tensor,
    true_quaternion: torch.Tensor,
    true_translation: torch.Tensor,
    alpha: float = ALPHA,
) -> torch.Tensor:
    """smooth_L1 of alpha (q - q hat) and t - t hat, the mean over heads and their seven numbers (eq. 6).

    q and -q are the same turn, so the nearer of the two counts.

    Args:
        quaternion: q, (B, 4), unit.
        translation: t, (B, 3) mm.
        true_quaternion: q hat, (B, 4), unit.
        true_translation: t hat, (B, 3) mm.
        alpha: mm.

    Returns:
        A scalar in mm, from 1 mm on; below, in square millimetres.

    Raises:
        BadInput: on wrong or different shapes.
    """
    check_shape("quaternion", quaternion, (None, 4))
    check_shape("translation", translation, (len(quaternion), 3))
    check_shape("true_quaternion", true_quaternion, tuple(quaternion.shape))
    check_shape("true_translation", true_translation, tuple(translation.shape))
    check_alike(
        quaternion=quaternion,
        translation=translation,
        true_quaternion=true_quaternion,
        true_translation=true_translation,
    )
    turns = torch.stack([_smooth(alpha * quaternion, sign * alpha * true_quaternion) for sign in (1, -1)])
    return (turns.amin(dim=0) + _smooth(translation, true_translation)).mean() / 7


class LandmarkMatch(NamedTuple):
    """How well landmarks lie on a surface.

    Args:
        loss: L_P^t of eq. 7, mm^2, mean over heads.
        matched: share of the landmarks with a point of the surface within the threshold, without gradient.
    """

    loss: torch.Tensor
    matched: torch.Tensor


def landmark_chamfer(
    landmarks: torch.Tensor, positions: torch.Tensor, threshold: float = THRESHOLD_MM
) -> LandmarkMatch:
    """Squared distances of landmarks to the nearest points of a position image, summed over landmarks (eq. 7).

    Those further off than the threshold are noise and do not count. The paper compares a squared distance with 30 mm;
    we read the threshold as the length that its unit says. The choice of points is held fixed in the gradient, as in
    `geometry.chamfer`, which does the same with clouds without holes.

    Args:
        landmarks: Phi(v_i), (B, L, 3) mm, of the reference face at the predicted pose.
        positions: V_t, (B, 3, H, W) mm in the same axes, NaN in holes.
        threshold: mm.

    Raises:
        BadInput: on wrong shapes, two dtypes, or a threshold that is not positive.
        DegenerateInput: on a non-finite landmark, or a frame that is all holes.
    """
    check_shape("landmarks", landmarks, (None, None, 3))
    check_shape("positions", positions, (len(landmarks), 3, None, None))
    check_alike(landmarks=landmarks, positions=positions)
    check_finite("landmarks", landmarks)
    if not threshold > 0:
        raise BadInput(f"threshold is {threshold}: expected a positive length in mm, such as 30")
    cloud = _without_holes(positions)
    found = nearest(landmarks, cloud)
    kept = found.distances <= threshold
    partner = cloud.gather(1, found.indices[..., None].expand(-1, -1, 3))
    squares = (landmarks - partner).square().sum(dim=2)
    return LandmarkMatch(torch.where(kept, squares, 0).sum(dim=1).mean(), kept.to(landmarks.dtype).mean())


def _without_holes(positions: torch.Tensor) -> torch.Tensor:
    """The points (B, H W, 3) of position images; a hole repeats a point of its frame, which is near to nothing new."""
    points = positions.detach().flatten(2).mT
    seen = points.isfinite().all(dim=2)  # (B, H W)
    bare = ~seen.any(dim=1)
    if bare.any():
        raise DegenerateInput(f"frames {bare.nonzero()[:, 0].tolist()} are all holes: drop them before the call")
    first = seen.int().argmax(dim=1)
    some = points[torch.arange(len(points), device=points.device), first]
    return torch.where(seen[..., None], points, some[:, None])


def _smooth(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """(B, N) -> (B,), summed."""
    return functional.smooth_l1_loss(found, true, reduction="none").sum(dim=1)
