from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.metrics.bootstrap import (
    Stratum,
    bootstrap_over_identities,
    mean_difference_interval,
    mean_interval,
    resample_identities,
)
from facelib.metrics.identification import probe_ranks, rank1


def clustered(identities: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Values whose spread is between people only: 25 equal samples of each."""
    people = np.random.default_rng(seed).normal(size=identities)
    return people.repeat(25), np.arange(identities).repeat(25)


def test_the_spread_is_that_of_people_not_of_samples():
    values, ids = clustered()
    found = mean_interval(values, ids, seed=0, resamples=4000)
    assert found.estimate == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(40)  # by the normal approximation, of 40 people
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    as_if_independent = mean_interval(values, np.arange(len(values)), seed=0, resamples=1000)
    assert as_if_independent.high - as_if_independent.low == pytest.approx(2 * half / 5, rel=0.08)
    narrow = mean_interval(values, ids, seed=0, resamples=4000, level=0.5)
    assert narrow.high - narrow.low == pytest.approx(2 * half * 0.6745 / 1.96, rel=0.08)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        values, ids = clustered(seed=seed)
        found = mean_interval(values, ids, seed=seed, resamples=200, level=0.9)
        covered += found.low <= 0 <= found.high
    assert 160 <= covered <= 195  # 180 expected, a standard deviation is 4


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=20), st.integers(0, 2**32 - 1))
def test_means_equal_those_of_samples_taken_as_often_as_their_person_is_drawn(ids, seed):
    ids = np.array([0, 1, 2, 3, *ids])
    values = np.random.default_rng(seed).normal(size=len(ids))
    generator = np.random.default_rng(seed)
    expected = []
    for _ in range(50):
        resampled = np.bincount(generator.integers(4, size=4), minlength=4)
        expected.append(np.repeat(values, resampled[ids]).mean())
    found = mean_interval(values, ids, seed=seed, resamples=50, level=0.8)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(expected, [0.1, 0.9])), abs=1e-12)
    assert found.resamples == 50


def test_seeds_repeat_and_generators_go_on():
    values, ids = clustered()
    assert mean_interval(values, ids, seed=3) == mean_interval(values, ids, seed=3)
    assert mean_interval(values, ids, seed=3) != mean_interval(values, ids, seed=4)
    generator = np.random.default_rng(3)
    assert mean_interval(values, ids, seed=generator) == mean_interval(values, ids, seed=3)
    assert mean_interval(values, ids, seed=generator) != mean_interval(values, ids, seed=3)


def test_two_methods_on_the_same_people_are_told_apart_where_their_own_intervals_overlap():
    values, ids = clustered()
    better = values + 0.01 + 0.001 * np.random.default_rng(1).normal(size=len(values))
    apart = [mean_interval(method, ids, seed=0) for method in (better, values)]
    assert apart[0].low < apart[1].high
    found = mean_difference_interval(better, torch.from_numpy(values), ids, seed=0)
    assert found.estimate == pytest.approx(better.mean() - values.mean())
    assert 0.009 < found.low < found.estimate < found.high < 0.011


def test_rank1_is_the_mean_of_hits():
    generator = np.random.default_rng(0)
    probe_ids = generator.integers(0, 10, 300)
    scores = generator.normal(size=(300, 10)) + 2 * (probe_ids[:, None] == np.arange(10))
    found = mean_interval(probe_ranks(scores, probe_ids, np.arange(10)) == 1, probe_ids, seed=0)
    assert found.estimate == rank1(scores, probe_ids, np.arange(10))
    assert found.low < found.estimate < found.high


def test_several_statistics_at_once_and_resamples_without_a_value():
    def statistic(weights: np.ndarray) -> np.ndarray:
        first = np.where(weights[:, 0] > 0, weights[:, 0], np.nan)
        return np.stack([first, weights.sum(axis=1)], axis=1)

    rare, total = bootstrap_over_identities(statistic, 5, seed=0, resamples=500)
    assert (total.estimate, total.low, total.high, total.resamples) == (5, 5, 5, 500)
    assert rare.low == 1
    assert rare.resamples == pytest.approx(500 * (1 - 0.8**5), abs=40)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"identities": 1}, "1 identity"),
        ({"resamples": 1}, "1 resamples"),
        ({"level": 1.0}, "level 1.0"),
        ({"level": float("nan")}, "level nan"),
        (
            {"statistic": lambda weights: np.where(weights[:, 0] == 1, 1.0, np.nan), "identities": 9},
            "of 1000 resamples",
        ),
        ({"statistic": lambda weights: np.full(len(weights), np.nan)}, "0 of 1000 resamples"),
    ],
)
def test_bad_input_is_named(arguments, message):
    given = {"statistic": lambda weights: weights[:, 0], "identities": 3, "seed": 0} | arguments
    with pytest.raises(BadInput, match=message):
        bootstrap_over_identities(given.pop("statistic"), given.pop("identities"), **given)


@pytest.mark.parametrize(
    ("values", "ids", "message"),
    [
        ([], [], "values has shape"),
        ([1.0, np.nan], [0, 1], "non-finite"),
        ([1.0, 2.0], [0], "identities has shape"),
        ([1.0, 2.0], [5, 5], "1 identity"),
        (["a", "b"], [0, 1], "real numbers"),
    ],
)
def test_bad_samples_are_named(values, ids, message):
    with pytest.raises(BadInput, match=message):
        mean_interval(values, ids, seed=0)


def test_a_difference_needs_the_same_samples():
    with pytest.raises(BadInput, match="second has shape"):
        mean_difference_interval([1.0, 2.0], [1.0], [0, 1], seed=0)


def test_strata_are_resampled_as_they_are_by_themselves():
    strata = (Stratum(np.array([0, 2, 4]), 5), Stratum(np.array([1, 3]), 9))
    together = resample_identities(lambda weights: weights, 5, seed=strata, resamples=100)[1]

    for places, seed in strata:
        alone = resample_identities(lambda weights: weights, len(places), seed=seed, resamples=100)[1]
        np.testing.assert_array_equal(together[:, places], alone)
    for wrong in (strata[:1], (*strata, Stratum(np.array([1]), 2))):
        with pytest.raises(BadInput, match="strata of 5 identities"):
            resample_identities(lambda weights: weights, 5, seed=wrong)
