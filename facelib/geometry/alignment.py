"""Similarity transforms between matched points: weighted least squares and paper 3's self-alignment.

A similarity maps a point x to f R x + t. All is computed in float64 and returned in the dtype of the points.
Gradients stay finite however degenerate the points are: a turn that they do not determine (about the line of collinear
points, about a single place) has no gradient.
Sources: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991;
paper 3, eqs. 11-18.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from facelib.errors import BadInput, DegenerateInput, check_finite, check_shape, unknown_name
from facelib.geometry.point_clouds import check_clouds
from facelib.geometry.procrustes import nearest_rotation

SCALES = ("ratio", "least_squares")
LEAST_WEIGHT = 0.1  # of an invisible landmark (eq. 11)
# Points count as one place when they spread less than so many roundings of their coordinates, or than a length that
# nothing has and whose square still divides in float32.
_ROUNDINGS, _LEAST_SPREAD = 8, 1e-12


@dataclass(frozen=True)
class Similarity:
    """x -> f R x + t.

    Args:
        scale: f, (...), no unit, zero or positive.
        rotation: R, (..., 3, 3), determinant +1.
        translation: t, (..., 3), mm.
    """

    scale: torch.Tensor
    rotation: torch.Tensor
    translation: torch.Tensor

    def apply(self, points: torch.Tensor) -> torch.Tensor:
        """The images of points (..., N, 3)."""
        check_shape("points", points, (..., None, 3))
        return self.scale[..., None, None] * points @ self.rotation.mT + self.translation[..., None, :]

    def inverse(self) -> Similarity:
        """The similarity that undoes this one.

        Raises:
            BadInput: for a scale of zero, which cannot be undone.
        """
        if (self.scale == 0).any():
            raise BadInput("a similarity of scale 0 maps all points to one place: it has no inverse")
        scale, rotation = 1 / self.scale, self.rotation.mT
        moved = (rotation @ self.translation[..., None])[..., 0]
        return Similarity(scale, rotation, -scale[..., None] * moved)

    def compose(self, first: Similarity) -> Similarity:
        """The similarity that applies `first` and then this one."""
        translation = self.apply(first.translation[..., None, :])[..., 0, :]
        return Similarity(self.scale * first.scale, self.rotation @ first.rotation, translation)


def similarity_transform(
    source: torch.Tensor, target: torch.Tensor, weights: torch.Tensor | None = None, *, scale: bool = True
) -> Similarity:
    """The similarity, or rigid motion, with the least weighted sum of squared distances to the target.

    Never a reflection. Collinear points leave the turn about their line open: one of the best rotations is returned.
    Differentiable to source, target and weights.

    Args:
        source: (B, N, 3), mm.
        target: (B, N, 3), mm, matched with the source.
        weights: (B, N), zero or positive, on any scale; None weighs all alike.
        scale: whether to fit the scale f; else it is 1.

    Raises:
        BadInput: on wrong or different shapes, two dtypes or devices, a negative weight, or a cloud whose weights are
            all zero.
        DegenerateInput: on non-finite values or, with scale, source points (of positive weight) in one place.
    """
    _check_pairs(source=source, target=target)
    if weights is None:
        weights = source.new_ones(source.shape[:2])
    weights = _checked_weights("weights", weights, source)
    if not (weights > 0).any(dim=1).all():
        cloud = int((~(weights > 0).any(dim=1)).nonzero()[0])
        raise BadInput(f"the weights of cloud {cloud} are all zero: expected at least one positive")
    pair = _Pair(source, target, weights)
    if scale and pair.coincide.any():
        raise DegenerateInput(
            f"source {int(pair.coincide.nonzero()[0])} has all its points of positive weight in one place: it has no "
            "scale; give at least two places, or fit without scale"
        )
    rotation = pair.rotation()
    return pair.similarity(pair.least_squares_scale(rotation) if scale else torch.ones_like(pair.total), rotation)


def self_alignment(
    shape_landmarks: torch.Tensor,
    pose_landmarks: torch.Tensor,
    visibility: torch.Tensor,
    *,
    scale: str = "ratio",
) -> Similarity:
    """The pose of a face from its landmarks in the pose-free shape and in the image (paper 3, section III.C).

    Eq. 18 leaves out the scale; as S must map to P, t = M_P - f R M_S here. Made for training: where the landmarks of
    the shape lie in one place the scale is 1 without gradient, and where those of the pose do it is 0.

    Args:
        shape_landmarks: K_S, (B, K, 3).
        pose_landmarks: K_P, (B, K, 3).
        visibility: Vis, (B, K), 0 to 1; 0.1 is added to each (eq. 11).
        scale: "ratio" for eq. 14, the ratio of the unweighted sums of distances to the weighted centroids; or
            "least_squares", weighted (Umeyama).

    Returns:
        The similarity from shape to pose.

    Raises:
        BadInput: on wrong or different shapes, two dtypes or devices, or a negative visibility.
        DegenerateInput: on non-finite values.
        UnknownName: for another scale.
    """
    if scale not in SCALES:
        raise unknown_name("scale of the self-alignment", scale, SCALES)
    _check_pairs(shape_landmarks=shape_landmarks, pose_landmarks=pose_landmarks)
    visibility = _checked_weights("visibility", visibility, shape_landmarks)
    pair = _Pair(shape_landmarks, pose_landmarks, visibility + LEAST_WEIGHT)  # W, eq. 11
    rotation = pair.rotation()  # the scale of eq. 15 does not change it
    f = pair.ratio_of_distances() if scale == "ratio" else pair.least_squares_scale(rotation)
    return pair.similarity(f, rotation)


class _Pair:
    """Two matched sets of points about their weighted centroids, in float64."""

    def __init__(self, source: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> None:
        self.precision = torch.finfo(source.dtype).eps
        self.dtype = source.dtype
        self.total = weights.sum(dim=1)
        self.weights = weights / self.total[:, None]
        self.source_centre, self.source = self._centred(source.double())  # M_S, K_S - M_S
        self.target_centre, self.target = self._centred(target.double())  # M_P, K_P - M_P
        spread = (self.source * (self.weights > 0)[..., None]).detach().abs().amax(dim=(1, 2))
        self.coincide = spread <= least_spread(source)

    def rotation(self) -> torch.Tensor:
        covariance = self.target.mT @ (self.weights[..., None] * self.source)  # H^T, eq. 17
        return nearest_rotation(covariance, damping=self.precision**0.5)

    def least_squares_scale(self, rotation: torch.Tensor) -> torch.Tensor:
        """tr(R^T M) / variance of the source; where that vanishes, 1."""
        # At the best rotation the trace does not change with it, so the rotation's own gradient is left out.
        turned = self.source @ rotation.detach().mT
        covariance = (self.weights * (turned * self.target).sum(-1)).sum(dim=1)
        return self._ratio(covariance, (self.weights * (self.source**2).sum(-1)).sum(dim=1))

    def ratio_of_distances(self) -> torch.Tensor:
        """Eq. 14."""
        return self._ratio(lengths(self.target).sum(dim=1), lengths(self.source).sum(dim=1))

    def similarity(self, scale: torch.Tensor, rotation: torch.Tensor) -> Similarity:
        moved = (rotation @ self.source_centre[..., None])[..., 0]
        translation = self.target_centre - scale[:, None] * moved  # eq. 18 with f
        return Similarity(*(value.to(self.dtype) for value in (scale, rotation, translation)))

    def _centred(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        centre = (self.weights[..., None] * points).sum(dim=1)  # eqs. 12, 13
        return centre, points - centre[:, None]

    def _ratio(self, above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        return torch.where(self.coincide, 1, above / torch.where(self.coincide, 1, below))


def least_spread(points: torch.Tensor) -> torch.Tensor:
    """How far from their centre clouds (B, N, 3) must reach to count as more than one place: (B,) float64."""
    size = points.detach().abs().amax(dim=(1, 2)).double()
    return (_ROUNDINGS * torch.finfo(points.dtype).eps * size).clamp(min=_LEAST_SPREAD)


def lengths(vectors: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Euclidean lengths along an axis; that of a zero vector has the gradient zero."""
    # The norm has no gradient at zero: a zero vector is replaced before the root, not after.
    square = (vectors**2).sum(dim)
    return torch.where(square == 0, 0, torch.where(square == 0, 1, square).sqrt())  # NaN stays NaN


def _check_pairs(**clouds: torch.Tensor) -> None:
    """Raise BadInput unless these two batches of clouds (B, N, 3), given by name, are usable and of one shape."""
    check_clouds(clouds)
    (first, points), (second, others) = clouds.items()
    if points.shape != others.shape:
        raise BadInput(f"{points.shape[1]} points of {first}, {others.shape[1]} of {second}: expected matched pairs")


def _checked_weights(name: str, weights: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """The weights (B, N) of points (B, N, 3) in float64."""
    check_shape(name, weights, tuple(points.shape[:2]))
    check_finite(name, weights)
    if weights.device != points.device:
        raise BadInput(f"{name} are on {weights.device}, points on {points.device}: move one of them")
    if (weights < 0).any():
        raise BadInput(f"{name} reach down to {float(weights.min()):g}: expected zero or positive")
    return weights.double()
