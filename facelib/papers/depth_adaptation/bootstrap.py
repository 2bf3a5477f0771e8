"""Paper 4's metrics with the people in its frames resampled, those of each set apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples
from facelib.metrics.bootstrapped_means import joined, resample_means, seed_of
from facelib.papers.depth_adaptation.metrics import SPREAD
from facelib.papers.depth_adaptation.protocol import values_of

SAMPLES = "fitting_30"


def bootstrap_metrics(
    metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
) -> BootstrapSamples:
    """The metrics of one run and their resamples; of Biwi itself group 1 has two people: its intervals say little.

    Args:
        metrics: of the run's record, all of which follow from the scores.
        arrays: the scores beside it, of `facelib.papers.depth_adaptation.protocol`.
        resamples: how many.
        seed: of all resamples; each set has its own that follows from it.

    Raises:
        BadInput: for scores that do not fit, or of fewer than two people.
    """
    made = []
    for name, values in values_of(dict(arrays)).items():
        people = np.asarray(arrays[f"{name}_identity"])
        if SAMPLES in values:
            values[SAMPLES + SPREAD] = values[SAMPLES] ** 2
        means = resample_means(values, people, seed_of(seed, name, people, np.arange(len(people))), resamples)
        made.append(_with_deviation(means) if SAMPLES in values else means)
    return joined(made)


def _with_deviation(means: BootstrapSamples) -> BootstrapSamples:
    """Means of some values and of their squares, with the standard deviation in place of the latter."""
    mean, square = means.names.index(SAMPLES), means.names.index(SAMPLES + SPREAD)
    for each in (means.estimates, means.samples):
        each[..., square] = np.sqrt(np.maximum(each[..., square] - each[..., mean] ** 2, 0))
    return means
