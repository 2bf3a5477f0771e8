"""Running all benchmarks, or one of them by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from facelib.benchmarks.cases import CASES
from facelib.benchmarks.measure import Case, run_case
from facelib.errors import unknown_name


def run_benchmarks(only: str | None = None) -> list[dict[str, Any]]:
    """Run all benchmarks, or one.

    Args:
        only: name of the one to run.

    Returns:
        A row a benchmark: name, size, peer, ours_ms, peer_ms, ratio (peer_ms / ours_ms), agree, and missing: None, or
        what is missing and how to install it, in which case peer_ms, ratio and agree are None.

    Raises:
        UnknownName: when there is no benchmark of that name.
    """
    return [run_case(case) for case in select_cases(CASES, only)]


def select_cases(cases: Iterable[Case], only: str | None) -> list[Case]:
    """The cases, or the one of that name."""
    by_name = {case.name: case for case in cases}
    if only is None:
        return list(by_name.values())
    if only not in by_name:
        raise unknown_name("benchmark", only, by_name)
    return [by_name[only]]
