"""95 % intervals of measured metrics and of their sums and differences, by resampling the evaluated people.

Each record's metrics are resampled once, 1,000 times, and kept beside it (`Steps.bootstrap_metrics`).
Resamples depend on nothing but the people that are evaluated, so all methods of a fold share them: any sum or
difference of metrics is paired. A metric of several folds is their mean, in the sample as in every resample.

People and runs are drawn together (hierarchical bootstrap). Where a method has several training starts on a fold, every
resample also draws from these starts, apart for each method; the spread of a mean of S drawn starts is widened by
sqrt(S / (S - 1)), without which two starts would show half of its variance. Where there are several folds, every
resample draws from these, together for all methods, as they learnt from the same people; by the same factor, and less
what people and starts alone make folds differ, which resamples show already. So a method with one start on one fold has
an interval of people only, which says nothing of another training.

Runs of this machine and committed ones are not mixed in one estimate: scores are not committed, so what was estimated
from committed runs lies beside them (`estimates.json`), and stands until all runs that it takes are of this machine.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from facelib.errors import BadInput, CorruptFile, MissingPart, unknown_name
from facelib.metrics.bootstrap import BootstrapSamples, percentile_intervals
from facelib.papers.evaluations import current_outcomes
from facelib.papers.status import COMMITTED_COMMAND, committed_folder
from facelib.report.records import TierRuns, scores_of
from facelib.runs.folders import Run
from facelib.runs.records import Record
from facelib.storage import digest_of, read_json, verify_checked, write_checked, write_json

RESAMPLES, SEED = 1000, 0
FORM = 3  # to be raised when a resample comes to mean something else; older files are then made anew
ESTIMATES_FILE, KEPT_FIELDS = "estimates.json", ("value", "low", "high", "folds")
KEPT_WHERE_KNOWN = ("runs", "spread_of_people")
SPREAD_OF_INTERVAL = 2 * NormalDist().inv_cdf(0.975)  # standard deviations in a 95 % interval

Part = tuple[float, str, str]  # coefficient, method, metric
Starts = dict[int, BootstrapSamples]  # seed -> samples of one method on one fold


@dataclass(frozen=True)
class Estimate:
    """A metric or a sum of metrics in the unit of records, its 95 % interval, and the folds it is a mean of.

    Args:
        value, low, high: in the unit of records.
        folds: which.
        runs: of the method with fewest of them, over these folds; 0 where it is not known.
        spread_of_people: standard deviation of the value over other people, with the same runs; None where not known.
        committed: it was estimated elsewhere, from runs whose scores are not here.
    """

    value: float
    low: float
    high: float
    folds: tuple[int, ...]
    runs: int = 0
    spread_of_people: float | None = None
    committed: bool = False

    @property
    def spread_of_runs(self) -> float | None:
        """Standard deviation of the value over other trainings of so many runs, with the same people.

        None where there is one run, or where it is not known.
        """
        if self.spread_of_people is None or self.runs < 2:
            return None
        spread = (self.high - self.low) / SPREAD_OF_INTERVAL
        return math.sqrt(max(0.0, spread**2 - self.spread_of_people**2))

    @property
    def negative(self) -> Estimate:
        """Of the same sum with all signs turned."""
        return replace(self, value=-self.value, low=-self.high, high=-self.low)

    def p_value(self, bound: float = 0.0) -> float:
        """Of the value being this bound, two-sided, by the normal distribution that has this interval.

        Below 5 % exactly where the interval leaves the bound out. Percentiles of 1,000 resamples cannot tell
        probabilities below 1/500, which corrections for many comparisons need.
        """
        spread = (self.high - self.low) / SPREAD_OF_INTERVAL
        if spread == 0:
            return float(self.value == bound)
        middle = (self.high + self.low) / 2
        return math.erfc(abs(middle - bound) / (spread * math.sqrt(2)))  # exact in the far tail too


@dataclass
class Estimates:
    """What can be estimated from the runs of a tier.

    Args:
        runs: of the tier.
        samples: method -> fold -> seed -> resampled metrics of a run of this machine.
        committed: what was estimated from the committed runs.
        used: every estimate that was asked for, by its key.
    """

    runs: TierRuns
    samples: Mapping[str, Mapping[int, Starts]]
    committed: Mapping[str, Estimate]
    used: dict[str, Estimate] = field(default_factory=dict)

    def combine(self, parts: Sequence[Part]) -> Estimate:
        """A sum of metrics with coefficients, such as a difference of two methods, over the folds that all have run.

        Args:
            parts: (coefficient, method, metric) of each summand.

        Raises:
            MissingPart: when no estimate can be made; the message names the commands that would change this, or the
                metric that a run has not measured.
            BadInput: when two runs of a fold evaluate other people, or a metric has too few samples with a value.
            UnknownName: for a metric that the paper has not.
        """
        methods = list(dict.fromkeys(method for _, method, _ in parts))
        key, turned = key_of(parts), key_of([(-c, method, metric) for c, method, metric in parts])
        if shared := self._shared_folds(methods):
            found = self._resampled(parts, methods, shared)
        elif key in self.committed:
            found = self.committed[key]
        elif turned in self.committed:
            return self.committed[turned].negative
        else:
            raise MissingPart(f"no common fold of {', '.join(sorted(methods))} with scores: {self.missing(methods)}")
        self.used[key] = found
        return found

    def find(self, parts: Sequence[Part]) -> Estimate | None:
        """As `combine`, or None where no estimate can be made."""
        try:
            return self.combine(parts)
        except MissingPart:
            return None

    def missing(self, methods: Iterable[str]) -> list[str]:
        """The commands of the runs without which these methods cannot be compared; none when they share a fold."""
        wanted = list(dict.fromkeys(methods))
        absent = [name for name in wanted if name not in self.samples]
        if absent or self._shared_folds(wanted):
            return [self.runs.command(name) for name in absent]
        have = [fold for name in wanted for fold in self.samples[name]]
        fold = max(dict.fromkeys(have), key=have.count)
        paper, tier = self.runs.paper.name, self.runs.tier
        return [Run(paper, name, fold, tier).command for name in wanted if fold not in self.samples[name]]

    def _shared_folds(self, methods: Iterable[str]) -> list[int]:
        """The folds on which all of these methods have a run of this machine."""
        return sorted(set.intersection(*(set(self.samples.get(name, ())) for name in methods)))

    def _resampled(self, parts: Sequence[Part], methods: list[str], folds: list[int]) -> Estimate:
        values, of_people, resampled = [], [], []
        for fold in folds:
            starts = {method: self.samples[method][fold] for method in methods}
            self._check_paired(fold, parts, starts)
            summands = [self._over_starts(starts[method], method, fold, metric) for _, method, metric in parts]
            coefficients = np.array([c for c, _, _ in parts])
            values.append(float(coefficients @ [value for value, _, _ in summands]))
            of_people.append(coefficients @ np.stack([samples for _, samples, _ in summands]))
            resampled.append(coefficients @ np.stack([samples for _, _, samples in summands]))
        # A resample that lacks a kind of pair in one fold has no value at all.
        samples = np.mean(resampled, axis=0) + _drawn_folds(np.array(values), np.stack(resampled))
        (interval,) = percentile_intervals(np.array([np.mean(values)]), samples[:, None])
        runs = min(sum(len(self.samples[method][fold]) for fold in folds) for method in methods)
        spread = float(np.nanstd(np.mean(of_people, axis=0)))
        return Estimate(interval.estimate, interval.low, interval.high, tuple(folds), runs, spread)

    def _over_starts(self, starts: Starts, method: str, fold: int, metric: str) -> tuple[float, np.ndarray, np.ndarray]:
        """A metric's mean over training starts, in the sample, in each resample of people, and of people and starts."""
        columns = [self._column(run, method, metric) for run in starts.values()]
        values = np.array([run.estimates[i] for run, i in zip(starts.values(), columns, strict=True)])
        samples = np.stack([run.samples[:, i] for run, i in zip(starts.values(), columns, strict=True)])
        count, resamples = samples.shape
        mean = samples.mean(axis=0)
        if count == 1:
            return float(values[0]), mean, mean
        generator = np.random.default_rng(int(digest_of([SEED, method, fold]), 16))
        chosen = generator.integers(count, size=(resamples, count))
        of_starts = samples[chosen, np.arange(resamples)[:, None]].mean(axis=1)
        return float(values.mean()), mean, mean + np.sqrt(count / (count - 1)) * (of_starts - mean)

    def _column(self, run: BootstrapSamples, method: str, metric: str) -> int:
        if metric not in run.names and metric in self.runs.paper.metrics:
            raise MissingPart(f"the run of {method} has not measured {metric}, which its data do not hold")
        if metric not in run.names:
            error = unknown_name("metric", metric, run.names)
            raise type(error)(f"{error}; the record was made by `{self.runs.command(method)}`")
        return run.names.index(metric)

    def _check_paired(self, fold: int, parts: Sequence[Part], starts: Mapping[str, Starts]) -> None:
        """Raise BadInput unless the methods that have a metric resampled the same people for it."""
        for metric in dict.fromkeys(metric for _, _, metric in parts):
            people: dict[int, str] = {}
            for method, runs in starts.items():
                for run in runs.values():
                    if metric in run.names:
                        people.setdefault(int(run.seeds[run.names.index(metric)]), method)
            if len(people) > 1:
                first, second, *_ = people.values()
                raise BadInput(
                    f"{first} and {second} evaluate other people in fold {fold}: make the older run again, "
                    f"`{self.runs.command(first)}` or `{self.runs.command(second)}`"
                )


