"""Confidence intervals by drawing identities, not images, again: samples of one person are not independent.

A draw takes as many identities as there are, with replacement; identity i comes up m_i times, and its samples have the
weight m_i. Intervals are percentiles of the draws (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
chapter 13). The same seed gives the same draws, hence the same identities to two methods that are compared.

For pairs of images see `facelib.metrics.pair_bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from facelib.errors import BadInput
from facelib.metrics.inputs import Array, identity_array, point_array

DRAWS, LEVEL = 1000, 0.95
_AT_ONCE = 64  # draws whose weights are held together

Seed = int | np.random.Generator


@dataclass(frozen=True)
class Interval:
    """A metric and how far it may be off.

    Args:
        estimate: of the sample itself.
        low, high: percentiles of the draws.
        draws: how many had a value.
    """

    estimate: float
    low: float
    high: float
    draws: int


def bootstrap_over_identities(
    statistic: Callable[[np.ndarray], ArrayLike],
    identities: int,
    *,
    seed: Seed,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> list[Interval]:
    """Intervals of any statistics that can be computed with weights of identities.

    Args:
        statistic: takes multiplicities (B, identities) of B draws and returns (B,) or (B, S) values, NaN for none.
        identities: how many there are, at least two.
        seed: of the draws, or a generator.
        draws: how many.
        level: of confidence.

    Returns:
        S intervals; the estimate is the statistic of one of each.

    Raises:
        BadInput: for fewer than two identities or draws, a level outside (0, 1), or a statistic without a value in
            the sample or in half of the draws.
    """
    return percentile_intervals(*resample_identities(statistic, identities, seed=seed, draws=draws), level)


def resample_identities(
    statistic: Callable[[np.ndarray], ArrayLike], identities: int, *, seed: Seed, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray]:
    """Statistics (S,) of the sample, and of every draw (draws, S); arguments of bootstrap_over_identities.

    Draws of one seed take the same identities, so sums and differences of their columns are draws of paired sums and
    differences.

    Raises:
        BadInput: for fewer than two identities or draws.
    """
    if identities < 2:
        raise BadInput(f"{identities} identity: expected at least two to draw from")
    if draws < 2:
        raise BadInput(f"{draws} draws: expected at least two")
    estimates = _rows_of(statistic(np.ones((1, identities), np.int64)))[0]
    drawn = np.concatenate([_rows_of(statistic(weights)) for weights in _multiplicities(identities, draws, seed)])
    return estimates, drawn


def percentile_intervals(estimates: np.ndarray, drawn: np.ndarray, level: float = LEVEL) -> list[Interval]:
    """Intervals (S of them) of the draws (draws, S) of statistics (S,).

    Raises:
        BadInput: for a level outside (0, 1), or a statistic without a value in the sample or in half of the draws.
    """
    if not 0 < level < 1:
        raise BadInput(f"level {level}: expected a fraction such as 0.95")
    draws, valid = len(drawn), np.isfinite(drawn).sum(axis=0)
    if not np.isfinite(estimates).all() or 2 * int(valid.min()) < draws:
        raise BadInput(
            f"the statistic has a value in {int(valid.min())} of {draws} draws: expected one in the sample and in half "
            "of the draws; there are too few identities, or some kind of pair is too rare"
        )
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    columns = zip(estimates, low, high, valid, strict=True)
    return [Interval(float(e), float(a), float(b), int(n)) for e, a, b, n in columns]


def mean_interval(
    values: Array, identities: Array, *, seed: Seed, draws: int = DRAWS, level: float = LEVEL
) -> Interval:
    """Interval of a mean, such as of the NME of images or of the hits of probes (rank-1: `probe_ranks(...) == 1`).

    Args:
        values: (N,), one for each sample.
        identities: (N,), whose sample it is.
        seed, draws, level: as bootstrap_over_identities.

    Raises:
        BadInput: for values that are not finite, shapes that do not fit, or one identity only.
    """
    samples = point_array("values", values, (None,))
    people, place = np.unique(identity_array("identities", identities, len(samples)), return_inverse=True)
    sums, counts = np.bincount(place, samples), np.bincount(place)
    return bootstrap_over_identities(
        lambda weights: (weights @ sums) / (weights @ counts), len(people), seed=seed, draws=draws, level=level
    )[0]


def mean_difference_interval(
    first: Array, second: Array, identities: Array, *, seed: Seed, draws: int = DRAWS, level: float = LEVEL
) -> Interval:
    """Interval of mean(first) - mean(second) for two methods' values (N,) of the same samples; see mean_interval."""
    one = point_array("first", first, (None,))
    return mean_interval(
        one - point_array("second", second, (len(one),)), identities, seed=seed, draws=draws, level=level
    )


def _multiplicities(identities: int, draws: int, seed: Seed) -> Iterator[np.ndarray]:
    """How often each identity comes up: (B, identities) at a time."""
    generator = np.random.default_rng(seed)
    for first in range(0, draws, _AT_ONCE):
        chosen = generator.integers(identities, size=(min(_AT_ONCE, draws - first), identities))
        yield np.stack([np.bincount(row, minlength=identities) for row in chosen])


def _rows_of(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, np.float64)
    return array[:, None] if array.ndim == 1 else array
