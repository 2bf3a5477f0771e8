"""The protocols of paper 2: rank-1 on each data set of scans and on three of them merged (sections 3.2 to 3.4).

Everybody's first scan is enrolled and all others are probes. Distances are those of features of unit length, and of raw
ones besides. Ranks are taken with few distances held at a time, the merged set's too. A scan that cannot be prepared is
missed as a probe, and so are the probes of a person whose enrolled scan it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.prepared_scans import open_prepared_scans
from facelib.data.surface_images import surface_images
from facelib.data.surface_settings import PreparationSettings
from facelib.metrics.late_fusion import FUSED, places
from facelib.papers.failures import FAILED
from facelib.papers.normal_components.identification import Features, features_of
from facelib.papers.normal_components.metrics import APART, MERGED, MERGED_OF, METRICS, RAW
from facelib.papers.paper import Metrics, Scores
from facelib.progress import progress_bar

TOLD = ("identity", "expression", "level")  # of a probe, kept beside its ranks


@dataclass(frozen=True)
class SeenScans:
    """What a network makes of N scans.

    Args:
        features: (N, D) by view.
        told: arrays (N,) of the prepared scans: `TOLD`, is_gallery and failed.
    """

    features: Features
    told: Mapping[str, np.ndarray]


def evaluate_scans(network: nn.Module, archives: Mapping[str, FaceArchive], preparation: PreparationSettings) -> Scores:
    """The ranks of all probes of data sets of scans, by their names, and of the merged set where all its parts are.

    Args:
        network: a recogniser, in eval mode.
        archives: the scans.
        preparation: of the scans.

    Returns:
        For each data set ranks (P,), "bu3dfe" fused, "bu3dfe/x" by a view and "bu3dfe/raw" fused of raw features;
        "bu3dfe_identity", "bu3dfe_expression" and "bu3dfe_level" (P,); "bu3dfe_failed" (P,) bool, save of the merged
        set, which has the same failures again. `APART` holds the ranks of the merged set's probes before merging.
    """
    seen = {name: see_scans(network, name, scans, preparation) for name, scans in archives.items()}
    scores: Scores = {}
    for name, scans in seen.items():
        scores |= _scores(name, scans)
    if set(MERGED_OF) <= seen.keys():
        together = _scores(MERGED, merged([seen[name] for name in MERGED_OF]))
        del together[f"{MERGED}_{FAILED}"]
        scores |= together | {APART: np.concatenate([scores[name] for name in MERGED_OF])}
    return scores


def see_scans(network: nn.Module, name: str, scans: FaceArchive, preparation: PreparationSettings) -> SeenScans:
    """What a recogniser, in eval mode, makes of the scans of a data set of this name, in their order."""
    with progress_bar(f"prepared scans of {name}", len(scans), "scans") as bar:
        prepared = open_prepared_scans(scans, preparation, bar.advance)
    told = {each: np.asarray(prepared.arrays[each]) for each in (*TOLD, "is_gallery", "failed")}
    return SeenScans(features_of(network, surface_images, prepared), told)


def merged(parts: Sequence[SeenScans]) -> SeenScans:
    """Several data sets as one, whose people are all different."""
    firsts = np.cumsum([0, *(part.told["identity"].max() + 1 for part in parts)])
    told = {name: np.concatenate([part.told[name] for part in parts]) for name in parts[0].told}
    told["identity"] = np.concatenate(
        [part.told["identity"] + first for part, first in zip(parts, firsts, strict=False)]
    )
    features = {view: np.concatenate([part.features[view] for part in parts]) for view in parts[0].features}
    return SeenScans(features, told)


def rates(scores: Scores) -> dict[str, np.ndarray]:
    """Of each rank-1 metric, 1 or 0 for each probe."""
    return {name: (scores[name] == 1).astype(float) for name in METRICS if name in scores and name != "fidelity_mm"}


def metrics_of(scores: Scores) -> Metrics:
    """All metrics of scores: rates, and the error of reconstructed shapes."""
    found: Metrics = {name: {"value": float(each.mean()), "unit": "fraction"} for name, each in rates(scores).items()}
    if "fidelity_mm" in scores:
        found["fidelity_mm"] = {"value": float(scores["fidelity_mm"].mean()), "unit": "mm"}
    return found


def people_of(metric: str, scores: Scores) -> np.ndarray:
    """Who is on each sample that a metric is a mean over."""
    others = {"fidelity_mm": "fidelity_identity", "fidelity_rank1": "fidelity_probe"}
    return scores[others.get(metric, f"{metric.partition('/')[0]}_identity")]


def _scores(name: str, scans: SeenScans) -> Scores:
    told, identity = scans.told, scans.told["identity"]
    gallery, probes = np.flatnonzero(told["is_gallery"]), np.flatnonzero(~told["is_gallery"])
    ranks, failed = places(scans.features, ~told["failed"], identity, gallery, probes)
    raw, _ = places(scans.features, ~told["failed"], identity, gallery, probes, unit_length=False)
    by_view = {f"{name}/{view}": ranks[view] for view in scans.features} if len(scans.features) > 1 else {}
    return {
        name: ranks[FUSED],
        **by_view,
        f"{name}/{RAW}": raw[FUSED],
        **{f"{name}_{each}": told[each][probes] for each in TOLD},
        f"{name}_{FAILED}": failed,
    }