def _drawn_folds(values: np.ndarray, resampled: np.ndarray) -> np.ndarray:
    """What drawing folds adds to their mean in each resample.

    Args:
        values: (F,), one a fold, in the sample.
        resampled: (F, R), in each resample of people and starts.

    Returns:
        (R,), of mean 0. Its variance is that of the mean of F folds which differ by as much more than people and starts
        make them differ; 0 where that is nothing, and for one fold.
    """
    folds, resamples = resampled.shape
    deviations = values - values.mean()
    explained = np.nanvar(resampled - resampled.mean(axis=0), axis=1).sum()
    found = float((deviations**2).sum())
    if folds == 1 or found <= explained:
        return np.zeros(resamples)
    generator = np.random.default_rng(int(digest_of([SEED, folds]), 16))
    drawn = deviations[generator.integers(folds, size=(resamples, folds))].mean(axis=1)
    return math.sqrt((1 - explained / found) * folds / (folds - 1)) * drawn


def key_of(parts: Sequence[Part]) -> str:
    """The name of an estimate: the same for the same sum, in whatever order it is written."""
    return " ".join(sorted(f"{coefficient:+g}*{method}:{metric}" for coefficient, method, metric in parts))


def open_estimates(runs: TierRuns) -> Estimates:
    """What can be estimated from the runs of a tier.

    Raises:
        MissingPart, CorruptFile: as `read_scores`.
    """
    samples: dict[str, dict[int, Starts]] = {}
    for method in runs.paper.tabulated():  # pretrainings have scores of another kind
        for status in runs.standing.get(method, ()):
            if status.record is not None and status.state != "committed":
                starts = samples.setdefault(method, {}).setdefault(status.run.fold, {})
                starts[status.run.seed] = samples_of(runs, status.record)
    return Estimates(runs, samples, _committed_estimates(runs))


