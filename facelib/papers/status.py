"""The one place that decides what a run stands for today: current, outdated and why, committed, or missing.

A run is current when its record and weights stand and were made from today's settings, data, code and weights of other
runs. Records that are committed in `figures/` are a read-only layer below the runs folder: they stand in tables until a
run of this machine does, and are never compared by their code. Weights of small pretrainings lie beside their records,
and others start from them until the pretraining is run here.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from facelib.errors import BadInput, CorruptFile, MissingPart, UnknownName
from facelib.papers import load_paper
from facelib.papers.evaluations import with_metrics
from facelib.papers.paper import Paper
from facelib.runs.code import code_digest
from facelib.runs.folders import RECORD_FILE, WEIGHTS_FILE, Run, project_folder, runs_folder
from facelib.runs.identity import Identity, identity_of_record
from facelib.runs.records import Record, read_record
from facelib.runs.settings import as_dict
from facelib.storage import digest_of, sha256_of, verify_once, write_text

TRAINING_CODE = "facelib.runs.training:train"  # of every run, besides its paper's own
COMMITTED_FOLDER = "records"  # beside the tables of a tier
COMMITTED_COMMAND = "git checkout -- figures"
MISSING, DAMAGED = "missing", "damaged"  # states of weights

logger = logging.getLogger(__name__)

State = Literal["current", "outdated", "committed", "missing"]


@dataclass(frozen=True)
class Status:
    """What a run stands for.

    Args:
        run: which one.
        state: "current"; "outdated", made from something else than today's; "committed", not made here, but its record
            comes with the repository; "missing".
        reason: why it is outdated, in words.
        record: the one that stands, if any, with the metrics of its evaluations.
    """

    run: Run
    state: State
    reason: str = ""
    record: Record | None = None

    @property
    def is_current(self) -> bool:
        """Whether nothing need be done."""
        return self.state == "current"

    @property
    def mark(self) -> str:
        """What tables and pictures add to the name of a method that such a run stands for; empty when it is current."""
        return mark_of(self.run.changes, self.state)


def mark_of(changes: Mapping[str, Any], state: State = "current") -> str:
    """Changed settings and a state in words: "training.epochs=3; as committed"."""
    changed = ", ".join(f"{name}={value}" for name, value in changes.items())
    words = {"committed": "as committed", "outdated": "outdated"}.get(state, "")
    return "; ".join(part for part in (changed, words) if part)


def status_of(run: Run, *, keep_code: bool = False) -> Status:
    """What a run stands for.

    Args:
        run: which one.
        keep_code: accept a record that another version of the code made.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
    """
    load_paper(run.paper).run_settings(run.method, run.tier, run.seed, run.changes)  # a wrong name is said at once
    try:
        record = read_record(run.record, run.command)
    except MissingPart:
        return _committed(run)
    except (CorruptFile, BadInput) as error:
        return Status(run, "outdated", str(error))
    weights = state_of_weights(run.weights)
    if weights in (MISSING, DAMAGED):
        return Status(run, "outdated", f"its weights are {weights}", record)
    wanted, paper = identity_of(run), load_paper(run.paper)
    record = with_metrics(paper, record)
    defaults = as_dict(type(paper.published)())
    differences = identity_of_record(record).completed(defaults).differences(wanted, keep_code=keep_code)
    if differences:
        return Status(run, "outdated", f"made from {' and '.join(differences)}", record)
    return Status(run, "current", record=record)


def statuses(runs: Iterable[Run], *, keep_code: bool = False) -> dict[Run, Status]:
    """What each of these runs stands for, in their order."""
    return {run: status_of(run, keep_code=keep_code) for run in runs}


def runs_of(paper: Paper, tier: str, folds: Iterable[int] = (0,), methods: Iterable[str] | None = None) -> list[Run]:
    """The runs of a paper in the order in which they are made.

    Pretrainings come first, then fold by fold the methods in the paper's order; what a run needs comes before it.

    Args:
        paper, tier: of the runs.
        folds: of all methods but the pretrainings, which have fold 0 only; those that the paper has not are left out.
        methods: only these and what they need; all by default.

    Raises:
        UnknownName: on an unknown tier or method.
    """
    paper.settings(tier)
    names = paper.in_order(paper.methods if methods is None else list(methods))
    first = [name for name in names if paper.methods[name].is_pretraining]
    later = [(name, fold) for fold in folds if fold < paper.folds for name in names if name not in first]
    return [Run(paper.name, name, fold, tier) for name, fold in [*((name, 0) for name in first), *later]]


def standing_runs(paper: Paper, tier: str, method: str) -> list[Status]:
    """The runs of a method that have a record, one for each fold and seed, in their order; perhaps none.

    A run with the tier's own settings stands before one with others (`--set`), of which the last made counts; a run of
    this machine before a committed one.
    """
    found: dict[tuple[int, int], Status] = {}
    for record in _committed_records(paper, tier, method):
        found[record.fold, record.seed] = Status(record.run, "committed", record=record)
    local = sorted(_local_runs(paper, tier, method), key=lambda run: (not run.changes, run.record.stat().st_mtime_ns))
    for run in local:
        key = run.fold, run.seed
        if not (run.changes and key in found and found[key].state == "committed"):
            found[key] = status_of(run)
    return [found[key] for key in sorted(found) if found[key].record is not None]


def needed_runs(run: Run) -> dict[str, Run]:
    """The runs that a run starts from or is taught by, by method: of seed 0, with the changes that they see."""
    paper, tier = load_paper(run.paper), run.tier
    settings = paper.run_settings(run.method, tier, run.seed, run.changes)
    needed = {}
    for name in paper.method(run.method).needed(settings):
        fold = 0 if paper.method(name).is_pretraining else run.fold
        needed[name] = Run(run.paper, name, fold, tier, changes=paper.seen_changes(name, tier, run.changes))
    return needed


def weights_to_start_from(run: Run) -> Path:
    """Where the weights of a run lie for others: its own, or else committed ones; neither need be there."""
    committed = committed_weights(load_paper(run.paper), run)
    return committed if committed is not None and committed.exists() and not run.weights.exists() else run.weights


def identity_of(run: Run) -> Identity:
    """What a run would be made from now."""
    from facelib.papers.datasets import data_fingerprint

    paper = load_paper(run.paper)
    settings = paper.run_settings(run.method, run.tier, run.seed, run.changes)
    needs = {name: weights_to_start_from(needed) for name, needed in needed_runs(run).items()}
    return Identity(
        settings=as_dict(settings),
        data=data_fingerprint(paper.steps.data_sets(paper.method(run.method), settings)),
        code=code_of(paper, run.method),
        needs={name: state_of_weights(path) for name, path in needs.items()},
    )


def code_of(paper: Paper, method: str) -> str:
    """A fingerprint of what a method does: the definitions that its run executes, and its own."""
    chosen = paper.method(method)
    return digest_of({"code": code_digest((TRAINING_CODE, *paper.code(chosen))), "method": chosen.definition})


def is_drawn(paper: Paper, tier: str, executed: Path) -> bool:
    """Whether an executed notebook that only reads shows what stands today, with today's code.

    Args:
        paper, tier: whose records.
        executed: the notebook, which need not be there.
    """
    note = _note_of(executed)
    return executed.exists() and note.exists() and note.read_bytes() == _drawn_from(paper, tier, executed).encode()


def note_drawn(paper: Paper, tier: str, executed: Path) -> None:
    """Note down what an executed notebook shows, for `is_drawn`."""
    write_text(_note_of(executed), _drawn_from(paper, tier, executed))


def _note_of(executed: Path) -> Path:
    return executed.with_suffix(".drawn_from")


def _drawn_from(paper: Paper, tier: str, executed: Path) -> str:
    """A fingerprint of a tier's records, of the notebook that reads them, and of the code of the report."""
    runs = [standing for name in paper.methods for standing in standing_runs(paper, tier, name)]
    notebook = project_folder() / "notebooks" / paper.folder / executed.name
    report = (project_folder() / "facelib" / "report").rglob("*.py")
    modules = sorted(".".join(path.relative_to(project_folder()).with_suffix("").parts) for path in report)
    return digest_of(
        {
            "records": [[str(each.run), each.mark, dataclasses.asdict(each.record)] for each in runs if each.record],
            "notebook": sha256_of(notebook),
            "code": code_digest([name.removesuffix(".__init__") for name in modules]),
        }
    )


