import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from facelib.errors import BadInput
from facelib.metrics.sorted_scores import accepts_allowed
from facelib.metrics.verification import (
    RocCurve,
    far_threshold,
    roc_steps,
    sorted_scores,
    tar_at_far,
    verification_summary,
)

SCORES = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=30)  # few values, so many ties


def samples(genuine: int = 400, impostor: int = 900, decimals: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    scores = generator.normal(0.5, 0.2, genuine), generator.normal(0.2, 0.2, impostor)
    return scores if decimals is None else (scores[0].round(decimals), scores[1].round(decimals))


def equal_error_rate(genuine, impostor) -> float:
    return sorted_scores(genuine, impostor).equal_error_rate()


def area_under_curve(genuine, impostor) -> float:
    return sorted_scores(genuine, impostor).area_under_curve()


def roc_curve(genuine, impostor) -> RocCurve:
    """FAR and TAR at every distinct score, not in the corners only."""
    both = sorted_scores(genuine, impostor)
    thresholds = np.unique(np.concatenate([both.genuine, both.impostor]))[::-1]
    far, tar = (
        np.append(0.0, (len(scores) - np.searchsorted(scores, thresholds)) / len(scores))
        for scores in (both.impostor, both.genuine)
    )
    return RocCurve(far, tar, np.append(np.full(1, np.inf, thresholds.dtype), thresholds))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_nan_and_plus_infinity(bad):
    genuine, impostor = samples()
    impostor[3] = bad
    for measure in (tar_at_far, roc_curve, equal_error_rate, area_under_curve):
        with pytest.raises(BadInput, match="index 3"):
            measure(genuine, impostor)


def test_refuses_empty_scores():
    genuine, impostor = samples()
    for measure in (tar_at_far, roc_curve, equal_error_rate, area_under_curve):
        with pytest.raises(BadInput, match="no genuine scores"):
            measure([], impostor)
    with pytest.raises(BadInput, match="no impostor scores"):
        roc_curve(genuine, [])


def test_refuses_fewer_than_100_impostors_unless_told():
    with pytest.raises(BadInput, match="99 impostor scores: expected at least 100"):
        tar_at_far(np.ones(5), np.zeros(99))
    assert tar_at_far(np.ones(5), np.zeros(99), min_impostors=99) == 1.0


@pytest.mark.parametrize("far", [-0.01, 1.01, 5.0, float("nan")])
def test_refuses_targets_that_are_no_fraction(far):
    with pytest.raises(BadInput, match=r"0\.01 for 1 %"):
        far_threshold(np.zeros(100), far)


def test_150_impostors_at_one_percent_accept_one():
    impostor = np.arange(150.0)
    assert far_threshold(impostor) == np.nextafter(148.0, np.inf)
    # 20 genuine scores: one above all impostors, one between the two highest, 18 below both
    genuine = np.array([149.5, 148.5] + [147.5] * 18)
    assert tar_at_far(genuine, impostor) == 2 / 20
    assert tar_at_far(genuine, impostor, far=0.0) == 1 / 20


@pytest.mark.parametrize(
    ("far", "count", "accepted"), [(0.29, 100, 29), (0.07, 100, 7), (0.01, 300, 3), (0.1, 109, 10)]
)
def test_targets_that_round_badly_in_binary(far, count, accepted):
    assert (np.arange(count) >= far_threshold(np.arange(count), far)).sum() == accepted


def test_tied_impostors_are_rejected_together():
    impostor = np.concatenate([np.zeros(197), np.ones(3)])
    assert far_threshold(impostor, 0.01) > 1  # accepting the ties would give 1.5 %
    assert far_threshold(impostor, 0.015) == np.nextafter(0.0, 1.0)


def test_extreme_targets():
    impostor = np.linspace(-1, 1, 100)
    assert far_threshold(impostor, 1.0) == -np.inf
    assert far_threshold(impostor, 0.0) > 1.0


def test_minus_infinity_is_never_accepted_by_a_finite_threshold():
    genuine = np.array([0.9, -np.inf])
    impostor = np.full(100, -np.inf)
    impostor[0] = 0.5
    assert np.isfinite(far_threshold(impostor, 0.01))
    assert tar_at_far(genuine, impostor, 0.01) == 0.5
    assert area_under_curve(genuine, impostor) == pytest.approx((1 + 99 / 200) / 2)


@given(SCORES, SCORES, st.floats(0, 1))
def test_tar_at_far_is_the_best_point_of_the_roc_that_keeps_the_target(genuine, impostor, far):
    threshold = far_threshold(impostor, far, min_impostors=1)
    roc = roc_curve(genuine, impostor)
    assert np.mean(np.array(impostor) >= threshold) <= far
    assert tar_at_far(genuine, impostor, far, min_impostors=1) == roc.tar[roc.far <= far].max()


@given(SCORES, SCORES)
def test_roc_and_auc_equal_slow_loops(genuine, impostor):
    roc = roc_curve(genuine, impostor)
    for far, tar, threshold in zip(roc.far, roc.tar, roc.thresholds, strict=True):
        assert far == sum(score >= threshold for score in impostor) / len(impostor)
        assert tar == sum(score >= threshold for score in genuine) / len(genuine)
    assert (roc.far[0], roc.tar[0], roc.far[-1], roc.tar[-1]) == (0, 0, 1, 1)
    wins = sum((g > i) + 0.5 * (g == i) for g in genuine for i in impostor)
    assert area_under_curve(genuine, impostor) == pytest.approx(wins / len(genuine) / len(impostor), abs=1e-15)


@given(SCORES, SCORES)
def test_equal_error_rate_lies_where_the_roc_crosses_the_falling_diagonal(genuine, impostor):
    rate = equal_error_rate(genuine, impostor)
    roc = roc_curve(genuine, impostor)
    frr = 1 - roc.tar
    segments = zip(roc.far, frr, roc.far[1:], frr[1:], strict=False)
    crossed = []
    for far_a, frr_a, far_b, frr_b in segments:
        if far_a < frr_a and far_b >= frr_b:
            share = (frr_a - far_a) / (frr_a - far_a + far_b - frr_b)
            crossed.append((far_a + share * (far_b - far_a), frr_a + share * (frr_b - frr_a)))
    assert len(crossed) == 1
    assert crossed[0] == pytest.approx((rate, rate), abs=1e-12)


@given(SCORES, SCORES)
def test_nothing_changes_under_a_rising_map_of_the_scores(genuine, impostor):
    cube = [[score**3 + score for score in scores] for scores in (genuine, impostor)]
    for measure in (equal_error_rate, area_under_curve):
        assert measure(genuine, impostor) == measure(*cube)
    assert tar_at_far(genuine, impostor, 0.1, 1) == tar_at_far(*cube, 0.1, 1)


@pytest.mark.parametrize("decimals", [None, 1])
def test_agrees_with_scikit_learn(decimals):
    genuine, impostor = samples(decimals=decimals)
    labels = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    scores = np.concatenate([genuine, impostor])
    far, tar, thresholds = sklearn_metrics.roc_curve(labels, scores, drop_intermediate=False)
    roc = roc_curve(genuine, impostor)
    assert np.allclose(roc.far, far, atol=1e-15)
    assert np.allclose(roc.tar, tar, atol=1e-15)
    assert np.array_equal(roc.thresholds, thresholds)
    assert area_under_curve(genuine, impostor) == pytest.approx(
        sklearn_metrics.roc_auc_score(labels, scores), abs=1e-12
    )


def test_perfect_and_useless_scores():
    assert equal_error_rate([1.0, 2.0], [0.0, -1.0]) == 0.0
    assert area_under_curve([1.0, 2.0], [0.0, -1.0]) == 1.0
    assert equal_error_rate([0.0, 0.0], [0.0, 0.0]) == 0.5
    assert area_under_curve([0.0, 0.0], [0.0, 0.0]) == 0.5
    assert equal_error_rate([0.0], [1.0]) == 1.0


def test_swapping_the_classes_mirrors_the_auc():
    genuine, impostor = samples(decimals=1)
    assert area_under_curve(genuine, impostor) == pytest.approx(1 - area_under_curve(impostor, genuine), abs=1e-15)


def test_tensors_are_taken_as_arrays():
    genuine, impostor = (scores.astype(np.float32) for scores in samples())
    tensors = torch.from_numpy(genuine).requires_grad_(), torch.from_numpy(impostor)
    for measure in (tar_at_far, equal_error_rate, area_under_curve):
        assert measure(*tensors) == measure(genuine, impostor)


def slow_equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """On the whole ROC, in floating point."""
    roc = roc_curve(genuine, impostor)
    difference = roc.far + roc.tar - 1
    after = int(np.argmax(difference >= 0))
    share = -difference[after - 1] / (difference[after] - difference[after - 1])
    return float(roc.far[after - 1] + share * (roc.far[after] - roc.far[after - 1]))


@given(SCORES, SCORES, st.lists(st.floats(0, 1), max_size=4))
def test_a_summary_says_what_the_single_functions_say(genuine, impostor, fars):
    summary = verification_summary(genuine, impostor, fars, min_impostors=1)
    assert (summary.genuine, summary.impostors, summary.fars) == (len(genuine), len(impostor), tuple(fars))
    assert summary.thresholds == tuple(far_threshold(impostor, far, 1) for far in fars)
    assert summary.tars == tuple(tar_at_far(genuine, impostor, far, 1) for far in fars)
    assert summary.eer == pytest.approx(slow_equal_error_rate(np.array(genuine), np.array(impostor)), abs=1e-12)
    assert summary.auc == area_under_curve(genuine, impostor)


@pytest.mark.parametrize("share", [0.01, 0.5])
@pytest.mark.parametrize("decimals", [None, 2])
def test_many_scores_in_threads_and_blocks_equal_plain_numpy(share, decimals):
    genuine, impostor = samples(int(300_000 * share), int(300_000 * (1 - share)), decimals)
    summary = verification_summary(genuine.astype(np.float32), impostor.astype(np.float32), (0.1, 0.001))
    genuine, impostor = (np.sort(scores.astype(np.float32)) for scores in (genuine, impostor))
    ties = sum(int(np.searchsorted(impostor, genuine, side).sum()) for side in ("left", "right"))
    assert summary.auc == ties / (2 * len(genuine) * len(impostor))
    assert summary.eer == pytest.approx(slow_equal_error_rate(genuine, impostor), abs=1e-12)
    for far, threshold, tar in zip(summary.fars, summary.thresholds, summary.tars, strict=True):
        assert np.mean(impostor >= threshold) <= far
        assert np.mean(impostor >= np.nextafter(np.float32(threshold), np.float32(-np.inf))) > far
        assert tar == np.mean(genuine >= threshold)


@given(SCORES, SCORES)
def test_the_steps_of_the_roc_hold_all_of_it(genuine, impostor):
    curve, steps = roc_curve(genuine, impostor), roc_steps(sorted_scores(genuine, impostor))
    assert (steps.far[0], steps.tar[0], steps.far[-1], steps.tar[-1]) == (0, 0, 1, 1)
    assert set(zip(steps.far, steps.tar, steps.thresholds, strict=True)) <= set(
        zip(curve.far, curve.tar, curve.thresholds, strict=True)
    )
    assert (np.diff(steps.thresholds) < 0).all()
    for target in curve.far:
        assert steps.tar[steps.far <= target].max() == curve.tar[curve.far <= target].max()


@given(SCORES, SCORES, st.integers(-20, 20))
def test_nothing_changes_when_scores_are_doubled_or_replaced_by_their_ranks(genuine, impostor, power):
    expected = verification_summary(genuine, impostor, (0.05, 0.5), min_impostors=1)
    ranks = np.unique([*genuine, *impostor], return_inverse=True)[1].astype(np.float32)
    scaled = [np.array(scores, np.float32) * 2.0**power for scores in (genuine, impostor)]
    for pair in (scaled, (ranks[: len(genuine)], ranks[len(genuine) :])):
        found = verification_summary(*pair, (0.05, 0.5), min_impostors=1)
        assert (found.tars, found.eer, found.auc) == (expected.tars, expected.eer, expected.auc)


def test_scores_are_compared_in_their_own_precision():
    """The threshold is the next float32, so that the scores themselves, compared with it, keep the target."""
    impostor = np.linspace(0, 1, 200, dtype=np.float32)
    threshold = far_threshold(impostor, 0.01)
    assert threshold == np.nextafter(impostor[-3], np.float32(1))
    assert (impostor >= threshold).sum() == 2
    genuine, impostor = samples(50, 200)
    half = torch.from_numpy(genuine).bfloat16(), torch.from_numpy(impostor).bfloat16()
    wide = [scores.double().numpy() for scores in half]
    assert roc_curve(*half).thresholds.dtype == np.float32
    assert tar_at_far(*half) == tar_at_far(*wide)
    assert equal_error_rate(*half) == equal_error_rate(*wide)
    assert roc_curve([1, 2], [0, 1]).thresholds.dtype == np.float64
    # one kind wide, the other narrow: 0.1 in float32 is above 0.1 in float64
    assert area_under_curve(np.float32([0.1]), np.float64([0.1])) == 1.0


def test_the_caller_keeps_the_scores_as_they_were():
    genuine, impostor = samples()
    before = genuine.copy(), impostor.copy()
    verification_summary(genuine, impostor)
    far_threshold(impostor)
    assert np.array_equal(genuine, before[0])
    assert np.array_equal(impostor, before[1])


def test_refuses_what_is_no_number():
    for bad in (np.array(["a"]), np.array([1 + 2j]), np.array([None])):
        with pytest.raises(BadInput, match="expected real numbers"):
            area_under_curve(bad, [0.0])


def test_a_summary_refuses_what_its_parts_refuse():
    with pytest.raises(BadInput, match=r"0\.01 for 1 %"):
        verification_summary([1.0], np.zeros(100), (0.01, 1.5))
    with pytest.raises(BadInput, match="99 impostor scores"):
        verification_summary([1.0], np.zeros(99))
    with pytest.raises(BadInput, match="no impostor scores"):
        verification_summary([1.0], [], min_impostors=0)


@pytest.mark.parametrize("count", [10**12 + 7, 2**53 + 11, 10**18 + 9])
@pytest.mark.parametrize("far", [0.0, 1e-9, 0.01, 0.29, 1.0])
def test_accepts_allowed_of_counts_beyond_floating_point(count, far):
    allowed = accepts_allowed(far, count)
    assert allowed / count <= far
    assert allowed == count or (allowed + 1) / count > far
