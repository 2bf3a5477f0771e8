"""Train, evaluate, load and prepare runs: the one way from a method's name to its record, for every paper."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.errors import CorruptFile, MissingPart, unknown_name
from facelib.papers import evaluations, load_paper
from facelib.papers.paper import BASELINE, Paper, RunInputs
from facelib.papers.status import (
    COMMITTED_COMMAND,
    DAMAGED,
    MISSING,
    identity_of,
    needed_runs,
    state_of_weights,
    status_of,
    weights_to_start_from,
)
from facelib.runs.folders import Run
from facelib.runs.identity import Identity, reserve
from facelib.runs.records import new_record, write_record, write_scores
from facelib.runs.settings import as_dict
from facelib.storage import digest_of

if TYPE_CHECKING:
    from torch import nn

    from facelib.data.archive import FaceArchive
    from facelib.runs.training import TrainingResult

Say = Callable[[str], None]


def train(run: Run, *, keep_code: bool = False, say: Say = print) -> Path:
    """Train and evaluate a run and write its record, unless it is current; an interrupted run goes on where it was.

    Then it is evaluated on what was imported, too.

    An unfinished run of the same settings, data, code and weights goes on; a run of others is set aside.

    Args:
        run: which one.
        keep_code: accept a record that another version of the code made.
        say: told what becomes of it.

    Returns:
        The path of the record.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
        BadInput: on a fold that the paper has not, too few people, or when another process trains this run.
        MissingPart: when a run that it needs, or licensed data, is missing; the message says what makes it.
        CorruptFile: when the weights of a run that it needs are damaged; the message says what makes them again.
    """
    from facelib.runs.devices import cpu_threads

    paper = load_paper(run.paper)
    paper.check_fold(run.method, run.fold)
    if status_of(run, keep_code=keep_code).is_current:
        say(f"{run}: up to date")
        evaluate(run, keep_code=keep_code, say=say)
        return run.record
    identity = identity_of(run)  # now: somebody may edit the code while this trains
    weights = found_weights(run)
    settings = paper.run_settings(run.method, run.tier, run.seed, run.changes)
    archives = open_archives(paper, paper.method(run.method), settings)
    set_aside = reserve(run.folder, identity)
    if set_aside is not None:
        say(f"{run}: {set_aside[1]}; the old run is kept as {set_aside[0].name}")
    checkpoints = digest_of([run.paper, run.method, run.fold, identity.settings, identity.data, identity.needs])
    inputs = RunInputs(paper.method(run.method), settings, run.fold, run.seed, archives, weights, checkpoints)
    with cpu_threads(threads_of(run)):  # data do not depend on threads
        _train(paper, run, inputs, identity)
    evaluate(run, keep_code=keep_code, say=say)
    return run.record


def _train(paper: Paper, run: Run, inputs: RunInputs, identity: Identity) -> None:
    import torch

    from facelib.papers.datasets import combined_fingerprint

    torch.manual_seed(run.seed)  # of the first weights
    network = paper.steps.build_network(inputs.method, inputs.settings)
    result = _trained(paper, inputs, network, run.folder)
    metrics, scores = paper.steps.evaluate(inputs, network)
    fingerprints = {name: archive.fingerprint for name, archive in inputs.archives.items()}
    record = new_record(
        run,
        data={"source": inputs.training_archive.name, "fingerprint": combined_fingerprint(fingerprints)},
        parameters=as_dict(inputs.settings),
        metrics=metrics,
        wall_time_s=result.seconds,
        history=result.history,
        scores=write_scores(run.folder / "scores.npz", scores),
        code_digest=identity.code,
        needs=identity.needs,
    )
    write_record(run.record, record)


def _trained(paper: Paper, inputs: RunInputs, network: nn.Module, folder: Path) -> TrainingResult:
    """What came of training a network; without a task nothing is learnt, and its weights are kept as they are."""
    from facelib.runs.checkpoints import run_lock, save_weights
    from facelib.runs.folders import WEIGHTS_FILE
    from facelib.runs.training import TrainingResult
    from facelib.runs.training import train as run_training

    baseline = inputs.method.kind == BASELINE
    task = None if baseline and not inputs.weights else paper.steps.build_task(inputs, network)
    if task is None:
        with run_lock(folder):
            save_weights(folder / WEIGHTS_FILE, {"network": network})
        network.eval()
        return TrainingResult(0, [], 0.0, folder / WEIGHTS_FILE)
    return run_training(task, getattr(inputs.settings, inputs.method.stage), folder)


def evaluate(run: Run, *, keep_code: bool = False, say: Say = print) -> None:
    """Make the evaluations of a run that are missing or outdated (`facelib.papers.evaluations`).

    A method that stands in no table has none. A run that is not current is not evaluated, and none on data that are not
    imported.

    Args:
        run: which one.
        keep_code: evaluate a run, too, that another version of the code made.
        say: told what becomes of it.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
    """
    paper = load_paper(run.paper)
    if not paper.evaluations or not paper.method(run.method).printed_rows:
        return
    status = status_of(run, keep_code=keep_code)
    if not status.is_current:
        say(f"{run}: {status.state}, and not evaluated")
        return
    current = evaluations.current_outcomes(paper, run)
    for name in paper.evaluations.keys() - current.keys():
        with suppress(MissingPart):
            _evaluate(paper, run, name)
            say(f"{run}: evaluated on {paper.evaluations[name].title}")


def _evaluate(paper: Paper, run: Run, name: str) -> None:
    """Raise MissingPart where the data are not imported."""
    from facelib.progress import progress_bar
    from facelib.runs.devices import cpu_threads

    evaluation, settings = paper.evaluations[name], evaluations.settings_of(paper, run)
    sizes = evaluation.steps.data_set(settings)
    origin = evaluations.origin_today(paper, run, name)
    with progress_bar(evaluation.title, sizes.image_count, "images") as bar:
        archive = evaluation.steps.open_archive(sizes, bar.advance)
    with cpu_threads(threads_of(run)):
        found = evaluation.steps.evaluate(paper.method(run.method), settings, load_network(run), archive)
    evaluations.keep(run, name, origin, *found)


def threads_of(run: Run) -> int:
    """Threads of the CPU that a run computes on; a machine with fewer cores shares them, for the same result.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
    """
    paper = load_paper(run.paper)
    settings = paper.run_settings(run.method, run.tier, run.seed, run.changes)
    return getattr(settings, paper.method(run.method).stage).threads


def load_network(run: Run) -> nn.Module:
    """The trained network of a run, in eval mode.

    Raises:
        UnknownName: on an unknown paper, method, tier or setting.
        MissingPart: when the run does not exist; the message says which command makes it.
        CorruptFile: when its weights are damaged.
    """
    paper = load_paper(run.paper)
    settings = paper.run_settings(run.method, run.tier, run.seed, run.changes)
    if not run.weights.exists():
        raise MissingPart(f"no weights at {run.weights}: make them with `{run.command}`")
    return network_from(paper, run.method, settings, run.weights)


def network_from(paper: Paper, method: str, settings: Any, weights: Path) -> nn.Module:
    """The network of a method with weights from a file, in eval mode."""
    from facelib.runs.checkpoints import load_weights

    network = paper.steps.build_network(paper.method(method), settings)
    load_weights(weights, {"network": network})
    return network.eval()


def found_weights(run: Run) -> dict[str, Path]:
    """The weights that a run starts from or is taught by, by method: of runs made here, or else committed ones.

    Raises:
        MissingPart: when one is missing; the message says which command makes it.
        CorruptFile: when one is damaged, or has no checksum; the message says which command makes it again.
    """
    paper = load_paper(run.paper)
    found = {}
    for name, needed in needed_runs(run).items():
        weights = weights_to_start_from(needed)
        state = state_of_weights(weights)
        if state == DAMAGED:
            again = f"make them again with `{needed.command}`, from the last checkpoint if that stands"
            raise CorruptFile(
                f"{run.method} needs the weights of {needed}, which are damaged or have lost their checksum "
                f"({weights}): {again if weights == needed.weights else f'restore them with `{COMMITTED_COMMAND}`'}"
            )
        if state == MISSING:
            method = paper.method(name)
            what = (
                "starts from pretrained weights" if method.is_pretraining else f"learns from a trained {method.label}"
            )
            raise MissingPart(f"{run.method} {what}, which are missing: run `{needed.command}` first")
        found[name] = weights
    return found


def open_archives(paper: Paper, method: Any, settings: Any) -> dict[str, FaceArchive]:
    """The data sets that a method's run reads, by name, generated where they are missing."""
    from facelib.papers.datasets import open_data_set

    return {name: open_data_set(name, sizes) for name, sizes in paper.steps.data_sets(method, settings).items()}


def open_archive(paper: Paper, method: str, settings: Any, name: str) -> FaceArchive:
    """One of the data sets that a method's run reads, generated where it is missing.

    Raises:
        UnknownName: when the method's run does not read it.
    """
    from facelib.papers.datasets import open_data_set

    sets = paper.steps.data_sets(paper.method(method), settings)
    if name not in sets:
        raise unknown_name(f"data set of {method}", name, sets)
    return open_data_set(name, sets[name])


def prepare(paper: Paper, tier: str) -> None:
    """Bake the faces and generate the data sets of a tier ahead of its runs, showing progress."""
    from facelib.papers.datasets import open_data_set

    settings = paper.settings(tier)
    every = {
        name: sizes for each in paper.methods.values() for name, sizes in paper.steps.data_sets(each, settings).items()
    }
    for name, sizes in every.items():
        open_data_set(name, sizes)
