"""Means over photographs with the people on them resampled, together with all photographs of each.

Resamples depend on nothing but the photographs that are evaluated, so all methods share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from facelib.metrics.bootstrap import BootstrapSamples, resample_identities
from facelib.metrics.inputs import identity_array
from facelib.storage import digest_of


def resample_means(values: Mapping[str, np.ndarray], people: np.ndarray, seed: int, resamples: int) -> BootstrapSamples:
    """Means of values over the photographs that count, and those of resampled people.

    Args:
        values: (N,) of each mean by name, NaN where a photograph does not count.
        people: (N,) who is on each photograph.
        seed: of the resamples; see `seed_of`.
        resamples: how many.

    Raises:
        BadInput: on another number of people, or fewer than two.
    """
    columns = np.stack(list(values.values()), axis=1)
    order, place = np.unique(identity_array("identities", people, len(columns)), return_inverse=True)
    belongs = np.zeros((len(order), len(columns)))
    belongs[place, np.arange(len(columns))] = 1
    sums, counts = belongs @ np.nan_to_num(columns), belongs @ ~np.isnan(columns)

    def means(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # a resample without a photograph of some kind has no mean of it
            return (weights @ sums) / (weights @ counts)

    estimates, resampled = resample_identities(means, len(order), seed=seed, resamples=resamples)
    return BootstrapSamples(tuple(values), estimates, resampled, np.full(len(values), seed))


def constant_samples(values: Mapping[str, float], resamples: int) -> BootstrapSamples:
    """Metrics that no photograph changes: the same in all resamples."""
    numbers = np.array(list(values.values()), np.float64)
    same = np.tile(numbers, (resamples, 1))
    return BootstrapSamples(tuple(values), numbers, same, np.zeros(len(numbers), np.int64))


def joined(parts: Sequence[BootstrapSamples]) -> BootstrapSamples:
    """The metrics of several parts as those of one."""
    return BootstrapSamples(
        tuple(name for part in parts for name in part.names),
        np.concatenate([part.estimates for part in parts]),
        np.concatenate([part.samples for part in parts], axis=1),
        np.concatenate([part.seeds for part in parts]),
    )


def seed_of(seed: int, data_set: str, people: np.ndarray, rows: np.ndarray) -> int:
    """That of all methods that evaluate these photographs of these people."""
    return int(digest_of([seed, data_set, people.tolist(), rows.tolist()]), 16) >> 1
