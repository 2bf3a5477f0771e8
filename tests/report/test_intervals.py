"""Intervals of combined metrics against pairs repeated one by one, what makes them paired, and over training starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from made_records import commit, make_face_record, make_record, use_made_runs

from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.metrics.bootstrap import BootstrapSamples
from facelib.metrics.identification import rank1
from facelib.metrics.verification import verification_summary
from facelib.papers import load_paper
from facelib.papers.joint_attention.bootstrap import _strata, bootstrap_metrics
from facelib.papers.joint_attention.protocol import data_set_scores, probes_of_pose
from facelib.report import intervals
from facelib.report.intervals import (
    Estimate,
    Estimates,
    _drawn_folds,
    keep_estimates,
    key_of,
    open_estimates,
    samples_of,
)
from facelib.report.records import TierRuns, open_runs, scores_of
from facelib.runs.records import Record, write_record, write_scores

PAPER, RESAMPLES = "joint_attention", 40
POOLED, PROFILE = "tar_at_far_1pct", "tar_at_far_1pct/90+"
ARL_POOLED, ARL_POSE = "arl_vtf.tar_at_far_1pct", "arl_vtf.tar_at_far_1pct/pose"


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_made_runs(monkeypatch, tmp_path)
    monkeypatch.setattr(intervals, "RESAMPLES", RESAMPLES)


def opened(tier: str = "smoke", paper: str = PAPER) -> Estimates:
    return open_estimates(open_runs(paper, tier))


def samples(record: Record) -> BootstrapSamples:
    return samples_of(open_runs(PAPER, record.tier), record)


def column(made: BootstrapSamples, metric: str) -> np.ndarray:
    return made.samples[:, made.names.index(metric)]


def estimate_of(made: BootstrapSamples, metric: str) -> float:
    return made.estimates[made.names.index(metric)]


def slow_samples(record: Record, metric: str) -> list[float]:
    """A metric in every resample, from scores that are listed as often as their probe's person is drawn."""
    prefix, _, name = metric.rpartition(".")
    kind, _, pose = name.partition("/")
    scored = data_set_scores(scores_of(record), prefix or "facescape")  # type: ignore[arg-type]
    people, made = list(scored["identities"]), samples(record)
    generator = np.random.default_rng(made.seeds[made.names.index(metric)])
    found = []
    for _ in range(RESAMPLES):
        taken = [people[i] for i in generator.integers(len(people), size=len(people))]
        probes = [p for person in taken for p in np.flatnonzero(scored["probe_identity"] == person)]
        probes = [p for p in probes if probes_of_pose(scored, pose or None)[p]]
        own = [people.index(scored["probe_identity"][p]) for p in probes]
        genuine = [scored["scores"][p, i] for p, i in zip(probes, own, strict=True)]
        impostor = [s for p, i in zip(probes, own, strict=True) for s in np.delete(scored["scores"][p], i)]
        if kind == "rank1":
            found.append(rank1(scored["scores"][probes], scored["probe_identity"][probes], scored["identities"]))
            continue
        summary = verification_summary(genuine, impostor, (0.01,), 1)
        found.append({"tar_at_far_1pct": summary.tars[0], "eer": summary.eer, "auc": summary.auc}[kind])
    return found


@pytest.mark.parametrize("metric", [POOLED, PROFILE, "eer/90+", "auc", "rank1", ARL_POSE, "arl_vtf.eer"])
def test_resamples_are_of_repeated_people(metric: str) -> None:
    record = make_record("jam")

    np.testing.assert_allclose(column(samples(record), metric), slow_samples(record, metric), atol=1e-12)


def test_estimates_are_the_records_metrics() -> None:
    for method in ("jam", "pointnet2"):
        record = make_record(method)
        made = samples(record)
        values = {name: estimate_of(made, name) for name in record.metrics}

        assert values == pytest.approx({name: metric["value"] for name, metric in record.metrics.items()}, abs=1e-12)
    assert not [name for name in made.names if name.startswith("arl_vtf")]  # clouds are not evaluated on photographs


