"""Runs made in notebooks or in this process, then the notebooks that read their records.

`facelib.papers.status` says which runs must be made; `facelib.grid` makes many at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from facelib.errors import FacelibError, MissingPart
from facelib.papers import load_paper
from facelib.papers.paper import Paper
from facelib.papers.run import Say, evaluate, prepare, train
from facelib.papers.status import is_drawn, note_drawn, standing_runs, status_of, statuses
from facelib.progress import progress_bar
from facelib.runs.folders import RUNS_VARIABLE, Run, project_folder, runs_folder
from facelib.runs.records import read_record, require_metric
from facelib.storage import explained, read_json

READING_NOTEBOOKS = ("tables", "figures")
USUAL_READING_S = 30.0  # of one of them, before it has been executed
SUMMARY_HEAD = ("paper", "tier", "runs", "verdicts", "tables and figures")


def make(runs: Sequence[Run], *, directly: bool = False, keep_code: bool = False, say: Say = print) -> None:
    """Make some runs of one paper, fold and tier in one notebook, or directly in this process.

    Where one fails the others are made all the same, in another notebook.

    Args:
        runs: alike but for their methods.
        directly: without notebooks.
        keep_code: accept records that another version of the code made.
        say: told what becomes of them.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
        FacelibError: when a run failed, after all others have been made; the message names each with its reason.
    """
    paper = load_paper(runs[0].paper)
    for run in runs:  # an unknown name is said before anything starts
        paper.run_settings(run.method, run.tier, run.seed, run.changes)
    order = paper.in_order([run.method for run in runs])
    waiting = []
    for run in sorted(runs, key=lambda run: order.index(run.method)):
        if status_of(run, keep_code=keep_code).is_current:
            say(f"{run}: up to date")
        else:
            waiting.append(run)
    failed: dict[str, FacelibError] = {}
    while waiting:
        together = waiting[:1] if directly else waiting
        try:
            if directly:
                train(together[0], keep_code=keep_code, say=say)
            else:
                _train_in_notebook(paper, together, keep_code)
        except FacelibError as error:
            left = [run for run in together if not status_of(run, keep_code=keep_code).is_current]
            if not left:  # everything is trained; the notebook failed afterwards
                raise
            failed[left[0].method] = error
            if len(runs) > 1:
                say(f"{left[0]} failed: {error}")
            together = together[: together.index(left[0]) + 1]
        waiting = [run for run in waiting[len(together) :] if failed.keys().isdisjoint(paper.in_order([run.method]))]
    if len(failed) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise FacelibError("\n".join(f"{method}: {error}" for method, error in failed.items()))


def _train_in_notebook(paper: Paper, runs: Sequence[Run], keep_code: bool) -> None:
    """Execute the paper's train notebook; the executed copy of a single run goes into the run's folder."""
    first = runs[0]
    more = f"-and-{len(runs) - 1}-more" if runs[1:] else ""
    executed = runs_folder() / paper.name / first.tier / "notebooks" / f"{first.folder.name}{more}.ipynb"
    parameters: dict[str, Any] = {"methods": [run.method for run in runs], "changes": dict(first.changes)}
    parameters |= {"fold": first.fold, "tier": first.tier, "seed": first.seed, "keep_code": keep_code}
    execute(project_folder() / "notebooks" / paper.folder / "train.ipynb", executed, parameters)
    if len(runs) == 1:
        os.replace(executed, first.folder / "train.ipynb")


def make_directly(runs: Sequence[Run], *, keep_code: bool = False, say: Say = print) -> bool:
    """Make every run that is not current in this process, one after the other, without notebooks.

    Returns:
        Whether all stand now; what failed has been said.
    """
    prepare(load_paper(runs[0].paper), runs[0].tier)
    complete = True
    for run in runs:
        try:
            current = status_of(run, keep_code=keep_code).is_current
            train(run, keep_code=keep_code, say=say)
        except (FacelibError, RuntimeError) as error:  # torch's own, such as want of memory
            complete = False
            say(f"{run} failed: {error}")
        else:
            if not current:
                say(f"{run}: {result_line(run)}")
    return complete


def evaluate_runs(
    paper: Paper, tier: str, methods: Sequence[str] | None = None, *, keep_code: bool = False, say: Say = print
) -> None:
    """Make the missing evaluations of the runs of a tier that stand on this machine, on data that are imported.

    Args:
        paper, tier: whose.
        methods: only these; all by default.
        keep_code: evaluate runs, too, that another version of the code made.
        say: told what becomes of them.

    Raises:
        UnknownName: on an unknown tier or method.
    """
    settings = paper.settings(tier)
    for evaluation in paper.evaluations.values():
        try:
            evaluation.steps.data_set(settings)
        except MissingPart as error:
            say(f"{paper.name} is not evaluated on {evaluation.title}: {error}")
    for name in paper.methods if methods is None else methods:
        paper.method(name)
        for status in standing_runs(paper, tier, name):
            if status.state != "committed":
                evaluate(status.run, keep_code=keep_code, say=say)


def result_line(run: Run) -> str:
    """The headline metric of a run, or the first one where it has none, and how long its training took."""
    record, headline = read_record(run.record), load_paper(run.paper).headline
    metric = headline if headline in record.metrics else next(iter(record.metrics))
    return f"{metric} {require_metric(record, metric):.3f} after {record.wall_time_s:.0f} s of training"


def report(paper: Paper, tier: str, *, directly: bool = False, say: Say = print) -> None:
    """Evaluate runs on what was imported since, and execute the notebooks that read records, where these are new.

    Args:
        paper, tier: whose records.
        directly: write the tables without any notebook, and draw no figures.
        say: told where tables and figures are.
    """
    from facelib.report.manifest import figures_folder

    evaluate_runs(paper, tier, say=say)
    written = figures_folder(paper.folder, tier)
    if directly:
        _write_tables(paper, tier, written)
        return
    for name in READING_NOTEBOOKS:
        executed = _reader(paper, tier, name)
        if is_drawn(paper, tier, executed):
            say(f"{paper.name} {name} at {tier}: up to date in {written}")
            continue
        execute(project_folder() / "notebooks" / paper.folder / f"{name}.ipynb", executed, {"tier": tier})
        note_drawn(paper, tier, executed)
        say(f"{paper.name} {name} at {tier}: {written}")


def reading_seconds(paper: Paper, tier: str) -> float:
    """How long the notebooks that read records will take: as long as the last time, if there was one."""
    return sum(_seconds_of(_reader(paper, tier, name)) for name in READING_NOTEBOOKS)


def _seconds_of(executed: Path) -> float:
    try:
        return float(json.loads(executed.read_bytes())["metadata"]["papermill"]["duration"])
    except (OSError, ValueError, KeyError, TypeError):
        return USUAL_READING_S


def _reader(paper: Paper, tier: str, name: str) -> Path:
    """The executed copy of a notebook that reads records."""
    return runs_folder() / paper.name / tier / f"{name}.ipynb"


def _write_tables(paper: Paper, tier: str, folder: Path) -> None:
    from facelib.report.intervals import open_estimates
    from facelib.report.records import open_runs
    from facelib.report.tables import write_tables

    with progress_bar(f"tables of {paper.name}"):
        write_tables(open_estimates(open_runs(paper.name, tier)), folder)


def summary(paper: Paper, tier: str, runs: Sequence[Run], *, keep_code: bool = False) -> tuple[str, ...]:
    """A line of the table that ends a reproduction, as SUMMARY_HEAD names its cells."""
    from facelib.report.manifest import figures_folder

    states: Counter[str] = Counter(status.state for status in statuses(runs, keep_code=keep_code).values())
    folder = figures_folder(paper.folder, tier)
    return paper.name, tier, counted(states), _verdicts(paper, tier, folder / "claims.json"), str(folder)


def counted(counts: Mapping[str, int]) -> str:
    """Counts in words, such as "46 committed, 11 missing"."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _verdicts(paper: Paper, tier: str, claims: Path) -> str:
    """How many claims have which verdict; none at the smallest tier, which shows that everything works and no more."""
    if tier == paper.smallest_tier or not claims.exists():
        return "-"
    entries = read_json(claims, "delete it, and this command makes it again")["claims"]
    return counted(Counter(claim["verdict"] for claim in entries))


