"""What `facelib reproduce` and `facelib run` do: prepare data, execute notebooks, skip what already stands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facelib.errors import BadInput, CorruptFile, FacelibError, MissingPart, unknown_name
from facelib.papers import load_paper
from facelib.runs.folders import project_folder, record_path, run_folder, runs_folder
from facelib.runs.records import read_record
from facelib.runs.settings import as_dict, override

READING_NOTEBOOKS = ("tables", "figures")
Say = Callable[[str], None]


def execute(notebook: Path, target: Path, parameters: dict[str, Any]) -> None:
    """Execute a notebook through papermill; the executed copy, with its error if there is one, is kept.

    Args:
        notebook: with a cell tagged `parameters`.
        target: where the executed copy goes.
        parameters: new values of its parameters.

    Raises:
        MissingPart: when papermill is not installed.
        FacelibError: when a cell fails; the message names the notebook and the error.
    """
    try:
        import papermill
    except ImportError as error:
        raise MissingPart('papermill is missing: pip install "facelib-companion[notebooks]"') from error
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            str(notebook),
            str(target),
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


def run(
    paper: str,
    method: str,
    *,
    fold: int = 0,
    tier: str = "smoke",
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    directly: bool = False,
) -> Path:
    """Train one run by executing the paper's train notebook, or directly in this process.

    Returns:
        The path of its record.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
    """
    package = load_paper(paper)
    if method not in package.METHODS:
        raise unknown_name("method", method, package.METHODS)
    package.settings_of(tier, changes)  # an unknown tier or setting is said before anything starts
    folder = run_folder(paper, tier, method, fold, seed)
    if directly:
        return package.train(method, fold=fold, tier=tier, seed=seed, changes=changes)
    parameters = {"method": method, "fold": fold, "tier": tier, "seed": seed, "changes": changes or {}}
    os.environ["FACELIB_RUNS"] = str(runs_folder())  # the kernel starts in the notebook's folder
    execute(project_folder() / "notebooks" / package.FOLDER / "train.ipynb", folder / "train.ipynb", parameters)
    return record_path(folder)


def reproduce(paper: str, tier: str, *, folds: tuple[int, ...] = (0,), directly: bool = False, say: Say = print) -> str:
    """Make every run of a paper that is missing, then its tables and figures.

    Args:
        paper: name.
        tier: of the runs.
        folds: to run.
        directly: train in this process, without notebooks.
        say: told what happens, a line at a time.

    Returns:
        The paper's table as Markdown.
    """
    package = load_paper(paper)
    package.settings_of(tier)
    package.prepare(tier)
    for method in package.METHODS.values():
        for fold in folds if method.needs else (0,):
            what = f"{paper} {method.name} fold {fold} at {tier}"
            if is_current(paper, method.name, fold, tier):
                say(f"{what}: up to date")
                continue
            _set_aside(run_folder(paper, tier, method.name, fold, 0))
            record = read_record(run(paper, method.name, fold=fold, tier=tier, directly=directly))
            headline = record.metrics[package.HEADLINE]["value"]
            say(f"{what}: {package.HEADLINE} {headline:.3f} after {record.wall_time_s:.0f} s of training")
    return report(paper, tier, directly=directly, say=say)


def _set_aside(folder: Path) -> None:
    """Keep a finished run of other settings under another name; an unfinished one goes on where it was."""
    if record_path(folder).exists():
        number = 1
        while (kept := folder.with_name(f"superseded-{folder.name}-{number}")).exists():
            number += 1
        folder.rename(kept)


def report(paper: str, tier: str, *, directly: bool = False, say: Say = print) -> str:
    """Execute the notebooks that read records, and give the table as Markdown."""
    from facelib.report.manifest import figures_folder
    from facelib.report.tables import caption, comparison, to_markdown

    package = load_paper(paper)
    if not directly:
        os.environ["FACELIB_RUNS"] = str(runs_folder())
        for name in READING_NOTEBOOKS:
            source = project_folder() / "notebooks" / package.FOLDER / f"{name}.ipynb"
            execute(source, runs_folder() / paper / tier / f"{name}.ipynb", {"tier": tier})
            say(f"{paper} {name} at {tier}: {figures_folder(project_folder(), package.FOLDER, tier)}")
    return to_markdown(comparison(paper, tier), caption(paper, tier))


def is_current(paper: str, method: str, fold: int, tier: str, seed: int = 0) -> bool:
    """Whether a run's record stands and was made with today's settings and data of its tier."""
    package = load_paper(paper)
    path = record_path(run_folder(paper, tier, method, fold, seed))
    try:
        record = read_record(path)
    except (MissingPart, CorruptFile, BadInput):
        return False
    stage = "pretraining" if package.METHODS[method].kind == "pretraining" else "training"
    wanted = as_dict(override(package.settings_of(tier), {f"{stage}.seed": seed}))
    same_data = record.data["fingerprint"] == package.data_fingerprint(method, tier)
    return same_data and json.loads(json.dumps(record.parameters)) == json.loads(json.dumps(wanted))