def test_a_sum_over_folds_by_hand() -> None:
    for fold in range(2):
        make_record("jam", fold), make_record("ir18", fold)
    made = opened()
    gap = made.combine(((1.0, "jam", PROFILE), (-1.0, "ir18", PROFILE), (0.5, "jam", POOLED)))

    def weighed(of: object, fold: int) -> np.ndarray:
        jam, plain = made.samples["jam"][fold][0], made.samples["ir18"][fold][0]
        return of(jam, PROFILE) - of(plain, PROFILE) + 0.5 * of(jam, POOLED)  # type: ignore[operator]

    resampled = np.stack([weighed(column, fold) for fold in range(2)])
    values = np.array([weighed(estimate_of, fold) for fold in range(2)])
    means = resampled.mean(axis=0)
    further = _drawn_folds(values, resampled)
    assert gap.value == pytest.approx(values.mean(), abs=1e-12)
    assert (gap.low, gap.high) == pytest.approx(tuple(np.quantile(means + further, [0.025, 0.975])), abs=1e-12)
    assert (gap.folds, gap.runs) == ((0, 1), 2)
    assert gap.spread_of_people == pytest.approx(means.std(), abs=1e-12)


def test_a_method_differs_from_itself_by_nothing_and_from_a_near_one_by_less_than_both_are_unsure() -> None:
    for method in ("jam", "ir18"):
        make_record(method)
    made = opened()
    own = [made.combine(((1.0, name, "auc"),)) for name in ("jam", "ir18")]
    none = made.combine(((1.0, "jam", "auc"), (-1.0, "jam", "auc")))
    gap = made.combine(((1.0, "jam", "auc"), (-1.0, "ir18", "auc")))

    assert (none.value, none.low, none.high) == (0, 0, 0)
    assert gap.high - gap.low < max(one.high - one.low for one in own)


def test_folds_of_the_same_people_are_resampled_together_and_of_others_apart() -> None:
    record = make_record("jam")
    single = {metric: opened().combine(((1.0, "jam", metric),)) for metric in (POOLED, ARL_POOLED)}
    arrays = scores_of(record)
    second = make_record("jam", 1)
    others = {name: array + 6 for name, array in arrays.items() if name in ("identities", "probe_identity")}
    kept = write_scores(second.run.folder / "scores.npz", arrays | others)
    write_record(second.run.record, replace(second, metrics=record.metrics, scores=kept))
    both = {metric: opened().combine(((1.0, "jam", metric),)) for metric in (POOLED, ARL_POOLED)}

    # The same scores of the same people twice say nothing new; of other people they do.
    assert (both[ARL_POOLED].low, both[ARL_POOLED].high) == (single[ARL_POOLED].low, single[ARL_POOLED].high)
    assert both[POOLED].high - both[POOLED].low < single[POOLED].high - single[POOLED].low
    assert both[POOLED].value == pytest.approx(single[POOLED].value, abs=1e-12)


def test_the_pool_is_resampled_together_and_each_folds_own_people_apart() -> None:
    in_pool = np.arange(6) >= 3
    first, second = (
        _strata({"identities": np.r_[own : own + 3, 90:93], "in_pool": in_pool}, [0, "facescape"]) for own in (10, 20)
    )

    assert [part.places.tolist() for part in first] == [[0, 1, 2], [3, 4, 5]]
    assert first[1].seed == second[1].seed
    assert first[0].seed != second[0].seed
    record = make_record("jam")
    pooled, plain = (
        bootstrap_metrics(record.metrics, scores_of(record) | with_pool, resamples=RESAMPLES)
        for with_pool in ({"in_pool": in_pool}, {})
    )
    np.testing.assert_array_equal(pooled.estimates, plain.estimates)
    assert (pooled.samples != plain.samples).any()


def test_only_common_folds_are_compared() -> None:
    for method, fold in (("jam", 0), ("jam", 1), ("jam", 2), ("ir18", 2), ("ir18", 1)):
        make_record(method, fold)
    made = opened()

    assert made.combine(((1.0, "jam", "auc"), (-1.0, "ir18", "auc"))).folds == (1, 2)
    assert made.missing(("jam", "ir18")) == []
    assert made.missing(("jam", "jam_je")) == ["facelib run joint_attention jam_je --fold 0 --tier smoke"]


def test_methods_without_a_common_fold_say_which_run_they_lack() -> None:
    for method, fold in (("jam", 1), ("ir18", 1), ("jam_je", 2)):
        make_record(method, fold)
    made, gap = opened(), ((1.0, "jam_je", "auc"), (-1.0, "ir18", "auc"))
    command = "facelib run joint_attention jam_je --fold 1 --tier smoke"

    assert made.missing(("jam", "ir18", "jam_je")) == [command]
    with pytest.raises(MissingPart, match=r"no common fold of ir18, jam_je with scores: .*--fold"):
        made.combine(gap)
    assert made.find(gap) is None


