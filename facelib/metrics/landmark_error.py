"""Normalised mean error of landmarks, and its balanced mean over yaw (paper 3, section IV).

What an NME is divided by and which points it covers differ between papers, so both must be named.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from facelib.conventions import OUTER_EYE_CORNERS
from facelib.errors import BadInput, DegenerateInput, unknown_name
from facelib.metrics.inputs import Array, as_array, point_array

NORMALISERS = ("box", "outer_interocular_2d", "outer_interocular_3d")
YAW_BINS: dict[str, tuple[float, float]] = {"0-30": (0.0, 30.0), "30-60": (30.0, 60.0), "60-90": (60.0, 90.0)}
_DIGITS = 4  # of degrees, so that 30 degrees said in radians are 30 again, and 90 in single precision no more


def nme(
    predicted: Array,
    true: Array,
    *,
    normaliser: str,
    points: Literal["all"] | Array,
    visible: Array | None = None,
    subtract_mean_depth: bool = False,
) -> np.ndarray:
    """Mean distance of predicted to true points, divided by the size of the true face.

    Args:
        predicted, true: (B, K, 2) or (B, K, 3), one unit; the third coordinate is depth.
        normaliser: "box", the square root of height times width of the box around the evaluated true points, in the
            image; or "outer_interocular_2d" / "..._3d", the distance of the true outer eye corners, for points in the
            order of `facelib.conventions`.
        points: "all", or the indices (N,) of those to evaluate.
        visible: (B, K), true where a point counts; None for all.
        subtract_mean_depth: whether to take from predicted and true points each their mean depth first, as published
            code does for 3D errors; report both.

    Returns:
        (B,), fractions of that size.

    Raises:
        BadInput: for shapes that do not fit, or indices out of range.
        DegenerateInput: for non-finite coordinates, a sample without a visible point, or one whose true points give no
            size (all in a horizontal or vertical line, or in one place).
        UnknownName: for another normaliser.
    """
    if normaliser not in NORMALISERS:
        raise unknown_name("normaliser", normaliser, NORMALISERS)
    truth = point_array("true", true, (None, None, None))
    batch, count, dimension = truth.shape
    if dimension not in (2, 3) or (dimension == 2 and (subtract_mean_depth or normaliser == "outer_interocular_3d")):
        raise BadInput(
            f"true has {dimension} coordinates: expected 2 or 3, and 3 for {normaliser!r} or a mean depth to subtract"
        )
    guess = point_array("predicted", predicted, truth.shape)
    counts = _evaluated(points, visible, batch, count)
    size = _size(truth, counts, normaliser)
    difference = guess - truth
    if subtract_mean_depth:
        difference[..., 2] -= _mean(difference[..., 2], counts)[:, None]
    return _mean(np.linalg.norm(difference, axis=-1), counts) / size


def nme_by_yaw(errors: Array, yaw: Array) -> dict[str, float]:
    """Mean error in the yaw bins [0, 30), [30, 60), [60, 90] degrees, their balanced mean, and the mean of all.

    Args:
        errors: (B,) of `nme`.
        yaw: (B,) radians, of either sign.

    Returns:
        Bin -> mean error; "balanced", the mean of the three bins; "mean", that of all samples.

    Raises:
        BadInput: for shapes that do not fit, non-finite values, a yaw beyond 90 degrees, or an empty bin.
    """
    values = point_array("errors", errors, (None,))
    angles = point_array("yaw", yaw, values.shape)
    degrees = _absolute_degrees(angles)
    if degrees.max() > 90:
        raise BadInput(
            f"yaw of sample {int(degrees.argmax())} is {degrees.max():.3f} degrees: expected at most 90; leave it out, "
            "or clip it to count it among the profiles"
        )
    means = {}
    for name, inside in yaw_bin_masks(angles).items():
        if not inside.any():
            raise BadInput(f"no sample with a yaw of {name} degrees: the balanced mean needs some in every bin")
        means[name] = float(values[inside].mean())
    return means | {"balanced": float(np.mean(list(means.values()))), "mean": float(values.mean())}


def yaw_bin_masks(yaw: Array) -> dict[str, np.ndarray]:
    """Which samples lie in each of YAW_BINS, the last of which holds all from 60 degrees on: bin -> (B,) bool.

    Args:
        yaw: (B,) radians, of either sign.
    """
    degrees = _absolute_degrees(as_array(yaw))
    return {name: (degrees >= low) & ((degrees < high) | (high == 90)) for name, (low, high) in YAW_BINS.items()}


def _absolute_degrees(yaw: np.ndarray) -> np.ndarray:
    return np.abs(np.rad2deg(yaw)).round(_DIGITS)


def _evaluated(points: Literal["all"] | Array, visible: Array | None, batch: int, count: int) -> np.ndarray:
    """Which points count: (B, K)."""
    chosen = np.zeros(count, bool)
    if isinstance(points, str):
        if points != "all":
            raise unknown_name("choice of points", points, ("all",))
        chosen[:] = True
    else:
        indices = as_array(points)
        if indices.ndim != 1 or not len(indices) or indices.dtype.kind not in "iu":
            raise BadInput(f"points are {indices.dtype} {indices.shape}: expected 'all' or indices (N,), not empty")
        if indices.min() < 0 or indices.max() >= count or len(np.unique(indices)) < len(indices):
            raise BadInput(f"points {indices.tolist()}: expected different indices from 0 to {count - 1}")
        chosen[indices] = True
    counts = np.broadcast_to(chosen, (batch, count))
    if visible is not None:
        mask = as_array(visible)
        if mask.shape != counts.shape or mask.dtype != bool:
            raise BadInput(f"visible is {mask.dtype} {mask.shape}: expected bool {counts.shape}")
        counts = counts & mask
    hidden = ~counts.any(axis=1)
    if hidden.any():
        raise DegenerateInput(f"sample {int(np.argmax(hidden))} has no visible point to evaluate: leave it out")
    return counts


def _size(true: np.ndarray, counts: np.ndarray, normaliser: str) -> np.ndarray:
    if normaliser == "box":
        image = true[..., :2]
        low = np.where(counts[..., None], image, np.inf).min(axis=1)
        high = np.where(counts[..., None], image, -np.inf).max(axis=1)
        size = np.sqrt(np.prod(high - low, axis=1))  # sqrt(h w)
    else:
        if true.shape[1] <= max(OUTER_EYE_CORNERS):
            raise BadInput(f"{true.shape[1]} points: expected 68 landmarks, whose {OUTER_EYE_CORNERS} are eye corners")
        right, left = (true[:, corner, : int(normaliser[-2])] for corner in OUTER_EYE_CORNERS)
        size = np.linalg.norm(right - left, axis=1)
    flat = size <= 0
    if flat.any():
        raise DegenerateInput(
            f"sample {int(np.argmax(flat))} has no size by {normaliser!r}: its true points lie in one place, or in a "
            "horizontal or vertical line; leave it out"
        )
    return size


def _mean(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.where(counts, values, 0).sum(axis=1) / counts.sum(axis=1)
