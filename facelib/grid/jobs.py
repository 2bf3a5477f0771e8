"""Runs shared among jobs, each of which is one call of `facelib run`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from facelib.papers import load_paper
from facelib.papers.status import needed_runs
from facelib.runs.folders import Run


@dataclasses.dataclass(frozen=True)
class Job:
    """One call of `facelib run`.

    Args:
        runs: of one fold, in their order.
        after: runs of other jobs that it needs.
    """

    runs: tuple[Run, ...]
    after: tuple[Run, ...] = ()

    @property
    def name(self) -> str:
        first, *others = self.runs
        more = f"_and_{len(others)}_more" if others else ""
        return f"{first.method}{more}_fold{first.fold}"


def batches(runs: Sequence[Run], count: int) -> list[Job]:
    """Runs shared among as many jobs as are worked on at once, so that few notebooks are started.

    Pretrainings come first; the runs of a fold then start together, with a teacher and its students in one job.

    Args:
        runs: of one paper, in their order.
        count: jobs of one fold, at most.
    """
    jobs = []
    for stage in _stages(runs):
        families: list[list[Run]] = []
        for run in stage:
            needs = needed_runs(run).values()
            related = [family for family in families if any(member in needs for member in family)]
            merged = [member for family in related for member in family] + [run]
            families = [family for family in families if family not in related] + [merged]
        shares: list[list[Run]] = [[] for _ in range(min(count, len(families)))]
        for family in sorted(families, key=len, reverse=True):
            min(shares, key=len).extend(family)
        jobs += [_job(sorted(share, key=list(runs).index), runs) for share in shares]
    return jobs


def singles(runs: Sequence[Run]) -> list[Job]:
    """A job for each run."""
    return [_job([run], runs) for run in runs]


def _stages(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """The pretrainings, then what is left of each fold; stages without runs are left out."""
    stages: dict[Any, list[Run]] = {}
    for run in runs:
        stage = "pretraining" if load_paper(run.paper).method(run.method).is_pretraining else run.fold
        stages.setdefault(stage, []).append(run)
    yield from stages.values()


def _job(share: Sequence[Run], planned: Sequence[Run]) -> Job:
    after = {need: None for run in share for need in needed_runs(run).values() if need in planned and need not in share}
    return Job(tuple(share), tuple(after))


def blocked_runs(failed: Collection[Run], unmade: Iterable[Run]) -> dict[Run, Run]:
    """Runs that cannot be made, each with the failed or blocked run that it needs."""
    blocked: dict[Run, Run] = {}
    for run in unmade:  # in their order, so that a chain of needs is followed to its end
        needs = needed_runs(run).values()
        cause = next((need for need in needs if need in failed or need in blocked), None)
        if cause is not None:
            blocked[run] = cause
    return blocked


def mark_of(run: Run) -> str:
    """The file, in the folder that Snakemake works in, that says that a run was made."""
    return f"done/{run.method}_fold{run.fold}"
