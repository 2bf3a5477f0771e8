"""Confidence intervals of TAR at FAR, EER and AUC over identities (see `facelib.metrics.bootstrap`).

A pair belongs to two people, so its weight in a resample can be understood in two ways, told by the shape of the
impostors' identities:
- one identity a pair, the probe's: weight m_i. The gallery is held fixed, as in gallery protocols; the usual form.
- two identities a pair: weight m_i m_j, for all pairs of one set. Copies of one person are never compared with each
  other, so a genuine pair of i has the weight m_i in both forms.

A pair of weight w counts as w pairs of the same score. Resamples in which no genuine or no impostor pair has a weight
are left out. For rank-1 use `bootstrap.mean_interval` of the hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from facelib.errors import BadInput
from facelib.geometry.threads import share_among_threads
from facelib.metrics.bootstrap import RESAMPLES, Seed, resample_identities
from facelib.metrics.inputs import Array, as_array, identity_array, score_arrays
from facelib.metrics.verification import MIN_IMPOSTORS, check_fars


class ScoredPairs(NamedTuple):
    """Scores with the people they compare, ready to be weighted; made by `scored_pairs`.

    Args:
        is_genuine, first, second: (N,) kind and places of the two people in `people`, scores falling; the second is
            -1 where one person decides the weight.
        ends: (N,) whether the next score is lower.
        people: (I,) distinct identities.
    """

    is_genuine: np.ndarray
    first: np.ndarray
    second: np.ndarray
    ends: np.ndarray
    people: np.ndarray


def scored_pairs(genuine: Array, genuine_ids: Array, impostor: Array, impostor_ids: Array) -> ScoredPairs:
    """Sort the scores of pairs once.

    Args:
        genuine: (N,) scores of same people.
        genuine_ids: (N,) whose they are.
        impostor: (M,) scores of different people.
        impostor_ids: (M,), the probe's identity, or (M, 2), both.

    Raises:
        BadInput: for unusable scores, shapes that do not fit, or an impostor pair of one person.
    """
    genuine_scores, impostor_scores = score_arrays(genuine, impostor)
    own = identity_array("genuine_ids", genuine_ids, len(genuine_scores))
    columns = as_array(impostor_ids)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.shape not in ((len(impostor_scores), 1), (len(impostor_scores), 2)):
        raise BadInput(f"impostor_ids {as_array(impostor_ids).shape}: expected ({len(impostor_scores)},) or (*, 2)")
    others = [identity_array("impostor_ids", column, len(impostor_scores)) for column in columns.T]
    if len(others) == 2 and (others[0] == others[1]).any():
        raise BadInput("impostor_ids name the same person twice: these are genuine pairs")
    people, places = np.unique(np.concatenate([own, *others]), return_inverse=True)
    scores = np.concatenate([genuine_scores, impostor_scores])
    first, second = places[: len(scores)].astype(np.int32), np.full(len(scores), -1, np.int32)
    if len(others) == 2:
        second[len(own) :] = places[len(scores) :]
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    return ScoredPairs(
        is_genuine=order < len(own),
        first=first[order],
        second=second[order],
        ends=np.append(scores[1:] < scores[:-1], True),
        people=people,
    )


def verification_samples(
    pairs: ScoredPairs,
    fars: Sequence[float] = (0.01, 0.001),
    *,
    people: Array | None = None,
    seed: Seed,
    resamples: int = RESAMPLES,
    min_impostors: int = MIN_IMPOSTORS,
) -> tuple[np.ndarray, np.ndarray]:
    """TAR at each FAR, then EER and AUC: of the pairs (F + 2,), and of every resample (resamples, F + 2).

    `percentile_intervals` makes intervals of them. One seed and the same people make resamples that belong together, so
    a sum or difference of their values, of methods, of metrics or of parts of the pairs, has these resamples too.

    Args:
        pairs: of scored_pairs; a weight counts as that many equal scores.
        fars, min_impostors: as verification_summary.
        people: (Q,) distinct identities to resample, ascending, the pairs' own among them; by default these alone.
            A part of the pairs, such as a pose bin, may lack some.
        seed, resamples: as bootstrap_over_identities.

    Returns:
        Metrics and resamples; NaN in a resample that leaves no genuine or no impostor pair.

    Raises:
        BadInput: as bootstrap_over_identities, for too few impostors, a target outside [0, 1], or when somebody of the
            pairs is not among the people.
    """
    check_fars(fars, int((~pairs.is_genuine).sum()), min_impostors)
    everybody = pairs.people if people is None else np.unique(identity_array("people", people, as_array(people).size))
    if not np.isin(pairs.people, everybody).all():
        raise BadInput(f"{len(everybody)} people to resample: expected the {len(pairs.people)} of the pairs among them")
    places = np.searchsorted(everybody, pairs.people)
    return resample_identities(
        lambda weights: _weighted_metrics(pairs, fars, weights[:, places]),
        len(everybody),
        seed=seed,
        resamples=resamples,
    )


def _weighted_metrics(pairs: ScoredPairs, fars: Sequence[float], weights: np.ndarray) -> np.ndarray:
    """TAR at each FAR, EER and AUC (B, F + 2); NaN where a kind of pair has no weight."""
    order = np.argsort(fars, kind="stable")
    ascending = np.asarray(fars, np.float64)[order]
    metrics = np.full((len(weights), len(fars) + 2), np.nan)
    is_genuine, first, second, ends, _ = pairs
    share_among_threads(_weigh, len(weights), is_genuine, first, second, ends, weights, ascending, metrics)
    metrics[:, order] = metrics[:, : len(fars)].copy()
    return metrics


@njit(cache=True, nogil=True, inline="always")
def _weight(weights, first, second):  # type: ignore[no-untyped-def]
    return weights[first] if second < 0 else weights[first] * weights[second]


@njit(cache=True, nogil=True)
def _weigh(begin, end, is_genuine, first, second, ends, weights, fars, metrics):  # type: ignore[no-untyped-def]
    """One walk from the highest score down for each resample; at the end of equal scores stands a point of the ROC."""
    for resample in range(begin, end):
        resampled = weights[resample]
        impostors, genuine = 0, 0
        for k in range(len(first)):
            weight = _weight(resampled, first[k], second[k])
            genuine += weight * is_genuine[k]
            impostors += weight * (not is_genuine[k])
        if impostors == 0 or genuine == 0:
            continue
        metrics[resample, : len(fars)] = 0
        far_before, gap_before, crossed = 0.0, 1.0, False  # the gap is FRR - FAR
        impostors_before, accepted_impostors, accepted_genuine, genuine_here = 0, 0, 0, 0
        target, area = 0, 0.0
        for k in range(len(first)):
            weight = _weight(resampled, first[k], second[k])
            if is_genuine[k]:
                genuine_here += weight
            else:
                accepted_impostors += weight
            if not ends[k]:
                continue
            accepted_genuine += genuine_here
            # Genuine scores here beat the impostors below, and half of those here.
            area += genuine_here * (impostors - (accepted_impostors + impostors_before) / 2)
            impostors_before, genuine_here = accepted_impostors, 0
            far, tar = accepted_impostors / impostors, accepted_genuine / genuine
            while target < len(fars) and far > fars[target]:
                target += 1
            metrics[resample, target : len(fars)] = tar
            gap = 1 - tar - far
            if not crossed and gap <= 0:
                crossed = True
                metrics[resample, len(fars)] = far_before + (far - far_before) * gap_before / (gap_before - gap)
            far_before, gap_before = far, gap
        metrics[resample, len(fars) + 1] = area / genuine / impostors
