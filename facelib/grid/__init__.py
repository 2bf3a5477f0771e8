"""Many runs at once, through Snakemake: planned from the records, started once, and told as they finish.

Which runs are made is decided here, from records alone. Snakemake gets the jobs that are left and starts them in their
order, on this machine or, with a profile, on a cluster. Killing everything at any time loses at most the epochs in
progress: the next call plans again from what stands.

jobs        runs shared among jobs
workflow    a tier's folder, lock and plan, and Snakemake on it
progress    what is said meanwhile
"""

from __future__ import annotations

from collections.abc import Iterable

from facelib.grid.jobs import blocked_runs
from facelib.grid.workflow import Workflow
from facelib.papers import load_paper
from facelib.reproduction import MethodFold, Say, runs_of

__all__ = ["dry_run", "make_runs"]


def make_runs(
    paper: str,
    tier: str,
    *,
    folds: Iterable[int] = (0,),
    methods: Iterable[str] | None = None,
    jobs: int = 1,
    profile: str | None = None,
    keep_code: bool = False,
    say: Say = print,
) -> bool:
    """Make every run of a paper that is not current, several at once.

    Args:
        paper, tier: of the runs.
        folds: to run.
        methods: only these and what they need; all by default.
        jobs: at once on this machine; from two on, each has one thread.
        profile: of Snakemake, such as "slurm" or a folder, instead of this machine.
        keep_code: accept records that other versions of the code made.
        say: told what happens, a line at a time.

    Returns:
        Whether all stand now; what failed has been said, with the command that shows why.

    Raises:
        UnknownName: on an unknown paper, tier or method.
        BadInput: another workflow works in the folder.
        MissingPart: without Snakemake.
    """
    workflow = Workflow(paper, tier, jobs, profile, keep_code, say)
    wanted = runs_of(paper, folds, methods)
    tried: set[MethodFold] = set()
    with workflow.lock() as lock:
        load_paper(paper).prepare(tier)
        while True:  # once, unless a run failed that shared a job with others that some wait for
            reasons = workflow.reasons(wanted)
            failed = tried & reasons.keys()
            blocked = blocked_runs(paper, failed, reasons)
            waiting = [run for run in reasons if run not in failed and run not in blocked]
            if not waiting:
                break
            workflow.tell_plan(wanted, waiting, reasons)
            tried |= workflow.work(waiting, len(wanted) - len(reasons), lock)
    for run in reasons:
        workflow.tell_unmade(run, blocked.get(run))
    return not reasons


def dry_run(
    paper: str,
    tier: str,
    *,
    folds: Iterable[int] = (0,),
    methods: Iterable[str] | None = None,
    jobs: int = 1,
    profile: str | None = None,
    keep_code: bool = False,
    say: Say = print,
) -> None:
    """Say which runs `make_runs` would make and why, and let Snakemake check the plan and the profile.

    Args:
        As in `make_runs`.

    Raises:
        FacelibError: Snakemake refuses the plan or the profile; the message holds the end of what it said.
    """
    workflow = Workflow(paper, tier, jobs, profile, keep_code, say)
    wanted = runs_of(paper, folds, methods)
    with workflow.lock() as lock:
        reasons = workflow.reasons(wanted)
        workflow.tell_plan(wanted, list(reasons), reasons)
        if not reasons:
            return
        for job in workflow.plan(list(reasons)):
            say(f"fold {job.fold}: {' '.join(job.methods)}")
        if workflow.snakemake(lock, "--dry-run").wait() != 0:
            raise workflow.broken()
