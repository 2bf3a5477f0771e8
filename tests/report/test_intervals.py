"""Intervals of combined metrics against pairs repeated one by one, and what makes them paired."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_records import make_record
from tiny_runs import use_private_runs

from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.metrics.identification import rank1
from facelib.metrics.verification import verification_summary
from facelib.papers.joint_attention.protocol import probes_of_pose, scores_of
from facelib.report import intervals
from facelib.report.intervals import combine, draws_of, draws_of_methods, missing_runs
from facelib.report.records import folder_of
from facelib.runs.folders import record_path
from facelib.runs.records import Record, read_scores, write_record, write_scores

PAPER = "joint_attention"
POOLED, PROFILE = "tar_at_far_1pct", "tar_at_far_1pct/90+"
ARL_POOLED, ARL_POSE = "arl_vtf.tar_at_far_1pct", "arl_vtf.tar_at_far_1pct/pose"


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(intervals, "DRAWS", 40)
    return tmp_path / "runs"


def draws(*methods: str) -> dict[str, intervals.Runs]:
    return draws_of_methods(PAPER, "smoke", methods)


def slow_draws(record: Record, metric: str, count: int = 40) -> list[float]:
    """A metric in every draw, from scores that are listed as often as their probe's person is drawn."""
    prefix, _, name = metric.rpartition(".")
    kind, _, pose = name.partition("/")
    scored = scores_of(read_scores(record_path(folder_of(record)), record), prefix or "facescape")  # type: ignore[arg-type]
    people = list(scored["identities"])
    (seed,) = {int(s) for s, n in zip(draws_of(record).seeds, draws_of(record).names, strict=True) if n == metric}
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
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
def test_draws_are_of_repeated_people(metric: str) -> None:
    record = make_record("jam")
    made = draws_of(record)

    np.testing.assert_allclose(made.drawn[:, made.column(metric)], slow_draws(record, metric), atol=1e-12)


def test_estimates_are_the_records_metrics() -> None:
    for method in ("jam", "pointnet2"):
        record = make_record(method)
        made = draws_of(record)
        values = {name: made.estimates[made.column(name)] for name in record.metrics}

        assert values == pytest.approx({name: metric["value"] for name, metric in record.metrics.items()}, abs=1e-12)
    assert not [name for name in made.names if name.startswith("arl_vtf")]  # clouds are not evaluated on photographs


def test_a_sum_over_folds_by_hand() -> None:
    for fold in range(2):
        make_record("jam", fold), make_record("ir18", fold)
    made = draws("jam", "ir18")
    gap = combine(made, ((1.0, "jam", PROFILE), (-1.0, "ir18", PROFILE), (0.5, "jam", POOLED)))

    def weighed(values: str, fold: int) -> np.ndarray:
        jam, plain = made["jam"][fold, 0], made["ir18"][fold, 0]
        one, two = (getattr(run, values)[..., run.column(PROFILE)] for run in (jam, plain))
        return one - two + 0.5 * getattr(jam, values)[..., jam.column(POOLED)]

    means = (weighed("drawn", 0) + weighed("drawn", 1)) / 2
    assert gap.value == pytest.approx((weighed("estimates", 0) + weighed("estimates", 1)) / 2, abs=1e-12)
    assert (gap.low, gap.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=1e-12)
    assert gap.folds == (0, 1)


def test_a_method_differs_from_itself_by_nothing_and_from_a_near_one_by_less_than_both_are_unsure() -> None:
    for method, skill in (("jam", 1.0), ("ir18", 1.0)):
        make_record(method, skill=skill)
    made = draws("jam", "ir18")
    own = [combine(made, ((1.0, name, "auc"),)) for name in ("jam", "ir18")]
    none = combine(made, ((1.0, "jam", "auc"), (-1.0, "jam", "auc")))
    gap = combine(made, ((1.0, "jam", "auc"), (-1.0, "ir18", "auc")))

    assert (none.value, none.low, none.high) == (0, 0, 0)
    assert gap.high - gap.low < max(one.high - one.low for one in own)


