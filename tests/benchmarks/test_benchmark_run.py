from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from made_benchmark import SUM

from facelib.benchmarks import run as running
from facelib.benchmarks.cases import CASES
from facelib.benchmarks.measure import Goal, median_seconds, run_case
from facelib.benchmarks.memory import extra_mib
from facelib.benchmarks.run import run_benchmarks, run_growth, select_cases
from facelib.errors import BadInput, UnknownName

COLUMNS = {
    *("name", "size", "peer", "ours_ms", "peer_ms", "ratio", "agree", "missing"),
    *("ours_mib", "peer_mib", "goal", "met"),
}


def absent(error: Exception):
    def load():
        raise error

    return load


def test_a_row_holds_times_memory_ratio_and_agreement():
    row = run_case(SUM)
    assert set(row) == COLUMNS
    assert row["agree"] is True
    assert row["missing"] is None
    assert row["ratio"] == row["peer_ms"] / row["ours_ms"]
    assert row["ours_mib"] >= 0


def test_a_wrong_answer_is_told():
    assert run_case(replace(SUM, load_peer=lambda: len))["agree"] is False


def test_times_are_for_one_image():
    work = replace(SUM, n=100_000, images=10_000, load_peer=absent(ImportError("none")))
    assert run_case(work)["ours_ms"] < run_case(replace(work, images=1))["ours_ms"] / 100


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ImportError("No module named 'loop'"), r'No module named .* pip install "facelib-companion\[peers\]"'),
        (ImportError("libusb-1.0.so.0: cannot open shared object file"), r"system library libusb-1\.0\.so\.0: install"),
        (OSError("libgomp.so.1: cannot open shared object file"), r"system library libgomp\.so\.1: install"),
    ],
)
def test_a_missing_peer_is_named_and_ours_still_timed(error, hint):
    row = run_case(replace(SUM, load_peer=absent(error), goal=Goal(ratio=2)))
    assert set(row) == COLUMNS
    assert row["ours_ms"] > 0
    assert row["peer_ms"] is row["ratio"] is row["agree"] is row["met"] is None
    assert row["missing"].startswith("a loop")
    assert re.search(hint, row["missing"])


def test_work_without_a_peer_is_timed_against_its_goal():
    row = run_case(replace(SUM, peer=None, load_peer=None, agree=None, goal=Goal(ms=1e6)))
    assert row["missing"] is row["ratio"] is None
    assert row["met"] is True


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal(), None),
        (Goal(ratio=8), True),
        (Goal(ratio=8.1), False),
        (Goal(ratio=8, mib=99), False),
        (Goal(ms=2, mib=100), True),
        (Goal(ms=1.9), False),
    ],
)
def test_a_goal_is_met_or_not(goal: Goal, met: bool | None):
    row: dict[str, Any] = {"ratio": 8.0, "ours_ms": 2.0, "ours_mib": 100.0}
    assert goal.met(row) is met
    assert Goal(ratio=8).met(row | {"ratio": None}) is None


def test_a_goal_reads_as_words():
    assert str(Goal()) == ""
    assert str(Goal(ratio=30, mib=100)) == "30 x, 100 MiB"


def test_memory_counts_what_a_call_holds_at_its_peak_only():
    held = bytearray(30 << 20)  # before the call: does not count
    measured = extra_mib(lambda: bytearray(50 << 20))
    if measured is None:
        pytest.skip("this system does not tell the peak of resident memory")
    assert 45 < measured < 60
    assert extra_mib(lambda: None) < 5
    assert len(held)


def test_growth_has_a_row_a_size(monkeypatch):
    monkeypatch.setattr(running, "CASES", (replace(SUM, growth=(10, 40, 160)), replace(SUM, name="without-a-curve")))
    rows = run_growth()
    assert [(row["kernel"], row["counted"], row["n"]) for row in rows] == [("sum", "numbers", n) for n in (10, 40, 160)]
    assert all(row["ours_ms"] > 0 for row in rows)


def test_growth_of_what_has_no_curve_is_refused(monkeypatch):
    monkeypatch.setattr(running, "CASES", (replace(SUM, growth=(10, 40, 160)), replace(SUM, name="flat")))
    with pytest.raises(BadInput, match=r"flat has no curve of growth: expected one of sum"):
        run_growth("flat")


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'ball-query'"):
        run_benchmarks("ball-querry")


def test_names_are_unique_and_select_one_or_a_family():
    assert len({case.name for case in CASES}) == len(CASES)
    assert select_cases(CASES, None) == list(CASES)
    assert [case.name for case in select_cases(CASES, "ball-query")] == ["ball-query"]
    family = [case.name for case in select_cases(CASES, "rasterize")]
    assert len(family) > 1
    assert all(name.startswith("rasterize-") for name in family)
    with pytest.raises(UnknownName):
        select_cases(CASES, "raster")


def test_each_curve_has_three_sizes_each_four_times_the_last():
    growing = [case for case in CASES if case.growth]
    assert len({case.kernel for case in growing}) == len(growing)
    trainings = {"encoder-training", "sadrnet-training", "msma-training"}  # whose time grows with the number of steps
    assert {case.kernel for case in CASES} - trainings == {case.kernel for case in growing}
    for case in growing:
        first, second, third = case.growth
        assert (second, third) == (4 * first, 16 * first), case.name


def test_the_median_repeats_at_least_and_at_most():
    calls: list[int] = []
    median_seconds(lambda: calls.append(1), budget=0, least=3)
    assert len(calls) == 3
    median_seconds(lambda: calls.append(1), budget=60, most=7)
    assert len(calls) == 10
    median_seconds(lambda: calls.append(1), patience=0)
    assert len(calls) == 11
