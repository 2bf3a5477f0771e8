"""Runs one after the other: which are missing or out of date, training them in notebooks, then tables and figures.

A run is current when its record and weights stand and were made from today's settings, data, code and weights of other
runs. `facelib.grid` does the same for many runs at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from facelib.errors import BadInput, CorruptFile, FacelibError, MissingPart, unknown_name
from facelib.papers import WEIGHTS_FILE, load_paper, needed_weights, run_code
from facelib.runs.folders import project_folder, record_path, run_folder, runs_folder
from facelib.runs.identity import Identity, claim, identity_of_record
from facelib.runs.records import read_record, require_metric
from facelib.runs.settings import as_dict
from facelib.storage import sha256_of

READING_NOTEBOOKS = ("tables", "figures")
NOT_MADE = "not made yet"
Say = Callable[[str], None]
MethodFold = tuple[str, int]


# Which runs there are, and which must be made


def runs_of(paper: str, folds: Iterable[int] = (0,), methods: Iterable[str] | None = None) -> list[MethodFold]:
    """The runs of a paper in the order in which they are made.

    Pretrainings come first, then fold by fold the methods in the paper's order; what a run needs comes before it.

    Args:
        paper: name.
        folds: of all methods but the pretrainings, which have fold 0 only; those that the paper has not are left out.
        methods: only these and what they need; all by default.

    Raises:
        UnknownName: on an unknown paper or method.
    """
    package = load_paper(paper)
    names = in_order(package, package.METHODS if methods is None else methods)
    pretrainings = [name for name in names if package.METHODS[name].kind == "pretraining"]
    return [(name, 0) for name in pretrainings] + [
        (name, fold) for fold in folds if fold < package.FOLDS for name in names if name not in pretrainings
    ]


def run_name(paper: str, method: str, fold: int, tier: str) -> str:
    """What a run is called where one says what became of it."""
    return f"{paper} {method} fold {fold} at {tier}"


def in_order(package: ModuleType, methods: Iterable[str]) -> list[str]:
    """These methods and all that they need, in the paper's order, each after what it needs."""
    order: list[str] = []

    def add(name: str) -> None:
        for need in package.METHODS[name].needs:
            add(need)
        if name not in order:
            order.append(name)

    chosen = set(methods)
    for name in chosen:
        _check_method(package, name)
    for name in package.METHODS:
        if name in chosen:
            add(name)
    return order


def identity_of(
    paper: str, method: str, fold: int, tier: str, seed: int = 0, changes: dict[str, Any] | None = None
) -> Identity:
    """What a run would be made from now."""
    package = load_paper(paper)
    needed = needed_weights(paper, method, fold, tier)
    return Identity(
        settings=as_dict(package.run_settings(method, tier, seed, changes)),
        data=package.data_fingerprint(method, tier, changes),
        code=run_code(paper, method),
        needs={name: _digest_of_weights(path) if path.exists() else "missing" for name, path in needed.items()},
    )


def outdated(
    paper: str,
    method: str,
    fold: int,
    tier: str,
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    *,
    keep_code: bool = False,
) -> str | None:
    """Why a run must be made (again), in words; None when it is current.

    Args:
        paper, method, fold, tier, seed, changes: of the run.
        keep_code: accept a record that another version of the code made.
    """
    folder = run_folder(paper, tier, method, fold, seed)
    try:
        record = read_record(record_path(folder))
    except MissingPart:
        return NOT_MADE
    except (CorruptFile, BadInput) as error:
        return str(error)
    if not (folder / WEIGHTS_FILE).exists():
        return "its weights are gone"
    wanted = identity_of(paper, method, fold, tier, seed, changes)
    found = identity_of_record(record).completed(as_dict(type(load_paper(paper).run_settings(method, tier))()))
    differences = found.differences(wanted, keep_code=keep_code)
    return f"made from {' and '.join(differences)}" if differences else None


def is_current(
    paper: str,
    method: str,
    fold: int,
    tier: str,
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    *,
    keep_code: bool = False,
) -> bool:
    """Whether a run's record stands and was made from today's settings, data, code and needed weights."""
    return outdated(paper, method, fold, tier, seed, changes, keep_code=keep_code) is None


# Making them


def train(
    paper: str,
    method: str,
    *,
    fold: int = 0,
    tier: str = "smoke",
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    keep_code: bool = False,
    say: Say = print,
) -> Path:
    """Make one run in this process unless it is current; `train.ipynb` calls this.

    An unfinished run of the same settings, data, code and weights goes on; a run of others is set aside.

    Returns:
        The path of its record.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
        BadInput: another process trains this run.
    """
    package = load_paper(paper)
    _check_method(package, method)
    what = run_name(paper, method, fold, tier)
    folder = run_folder(paper, tier, method, fold, seed)
    if is_current(paper, method, fold, tier, seed, changes, keep_code=keep_code):
        say(f"{what}: up to date")
        return record_path(folder)
    set_aside = claim(folder, identity_of(paper, method, fold, tier, seed, changes))
    if set_aside is not None:
        say(f"{what}: {set_aside[1]}; the old run is kept as {set_aside[0].name}")
    return package.train(method, fold=fold, tier=tier, seed=seed, changes=changes)