def test_resamples_are_kept_and_made_anew_when_damaged_or_of_other_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    record = make_record("jam")
    first = samples(record)
    (path,) = record.run.folder.glob("intervals-*.npz")

    def read_again() -> BootstrapSamples:
        intervals._READ.clear()
        return samples(record)

    with monkeypatch.context() as patch:
        patch.setattr(intervals, "_resample_and_keep", lambda *_: pytest.fail("resampled although the file stands"))
        kept = read_again()
    np.testing.assert_array_equal(kept.samples, first.samples)
    assert (kept.names, kept.seeds.tolist()) == (first.names, first.seeds.tolist())

    path.write_bytes(path.read_bytes()[:-20])
    np.testing.assert_array_equal(read_again().samples, first.samples)
    better = make_record("jam", skill=2.0)
    assert estimate_of(samples(better), PROFILE) > estimate_of(first, PROFILE)


def test_runs_of_other_people_are_not_compared() -> None:
    make_record("jam"), make_record("ir18", people=7)

    with pytest.raises(BadInput, match="jam and ir18 evaluate other people in fold 0"):
        opened().combine(((1.0, "jam", "auc"), (-1.0, "ir18", "auc")))


def test_other_photographs_are_not_compared_but_the_same_scans_are() -> None:
    make_face_record("sadrnet"), make_face_record("direct", people=11)
    estimates = opened(paper="sadrnet")

    with pytest.raises(BadInput, match="sadrnet and direct evaluate other people"):
        estimates.combine(((1.0, "sadrnet", "sparse_2d"), (-1.0, "direct", "sparse_2d")))
    estimates.combine(((1.0, "sadrnet", "florence"), (-1.0, "direct", "florence")))


def test_a_new_size_is_not_taken_from_older_resamples() -> None:
    for size in (59.0, 62.0):
        make_face_record("sadrnet", size_mb=size)
        found = opened(paper="sadrnet").combine(((1.0, "sadrnet", "size_mb"),))
        assert (found.low, found.value, found.high) == (size, size, size)


def test_two_data_sets_are_added_as_resampled_apart() -> None:
    make_record("jam"), make_record("ir18")
    made = opened().samples["jam"][0][0]
    both = opened().combine(((1.0, "jam", POOLED), (-1.0, "ir18", ARL_POOLED)))

    assert made.seeds[made.names.index(POOLED)] != made.seeds[made.names.index(ARL_POOLED)]
    assert both.low < both.value < both.high


def test_bad_records_are_named() -> None:
    record = make_record("jam")
    with pytest.raises(UnknownName, match=r"unknown metric 'auk'.*facelib run joint_attention jam"):
        opened().combine(((1.0, "jam", "auk"),))
    with pytest.raises(MissingPart, match="the run of jam holds no scores: make it again"):
        samples(replace(record, scores=None))
    (record.run.folder / "scores.npz").unlink()
    intervals._READ.clear()
    for path in record.run.folder.glob("intervals-*"):
        path.unlink()
    with pytest.raises(MissingPart, match=r"no scores at .*facelib run joint_attention jam"):
        samples(record)


@pytest.mark.parametrize("bound", [0.0, 0.31, 0.02, -0.4])
def test_p_values_are_those_of_the_normal_distribution_with_the_intervals_width(bound: float) -> None:
    estimate = Estimate(0.05, -0.2, 0.28, (0,))
    error = 0.48 / (2 * scipy.stats.norm.ppf(0.975))

    assert estimate.p_value(bound) == pytest.approx(2 * scipy.stats.norm.sf(abs(0.04 - bound) / error), rel=1e-9)


@pytest.mark.parametrize("value", [0.01, 0.5, 0.99])  # of a lopsided interval
def test_p_values_are_below_5_percent_where_the_interval_leaves_the_bound_out(value: float) -> None:
    estimate = Estimate(value, 0.0, 1.0, (0,))

    assert max(estimate.p_value(bound) for bound in (-1e-6, 1 + 1e-6)) < 0.05
    assert min(estimate.p_value(bound) for bound in (1e-6, 0.5, 1 - 1e-6)) > 0.05


