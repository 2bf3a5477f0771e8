"""95 % intervals of measured rates and of their sums and differences, by drawing identities again.

Each record's metrics are drawn once, 1,000 times, and kept beside it. The draws depend on nothing but the people that
are judged, so all methods of a fold share them, as do all pose bins: any sum or difference of rates is paired. Folds of
FaceScape judge other people each, and are drawn apart; folds of ARL-VTF judge the same people, and are drawn together.
A metric of several folds is their mean, in the sample as in every draw.

People are drawn with their probes while the gallery stays whole. In simulated galleries of 30 people with 20 probes
each, such an interval held the expected rate in 94 % of 300 cases, and that of a difference of two methods in 95 %;
drawing the enrolled side of each comparison as well gave 97 and 99.7 %, wider than they claim to be.

The intervals say what other people of the same kind would change. What another start of the training would change is
in them only as far as the folds differ. They are for paper 1's protocol, gallery against probes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from facelib.errors import BadInput, CorruptFile, MissingPart, unknown_name
from facelib.metrics.bootstrap import draws_over_identities, percentile_intervals
from facelib.metrics.identification import probe_ranks
from facelib.metrics.pair_bootstrap import ScoredPairs, scored_pairs, verification_draws
from facelib.papers.joint_attention.protocol import ARL_VTF_PREFIX, FAR, TAR_AT_FAR, probes_of_pose, scores_of
from facelib.report.records import find_records, folder_of
from facelib.runs.folders import record_path
from facelib.runs.records import Record, read_scores, run_command
from facelib.storage import digest_of, verify_checked, write_checked

DRAWS, SEED = 1000, 0
FORM = 1  # to be raised when a draw comes to mean something else; older files are then drawn anew

PREFIXES: dict[Literal["facescape", "arl_vtf"], str] = {"facescape": "", "arl_vtf": ARL_VTF_PREFIX}

Part = tuple[float, str, str]  # coefficient, method, metric


@dataclass(frozen=True)
class Draws:
    """The metrics of one run (fractions) and their draws.

    Args:
        names: of the M metrics: those of the record, and AUC and EER of each pose besides.
        estimates: (M,) of the sample.
        drawn: (draws, M).
        seeds: (M,) equal where the same people were drawn.
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
    """A rate or a difference of rates (fractions), its 95 % interval, and the folds that it is the mean of."""

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
        BadInput: when two runs of a fold judge other people.
        UnknownName: when a run lacks a metric.
    """
    methods = {method for _, method, _ in parts}
    shared = _shared(draws, methods) if methods <= draws.keys() else []
    if not shared:
        raise MissingPart(f"{', '.join(sorted(methods))} share no fold: run them on the same one (facelib run)")
    estimates, drawn = [], []
    for key in shared:
        runs = {method: draws[method][key] for method in methods}
        columns = [runs[method].column(metric) for _, method, metric in parts]
        _check_paired(key[0], parts, runs, columns)
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
    key = digest_of([FORM, record.scores["sha256"], sorted(record.metrics), DRAWS, SEED])
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
    return made


def _draw(record: Record) -> Draws:
    arrays = read_scores(record_path(folder_of(record)), record)
    names: list[str] = []
    seeds: list[int] = []
    estimates, drawn = [], []
    for data_set, prefix in PREFIXES.items():
        head = f"{prefix}{TAR_AT_FAR}/"
        poses = [name.removeprefix(head) for name in record.metrics if name.startswith(head)]
        if prefix + TAR_AT_FAR not in record.metrics:
            continue
        scored = scores_of(arrays, data_set)
        people = scored["identities"]
        seed = int(digest_of([SEED, data_set, people.tolist()]), 16) >> 1  # of all methods that judge these people
        for pose in (*poses, None):
            ending = "" if pose is None else f"/{pose}"
            metrics = verification_draws(_pairs(scored, pose), (FAR,), people=people, seed=seed, draws=DRAWS)
            names += [f"{prefix}{metric}{ending}" for metric in (TAR_AT_FAR, "eer", "auc")]
            estimates.append(metrics[0])
            drawn.append(metrics[1])
        hits = _rank1_draws(scored, seed)
        names.append(f"{prefix}rank1")
        estimates.append(hits[0])
        drawn.append(hits[1])
        seeds += [seed] * (len(names) - len(seeds))
    return Draws(
        tuple(names), np.concatenate(estimates), np.concatenate(drawn, axis=1), np.array(seeds), record.command
    )


def _pairs(scored: Mapping[str, np.ndarray], pose: str | None) -> ScoredPairs:
    """The comparisons of a pose, each with its probe's person."""
    chosen = probes_of_pose(scored, pose)
    scores = scored["scores"][chosen]
    probe, enrolled = np.broadcast_arrays(scored["probe_identity"][chosen][:, None], scored["identities"])
    same = probe == enrolled
    return scored_pairs(scores[same], probe[same], scores[~same], probe[~same])


def _rank1_draws(scored: Mapping[str, np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The share of probes found at the first place."""
    hits = probe_ranks(scored["scores"], scored["probe_identity"], scored["identities"]) == 1
    place, people = np.searchsorted(scored["identities"], scored["probe_identity"]), len(scored["identities"])
    found, probes = np.bincount(place, hits, people), np.bincount(place, minlength=people)
    return draws_over_identities(lambda weights: (weights @ found) / (weights @ probes), people, seed=seed, draws=DRAWS)


def _shared(draws: Mapping[str, Runs], methods: Iterable[str]) -> list[tuple[int, int]]:
    """The (fold, seed) that all of these methods have run."""
    return sorted(set.intersection(*(set(draws[name]) for name in methods)))


def _check_paired(fold: int, parts: Sequence[Part], runs: Mapping[str, Draws], columns: Sequence[int]) -> None:
    """Raise BadInput unless the methods judge the same people of each data set."""
    seeds: dict[bool, tuple[int, str]] = {}
    for (_, method, metric), column in zip(parts, columns, strict=True):
        seed = int(runs[method].seeds[column])
        known, first = seeds.setdefault(metric.startswith(ARL_VTF_PREFIX), (seed, method))
        if known != seed:
            raise BadInput(
                f"{first} and {method} judge other people in fold {fold}: make the older run again, "
                f"`{runs[first].command}` or `{runs[method].command}`"
            )