def run(
    paper: str,
    methods: Sequence[str],
    *,
    fold: int = 0,
    tier: str = "smoke",
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    directly: bool = False,
    keep_code: bool = False,
    say: Say = print,
) -> list[Path]:
    """Make the runs of some methods of one fold in one notebook, or directly in this process.

    Where one fails the others are made all the same, in another notebook.

    Returns:
        The paths of their records.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
        FacelibError: when a run failed, after all others have been made; the message names each with its reason.
    """
    package = load_paper(paper)
    for method in methods:
        _check_method(package, method)
        package.run_settings(method, tier, seed, changes)  # an unknown tier or setting is said before anything starts
    options: dict[str, Any] = {"fold": fold, "tier": tier, "seed": seed, "changes": changes, "keep_code": keep_code}

    def unmade(names: Sequence[str]) -> list[str]:
        return [n for n in names if not is_current(paper, n, fold, tier, seed, changes, keep_code=keep_code)]

    failed: dict[str, FacelibError] = {}
    waiting = unmade([name for name in in_order(package, methods) if name in methods])
    for method in methods:
        if method not in waiting:
            say(f"{run_name(paper, method, fold, tier)}: up to date")
    while waiting:
        together = waiting[:1] if directly else waiting
        try:
            if directly:
                train(paper, waiting[0], **options, say=say)
            else:
                _train_in_notebook(package, paper, together, options)
        except FacelibError as error:
            left = unmade(together)
            if not left:  # everything is trained; the notebook failed afterwards
                raise
            failed[left[0]] = error
            if len(methods) > 1:
                say(f"{run_name(paper, left[0], fold, tier)} failed: {error}")
            together = together[: together.index(left[0]) + 1]
        waiting = [name for name in waiting[len(together) :] if failed.keys().isdisjoint(in_order(package, [name]))]
    if len(failed) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise FacelibError("\n".join(f"{method}: {error}" for method, error in failed.items()))
    return [record_path(run_folder(paper, tier, method, fold, seed)) for method in methods]


def _train_in_notebook(package: ModuleType, paper: str, methods: Sequence[str], options: dict[str, Any]) -> None:
    """Execute the paper's train notebook; the executed copy of a single run goes into the run's folder."""
    fold, tier, seed = options["fold"], options["tier"], options["seed"]
    name = f"{methods[0]}{f'-and-{len(methods) - 1}-more' if methods[1:] else ''}-fold{fold}-seed{seed}.ipynb"
    executed = runs_folder() / paper / tier / "notebooks" / name
    os.environ["FACELIB_RUNS"] = str(runs_folder())  # the kernel starts in the notebook's folder
    source = project_folder() / "notebooks" / package.FOLDER / "train.ipynb"
    execute(source, executed, {"methods": list(methods), **options, "changes": options["changes"] or {}})
    if len(methods) == 1:
        os.replace(executed, run_folder(paper, tier, methods[0], fold, seed) / "train.ipynb")


def execute(notebook: Path, target: Path, parameters: dict[str, Any]) -> None:
    """Execute a notebook through papermill; the executed copy, with its error if there is one, is kept.

    Args:
        notebook: with a cell tagged `parameters`.
        target: where the executed copy goes.
        parameters: new values of its parameters.

    Raises:
        MissingPart: when papermill is not installed.
        FacelibError: when a cell fails, or the notebook's process is killed; the message names the notebook and why.
    """
    # jsonschema would build a grammar of web addresses for two seconds, for a check that notebooks do not need.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    try:
        import papermill
        from nbclient.exceptions import DeadKernelError
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
    except DeadKernelError as error:
        raise FacelibError(
            f"{notebook.name} failed: its process was killed, perhaps for want of memory\n"
            f"the executed notebook shows how far it came: {target}"
        ) from error


def reproduce_directly(
    paper: str,
    tier: str,
    *,
    folds: Iterable[int] = (0,),
    methods: Iterable[str] | None = None,
    keep_code: bool = False,
    say: Say = print,
) -> bool:
    """Make every run that is not current in this process, one after the other, without notebooks.

    Returns:
        Whether all stand now; what failed has been said.
    """
    package = load_paper(paper)
    wanted = runs_of(paper, folds, methods)
    package.prepare(tier)
    complete = True
    for method, fold in wanted:
        try:
            current = is_current(paper, method, fold, tier, keep_code=keep_code)
            path = train(paper, method, fold=fold, tier=tier, keep_code=keep_code, say=say)
        except (FacelibError, RuntimeError) as error:  # torch's own, such as want of memory
            complete = False
            say(f"{run_name(paper, method, fold, tier)} failed: {error}")
        else:
            if not current:
                say(f"{run_name(paper, method, fold, tier)}: {result_line(paper, path)}")
    return complete


def result_line(paper: str, path: Path) -> str:
    """The headline metric of a record, and how long its training took."""
    record, headline = read_record(path), load_paper(paper).HEADLINE
    return f"{headline} {require_metric(record, headline):.3f} after {record.wall_time_s:.0f} s of training"


# Reading them


def report(paper: str, tier: str, *, directly: bool = False, say: Say = print) -> str:
    """Execute the notebooks that read records, unless `directly`, and give the tables as Markdown."""
    from facelib.report.manifest import figures_folder

    if directly:
        from facelib.report.tables import all_tables_as_markdown

        return all_tables_as_markdown(paper, tier)
    package = load_paper(paper)
    written = figures_folder(project_folder(), package.FOLDER, tier)
    os.environ["FACELIB_RUNS"] = str(runs_folder())
    for name in READING_NOTEBOOKS:
        source = project_folder() / "notebooks" / package.FOLDER / f"{name}.ipynb"
        execute(source, runs_folder() / paper / tier / f"{name}.ipynb", {"tier": tier})
        say(f"{paper} {name} at {tier}: {written}")
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(written.glob("table_*.md")))


def _check_method(package: ModuleType, method: str) -> None:
    if method not in package.METHODS:
        raise unknown_name("method", method, package.METHODS)


def _digest_of_weights(path: Path) -> str:
    status = path.stat()
    return _digest_of_file(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _digest_of_file(path: Path, mtime_ns: int, size: int) -> str:
    """Hashed once for each time and size that a file has: weights are large, and many runs start from the same."""
    return sha256_of(path)
