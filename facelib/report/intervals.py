"""95 % intervals of measured metrics and of their sums and differences, by drawing the evaluated people again.

Each record's metrics are resampled once, 1,000 times, and kept beside it; how, its paper says (`bootstrap_metrics`).
Resamples depend on nothing but the people that are evaluated, so all methods of a fold share them: any sum or
difference of metrics is paired. A metric of several folds is their mean, in the sample as in every draw.

The intervals say what other people of the same kind would change. What another start of the training would change is
in them only as far as the folds differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facelib.errors import BadInput, CorruptFile, MissingPart, unknown_name
from facelib.metrics.bootstrap import percentile_intervals
from facelib.metrics.bootstrap_samples import BootstrapSamples
from facelib.papers import load_paper
from facelib.report.records import find_records, folder_of
from facelib.runs.folders import record_path
from facelib.runs.records import Record, read_scores, run_command
from facelib.storage import digest_of, verify_checked, write_checked

DRAWS, SEED = 1000, 0
FORM = 1  # to be raised when a draw comes to mean something else; older files are then drawn anew

Part = tuple[float, str, str]  # coefficient, method, metric


@dataclass(frozen=True)
class Draws:
    """The metrics of one run and their draws.

    Args:
        names, estimates, drawn, seeds: as of BootstrapSamples.
        command: that makes the run.
    """

    names: tuple[str, ...]
    estimates: np.ndarray
    drawn: np.ndarray
    seeds: np.ndarray
    command: str

    def column(self, name: str) -> int:
        """The place of a metric.

        Raises:
            UnknownName: when the run has none of this name; the message says which command makes it again.
        """
        if name not in self.names:
            error = unknown_name("metric", name, self.names)
            raise type(error)(f"{error}; the record was made by `{self.command}`")
        return self.names.index(name)


@dataclass(frozen=True)
class Estimate:
    """A metric or a difference of metrics in the unit of records, its 95 % interval, and the folds it is a mean of."""

    value: float
    low: float
    high: float
    folds: tuple[int, ...]


Runs = Mapping[tuple[int, int], Draws]  # (fold, seed) -> draws of one method


_READ: dict[Path, Draws] = {}  # every file once a process


def draws_of_methods(paper: str, tier: str, methods: Iterable[str]) -> dict[str, Runs]:
    """The draws of every run of these methods at a tier; a method without a run is left out."""
    found = {name: find_records(paper, tier, name) for name in methods}
    return {
        name: {(record.fold, record.seed): draws_of(record) for record in records}
        for name, records in found.items()
        if records
    }


def missing_runs(paper: str, tier: str, draws: Mapping[str, Runs], methods: Iterable[str]) -> list[str]:
    """The commands of the runs without which these methods cannot be compared; none when they share a fold."""
    wanted = list(dict.fromkeys(methods))
    absent = [name for name in wanted if name not in draws]
    if absent or _shared(draws, wanted):
        return [run_command(paper, name, 0, tier) for name in absent]
    have = [key for name in wanted for key in draws[name]]
    fold, seed = max(dict.fromkeys(have), key=have.count)
    return [run_command(paper, name, fold, tier) for name in wanted if (fold, seed) not in draws[name]]


def combine(draws: Mapping[str, Runs], parts: Sequence[Part]) -> Estimate:
    """A sum of metrics with coefficients, such as a difference of two methods, over the folds that all have run.

    Args:
        draws: of draws_of_methods.
        parts: (coefficient, method, metric) of each summand.

    Raises:
        MissingPart: when the methods share no fold.
        BadInput: when two runs of a fold evaluate other people, or a metric has too few draws with a value.
        UnknownName: when a run lacks a metric.
    """
    methods = dict.fromkeys(method for _, method, _ in parts)
    shared = _shared(draws, methods) if methods.keys() <= draws.keys() else []
    if not shared:
        raise MissingPart(f"{', '.join(sorted(methods))} share no fold: run them on the same one (facelib run)")
    estimates, drawn = [], []
    for key in shared:
        runs = {method: draws[method][key] for method in methods}
        columns = [runs[method].column(metric) for _, method, metric in parts]
        _check_paired(key[0], parts, runs)
        summands = [(coefficient, runs[method], i) for (coefficient, method, _), i in zip(parts, columns, strict=True)]
        estimates.append(np.sum([coefficient * run.estimates[i] for coefficient, run, i in summands], axis=0))
        drawn.append(np.sum([coefficient * run.drawn[:, i] for coefficient, run, i in summands], axis=0))
    # A draw that lacks a kind of pair in one fold has no value at all.
    (interval,) = percentile_intervals(np.array([np.mean(estimates)]), np.mean(drawn, axis=0)[:, None])
    return Estimate(interval.estimate, interval.low, interval.high, tuple(sorted({fold for fold, _ in shared})))


def draws_of(record: Record) -> Draws:
    """The draws of one run, from the file beside its scores, which is made when it is missing or damaged.

    Raises:
        MissingPart, CorruptFile: as read_scores.
    """
    if record.scores is None:
        raise MissingPart(f"the run of {record.method} holds no scores: make it again with `{record.command}`")
    words = load_paper(record.paper).METRIC_WORDS
    constants = [record.metrics[name]["value"] for name in words if name in record.metrics and not words[name].varies]
    key = digest_of([FORM, record.scores["sha256"], sorted(record.metrics), DRAWS, SEED, *constants])
    path = folder_of(record) / f"intervals-{key}.npz"
    if path not in _READ:
        _READ[path] = _read(path, record.command) or _draw_and_keep(path, record)
    return _READ[path]


def _read(path: Path, command: str) -> Draws | None:
    try:
        verify_checked(path)
    except CorruptFile:
        return None
    with np.load(path, allow_pickle=False) as file:
        return Draws(tuple(map(str, file["names"])), file["estimates"], file["drawn"], file["seeds"], command)


def _draw_and_keep(path: Path, record: Record) -> Draws:
    made = _draw(record)
    arrays = {"names": np.array(made.names), "estimates": made.estimates, "drawn": made.drawn, "seeds": made.seeds}

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    with suppress(OSError):  # in a folder that cannot be written, the next report draws again
        write_checked(path, write)
    return Draws(*made, record.command)


def _draw(record: Record) -> BootstrapSamples:
    arrays = read_scores(record_path(folder_of(record)), record)
    return load_paper(record.paper).bootstrap_metrics(record.metrics, arrays, draws=DRAWS, seed=SEED)


def _shared(draws: Mapping[str, Runs], methods: Iterable[str]) -> list[tuple[int, int]]:
    """The (fold, seed) that all of these methods have run."""
    return sorted(set.intersection(*(set(draws[name]) for name in methods)))


def _check_paired(fold: int, parts: Sequence[Part], runs: Mapping[str, Draws]) -> None:
    """Raise BadInput unless the methods that have a metric drew the same people for it."""
    for metric in dict.fromkeys(metric for _, _, metric in parts):
        first, *others = (method for method, run in runs.items() if metric in run.names)
        for method in others:
            if _seed(runs[method], metric) != _seed(runs[first], metric):
                raise BadInput(
                    f"{first} and {method} evaluate other people in fold {fold}: make the older run again, "
                    f"`{runs[first].command}` or `{runs[method].command}`"
                )


def _seed(run: Draws, metric: str) -> int:
    return int(run.seeds[run.column(metric)])