def test_a_committed_estimate_serves_with_all_signs_turned() -> None:
    kept = Estimate(0.1, -0.1, 0.4, (0, 1), 2, 0.05, committed=True)
    parts = ((1.0, "jam", "auc"), (-1.0, "ir18", "auc"))
    made = Estimates(TierRuns(load_paper(PAPER), "laptop", {}), {}, {key_of(parts): kept})

    assert made.combine(parts) == kept
    assert made.combine([(-c, *rest) for c, *rest in parts]) == Estimate(-0.1, -0.4, 0.1, (0, 1), 2, 0.05, True)


def test_p_values_of_far_and_of_sure_estimates() -> None:
    assert 0 < Estimate(9.0, 8.0, 10.0, (0,)).p_value() < 1e-60  # 1,000 resamples alone cannot tell it from 1/500
    assert Estimate(0.5, 0.3, 0.7, (0,)).p_value(0.5) == 1
    size = Estimate(59.0, 59.0, 59.0, (0,))
    assert (size.p_value(57.0), size.p_value(59.0)) == (0, 1)


# Several training starts


def simulated(starts: int, of_people: float, of_starts: float, folds: int = 600, resamples: int = 1000) -> Estimates:
    """Of a method whose metric varies with people and starts by known standard deviations, on independent folds."""
    generator = np.random.default_rng(5)
    samples: dict[int, dict[int, BootstrapSamples]] = {}
    for fold in range(folds):
        people = of_people * generator.normal(size=resamples)  # all starts are evaluated on the same ones
        means = of_starts * generator.normal(size=starts)
        samples[fold] = {
            seed: BootstrapSamples(("auc",), np.array([mean]), (mean + people)[:, None], np.array([fold]))
            for seed, mean in enumerate(means)
        }
    return Estimates(TierRuns(load_paper(PAPER), "smoke", {}), {"jam": samples}, {})


@pytest.mark.parametrize(("starts", "of_people", "of_starts"), [(2, 1.0, 1.5), (2, 1.0, 0.5), (3, 1.0, 1.5), (2, 0, 1)])
def test_an_interval_covers_people_and_starts(starts: int, of_people: float, of_starts: float) -> None:
    found = simulated(starts, of_people, of_starts).combine(((1.0, "jam", "auc"),))
    deviation = np.sqrt((of_people**2 + of_starts**2 / starts) / 600)

    # Monte-Carlo error: a deviation from 600 folds is off by 3 %, a quantile of 1,000 resamples by 3 %.
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.09)
    assert found.value == pytest.approx(0, abs=4 * deviation)


def test_starts_widen_the_interval_and_an_unwidened_spread_would_show_half_of_it() -> None:
    width = {spread: simulated(2, 1.0, spread).combine(((1.0, "jam", "auc"),)) for spread in (0.0, 2.0)}
    people, both = ((one.high - one.low) ** 2 for one in width.values())

    assert (both - people) / people == pytest.approx(2.0**2 / 2, rel=0.2)  # 1.0 without sqrt(S / (S - 1))


def test_one_run_is_plain_percentiles() -> None:
    make_record("jam")
    made = opened()
    found = made.combine(((1.0, "jam", PROFILE),))
    plain = column(made.samples["jam"][0][0], PROFILE)

    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])), abs=1e-15)
    assert (found.runs, found.spread_of_runs) == (1, None)


def trainings(folds: int, starts: int, trials: int) -> list[Estimate]:
    """Estimates of 0 where folds are evaluated on the same people, and all three levels add a deviation of 1."""
    generator = np.random.default_rng(7)
    found = []
    for _ in range(trials):
        people, resampled = generator.normal(), generator.normal(size=400)
        made: dict[int, dict[int, BootstrapSamples]] = {}
        for fold in range(folds):
            values = people + generator.normal() + generator.normal(size=starts)
            made[fold] = {
                seed: BootstrapSamples(("auc",), np.array([value]), (value + resampled)[:, None], np.array([fold]))
                for seed, value in enumerate(values)
            }
        runs = TierRuns(load_paper(PAPER), "smoke", {})
        found.append(Estimates(runs, {"jam": made}, {}).combine(((1.0, "jam", "auc"),)))
    return found


@pytest.mark.parametrize(("folds", "starts"), [(6, 2), (3, 2), (3, 1)])
def test_other_trainings_are_in_the_interval(folds: int, starts: int) -> None:
    found = trainings(folds, starts, trials=300)
    widths = np.array([one.high - one.low for one in found]) / (2 * 1.96)
    of_people, of_runs = 1.0, 1 / folds + 1 / (folds * starts)

    # A variance from few folds is unsure in each trial, and right on average.
    assert np.mean(widths**2) == pytest.approx(of_people + of_runs, rel=0.12)
    assert np.mean([one.spread_of_people for one in found]) == pytest.approx(of_people, rel=0.03)
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.88 <= covered <= 0.98  # one trial in a hundred is off by 0.013
    assert {one.runs for one in found} == {folds * starts}


