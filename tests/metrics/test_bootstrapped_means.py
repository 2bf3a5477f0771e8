"""Means with people resampled, against photographs listed as often as their person is taken."""

from __future__ import annotations

import numpy as np
import pytest

from facelib.errors import BadInput
from facelib.metrics.bootstrap import resample_identities
from facelib.metrics.bootstrapped_means import constant_samples, joined, resample_means, seed_of

PEOPLE = np.array([7, 7, 3, 3, 3, 9])
ERRORS = np.array([1.0, 2.0, 4.0, 8.0, np.nan, 16.0])  # one photograph does not count


def taken_people(resamples: int, seed: int) -> list[np.ndarray]:
    """How often each of the three people is in each resample."""
    _, weights = resample_identities(lambda weights: weights, 3, seed=seed, resamples=resamples)
    return list(weights)


def test_a_resample_is_the_mean_over_the_photographs_of_those_who_are_in_it() -> None:
    made = resample_means({"error": ERRORS, "twice": 2 * ERRORS}, PEOPLE, seed=5, resamples=20)
    assert made.names == ("error", "twice")
    np.testing.assert_allclose(made.estimates, [31 / 5, 62 / 5])
    assert list(made.seeds) == [5, 5]
    for sample, counts in zip(made.samples, taken_people(20, 5), strict=True):
        often = dict(zip((3, 7, 9), counts.astype(int), strict=True))
        listed = np.concatenate([np.repeat(error, often[who]) for who, error in zip(PEOPLE, ERRORS, strict=True)])
        np.testing.assert_allclose(sample, np.nanmean(listed) * np.array([1, 2]))


def test_a_resample_without_a_photograph_that_counts_has_no_mean() -> None:
    rare = np.where(PEOPLE == 9, ERRORS, np.nan)
    made = resample_means({"error": ERRORS, "rare": rare}, PEOPLE, seed=5, resamples=40)
    absent = np.array([counts[2] == 0 for counts in taken_people(40, 5)])
    assert absent.any()
    np.testing.assert_array_equal(np.isnan(made.samples[:, 1]), absent)


def test_constants_are_the_same_in_all_resamples_and_parts_are_put_side_by_side() -> None:
    means = resample_means({"error": ERRORS}, PEOPLE, seed=1, resamples=4)
    both = joined([means, constant_samples({"size": 3.5}, 4), constant_samples({}, 4)])
    assert both.names == ("error", "size")
    np.testing.assert_array_equal(both.samples[:, 1], 3.5)
    np.testing.assert_array_equal(both.samples[:, :1], means.samples)


def test_the_seed_is_that_of_the_photographs() -> None:
    rows = np.arange(len(PEOPLE))
    seed = seed_of(0, "florence", PEOPLE, rows)
    assert seed == seed_of(0, "florence", PEOPLE.copy(), rows) >= 0
    assert len({seed, seed_of(1, "florence", PEOPLE, rows), seed_of(0, "ict", PEOPLE, rows),
                seed_of(0, "florence", PEOPLE[::-1], rows), seed_of(0, "florence", PEOPLE, rows + 1)}) == 5  # fmt: skip


def test_one_person_has_no_interval() -> None:
    with pytest.raises(BadInput):
        resample_means({"error": ERRORS}, np.zeros(6, np.int64), seed=0, resamples=3)
