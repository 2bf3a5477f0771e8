from __future__ import annotations

import operator
import re
from dataclasses import replace

import pytest

from facelib.benchmarks.cases import CASES
from facelib.benchmarks.measure import Case, median_seconds, run_case
from facelib.benchmarks.run import run_benchmarks, select_cases
from facelib.errors import UnknownName

COLUMNS = {"name", "size", "peer", "ours_ms", "peer_ms", "ratio", "agree", "missing"}
SUM = Case(
    name="sum",
    size="1,000 numbers",
    peer="a loop",
    prepare=lambda: list(range(1000)),
    ours=sum,
    load_peer=lambda: lambda numbers: max(numbers) * len(numbers) // 2,
    agree=operator.eq,
)


def absent(error: Exception):
    def load():
        raise error

    return load


def test_a_row_holds_times_ratio_and_agreement():
    row = run_case(SUM)
    assert set(row) == COLUMNS
    assert row["agree"] is True
    assert row["missing"] is None
    assert row["ratio"] == row["peer_ms"] / row["ours_ms"]


def test_a_wrong_answer_is_told():
    assert run_case(replace(SUM, load_peer=lambda: len))["agree"] is False


def test_times_are_for_one_image():
    work = replace(SUM, prepare=lambda: list(range(100_000)), images=10_000, load_peer=absent(ImportError("none")))
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
    row = run_case(replace(SUM, load_peer=absent(error)))
    assert set(row) == COLUMNS
    assert row["ours_ms"] > 0
    assert row["peer_ms"] is row["ratio"] is row["agree"] is None
    assert row["missing"].startswith("a loop")
    assert re.search(hint, row["missing"])


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'ball-query'"):
        run_benchmarks("ball-querry")


def test_names_are_unique_and_select_one():
    assert len({case.name for case in CASES}) == len(CASES)
    assert select_cases(CASES, None) == list(CASES)
    assert [case.name for case in select_cases(CASES, "ball-query")] == ["ball-query"]


def test_the_median_repeats_at_least_and_at_most():
    calls: list[int] = []
    median_seconds(lambda: calls.append(1), budget=0, least=3)
    assert len(calls) == 3
    median_seconds(lambda: calls.append(1), budget=60, most=7)
    assert len(calls) == 10