def test_folds_that_differ_by_their_people_alone_are_not_drawn() -> None:
    generator = np.random.default_rng(3)
    widths = []
    for _ in range(100):
        values = generator.normal(size=3)
        resampled = values[:, None] + generator.normal(size=(3, 400))
        widths.append(np.var(resampled.mean(axis=0) + _drawn_folds(values, resampled)))

    assert np.median(widths) == pytest.approx(1 / 3, rel=0.15)
    assert not _drawn_folds(values[:1], resampled[:1]).any()


def test_starts_are_taken_together_and_drawn_apart_for_each_method() -> None:
    for seed in range(2):
        for method in ("jam", "ir18"):
            make_record(method, seed=seed)
    made = opened()
    own = made.combine(((1.0, "jam", POOLED),))
    values = [estimate_of(made.samples["jam"][0][seed], POOLED) for seed in range(2)]

    assert own.value == pytest.approx(np.mean(values))
    assert own.folds == (0,)
    assert made.combine(((1.0, "jam", POOLED),)) == own  # the same every time
    none = made.combine(((1.0, "jam", POOLED), (-1.0, "jam", POOLED)))
    assert (none.low, none.high) == (0, 0)
    people = np.quantile(np.mean([column(made.samples["jam"][0][seed], POOLED) for seed in range(2)], axis=0),
                         [0.025, 0.975])  # fmt: skip
    assert own.high - own.low > people[1] - people[0]


# Committed runs


GAP, OWN = ((1.0, "jam", "auc"), (-1.0, "ir18", "auc")), ((1.0, "jam", "auc"),)


@pytest.fixture
def committed() -> dict[str, Estimate]:
    """Two methods that the repository has, with what was estimated from them: the difference, and one by itself."""
    records = [make_record(method, fold, "laptop") for method in ("jam", "ir18") for fold in range(2)]
    made = opened("laptop")
    estimates = {"gap": made.combine(GAP), "own": made.combine(OWN)}
    for record in records:
        commit(record)
    keep_estimates(made)
    return estimates


def test_estimates_of_committed_runs_stand_where_no_scores_are(committed: dict[str, Estimate]) -> None:
    made = opened("laptop")

    assert made.samples == {}
    assert made.combine(GAP) == replace(committed["gap"], committed=True)
    assert made.combine(OWN) == replace(committed["own"], committed=True)
    assert made.combine(GAP[::-1]) == made.combine(GAP)  # in whatever order it is written
    with pytest.raises(MissingPart, match=r"no common fold of ir18 with scores: .*facelib run joint_attention ir18"):
        made.combine(((1.0, "ir18", "auc"),))  # which nobody asked for


def test_runs_of_this_machine_replace_committed_ones_and_are_not_mixed_with_them(
    committed: dict[str, Estimate],
) -> None:
    make_record("jam", 0, "laptop", skill=3.0)
    mixed = opened("laptop")

    assert list(mixed.samples) == ["jam"]
    assert mixed.combine(OWN).value > committed["own"].value
    assert not mixed.combine(OWN).committed
    assert mixed.combine(GAP) == replace(committed["gap"], committed=True)  # until all of its runs are here
    make_record("ir18", 0, "laptop")
    here = opened("laptop").combine(GAP)
    assert not here.committed
    assert here.value > committed["gap"].value
    assert here.folds == (0,)


def test_what_was_estimated_is_kept_until_something_new_is_known(committed: dict[str, Estimate]) -> None:
    make_record("jam", 0, "laptop", skill=3.0)
    own = (made := opened("laptop")).combine(OWN)
    keep_estimates(made)
    again = opened("laptop").committed

    assert again[key_of(OWN)] == replace(own, committed=True)
    assert again[key_of(GAP)] == replace(committed["gap"], committed=True)


def test_the_key_of_a_sum_tells_coefficients_methods_and_metrics_apart() -> None:
    sums = [GAP, OWN, ((-1.0, "jam", "auc"),), ((1.0, "jam", "eer"),), ((0.5, "jam", "auc"),)]

    assert len({key_of(parts) for parts in sums}) == len(sums)
