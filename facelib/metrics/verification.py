"""Verification: are two faces the same person? TAR at FAR, ROC, EER and AUC (paper 1, section V.B).

One convention throughout:
- A comparison is accepted when score >= threshold.
- FAR = accepted impostors / impostors, TAR = accepted genuine / genuine comparisons.
- "TAR at 1 % FAR" takes the lowest threshold whose FAR is at most the target, without interpolation. Tools that
  interpolate or round differ by a factor at small samples, so fewer than 100 impostors are refused.
- Equal scores are accepted or rejected together. Minus infinity means a comparison that is never accepted by a finite
  threshold; NaN and plus infinity are refused.

Rates are fractions in [0, 1]. Scores may be NumPy arrays, sequences or tensors; they are compared in their own
precision: float32 (half precision is widened to it) or float64 (integers become it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facelib.errors import BadInput
from facelib.metrics.inputs import Array, score_array, score_arrays
from facelib.metrics.sorted_scores import SortedScores, accepts_allowed, next_above, sort_scores

MIN_IMPOSTORS = 100


@dataclass(frozen=True)
class RocCurve:
    """Points of a receiver operating characteristic, from (0, 0) at threshold infinity to (1, 1).

    Args:
        far, tar: (T,), not falling.
        thresholds: (T,), falling; after infinity each distinct genuine score, and the lowest impostor score if below.
    """

    far: np.ndarray
    tar: np.ndarray
    thresholds: np.ndarray


@dataclass(frozen=True)
class VerificationSummary:
    """What two sets of scores come to.

    Args:
        genuine, impostors: how many comparisons of each kind.
        fars: the targets (F,), as asked.
        thresholds: (F,), the lowest that keeps each target.
        tars: (F,), the true accept rates there. With many targets this is the exact ROC, thinned to them.
        eer: equal error rate.
        auc: area under the ROC.
    """

    genuine: int
    impostors: int
    fars: tuple[float, ...]
    thresholds: tuple[float, ...]
    tars: tuple[float, ...]
    eer: float
    auc: float


def verification_summary(
    genuine: Array,
    impostor: Array,
    fars: Sequence[float] = (0.01, 0.001),
    min_impostors: int = MIN_IMPOSTORS,
) -> VerificationSummary:
    """TAR at several FARs with their thresholds, EER and AUC, all exact, from one sort of each kind of scores.

    Needs one copy of the scores beside them.

    Args:
        genuine, impostor: scores of same and of different people.
        fars, min_impostors: as far_threshold.

    Raises:
        BadInput: for too few or unusable scores, or a target outside [0, 1].
    """
    return summarise(sorted_scores(genuine, impostor), fars, min_impostors)


def sorted_scores(genuine: Array, impostor: Array) -> SortedScores:
    """Sort once, ask often: for `summarise` and `roc_steps`.

    Raises:
        BadInput: for empty or unusable scores.
    """
    genuine_values, impostor_values = score_arrays(genuine, impostor)
    return SortedScores(sort_scores(genuine_values), sort_scores(impostor_values))


def summarise(
    scores: SortedScores, fars: Sequence[float] = (0.01, 0.001), min_impostors: int = MIN_IMPOSTORS
) -> VerificationSummary:
    """`verification_summary` of scores that are sorted already.

    Raises:
        BadInput: for too few impostors, or a target outside [0, 1].
    """
    check_fars(fars, len(scores.impostor), min_impostors)
    thresholds = tuple(scores.threshold(far) for far in fars)
    return VerificationSummary(
        genuine=len(scores.genuine),
        impostors=len(scores.impostor),
        fars=tuple(fars),
        thresholds=thresholds,
        tars=tuple(scores.true_accept_rate(threshold) for threshold in thresholds),
        eer=scores.equal_error_rate(),
        auc=scores.area_under_curve(),
    )


def roc_steps(scores: SortedScores) -> RocCurve:
    """The exact ROC in its corners: FAR and TAR at every distinct genuine score, where alone TAR rises.

    The best TAR whose FAR is at most a target is that of the last point with at most this FAR.
    """
    ascending = scores.genuine
    is_first = np.concatenate([[True], ascending[1:] > ascending[:-1]])
    steps = ascending[is_first][::-1]
    tar = (len(ascending) - np.flatnonzero(is_first)[::-1]) / len(ascending)
    impostors = len(scores.impostor)
    far = (impostors - np.searchsorted(scores.impostor, steps)) / impostors
    rest = scores.impostor[:1][far[-1:] < 1]  # the lowest impostor, if below all genuine scores, leads to (1, 1)
    ones = np.ones(len(rest))
    return RocCurve(
        far=np.concatenate([[0.0], far, ones]),
        tar=np.concatenate([[0.0], tar, ones]),
        thresholds=np.concatenate([np.full(1, np.inf, steps.dtype), steps, rest]),
    )


def far_threshold(impostor: Array, far: float = 0.01, min_impostors: int = MIN_IMPOSTORS) -> float:
    """The lowest threshold whose false accept rate is at most the target.

    Args:
        impostor: scores of different people.
        far: target, 0 to 1.
        min_impostors: refuse fewer scores than this.

    Returns:
        The next number (of the scores' precision) above the highest impostor score that must be rejected; minus
        infinity if none must.

    Raises:
        BadInput: for too few or unusable scores, or a target outside [0, 1].
    """
    values = score_array("impostor", impostor)
    check_fars((far,), len(values), min_impostors)
    allowed = accepts_allowed(far, len(values))
    if allowed == len(values):
        return -np.inf
    first_rejected = len(values) - 1 - allowed  # in ascending order
    return next_above(np.partition(values, first_rejected)[first_rejected])


def tar_at_far(genuine: Array, impostor: Array, far: float = 0.01, min_impostors: int = MIN_IMPOSTORS) -> float:
    """True accept rate at the lowest threshold whose false accept rate is at most the target.

    Args:
        genuine, impostor: scores of same and of different people.
        far, min_impostors: as far_threshold.

    Raises:
        BadInput: as far_threshold, or without genuine scores.
    """
    genuine_values, impostor_values = score_arrays(genuine, impostor)
    threshold = far_threshold(impostor_values, far, min_impostors)
    return float(np.mean(genuine_values >= genuine_values.dtype.type(threshold)))


def check_fars(fars: Sequence[float], impostors: int, min_impostors: int) -> None:
    """Raise BadInput unless every target is a fraction and there are enough impostors to speak of a rate."""
    for far in fars:
        if not 0 <= far <= 1:
            raise BadInput(f"far {far}: expected a fraction from 0 to 1, so 0.01 for 1 %")
    if impostors < max(min_impostors, 1):
        raise BadInput(
            f"{impostors} impostor scores: expected at least {max(min_impostors, 1)} for a false accept rate; "
            "compare more people, or lower min_impostors knowing what it means"
        )
