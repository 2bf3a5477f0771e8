"""Paper 1's metrics with its people resampled: gallery against probes.

Resamples depend on nothing but the people that are evaluated, so all methods of a fold share them, as do all pose
bins. A fold's own third of FaceScape's people is resampled apart from those of other folds; the people of the pool,
whom all folds evaluate, are resampled together, and so are those of ARL-VTF.

People are resampled with their probes while the gallery stays whole. In simulated galleries of 30 people with 20 probes
each, such an interval held the expected rate in 94 % of 300 cases, and that of a difference of two methods in 95 %;
resampling the enrolled side of each comparison as well gave 97 and 99.7 %, wider than they claim to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples, Seed, Stratum, resample_identities
from facelib.metrics.identification import probe_ranks
from facelib.metrics.inputs import have_direction
from facelib.metrics.pair_bootstrap import ScoredPairs, scored_pairs, verification_samples
from facelib.metrics.silhouette import silhouettes
from facelib.papers.joint_attention.metrics import AVERAGE, SILHOUETTE
from facelib.papers.joint_attention.protocol import (
    ARL_VTF_PREFIX,
    FAR,
    FIGURE_4_POSES,
    TAR_AT_FAR,
    data_set_scores,
    probe_embeddings,
    probes_of_pose,
)
from facelib.storage import digest_of

DataSetName = Literal["facescape", "arl_vtf"]
Column = tuple[float, np.ndarray]  # a metric of the sample, and of every resample

PREFIXES: dict[DataSetName, str] = {"facescape": "", "arl_vtf": ARL_VTF_PREFIX}


def bootstrap_metrics(
    metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
) -> BootstrapSamples:
    """The metrics of one run and their resamples; AUC and EER of each pose, and the silhouette of identity, besides.

    Args:
        metrics: of the run's record; their names say what is resampled.
        arrays: the scores beside it.
        resamples: how many.
        seed: of all resamples; each set of people has its own that follows from it.

    Raises:
        BadInput: of fewer than two people.
    """
    columns: dict[str, Column] = {}
    seeds: list[int] = []
    for data_set, prefix in PREFIXES.items():
        if prefix + TAR_AT_FAR not in metrics:
            continue
        head = f"{prefix}{TAR_AT_FAR}/"
        poses = [name.removeprefix(head) for name in metrics if name.startswith(head)]
        scored = data_set_scores(arrays, data_set)
        found = _data_set_columns(scored, data_set, poses, seed, resamples)
        columns |= {prefix + name: column for name, column in found.items()}
        # Equal for all methods that evaluate these people.
        seeds += [_seed_of([seed, data_set, scored["identities"].tolist()])] * len(found)
    estimates, samples = zip(*columns.values(), strict=True)
    return BootstrapSamples(tuple(columns), np.array(estimates), np.stack(samples, axis=1), np.array(seeds))


def _data_set_columns(
    scored: Mapping[str, np.ndarray], data_set: DataSetName, poses: list[str], seed: int, resamples: int
) -> dict[str, Column]:
    """The metrics of one data set, by their names without its prefix."""
    people, strata = scored["identities"], _strata(scored, [seed, data_set])
    columns: dict[str, Column] = {}
    for pose in (*(pose for pose in poses if pose != "average"), None):
        pairs, ending = _pairs(scored, pose), "" if pose is None else f"/{pose}"
        values, resampled = verification_samples(pairs, (FAR,), people=people, seed=strata, resamples=resamples)
        for metric, value, samples in zip((TAR_AT_FAR, "eer", "auc"), values, resampled.T, strict=True):
            columns[f"{metric}{ending}"] = float(value), samples
    if "average" in poses:
        parts = [(weight, *columns[f"{TAR_AT_FAR}/{name}"]) for name, weight in AVERAGE.items()]
        average = np.sum([weight * samples for weight, _, samples in parts], axis=0)
        columns[f"{TAR_AT_FAR}/average"] = sum(weight * value for weight, value, _ in parts), average
    for name, values, chosen in _means(scored, data_set):
        columns[name] = _mean_samples(scored, values, chosen, strata, resamples)
    return columns


def _pairs(scored: Mapping[str, np.ndarray], pose: str | None) -> ScoredPairs:
    """The comparisons of a pose, each with its probe's person."""
    chosen = probes_of_pose(scored, pose)
    scores = scored["scores"][chosen]
    probe, enrolled = np.broadcast_arrays(scored["probe_identity"][chosen][:, None], scored["identities"])
    same = probe == enrolled
    return scored_pairs(scores[same], probe[same], scores[~same], probe[~same])


def _means(scored: Mapping[str, np.ndarray], data_set: DataSetName) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """What is a mean over probes: its name, a value of each of some probes, and the mask (P,) of these."""
    every = probes_of_pose(scored, None)
    yield "rank1", probe_ranks(scored["scores"], scored["probe_identity"], scored["identities"]) == 1, every
    if data_set == "facescape":
        # The people whom a silhouette is compared with stay whole, as the gallery does.
        embeddings = probe_embeddings(scored)
        shown = [probes_of_pose(scored, pose) for poses in FIGURE_4_POSES.values() for pose in poses]
        chosen = np.any(shown, axis=0) & have_direction(embeddings)
        if len(np.unique(scored["probe_identity"][chosen])) > 1:
            yield SILHOUETTE, silhouettes(embeddings[chosen], scored["probe_identity"][chosen]), chosen


def _mean_samples(
    scored: Mapping[str, np.ndarray], values: np.ndarray, chosen: np.ndarray, strata: Seed, resamples: int
) -> Column:
    place, people = np.searchsorted(scored["identities"], scored["probe_identity"][chosen]), len(scored["identities"])
    total, probes = np.bincount(place, values, people), np.bincount(place, minlength=people)
    value, samples = resample_identities(
        lambda weights: _ratio(weights @ total, weights @ probes), people, seed=strata, resamples=resamples
    )
    return float(value[0]), samples[:, 0]


def _ratio(total: np.ndarray, probes: np.ndarray) -> np.ndarray:
    return np.divide(total, probes, out=np.full(len(total), np.nan), where=probes > 0)


def _strata(scored: Mapping[str, np.ndarray], origin: list[Any]) -> tuple[Stratum, ...]:
    """The fold's own people and those of the pool, each with the seed of just these people."""
    people = scored["identities"]
    in_pool = scored.get("in_pool", np.zeros(len(people), bool))
    parts = [np.flatnonzero(part) for part in (~in_pool, in_pool) if part.any()]
    return tuple(Stratum(places, _seed_of([*origin, people[places].tolist()])) for places in parts)


def _seed_of(origin: list[Any]) -> int:
    return int(digest_of(origin), 16) >> 1
