"""Running all benchmarks, some of them by name, or their growth with size; and the record that each run leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from facelib.benchmarks.cases import CASES
from facelib.benchmarks.measure import Case, median_seconds, run_case
from facelib.errors import BadInput, unknown_name
from facelib.runs.records import describe_environment
from facelib.storage import write_json

SCHEMA = 1
Tell = Callable[[str], None]


def run_benchmarks(only: str | None = None, tell: Tell = lambda name: None) -> list[dict[str, Any]]:
    """Run all benchmarks, or some.

    Args:
        only: name of the one to run, or what the names of several begin with, up to a hyphen.
        tell: called with the name of each benchmark before it runs.

    Returns:
        A row a benchmark: name, size, peer, ours_ms, peer_ms, ratio (peer_ms / ours_ms), agree, ours_mib and peer_mib
        (peak memory beyond the input), goal, met, and missing: None, or what is missing and how to install it, in
        which case peer_ms, peer_mib, ratio and agree are None.

    Raises:
        UnknownName: when there is no benchmark of that name.
    """
    rows = []
    for case in select_cases(CASES, only):
        tell(case.name)
        rows.append(run_case(case))
    return rows


def run_growth(only: str | None = None, tell: Tell = lambda name: None) -> list[dict[str, Any]]:
    """The time of ours against size, one curve a kernel.

    Args:
        only, tell: as `run_benchmarks`.

    Returns:
        A row a size: kernel, counted, n, ours_ms (for all n together).

    Raises:
        UnknownName: when there is no benchmark of that name.
        BadInput: when none of those named has a curve.
    """
    growing = [case for case in select_cases(CASES, only) if case.growth]
    if not growing:
        curves = ", ".join(case.name for case in CASES if case.growth)
        raise BadInput(f"{only} has no curve of growth: expected one of {curves}")
    rows = []
    for case in growing:
        tell(case.name)
        for n in case.growth:
            given = case.prepare(n)
            case.ours(given)
            # Bound as a default, so that each size times its own input.
            seconds = median_seconds(lambda case=case, given=given: case.ours(given))  # type: ignore[misc]
            rows.append({"kernel": case.kernel, "counted": case.counted, "n": n, "ours_ms": 1000 * seconds})
    return rows


def select_cases(cases: Iterable[Case], only: str | None) -> list[Case]:
    """All cases, the one of a name, or those whose names continue it after a hyphen.

    Raises:
        UnknownName: when there is none.
    """
    by_name = {case.name: case for case in cases}
    if only is None:
        return list(by_name.values())
    if only in by_name:
        return [by_name[only]]
    family = [case for name, case in by_name.items() if name.startswith(f"{only}-")]
    if not family:
        raise unknown_name("benchmark", only, by_name)
    return family


def write_benchmark_record(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows with code version, packages, hardware, threads and time; a new file for each run.

    Returns:
        The record's path.
    """
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%dT%H%M%S}.json"
    write_json(path, {"schema": SCHEMA, "time": now.isoformat(), **describe_environment(), "rows": rows})
    return path
