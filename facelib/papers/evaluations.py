"""What trained runs are judged by afterwards, on data that need not be there.

A run is made anew when one of its data sets changes, and fails when one is missing. Data that somebody imports must do
neither: weights stay what they are. So an evaluation is no part of its run. It loads the run's weights, takes seconds
or minutes, and leaves its metrics and the scores of single samples in `evaluations/` beside the record, which stays as
it is, with what they were made from: these weights, these data, this code. What was made from others does not count.

Whoever asks what a run stands for (`facelib.papers.status`) gets the record with these metrics in it. So do committed
records, by which tables show the metrics where the data are not imported.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from facelib.errors import CorruptFile, MissingPart
from facelib.runs.code import code_digest
from facelib.runs.folders import Run
from facelib.runs.records import Record, write_scores
from facelib.storage import read_json, sha256_of, verify_once, write_json

if TYPE_CHECKING:
    from torch import nn

    from facelib.data.archive import FaceArchive
    from facelib.data.embedded import GeneratedSettings
    from facelib.papers.paper import Metrics, Paper, Scores

FOLDER = "evaluations"  # in that of the run
logger = logging.getLogger(__name__)


class EvaluationSteps(Protocol):
    """The functions of an evaluation: a module of the paper's package, imported when the first of them is called."""

    def data_set(self, settings: Any) -> GeneratedSettings:
        """What describes the data, for the settings of a tier.

        Raises:
            MissingPart: when the data were not imported; the message says how they are.
        """

    def open_archive(self, sizes: Any, on_images: Callable[[int], None]) -> FaceArchive:
        """The data from the cache, generated where they are missing."""

    def evaluate(self, method: Any, settings: Any, network: nn.Module, archive: FaceArchive) -> tuple[Metrics, Scores]:
        """Metrics of a trained network, and the scores of single samples."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One of a paper's.

    Args:
        title: of its data.
        module: of its `EvaluationSteps`.
        imported_by: the command that imports the data.
    """

    title: str
    module: str
    imported_by: str

    @property
    def steps(self) -> EvaluationSteps:
        """The functions that need torch."""
        return importlib.import_module(self.module)  # type: ignore[return-value]


@dataclasses.dataclass(frozen=True)
class Origin:
    """What an evaluation is made from.

    Args:
        weights: SHA-256 of the run's.
        data: fingerprint; None where the data are not imported, which tells nothing against what was made from them.
        code: digest of what it executes.
    """

    weights: str
    data: str | None
    code: str

    def accepts(self, other: Origin) -> bool:
        """Whether what was made from another origin counts today."""
        return other == (self if self.data else dataclasses.replace(self, data=other.data))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What an evaluation left.

    Args:
        origin: what it was made from.
        metrics: as those of a record.
        scores: file and SHA-256 of the scores of single samples, as in a record.
    """

    origin: Origin
    metrics: dict[str, dict[str, Any]]
    scores: dict[str, str]


def settings_of(paper: Paper, run: Run) -> Any:
    """The settings that a run's evaluations see: the sizes of evaluations too, which the run itself does not."""
    return paper.settings(run.tier, {**paper.method(run.method).changes, **run.changes})


def origin_today(paper: Paper, run: Run, name: str) -> Origin:
    """What an evaluation of a run would be made from now.

    Raises:
        CorruptFile: when the run's weights are damaged or not there.
    """
    evaluation = paper.evaluations[name]
    return Origin(verify_once(run.weights), _data_today(paper, run, evaluation), _code_of(paper, evaluation))


def _data_today(paper: Paper, run: Run, evaluation: Evaluation) -> str | None:
    from facelib.data.embedded import fingerprint_of

    try:
        return fingerprint_of(evaluation.steps.data_set(settings_of(paper, run)))
    except MissingPart:
        return None


def _code_of(paper: Paper, evaluation: Evaluation) -> str:
    steps = (f"{evaluation.module}:{step}" for step in ("data_set", "open_archive", "evaluate"))
    return code_digest((*steps, f"{paper.module}:build_network"))


def keep(run: Run, name: str, origin: Origin, metrics: Metrics, scores: Scores) -> None:
    """Write what an evaluation found beside the run's record."""
    path = _path(run, name)
    outcome = Outcome(origin, metrics, write_scores(path.with_suffix(".npz"), scores))
    write_json(path, dataclasses.asdict(outcome))


def current_outcomes(paper: Paper, run: Run) -> dict[str, Outcome]:
    """What the evaluations of a run of this machine found, by name; those made from something else are left out."""
    found: dict[str, Outcome] = {}
    for name in paper.evaluations:
        try:
            outcome = _read(_path(run, name))
            counts = origin_today(paper, run, name).accepts(outcome.origin)
        except (OSError, KeyError, TypeError) as error:  # missing, damaged, or of another form
            logger.debug("%s is not evaluated on %s: %s", run, name, error)
        else:
            found |= {name: outcome} if counts else {}
    return found


def with_metrics(paper: Paper, record: Record) -> Record:
    """A record of this machine with the metrics of its evaluations; samples that failed are counted together."""
    from facelib.papers.failures import FAILED

    metrics = dict(record.metrics)
    for outcome in current_outcomes(paper, record.run).values():
        failed = [each[FAILED]["value"] for each in (metrics, outcome.metrics) if FAILED in each]
        metrics |= outcome.metrics | ({FAILED: {"value": sum(failed), "unit": "samples"}} if failed else {})
    return dataclasses.replace(record, metrics=metrics)


def scores_of(paper: Paper, record: Record) -> Scores:
    """The scores of single samples that the evaluations of a record of this machine left, all in one."""
    import numpy as np

    arrays: Scores = {}
    for name in current_outcomes(paper, record.run):
        with np.load(_path(record.run, name).with_suffix(".npz"), allow_pickle=False) as file:
            arrays |= dict(file)
    return arrays


def _read(path: Path) -> Outcome:
    remedy = "evaluate the run again"
    kept = read_json(path, remedy)
    outcome = Outcome(Origin(**kept["origin"]), kept["metrics"], kept["scores"])
    if sha256_of(path.with_suffix(".npz")) != outcome.scores["sha256"]:
        raise CorruptFile(f"the scores beside {path} are not those that it names: {remedy}")
    return outcome


def _path(run: Run, name: str) -> Path:
    return run.folder / FOLDER / f"{name}.json"
