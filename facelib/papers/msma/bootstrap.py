"""Paper 5's metrics with the people on its photographs resampled, those of each data set apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples
from facelib.metrics.bootstrapped_means import constant_samples, joined, resample_means, seed_of
from facelib.papers.msma.metrics import METRICS
from facelib.papers.msma.protocol import values_of

CONSTANTS = tuple(name for name, metric in METRICS.items() if not metric.over_people)


def bootstrap_metrics(
    metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
) -> BootstrapSamples:
    """The metrics of one run and their resamples.

    Args:
        metrics: of the run's record; standard deviations over people are not resampled.
        arrays: the scores beside it, of `facelib.papers.msma.protocol`.
        resamples: how many.
        seed: of all resamples; each data set has its own that follows from it.

    Raises:
        BadInput: for scores that do not fit, or of fewer than two people.
    """
    made = []
    for data_set, values in values_of(dict(arrays)).items():
        people = np.asarray(arrays[f"{data_set}_identity"])
        own = seed_of(seed, data_set, people, np.arange(len(people)))
        made.append(resample_means(values, people, own, resamples))
    made.append(constant_samples({name: metrics[name]["value"] for name in CONSTANTS if name in metrics}, resamples))
    return joined(made)
