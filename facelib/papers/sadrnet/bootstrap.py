"""Paper 3's metrics with the people of its test photographs resampled.

Each metric is a mean over photographs, or a mean of three such means. Photographs of one person are not independent, so
people are resampled, with all their photographs; those of each data set apart. Resamples depend on
nothing but the photographs that are evaluated, so all methods share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples
from facelib.metrics.bootstrapped_means import constant_samples, joined, resample_means, seed_of
from facelib.metrics.inputs import point_array
from facelib.metrics.landmark_error import YAW_BINS, yaw_bin_masks
from facelib.metrics.pose_error import near_gimbal_lock
from facelib.papers.sadrnet.metrics import ANGLES, BY_POSE, FIX, METRICS
from facelib.papers.sadrnet.shape_protocol import shape_parts

ERRORS = (
    *("sparse_2d", "sparse_3d", "sparse_3d_unshifted", "dense_2d", "dense_3d", "dense_3d_unshifted"),
    "reconstruction",
    "posed_mm",
)
FLORENCE = ("florence", "florence_rigid", "florence_15")
ICT = ("ict_sparse_2d", "ict_sparse_3d", "ict_scan", "ict_scan_mm")
OTHERS = {
    "florence": FLORENCE,
    "ict": ICT,
    "recognition": ("recognition",),
}  # data sets, of which runs may lack one, and the errors on them
CONSTANTS = tuple(name for name, metric in METRICS.items() if not metric.over_people)


def bootstrap_metrics(
    metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
) -> BootstrapSamples:
    """The metrics of one run and their resamples; besides, the errors of occluded and of free faces.

    Args:
        metrics: of the run's record; the size of the network, which no photograph changes, is the same in all.
        arrays: the scores beside it: identity, rows, yaw, occluder and the errors of N photographs, and perhaps
            florence_identity and the errors of M renderings, ict_identity and those of photographs of ICT's people.
        resamples: how many.
        seed: of all resamples; each set of photographs has its own that follows from it.

    Raises:
        BadInput: for scores that do not fit or are not finite, or of fewer than two people.
    """
    made = [_resample_aflw2000(arrays, resamples, seed), _resample_shape(arrays, resamples, seed)]
    for data_set, errors in OTHERS.items():
        if errors[0] in arrays:
            people = arrays[f"{data_set}_identity"]
            own = seed_of(seed, data_set, people, np.arange(len(people)))
            made.append(resample_means({name: arrays[name] for name in errors}, people, own, resamples))
    made.append(constant_samples({name: metrics[name]["value"] for name in CONSTANTS if name in metrics}, resamples))
    return joined(made)


def _resample_aflw2000(arrays: Mapping[str, np.ndarray], resamples: int, seed: int) -> BootstrapSamples:
    people, rows = arrays["identity"], arrays["rows"]
    own = seed_of(seed, "aflw2000", people, rows)
    made = resample_means(_values_of_photographs(arrays), people, own, resamples)
    balanced = {}
    for metric in BY_POSE:
        bins = [made.names.index(f"{metric}/{name}") for name in YAW_BINS]
        balanced[f"{metric}/balanced"] = made.estimates[bins].mean(), made.samples[:, bins].mean(axis=1)
    estimates, resampled = zip(*balanced.values(), strict=True)
    return BootstrapSamples(
        (*made.names, *balanced),
        np.concatenate([made.estimates, estimates]),
        np.column_stack([made.samples, *resampled]),
        np.append(made.seeds, [own] * len(balanced)),
    )


def _resample_shape(arrays: Mapping[str, np.ndarray], resamples: int, seed: int) -> BootstrapSamples:
    """The metrics that are one mean over another, such as the shape's error over the mean face's."""
    people, parts = arrays["identity"], shape_parts(arrays)
    own = seed_of(seed, "aflw2000", people, arrays["rows"])
    part, whole = (
        resample_means({name: pair[end] for name, pair in parts.items()}, people, own, resamples) for end in (0, 1)
    )
    return BootstrapSamples(part.names, part.estimates / whole.estimates, part.samples / whole.samples, part.seeds)


def _values_of_photographs(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of each metric that is a mean, the values (N,) that it is the mean of: NaN where a photograph does not count."""
    count = len(arrays["identity"])
    errors = {name: point_array(name, arrays[name], (count,)) for name in ERRORS}
    kinds = yaw_bin_masks(point_array("yaw", arrays["yaw"], (count,)))
    worn = {"occluded": arrays["occluder"] > 0, "free": arrays["occluder"] == 0}
    kinds |= {name: chosen for name, chosen in worn.items() if chosen.any()}  # none where nobody says what is worn
    parts = {f"{name}/{kind}": np.where(kinds[kind], errors[name], np.nan) for name in BY_POSE for kind in kinds}

    degrees = np.rad2deg(point_array("aflw_angle_error", arrays["aflw_angle_error"], (count, 3)))
    locked = near_gimbal_lock(degrees)
    angles = dict(zip(ANGLES, (*degrees.T, degrees.mean(axis=1)), strict=True))
    return (
        errors
        | parts
        | {f"{angle}_error": error for angle, error in angles.items()}
        | {f"{FIX}{angle}_error": np.where(locked, np.nan, error) for angle, error in angles.items()}
        | {"geodesic_error": np.rad2deg(point_array("geodesic", arrays["geodesic"], (count,)))}
    )
