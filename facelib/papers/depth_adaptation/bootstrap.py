"""Paper 4's metrics with the people in its frames resampled, those of each set apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples
from facelib.metrics.bootstrapped_means import constant_samples, joined, resample_means, seed_of
from facelib.papers.depth_adaptation.metrics import METRICS
from facelib.papers.depth_adaptation.protocol import values_of

CONSTANTS = tuple(name for name, metric in METRICS.items() if not metric.over_people)


def bootstrap_metrics(
    metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
) -> BootstrapSamples:
    """The metrics of one run and their resamples; group 1 has two people, so its intervals say little.

    Args:
        metrics: of the run's record; the standard deviation over samples is not resampled.
        arrays: the scores beside it, of `facelib.papers.depth_adaptation.protocol`.
        resamples: how many.
        seed: of all resamples; each set has its own that follows from it.

    Raises:
        BadInput: for scores that do not fit, or of fewer than two people.
    """
    made = []
    for name, values in values_of(dict(arrays)).items():
        people = np.asarray(arrays[f"{name}_identity"])
        made.append(resample_means(values, people, seed_of(seed, name, people, np.arange(len(people))), resamples))
    made.append(constant_samples({name: metrics[name]["value"] for name in CONSTANTS if name in metrics}, resamples))
    return joined(made)