def test_folds_of_the_same_people_are_drawn_together_and_of_others_apart() -> None:
    record = make_record("jam")
    single = {metric: combine(draws("jam"), ((1.0, "jam", metric),)) for metric in (POOLED, ARL_POOLED)}
    arrays = read_scores(record_path(folder_of(record)), record)
    second = make_record("jam", 1)
    others = {name: array + 6 for name, array in arrays.items() if name in ("identities", "probe_identity")}
    kept = write_scores(folder_of(second) / "scores.npz", arrays | others)
    write_record(record_path(folder_of(second)), replace(second, metrics=record.metrics, scores=kept))
    both = {metric: combine(draws("jam"), ((1.0, "jam", metric),)) for metric in (POOLED, ARL_POOLED)}

    # The same scores of the same people twice say nothing new; of other people they do.
    assert (both[ARL_POOLED].low, both[ARL_POOLED].high) == (single[ARL_POOLED].low, single[ARL_POOLED].high)
    assert both[POOLED].high - both[POOLED].low < single[POOLED].high - single[POOLED].low
    assert both[POOLED].value == pytest.approx(single[POOLED].value, abs=1e-12)


def test_only_common_folds_are_compared() -> None:
    for method, fold in (("jam", 0), ("jam", 1), ("jam", 2), ("ir18", 2), ("ir18", 1)):
        make_record(method, fold)
    made = draws("jam", "ir18", "jam_je")

    assert combine(made, ((1.0, "jam", "auc"), (-1.0, "ir18", "auc"))).folds == (1, 2)
    assert missing_runs(PAPER, "smoke", made, ("jam", "ir18")) == []
    (command,) = missing_runs(PAPER, "smoke", made, ("jam", "jam_je"))
    assert command == "facelib run joint_attention jam_je --fold 0 --tier smoke"


def test_methods_without_a_common_fold_say_which_run_they_lack() -> None:
    for method, fold in (("jam", 1), ("ir18", 1), ("jam_je", 2)):
        make_record(method, fold)
    made = draws("jam", "ir18", "jam_je")

    assert missing_runs(PAPER, "smoke", made, made) == ["facelib run joint_attention jam_je --fold 1 --tier smoke"]
    with pytest.raises(MissingPart, match="ir18, jam_je share no fold"):
        combine(made, ((1.0, "jam_je", "auc"), (-1.0, "ir18", "auc")))


def test_draws_are_kept_and_made_anew_when_damaged_or_of_other_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    record = make_record("jam")
    first = draws_of(record)
    (path,) = folder_of(record).glob("intervals-*.npz")

    def draw_again() -> intervals.Draws:
        intervals._READ.clear()
        return draws_of(record)

    with monkeypatch.context() as patch:
        patch.setattr(intervals, "_draw", lambda _: pytest.fail("drawn although the file stands"))
        kept = draw_again()
    np.testing.assert_array_equal(kept.drawn, first.drawn)
    assert (kept.names, kept.seeds.tolist()) == (first.names, first.seeds.tolist())

    path.write_bytes(path.read_bytes()[:-20])
    np.testing.assert_array_equal(draw_again().drawn, first.drawn)
    better = make_record("jam", skill=2.0)
    assert draws_of(better).estimates[first.column(PROFILE)] > first.estimates[first.column(PROFILE)]


def test_runs_of_other_people_are_not_compared() -> None:
    make_record("jam"), make_record("ir18", people=7)

    with pytest.raises(BadInput, match="jam and ir18 evaluate other people in fold 0"):
        combine(draws("jam", "ir18"), ((1.0, "jam", "auc"), (-1.0, "ir18", "auc")))


def test_two_data_sets_are_added_as_drawn_apart() -> None:
    make_record("jam"), make_record("ir18")
    made = draws("jam", "ir18")["jam"][0, 0]
    both = combine(draws("jam", "ir18"), ((1.0, "jam", POOLED), (-1.0, "ir18", ARL_POOLED)))

    assert made.seeds[made.column(POOLED)] != made.seeds[made.column(ARL_POOLED)]
    assert both.low < both.value < both.high


def test_bad_records_are_named() -> None:
    record = make_record("jam")
    with pytest.raises(UnknownName, match=r"unknown metric 'auk'.*facelib run joint_attention jam"):
        combine(draws("jam"), ((1.0, "jam", "auk"),))
    with pytest.raises(MissingPart, match="the run of jam holds no scores: make it again"):
        draws_of(replace(record, scores=None))
    (folder_of(record) / "scores.npz").unlink()
    intervals._READ.clear()
    for path in folder_of(record).glob("intervals-*"):
        path.unlink()
    with pytest.raises(MissingPart, match=r"no scores at .*facelib run joint_attention jam"):
        draws_of(record)
