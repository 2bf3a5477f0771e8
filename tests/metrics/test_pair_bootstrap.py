from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.metrics.bootstrap import LEVEL, Interval, percentile_intervals
from facelib.metrics.pair_bootstrap import ScoredPairs, scored_pairs, verification_samples
from facelib.metrics.verification import verification_summary

FARS = (0.3, 0.05)  # not in order, on purpose


def pairs(seed: int, people: int = 8, genuine: int = 40, impostors: int = 150, both: bool = False):
    generator = np.random.default_rng(seed)
    own = generator.integers(0, people, genuine)
    first = generator.integers(0, people, impostors)
    others = np.stack([first, (first + generator.integers(1, people, impostors)) % people], axis=1) if both else first
    bias = 0.5 * generator.normal(size=people)
    scores = 1 + bias[own] + generator.normal(size=genuine), generator.normal(size=impostors) + bias[first]
    return scores[0].round(1), own, scores[1].round(1), others  # rounded, so with ties


def intervals(pairs: ScoredPairs, fars=(0.01, 0.001), *, level: float = LEVEL, **options) -> list[Interval]:
    return percentile_intervals(*verification_samples(pairs, fars, **options), level)


def difference_intervals(first: ScoredPairs, second: ScoredPairs, **options) -> list[Interval]:
    """Of two methods on the same people."""
    one, other = (verification_samples(each, FARS, **options) for each in (first, second))
    return percentile_intervals(one[0] - other[0], one[1] - other[1])


def multiplicities(people: int, resamples: int, seed: int):
    generator = np.random.default_rng(seed)
    return [np.bincount(generator.integers(people, size=people), minlength=people) for _ in range(resamples)]


def slow_metrics(resampled, genuine, own, impostor, others) -> list[float]:
    """From pairs repeated as often as they are resampled."""
    weights = resampled[others] if others.ndim == 1 else resampled[others[:, 0]] * resampled[others[:, 1]]
    summary = verification_summary(np.repeat(genuine, resampled[own]), np.repeat(impostor, weights), FARS, 1)
    return [*summary.tars, summary.eer, summary.auc]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_pair_of_weight_w_counts_as_w_pairs(seed, both):
    sample = pairs(seed, both=both)
    found = intervals(scored_pairs(*sample), FARS, seed=seed, resamples=20, level=0.8)
    summary = verification_summary(sample[0], sample[2], FARS)
    assert [interval.estimate for interval in found] == pytest.approx(
        [*summary.tars, summary.eer, summary.auc], abs=1e-12
    )
    expected = [slow_metrics(resampled, *sample) for resampled in multiplicities(8, 20, seed)]
    for interval, values in zip(found, zip(*expected, strict=True), strict=True):
        assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(values, [0.1, 0.9])), abs=1e-12)
        assert interval.resamples == 20


@pytest.mark.parametrize("both", [False, True])
def test_resamples_are_what_the_intervals_are_made_of(both):
    sample = pairs(3, both=both)
    estimates, resampled = verification_samples(scored_pairs(*sample), FARS, seed=5, resamples=30)
    assert resampled.shape == (30, 4)
    expected = [slow_metrics(taken, *sample) for taken in multiplicities(8, 30, 5)]
    np.testing.assert_allclose(resampled, expected, atol=1e-12)
    found = intervals(scored_pairs(*sample), FARS, seed=5, resamples=30)
    assert estimates.tolist() == [interval.estimate for interval in found]
    assert np.quantile(resampled, 0.025, axis=0).tolist() == [interval.low for interval in found]


def test_a_part_of_the_pairs_is_drawn_with_the_people_of_all():
    """Two people compared nobody in this part; they are resampled nonetheless, as in every other part."""
    genuine, own, impostor, others = pairs(4)
    chosen, rest = np.isin(own, range(6)), np.isin(others, range(6))
    part = genuine[chosen], own[chosen], impostor[rest], others[rest]
    _, resampled = verification_samples(scored_pairs(*part), FARS, people=range(8), seed=6, resamples=30)
    expected = [slow_metrics(taken[:6], *part) for taken in multiplicities(8, 30, 6)]
    np.testing.assert_allclose(resampled, expected, atol=1e-12)
    with pytest.raises(BadInput, match="5 people to resample: expected the 6 of the pairs"):
        verification_samples(scored_pairs(*part), FARS, people=range(5), seed=0)


