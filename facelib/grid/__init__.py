"""Many runs at once, through Snakemake: planned from the records, started once, and told as they finish.

Which runs are made is decided here, from records alone. Snakemake gets the jobs that are left and starts them in their
order, on this machine or, with a profile, on a cluster. Killing everything at any time loses at most the epochs in
progress: the next call plans again from what stands.

jobs        runs shared among jobs
profiles    which place a profile stands for
places      where jobs run: this machine, or elsewhere
slurm       Slurm's queue
workflow    a tier's folder, lock and plan, and Snakemake on it
progress    what is said meanwhile
signals     what ends it
"""

from __future__ import annotations

from collections.abc import Sequence

from facelib.grid.jobs import blocked_runs
from facelib.grid.signals import ending_orderly
from facelib.grid.workflow import Workflow
from facelib.papers import load_paper
from facelib.papers.run import Say, prepare
from facelib.runs.folders import Run

__all__ = ["dry_run", "make_runs"]


def make_runs(
    wanted: Sequence[Run],
    *,
    jobs: int | None = None,
    profile: str | None = None,
    keep_code: bool = False,
    say: Say = print,
) -> bool:
    """Make every run that is not current, several at once.

    Args:
        wanted: runs of one paper and tier, each after what it needs.
        jobs: at once; by default as the profile says, or two on this machine.
        profile: of Snakemake, such as "slurm" or a folder, instead of this machine.
        keep_code: accept records that other versions of the code made.
        say: told what happens, a line at a time.

    Returns:
        Whether all stand now; what failed has been said, with the command that shows why.

    Raises:
        BadInput: another workflow works in the folder, or the folder's path cannot be given to a cluster.
        UnknownName: there is no such profile.
        MissingPart: without Snakemake, or without sbatch where Slurm is asked for.
        SystemExit: on SIGTERM or SIGHUP, after what was started has been ended.
    """
    paper, tier = load_paper(wanted[0].paper), wanted[0].tier
    workflow = Workflow(paper, tier, jobs, profile, keep_code, say)
    tried: set[Run] = set()
    with ending_orderly(), workflow.lock() as lock:
        workflow.place.prepare()
        prepare(paper, tier)
        while True:  # once, unless a run failed that shared a job with others that some wait for
            unmade = workflow.unmade(wanted)
            failed = tried & unmade.keys()
            blocked = blocked_runs(failed, unmade)
            waiting = [run for run in unmade if run not in failed and run not in blocked]
            if not waiting:
                break
            workflow.tell_plan(wanted, waiting, unmade)
            tried |= workflow.work(waiting, len(wanted), len(wanted) - len(unmade), lock)
    for run, status in unmade.items():
        workflow.tell_unmade(run, status, blocked.get(run))
    return not unmade


def dry_run(
    wanted: Sequence[Run],
    *,
    jobs: int | None = None,
    profile: str | None = None,
    keep_code: bool = False,
    say: Say = print,
) -> None:
    """Say which runs `make_runs` would make and why, and let Snakemake check the plan and the profile.

    Args:
        As in `make_runs`.

    Raises:
        BadInput, UnknownName: as in `make_runs`.
        FacelibError: Snakemake refuses the plan or the profile; the message holds the end of what it said.
    """
    workflow = Workflow(load_paper(wanted[0].paper), wanted[0].tier, jobs, profile, keep_code, say)
    with workflow.lock() as lock:
        unmade = workflow.unmade(wanted)
        workflow.tell_plan(wanted, list(unmade), unmade)
        if not unmade:
            return
        planned = workflow.plan(list(unmade))
        for job in planned:
            say(f"fold {job.runs[0].fold}: {' '.join(run.method for run in job.runs)}")
        if workflow.snakemake(lock, planned, "--dry-run").wait() != 0:
            raise workflow.broken()
