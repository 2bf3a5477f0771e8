"""Paper 1's metrics with its people resampled: gallery against probes.

Resamples depend on nothing but the people that are evaluated, so all methods of a fold share them, as do all pose
bins. Folds of FaceScape evaluate other people each, and are resampled apart; folds of ARL-VTF evaluate the same people,
and are resampled together.

People are resampled with their probes while the gallery stays whole. In simulated galleries of 30 people with 20 probes
each, such an interval held the expected rate in 94 % of 300 cases, and that of a difference of two methods in 95 %;
resampling the enrolled side of each comparison as well gave 97 and 99.7 %, wider than they claim to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples, resample_identities
from facelib.metrics.identification import probe_ranks
from facelib.metrics.pair_bootstrap import ScoredPairs, scored_pairs, verification_samples
from facelib.papers.joint_attention.protocol import ARL_VTF_PREFIX, FAR, TAR_AT_FAR, data_set_scores, probes_of_pose
from facelib.storage import digest_of

PREFIXES: dict[Literal["facescape", "arl_vtf"], str] = {"facescape": "", "arl_vtf": ARL_VTF_PREFIX}


def bootstrap_metrics(
    metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
) -> BootstrapSamples:
    """The metrics of one run and their resamples, AUC and EER of each pose besides.

    Args:
        metrics: of the run's record; their names say what is resampled.
        arrays: the scores beside it.
        resamples: how many.
        seed: of all resamples; each set of people has its own that follows from it.

    Raises:
        BadInput: of fewer than two people.
    """
    names: list[str] = []
    seeds: list[int] = []
    estimates, resampled = [], []
    for data_set, prefix in PREFIXES.items():
        head = f"{prefix}{TAR_AT_FAR}/"
        poses = [name.removeprefix(head) for name in metrics if name.startswith(head)]
        if prefix + TAR_AT_FAR not in metrics:
            continue
        scored = data_set_scores(arrays, data_set)
        people = scored["identities"]
        own = int(digest_of([seed, data_set, people.tolist()]), 16) >> 1  # of all methods that evaluate these people
        for pose in (*poses, None):
            ending = "" if pose is None else f"/{pose}"
            found = verification_samples(_pairs(scored, pose), (FAR,), people=people, seed=own, resamples=resamples)
            names += [f"{prefix}{metric}{ending}" for metric in (TAR_AT_FAR, "eer", "auc")]
            estimates.append(found[0])
            resampled.append(found[1])
        hits = _rank1_samples(scored, own, resamples)
        names.append(f"{prefix}rank1")
        estimates.append(hits[0])
        resampled.append(hits[1])
        seeds += [own] * (len(names) - len(seeds))
    return BootstrapSamples(tuple(names), np.concatenate(estimates), np.concatenate(resampled, axis=1), np.array(seeds))


def _pairs(scored: Mapping[str, np.ndarray], pose: str | None) -> ScoredPairs:
    """The comparisons of a pose, each with its probe's person."""
    chosen = probes_of_pose(scored, pose)
    scores = scored["scores"][chosen]
    probe, enrolled = np.broadcast_arrays(scored["probe_identity"][chosen][:, None], scored["identities"])
    same = probe == enrolled
    return scored_pairs(scores[same], probe[same], scores[~same], probe[~same])


def _rank1_samples(scored: Mapping[str, np.ndarray], seed: int, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """The share of probes found at the first place."""
    hits = probe_ranks(scored["scores"], scored["probe_identity"], scored["identities"]) == 1
    place, people = np.searchsorted(scored["identities"], scored["probe_identity"]), len(scored["identities"])
    found, probes = np.bincount(place, hits, people), np.bincount(place, minlength=people)
    return resample_identities(
        lambda weights: (weights @ found) / (weights @ probes), people, seed=seed, resamples=resamples
    )