def execute(notebook: Path, target: Path, parameters: dict[str, Any]) -> None:
    """Execute a notebook through papermill; the executed copy, with its error if there is one, is kept.

    Args:
        notebook: with a cell tagged `parameters`.
        target: where the executed copy goes.
        parameters: new values of its parameters.

    Raises:
        MissingPart: when papermill is not installed.
        FacelibError: when a cell fails, or the notebook's process is killed; the message names the notebook and why.
        UnwritableFile: when the executed copy cannot be written.
    """
    # jsonschema would build a grammar of web addresses for two seconds, for a check that notebooks do not need.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    try:
        import papermill
        from nbclient.exceptions import DeadKernelError
    except ImportError as error:
        raise MissingPart('papermill is missing: pip install "facelib-companion[notebooks]"') from error
    os.environ[RUNS_VARIABLE] = str(runs_folder())  # the kernel starts in the notebook's folder
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with progress_bar(f"{notebook.parent.name}/{notebook.name}"), explained(target):
            papermill.execute_notebook(
                *(str(path).replace("{", "{{").replace("}", "}}") for path in (notebook, target)),  # it formats them
                parameters=parameters,
                progress_bar=False,
                cwd=str(notebook.parent),
                kernel_name="python3",
                extra_arguments=["--log-level=ERROR"],  # a kernel on a plain local port warns at every start
            )
    except papermill.PapermillExecutionError as error:
        raise FacelibError(
            f"{notebook.name} failed: {error.ename}: {error.evalue}\nthe executed notebook shows where: {target}"
        ) from error
    except DeadKernelError as error:
        raise FacelibError(
            f"{notebook.name} failed: its process was killed, perhaps for want of memory\n"
            f"the executed notebook shows how far it came: {target}"
        ) from error
