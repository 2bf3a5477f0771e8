"""Runs shared among jobs, each of which is one call of `facelib run`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from facelib.papers import load_paper
from facelib.reproduction import MethodFold


@dataclasses.dataclass(frozen=True)
class Job:
    """One call of `facelib run`.

    Args:
        methods: in their order.
        fold: of all of them.
        after: runs of other jobs that it needs.
    """

    methods: tuple[str, ...]
    fold: int
    after: tuple[MethodFold, ...] = ()

    @property
    def runs(self) -> list[MethodFold]:
        return [(method, self.fold) for method in self.methods]

    @property
    def name(self) -> str:
        more = f"_and_{len(self.methods) - 1}_more" if self.methods[1:] else ""
        return f"{self.methods[0]}{more}_fold{self.fold}"


def batches(paper: str, runs: Sequence[MethodFold], count: int) -> list[Job]:
    """Runs shared among as many jobs as are worked on at once, so that few notebooks are started.

    Pretrainings come first; the runs of a fold then start together, with a teacher and its students in one job.

    Args:
        paper: whose methods.
        runs: in their order.
        count: jobs of one fold, at most.
    """
    methods = load_paper(paper).METHODS
    jobs = []
    for stage in _stages(paper, runs):
        families: list[list[MethodFold]] = []
        for run in stage:
            related = [family for family in families if any(name in methods[run[0]].needs for name, _ in family)]
            merged = [member for family in related for member in family] + [run]
            families = [family for family in families if family not in related] + [merged]
        shares: list[list[MethodFold]] = [[] for _ in range(min(count, len(families)))]
        for family in sorted(families, key=len, reverse=True):
            min(shares, key=len).extend(family)
        jobs += [_job(paper, sorted(share, key=list(runs).index), runs) for share in shares]
    return jobs


def singles(paper: str, runs: Sequence[MethodFold]) -> list[Job]:
    """A job for each run."""
    return [_job(paper, [run], runs) for run in runs]


def _stages(paper: str, runs: Sequence[MethodFold]) -> Iterator[list[MethodFold]]:
    """The pretrainings, then what is left of each fold; stages without runs are left out."""
    methods = load_paper(paper).METHODS
    stages: dict[Any, list[MethodFold]] = {}
    for method, fold in runs:
        stage = "pretraining" if methods[method].kind == "pretraining" else fold
        stages.setdefault(stage, []).append((method, fold))
    yield from stages.values()


def _job(paper: str, share: Sequence[MethodFold], planned: Sequence[MethodFold]) -> Job:
    after = {need for run in share for need in _needs(paper, run) if need in planned and need not in share}
    return Job(tuple(method for method, _ in share), share[0][1], tuple(sorted(after)))


def _needs(paper: str, run: MethodFold) -> list[MethodFold]:
    methods = load_paper(paper).METHODS
    return [(need, 0 if methods[need].kind == "pretraining" else run[1]) for need in methods[run[0]].needs]


def blocked_runs(paper: str, failed: set[MethodFold], unmade: Iterable[MethodFold]) -> dict[MethodFold, MethodFold]:
    """Runs that cannot be made, each with the failed or blocked run that it needs."""
    blocked: dict[MethodFold, MethodFold] = {}
    for run in unmade:  # in their order, so that a chain of needs is followed to its end
        cause = next((need for need in _needs(paper, run) if need in failed or need in blocked), None)
        if cause is not None:
            blocked[run] = cause
    return blocked


def mark_of(run: MethodFold) -> str:
    """The file, in the folder that Snakemake works in, that says that a run was made."""
    return f"done/{run[0]}_fold{run[1]}"
