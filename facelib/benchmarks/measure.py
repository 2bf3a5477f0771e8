"""What a benchmark is and how one is run: median times of ours and the peer's, and whether the answers agree."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

INSTALL_PEERS = 'pip install "facelib-companion[peers]"'


@dataclass(frozen=True)
class Case:
    """One piece of work that ours and a peer both do.

    Args:
        name: as `facelib bench --only` knows it.
        size: of the input, in words.
        peer: the other library, or the usual code.
        prepare: makes the input, outside the clock.
        ours: does the work on it.
        load_peer: imports the peer (ImportError or OSError where it is missing) and returns what does the same work.
        agree: whether two results, ours and the peer's, say the same.
        images: pieces in the input; times are for one of them.
    """

    name: str
    size: str
    peer: str
    prepare: Callable[[], Any]
    ours: Callable[[Any], Any]
    load_peer: Callable[[], Callable[[Any], Any]]
    agree: Callable[[Any, Any], bool]
    images: int = 1


def run_case(case: Case) -> dict[str, Any]:
    """Run one benchmark; see `run.run_benchmarks` for the row it returns."""
    row: dict[str, Any] = {"name": case.name, "size": case.size, "peer": case.peer}
    given = case.prepare()
    result = case.ours(given)  # also compiles the kernels
    ours_ms = 1000 * median_seconds(lambda: case.ours(given)) / case.images
    nothing = {"peer_ms": None, "ratio": None, "agree": None}
    try:
        peer = case.load_peer()
    except (ImportError, OSError) as error:  # OSError: the package is there, a system library of it is not
        return row | {"ours_ms": ours_ms, **nothing, "missing": how_to_install(case.peer, error)}
    agree = case.agree(result, peer(given))
    peer_ms = 1000 * median_seconds(lambda: peer(given)) / case.images
    return row | {"ours_ms": ours_ms, "peer_ms": peer_ms, "ratio": peer_ms / ours_ms, "agree": agree, "missing": None}


def how_to_install(peer: str, error: Exception) -> str:
    """What is missing and the command that helps, told from the error that importing it raised."""
    library = re.search(r"[\w.+-]+\.so[\d.]*", str(error))
    if library:
        return (
            f"{peer} needs the system library {library[0]}: install it (open3d: apt-get install libusb-1.0-0 libgomp1)"
        )
    return f"{peer} ({error}): {INSTALL_PEERS}"


def median_seconds(work: Callable[[], Any], budget: float = 1.5, least: int = 3, most: int = 50) -> float:
    """The median time of repeated calls.

    Args:
        work: what to time, already warm.
        budget: seconds after which no further repetition starts.
        least: repetitions even beyond the budget.
        most: repetitions even within it.
    """
    times: list[float] = []
    while len(times) < least or (sum(times) < budget and len(times) < most):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
