"""What a benchmark is and how one is run: median times and peak memory of ours and the peer's, and do they agree."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from facelib.benchmarks.memory import extra_mib

INSTALL_PEERS = 'pip install "facelib-companion[peers]"'


@dataclass(frozen=True)
class Goal:
    """What ours is meant to reach on two cores; None where nothing is asked.

    Args:
        ratio: the peer's time over ours, at least.
        ms: our time for one piece, at most.
        mib: our extra memory, at most.
    """

    ratio: float | None = None
    ms: float | None = None
    mib: float | None = None

    def __str__(self) -> str:
        words = (
            self.ratio is not None and f"{self.ratio:g} x",
            self.ms is not None and f"{self.ms:g} ms",
            self.mib is not None and f"{self.mib:g} MiB",
        )
        return ", ".join(word for word in words if word)

    def met(self, row: dict[str, Any]) -> bool | None:
        """Whether a row reaches the goal; None without a goal, or where it could not be measured."""
        checks = (
            (self.ratio, row["ratio"], 1),
            (self.ms, row["ours_ms"], -1),
            (self.mib, row["ours_mib"], -1),
        )
        asked = [(goal, value, sign) for goal, value, sign in checks if goal is not None]
        if not asked or any(value is None for _, value, _ in asked):
            return None
        return all(sign * value >= sign * goal for goal, value, sign in asked)


@dataclass(frozen=True)
class Case:
    """One piece of work that ours and a peer both do.

    Args:
        name: as `facelib bench --only` knows it.
        kernel: what is measured, the same for all cases that share one curve of time against size.
        size: of the input at n, in words.
        peer: the other library, or the usual code; None when there is nothing to compare with.
        prepare: makes the input of a size, outside the clock.
        n: the size of the row.
        counted: what n counts, such as "triangles".
        ours: does the work on the input.
        load_peer: imports the peer (ImportError or OSError where it is missing) and returns what does the same work.
        agree: whether two results, ours and the peer's, say the same.
        images: pieces in the input; times are for one of them.
        goal: what ours is meant to reach.
        growth: three sizes, each four times the last, for the curve of time against size; empty for no curve.
    """

    name: str
    kernel: str
    size: str
    peer: str | None
    prepare: Callable[[int], Any]
    n: int
    counted: str
    ours: Callable[[Any], Any]
    load_peer: Callable[[], Callable[[Any], Any]] | None = None
    agree: Callable[[Any, Any], bool] | None = None
    images: int = 1
    goal: Goal = Goal()
    growth: tuple[int, ...] = ()


def run_case(case: Case) -> dict[str, Any]:
    """Run one benchmark; see `run.run_benchmarks` for the row it returns."""
    given = case.prepare(case.n)
    row: dict[str, Any] = {"name": case.name, "size": case.size, "peer": case.peer}
    result = case.ours(given)  # also compiles the kernels
    row["ours_ms"] = 1000 * median_seconds(lambda: case.ours(given)) / case.images
    row["ours_mib"] = extra_mib(lambda: case.ours(given))
    row |= {"peer_ms": None, "peer_mib": None, "ratio": None, "agree": None, "missing": None}
    if case.load_peer is not None and case.agree is not None:
        try:
            peer = case.load_peer()
        except (ImportError, OSError) as error:  # OSError: the package is there, a system library of it is not
            row["missing"] = how_to_install(str(case.peer), error)
        else:
            row["agree"] = case.agree(result, peer(given))
            row["peer_ms"] = 1000 * median_seconds(lambda: peer(given)) / case.images
            row["peer_mib"] = extra_mib(lambda: peer(given))
            row["ratio"] = row["peer_ms"] / row["ours_ms"]
    return row | {"goal": str(case.goal), "met": case.goal.met(row)}


def how_to_install(peer: str, error: Exception) -> str:
    """What is missing and the command that helps, told from the error that importing it raised."""
    library = re.search(r"[\w.+-]+\.so[\d.]*", str(error))
    if library:
        return (
            f"{peer} needs the system library {library[0]}: install it (open3d: apt-get install libusb-1.0-0 libgomp1)"
        )
    return f"{peer} ({error}): {INSTALL_PEERS}"


def median_seconds(
    work: Callable[[], Any], budget: float = 1.5, least: int = 3, most: int = 50, patience: float = 8.0
) -> float:
    """The median time of repeated calls.

    Args:
        work: what to time, already warm.
        budget: seconds after which no further repetition starts.
        least: repetitions even beyond the budget.
        most: repetitions even within it.
        patience: seconds after which no further repetition starts, even if there were fewer than `least`.
    """
    times: list[float] = []
    while True:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        spent, repeated = sum(times), len(times)
        if spent >= patience or (repeated >= least and (spent >= budget or repeated >= most)):
            return statistics.median(times)
