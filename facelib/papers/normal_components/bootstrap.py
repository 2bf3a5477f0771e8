"""Paper 2's metrics with the people on its scans and photographs resampled, those of each data set apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples
from facelib.metrics.bootstrapped_means import joined, resample_means, seed_of
from facelib.papers.normal_components.protocol import people_of, rates


def bootstrap_metrics(
    metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
) -> BootstrapSamples:
    """The metrics of one run and their resamples; all methods share those of the same probes.

    Args:
        metrics: of the run's record.
        arrays: the scores beside it, of `facelib.papers.normal_components.protocol`.
        resamples: how many.
        seed: of all resamples; each data set has its own that follows from it.

    Raises:
        BadInput: for scores that do not fit, or of fewer than two people.
    """
    scores = dict(arrays)
    values = rates(scores) | ({"fidelity_mm": scores["fidelity_mm"]} if "fidelity_mm" in scores else {})
    sets = defaultdict[str, dict[str, np.ndarray]](dict)
    for name, each in values.items():
        sets[name.partition("/")[0]][name] = each
    made = []
    for data_set, some in sets.items():
        people = np.asarray(people_of(data_set, scores))
        own = seed_of(seed, data_set, people, np.arange(len(people)))
        made.append(resample_means(some, people, own, resamples))
    return joined(made)
