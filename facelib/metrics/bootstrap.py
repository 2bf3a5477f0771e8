"""Confidence intervals by resampling identities, not images: samples of one person are not independent.

A resample takes as many identities as there are, with replacement; identity i comes up m_i times, and its samples have
the weight m_i. Intervals are percentiles of the resamples (Efron and Tibshirani, "An Introduction to the Bootstrap",
1993, chapter 13). The same seed gives the same resamples, hence the same identities to two methods that are compared.

For pairs of images see `facelib.metrics.pair_bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from facelib.errors import BadInput
from facelib.metrics.inputs import Array, identity_array, point_array

RESAMPLES, LEVEL = 1000, 0.95
_AT_ONCE = 64  # resamples whose weights are held together


class Stratum(NamedTuple):
    """People who are resampled among themselves, so that their resamples are the same wherever they are evaluated.

    Args:
        places: of these people among all.
        seed: of their resamples.
    """

    places: np.ndarray
    seed: int


Seed = int | np.random.Generator | tuple[Stratum, ...]


@dataclass(frozen=True)
class Interval:
    """A metric and how far it may be off.

    Args:
        estimate: of the sample itself.
        low, high: percentiles of the resamples.
        resamples: how many had a value.
    """

    estimate: float
    low: float
    high: float
    resamples: int


class BootstrapSamples(NamedTuple):
    """M metrics of one run in the units of its record, and their values for resampled people.

    Args:
        names: (M,) those of the record, and perhaps more that claims need.
        estimates: (M,) of the sample itself.
        samples: (resamples, M); NaN where a resample has no value.
        seeds: (M,) equal where the same people were resampled.
    """

    names: tuple[str, ...]
    estimates: np.ndarray
    samples: np.ndarray
    seeds: np.ndarray


def bootstrap_over_identities(
    statistic: Callable[[np.ndarray], ArrayLike],
    identities: int,
    *,
    seed: Seed,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> list[Interval]:
    """Intervals of any statistics that can be computed with weights of identities.

    Args:
        statistic: takes multiplicities (B, identities) of B resamples and returns (B,) or (B, S) values, NaN for none.
        identities: how many there are, at least two.
        seed: of the resamples, a generator, or strata that hold each identity once and are resampled apart.
        resamples: how many.
        level: of confidence.

    Returns:
        S intervals; the estimate is the statistic of one of each.

    Raises:
        BadInput: for fewer than two identities or resamples, a level outside (0, 1), or a statistic without a value in
            the sample or in half of the resamples.
    """
    return percentile_intervals(*resample_identities(statistic, identities, seed=seed, resamples=resamples), level)


def resample_identities(
    statistic: Callable[[np.ndarray], ArrayLike], identities: int, *, seed: Seed, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Statistics (S,) of the sample, and of every resample (resamples, S); arguments of bootstrap_over_identities.

    Resamples of one seed take the same identities, so sums and differences of their columns are resamples of paired
    sums and differences.

    Raises:
        BadInput: for fewer than two identities or resamples, or strata that do not hold each identity once.
    """
    if identities < 2:
        raise BadInput(f"{identities} identity: expected at least two to resample from")
    if resamples < 2:
        raise BadInput(f"{resamples} resamples: expected at least two")
    estimates = _rows_of(statistic(np.ones((1, identities), np.int64)))[0]
    parts = [_rows_of(statistic(weights)) for weights in _multiplicities(identities, resamples, seed)]
    return estimates, np.concatenate(parts)


def percentile_intervals(estimates: np.ndarray, resampled: np.ndarray, level: float = LEVEL) -> list[Interval]:
    """Intervals (S of them) of the resamples (resamples, S) of statistics (S,).

    Raises:
        BadInput: for a level outside (0, 1), or a statistic without a value in the sample or in half of the resamples.
    """
    if not 0 < level < 1:
        raise BadInput(f"level {level}: expected a fraction such as 0.95")
    resamples, valid = len(resampled), np.isfinite(resampled).sum(axis=0)
    if not np.isfinite(estimates).all() or 2 * int(valid.min()) < resamples:
        raise BadInput(
            f"the statistic has a value in {int(valid.min())} of {resamples} resamples: expected one in the sample and "
            "in half of the resamples; there are too few identities, or some kind of pair is too rare"
        )
    low, high = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    columns = zip(estimates, low, high, valid, strict=True)
    return [Interval(float(e), float(a), float(b), int(n)) for e, a, b, n in columns]


def mean_interval(
    values: Array, identities: Array, *, seed: Seed, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Interval of a mean, such as of the NME of images or of the hits of probes (rank-1: `probe_ranks(...) == 1`).

    Args:
        values: (N,), one for each sample.
        identities: (N,), whose sample it is.
        seed, resamples, level: as bootstrap_over_identities.

    Raises:
        BadInput: for values that are not finite, shapes that do not fit, or one identity only.
    """
    array = point_array("values", values, (None,))
    people, place = np.unique(identity_array("identities", identities, len(array)), return_inverse=True)
    sums, counts = np.bincount(place, array), np.bincount(place)
    return bootstrap_over_identities(
        lambda weights: (weights @ sums) / (weights @ counts), len(people), seed=seed, resamples=resamples, level=level
    )[0]


def mean_difference_interval(
    first: Array, second: Array, identities: Array, *, seed: Seed, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Interval of mean(first) - mean(second) for two methods' values (N,) of the same samples; see mean_interval."""
    one = point_array("first", first, (None,))
    return mean_interval(
        one - point_array("second", second, (len(one),)), identities, seed=seed, resamples=resamples, level=level
    )


def _multiplicities(identities: int, resamples: int, seed: Seed) -> Iterator[np.ndarray]:
    """How often each identity comes up: (B, identities) at a time."""
    strata = seed if isinstance(seed, tuple) else (Stratum(np.arange(identities), seed),)  # type: ignore[arg-type]
    if not np.array_equal(np.sort(np.concatenate([part.places for part in strata])), np.arange(identities)):
        raise BadInput(f"strata of {identities} identities: expected each of these in one of them")
    generators = [np.random.default_rng(part.seed) for part in strata]
    for first in range(0, resamples, _AT_ONCE):
        weights = np.zeros((min(_AT_ONCE, resamples - first), identities), np.int64)
        for part, generator in zip(strata, generators, strict=True):
            count = len(part.places)
            chosen = generator.integers(count, size=(len(weights), count))
            weights[:, part.places] = [np.bincount(row, minlength=count) for row in chosen]
        yield weights


def _rows_of(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, np.float64)
    return array[:, None] if array.ndim == 1 else array