def committed_folder(paper: Paper, tier: str) -> Path | None:
    """Where the committed records of a tier lie; None where facelib was installed without its figures."""
    try:
        return project_folder() / "figures" / paper.folder / tier / COMMITTED_FOLDER
    except MissingPart:
        return None


def committed_record(paper: Paper, run: Run) -> Path | None:
    """The committed record of a run, which need not be there."""
    folder = committed_folder(paper, run.tier)
    return None if folder is None or run.changes else folder / committed_name(run)


def committed_weights(paper: Paper, run: Run) -> Path | None:
    """The weights beside the committed record of a run; only those of small pretrainings are there."""
    record = committed_record(paper, run)
    return None if record is None else record.with_suffix(Path(WEIGHTS_FILE).suffix)


def committed_name(run: Run) -> str:
    """The file name of a run's committed record."""
    seed = f"-seed{run.seed}" if run.seed else ""
    return f"{run.method}-fold{run.fold}{seed}.json"


def _committed(run: Run) -> Status:
    path = committed_record(load_paper(run.paper), run)
    if path is None or not path.exists():
        return Status(run, "missing")
    return Status(run, "committed", record=read_record(path, COMMITTED_COMMAND))


def _committed_records(paper: Paper, tier: str, method: str) -> list[Record]:
    folder = committed_folder(paper, tier)
    paths = [] if folder is None else sorted(folder.glob(f"{method}-fold*.json"))
    return [read_record(path, COMMITTED_COMMAND) for path in paths]


def _local_runs(paper: Paper, tier: str, method: str) -> list[Run]:
    """Those with a record in the runs folder, the tier's own settings or not.

    Records of another schema, and of settings that are gone, say nothing that could be shown; they are passed over.
    """
    runs = []
    for folder in (runs_folder() / paper.name / tier).glob(f"{method}-fold*-seed*"):
        path = folder / RECORD_FILE
        if not path.exists():
            continue
        try:
            run = read_record(path, Run(paper.name, method, tier=tier).command).run
            paper.run_settings(run.method, run.tier, run.seed, run.changes)
        except (BadInput, UnknownName) as error:
            logger.warning("%s is passed over: %s", path, error)
        else:
            runs.append(run)
    return runs


def state_of_weights(path: Path) -> str:
    """The SHA-256 of a weights file; MISSING without one, DAMAGED when it does not match its checksum or has none."""
    if not path.exists():
        return MISSING
    try:
        return verify_once(path)  # many runs start from the same weights
    except CorruptFile:
        return DAMAGED
