"""Verification: are two faces the same person? TAR at FAR, ROC, EER and AUC (paper 1, section V.B).

One convention throughout:
- A comparison is accepted when score >= threshold.
- FAR = accepted impostors / impostors, TAR = accepted genuine / genuine comparisons.
- "TAR at 1 % FAR" takes the lowest threshold whose FAR is at most the target, without interpolation. Tools that
  interpolate or round differ by a factor at small samples, so fewer than 100 impostors are refused.
- Equal scores are accepted or rejected together. Minus infinity means a comparison that is never accepted by a finite
  threshold; NaN and plus infinity are refused.

Rates are fractions in [0, 1]. Scores may be NumPy arrays, sequences or tensors; they are compared in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from facelib.errors import BadInput

if TYPE_CHECKING:
    import torch

Scores: TypeAlias = "ArrayLike | torch.Tensor"
MIN_IMPOSTORS = 100


@dataclass(frozen=True)
class RocCurve:
    """All points of a receiver operating characteristic, from (0, 0) at threshold infinity to (1, 1).

    Args:
        far, tar: (T,), not falling.
        thresholds: (T,), falling; after infinity each distinct score.
    """

    far: np.ndarray
    tar: np.ndarray
    thresholds: np.ndarray


def far_threshold(impostor: Scores, far: float = 0.01, min_impostors: int = MIN_IMPOSTORS) -> float:
    """The lowest threshold whose false accept rate is at most the target.

    Args:
        impostor: scores of different people.
        far: target, 0 to 1.
        min_impostors: refuse fewer scores than this.

    Returns:
        The next number above the highest impostor score that must be rejected; minus infinity if none must.

    Raises:
        BadInput: for too few or unusable scores, or a target outside [0, 1].
    """
    values = _scores("impostor", impostor)
    if not 0 <= far <= 1:
        raise BadInput(f"far {far}: expected a fraction from 0 to 1, so 0.01 for 1 %")
    if len(values) < min_impostors:
        raise BadInput(
            f"{len(values)} impostor scores: expected at least {min_impostors} for a false accept rate; "
            "compare more people, or lower min_impostors knowing what it means"
        )
    allowed = _allowed(far, len(values))
    if allowed == len(values):
        return -np.inf
    first_rejected = len(values) - 1 - allowed  # in ascending order
    return float(np.nextafter(np.partition(values, first_rejected)[first_rejected], np.inf))


def tar_at_far(genuine: Scores, impostor: Scores, far: float = 0.01, min_impostors: int = MIN_IMPOSTORS) -> float:
    """True accept rate at the lowest threshold whose false accept rate is at most the target.

    Args:
        genuine, impostor: scores of same and of different people.
        far, min_impostors: as far_threshold.

    Raises:
        BadInput: as far_threshold, or without genuine scores.
    """
    threshold = far_threshold(impostor, far, min_impostors)
    return float(np.mean(_scores("genuine", genuine) >= threshold))


def roc_curve(genuine: Scores, impostor: Scores) -> RocCurve:
    """FAR and TAR at every distinct score.

    Raises:
        BadInput: for empty or unusable scores.
    """
    genuine_sorted = np.sort(_scores("genuine", genuine))
    impostor_sorted = np.sort(_scores("impostor", impostor))
    scores = np.unique(np.concatenate([genuine_sorted, impostor_sorted]))[::-1]
    return RocCurve(
        far=np.concatenate([[0.0], _accepted(impostor_sorted, scores)]),
        tar=np.concatenate([[0.0], _accepted(genuine_sorted, scores)]),
        thresholds=np.concatenate([[np.inf], scores]),
    )


def equal_error_rate(genuine: Scores, impostor: Scores) -> float:
    """The rate at which FAR equals FRR = 1 - TAR, linear between the two neighbouring points of the ROC.

    Raises:
        BadInput: for empty or unusable scores.
    """
    roc = roc_curve(genuine, impostor)
    difference = roc.far + roc.tar - 1  # FAR - FRR, from -1 to 1, never falling
    after = int(np.argmax(difference >= 0))
    before = after - 1
    share = -difference[before] / (difference[after] - difference[before])
    return float(roc.far[before] + share * (roc.far[after] - roc.far[before]))


def area_under_curve(genuine: Scores, impostor: Scores) -> float:
    """Probability that a genuine score exceeds an impostor score, ties counting half (Mann-Whitney), exact.

    Raises:
        BadInput: for empty or unusable scores.
    """
    genuine_values = _scores("genuine", genuine)
    impostor_sorted = np.sort(_scores("impostor", impostor))
    below = int(np.searchsorted(impostor_sorted, genuine_values, side="left").sum(dtype=np.int64))
    not_above = int(np.searchsorted(impostor_sorted, genuine_values, side="right").sum(dtype=np.int64))
    return (below + not_above) / (2 * len(genuine_values) * len(impostor_sorted))


def _accepted(ascending: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Fraction of scores at or above each threshold."""
    return (len(ascending) - np.searchsorted(ascending, thresholds, side="left")) / len(ascending)


def _allowed(far: float, count: int) -> int:
    """The most accepted impostors whose rate is at most the target, though far * count may be rounded down."""
    allowed = min(int(far * count) + 1, count)
    while allowed / count > far:
        allowed -= 1
    return allowed


def _scores(name: str, scores: Scores) -> np.ndarray:
    detach = getattr(scores, "detach", None)
    values = np.asarray(scores if detach is None else detach().cpu().double().numpy(), dtype=np.float64).ravel()
    if len(values) == 0:
        raise BadInput(f"no {name} scores: expected at least one")
    bad = np.isnan(values) | np.isposinf(values)
    if bad.any():
        first = int(np.argmax(bad))
        raise BadInput(
            f"{name} scores hold {int(bad.sum())} NaN or plus infinity, the first at index {first}: "
            "remove them, or use minus infinity for a comparison that failed"
        )
    return values
