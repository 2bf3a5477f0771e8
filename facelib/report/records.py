"""The runs of a tier that tables and pictures show: those of this machine, and the committed ones below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from facelib.errors import MissingPart
from facelib.papers import evaluations, load_paper
from facelib.papers.paper import Paper
from facelib.papers.status import COMMITTED_FOLDER, State, Status, committed_name, mark_of, standing_runs
from facelib.report.manifest import figures_folder
from facelib.runs.folders import RECORD_FILE, Run
from facelib.runs.records import Record, read_scores, write_record
from facelib.storage import write_checked
from facelib.weights import LARGEST


@dataclass(frozen=True)
class TierRuns:
    """The runs of a paper's tier.

    Args:
        paper, tier: whose.
        standing: method -> its runs by fold and seed; methods without any are left out.
    """

    paper: Paper
    tier: str
    standing: Mapping[str, list[Status]]

    def records(self, method: str) -> list[Record]:
        """The records of a method, by fold and seed; perhaps none."""
        return [status.record for status in self.standing.get(method, ()) if status.record is not None]

    def marks(self, method: str) -> tuple[str, ...]:
        """What must be said of a method's runs, such as "as committed" or "training.epochs=3"."""
        return tuple(dict.fromkeys(status.mark for status in self.standing.get(method, ()) if status.mark))

    def label(self, method: str) -> str:
        """A method's name in tables and pictures, with what marks its runs, save what all runs of the tier share."""
        shared, state = self._shared
        marks = dict.fromkeys(
            mark_of(
                {name: value for name, value in status.run.changes.items() if name not in shared},
                "current" if status.state == state else status.state,
            )
            for status in self.standing.get(method, ())
        )
        return self.paper.method(method).label + (f" ({'; '.join(filter(None, marks))})" if any(marks) else "")

    @property
    def shared_mark(self) -> str:
        """What marks all runs in tables; it stands in the caption instead of in each row."""
        return mark_of(*self._shared)

    @cached_property
    def _shared(self) -> tuple[dict[str, Any], State]:
        """The changed settings that all runs in tables share, but for methods that do not see them, and their state."""
        shown = [status for name in self.paper.tabulated() for status in self.standing.get(name, ())]
        changes = {name: value for status in shown for name, value in status.run.changes.items()}

        def shares(run: Run, name: str, value: Any) -> bool:
            if name in run.changes:
                return run.changes[name] == value
            return name not in self.paper.seen_changes(run.method, self.tier, {**run.changes, name: value})

        shared = {key: each for key, each in changes.items() if all(shares(one.run, key, each) for one in shown)}
        states = {status.state for status in shown}
        return shared, states.pop() if len(states) == 1 else "current"

    def local_records(self, methods: Iterable[str]) -> dict[str, list[Record]]:
        """label -> records whose scores lie on this machine, for pictures that show single samples."""
        found = {}
        for method in methods:
            runs = [status for status in self.standing.get(method, ()) if status.state != "committed"]
            if runs:
                found[self.label(method)] = [status.record for status in runs if status.record is not None]
        return found

    def command(self, method: str) -> str:
        """The command that makes a method's first run."""
        return Run(self.paper.name, method, tier=self.tier).command

    def missing(self, methods: Iterable[str]) -> list[str]:
        """The labels of those of these methods that have no run, each with the command that makes one."""
        return [
            f"{self.paper.method(name).label}: no run, `{self.command(name)}`"
            for name in methods
            if name not in self.standing
        ]

    def measured(self, table: str) -> list[str]:
        """The methods of a table that have runs, and some of its metrics where these come of an evaluation."""
        shown = self.paper.tables[table]
        wanted = set(shown.main) if shown.evaluation else set()
        return [
            name
            for name in self.paper.tabulated(table)
            if name in self.standing
            and not (wanted and any(wanted.isdisjoint(record.metrics) for record in self.records(name)))
        ]

    def unevaluated(self, table: str) -> list[str]:
        """Which methods with runs a table leaves out as they were not evaluated, with the commands that do it."""
        left = [name for name in self.paper.tabulated(table) if name in self.standing]
        labels = [self.label(name) for name in left if name not in self.measured(table)]
        if not labels:
            return []
        evaluation = self.paper.evaluations[self.paper.tables[table].evaluation or ""]
        command = f"facelib evaluate {self.paper.name} --tier {self.tier}"
        return [
            f"{', '.join(labels)}: not evaluated on {evaluation.title}: import them with `{evaluation.imported_by}`, "
            f"then `{command}`"
        ]

    def require(self, methods: Iterable[str]) -> None:
        """Raise MissingPart, with the commands that make them, when none of these methods has a run."""
        names = list(methods)
        if not any(name in self.standing for name in names):
            raise MissingPart(
                f"no run of {self.paper.name} at the {self.tier} tier: make one with `{self.command(names[0])}`, "
                f"or all with `facelib reproduce --paper {self.paper.name} --tier {self.tier}`"
            )


def open_runs(paper: str, tier: str) -> TierRuns:
    """The runs of a paper's tier.

    Raises:
        UnknownName: on an unknown paper or tier.
        CorruptFile: when a record is damaged.
    """
    loaded = load_paper(paper)
    loaded.settings(tier)
    found = {name: standing_runs(loaded, tier, name) for name in loaded.methods}
    return TierRuns(loaded, tier, {name: runs for name, runs in found.items() if runs})


def scores_of(record: Record) -> dict[str, np.ndarray]:
    """The scores of single samples that lie beside a record of this machine, those of its evaluations among them.

    Raises:
        MissingPart, CorruptFile: as `read_scores`.
    """
    own = read_scores(record.run.folder / RECORD_FILE, record)
    return own | evaluations.scores_of(load_paper(record.paper), record)


def one_fold(records: Mapping[str, list[Record]]) -> dict[str, Record]:
    """One record of each method, all of the first fold that all of them have; pictures of faces compare like with like.

    Raises:
        MissingPart: when they have no fold in common; the message says which command makes one.
    """
    if not records:
        return {}
    shared = set.intersection(*({record.fold for record in folds} for folds in records.values()))
    if not shared:
        found = {label: sorted({record.fold for record in folds}) for label, folds in records.items()}
        first, *_, last = (folds[0] for folds in records.values())
        command = Run(last.paper, last.method, first.fold, last.tier).command
        raise MissingPart(f"the methods share no fold: {found}; make one with `{command}`")
    return {label: next(r for r in folds if r.fold == min(shared)) for label, folds in records.items()}


def keep_records(runs: TierRuns) -> int:
    """Copy a tier's current records to where its tables lie, as method-fold0.json; the smoke tier's tell nothing.

    With those of pretrainings go their weights, where these are small: others can start from them elsewhere.

    Returns:
        How many records were copied.
    """
    if runs.tier == runs.paper.smallest_tier:
        return 0
    folder = figures_folder(runs.paper.folder, runs.tier) / COMMITTED_FOLDER
    current = [status for each in runs.standing.values() for status in each if status.is_current and not status.mark]
    for status in current:
        assert status.record is not None
        path = folder / committed_name(status.run)
        write_record(path, status.record)
        weights = status.run.weights
        if runs.paper.method(status.run.method).is_pretraining and weights.stat().st_size <= LARGEST:
            write_checked(path.with_suffix(weights.suffix), weights.read_bytes())
    return len(current)