def keep_estimates(estimates: Estimates) -> None:
    """Write all that was asked of a tier beside its committed records; what is written there stays where nothing new is
    known."""
    folder = committed_folder(estimates.runs.paper, estimates.runs.tier)
    if folder is not None and folder.is_dir():
        together = dict(estimates.committed) | estimates.used
        write_json(folder / ESTIMATES_FILE, {key: _entry(together[key]) for key in sorted(together)})


def _entry(estimate: Estimate) -> dict[str, Any]:
    names = KEPT_FIELDS if estimate.spread_of_people is None else (*KEPT_FIELDS, *KEPT_WHERE_KNOWN)
    return {name: getattr(estimate, name) for name in names}


def _committed_estimates(runs: TierRuns) -> dict[str, Estimate]:
    folder = committed_folder(runs.paper, runs.tier)
    path = None if folder is None else folder / ESTIMATES_FILE
    if path is None or not path.exists():
        return {}
    entries = read_json(path, f"get it back with `{COMMITTED_COMMAND}`")
    return {
        key: Estimate(**{**entry, "folds": tuple(entry["folds"])}, committed=True) for key, entry in entries.items()
    }


_READ: dict[Path, BootstrapSamples] = {}  # every file once a process


def samples_of(runs: TierRuns, record: Record) -> BootstrapSamples:
    """The resampled metrics of one run, from the file beside its scores, which is made when it is missing or damaged.

    Raises:
        MissingPart, CorruptFile: as `read_scores`.
    """
    if record.scores is None:
        raise MissingPart(f"the run of {record.method} holds no scores: make it again with `{record.run.command}`")
    metrics = runs.paper.metrics
    constants = [record.metrics[m]["value"] for m in metrics if m in record.metrics and not metrics[m].over_people]
    evaluated = [each.scores["sha256"] for each in current_outcomes(runs.paper, record.run).values()]
    key = digest_of([FORM, record.scores["sha256"], *evaluated, sorted(record.metrics), RESAMPLES, SEED, *constants])
    path = record.run.folder / f"intervals-{key}.npz"
    if path not in _READ:
        _READ[path] = _read(path) or _resample_and_keep(runs, path, record)
    return _READ[path]


def _read(path: Path) -> BootstrapSamples | None:
    try:
        verify_checked(path)
    except CorruptFile:
        return None
    with np.load(path, allow_pickle=False) as file:
        return BootstrapSamples(tuple(map(str, file["names"])), file["estimates"], file["samples"], file["seeds"])


def _resample_and_keep(runs: TierRuns, path: Path, record: Record) -> BootstrapSamples:
    made = runs.paper.steps.bootstrap_metrics(record.metrics, scores_of(record), resamples=RESAMPLES, seed=SEED)
    content = io.BytesIO()
    np.savez_compressed(content, **made._asdict() | {"names": np.array(made.names)})
    with suppress(OSError):  # in a folder that cannot be written, the next report resamples again
        write_checked(path, content.getbuffer())
    return made