def test_resamples_without_a_kind_of_pair_are_left_out():
    """Of three people a ninth of the resamples takes one three times: no impostor pair has a weight."""
    scores = np.linspace(0, 1, 102)
    both = np.tile([[0, 1], [1, 2], [2, 0]], (34, 1))
    found = intervals(scored_pairs([0.9, 0.8, 0.7], [0, 1, 2], scores, both), seed=0, resamples=900)
    assert [interval.resamples for interval in found] == [found[0].resamples] * 4
    assert found[0].resamples == pytest.approx(800, abs=40)


def test_the_difference_of_a_method_to_itself_is_zero_and_to_a_better_one_is_not():
    sample = pairs(0, people=30, genuine=400, impostors=3000)
    method = scored_pairs(*sample)
    for interval in difference_intervals(method, method, seed=0, resamples=50):
        assert (interval.estimate, interval.low, interval.high) == (0, 0, 0)
    better = scored_pairs(sample[0] + 0.1, *sample[1:])
    own = [intervals(each, FARS, seed=0, resamples=200)[-1] for each in (better, method)]
    assert own[0].low < own[1].high
    tar, _, eer, auc = difference_intervals(better, method, seed=0, resamples=200)
    assert auc.low > 0
    assert tar.low >= 0
    assert eer.high <= 0
    assert auc.estimate == pytest.approx(own[0].estimate - own[1].estimate, abs=1e-12)


def test_names_and_single_precision_and_failed_comparisons_are_taken():
    genuine, own, impostor, others = pairs(2)
    impostor[:5] = -np.inf
    expected = intervals(scored_pairs(genuine, own, impostor, others), FARS, seed=0, resamples=10)
    names = np.array(list("abcdefgh"))
    found = intervals(scored_pairs(genuine, names[own], impostor, names[others]), FARS, seed=0, resamples=10)
    assert found == expected
    single = scored_pairs(genuine.astype(np.float32), own, impostor.astype(np.float32), others)
    assert intervals(single, FARS, seed=0, resamples=10) == expected


GENUINE, OWN, IMPOSTOR, OTHERS = pairs(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], IMPOSTOR, OTHERS), "no genuine scores"),
        ((GENUINE, OWN, [np.nan], [0]), "impostor scores hold 1 NaN"),
        ((GENUINE, OWN[1:], IMPOSTOR, OTHERS), "genuine_ids has shape"),
        ((GENUINE, OWN, IMPOSTOR, OTHERS[1:]), "impostor_ids"),
        ((GENUINE, OWN, IMPOSTOR, np.stack([OTHERS] * 3, axis=1)), "impostor_ids"),
        ((GENUINE, OWN, IMPOSTOR, np.stack([OTHERS] * 2, axis=1)), "same person twice"),
    ],
)
def test_bad_pairs_are_named(arguments, message):
    with pytest.raises(BadInput, match=message):
        scored_pairs(*arguments)


def test_bad_requests_are_named():
    few = scored_pairs(GENUINE, OWN, IMPOSTOR[:99], OTHERS[:99])
    usual = scored_pairs(GENUINE, OWN, IMPOSTOR, OTHERS)
    with pytest.raises(BadInput, match="99 impostor scores"):
        intervals(few, seed=0)
    with pytest.raises(BadInput, match=r"0\.01 for 1 %"):
        intervals(usual, (1.5,), seed=0)
    with pytest.raises(BadInput, match="1 identity"):
        intervals(scored_pairs(GENUINE, OWN * 0, IMPOSTOR, OTHERS * 0), seed=0)
