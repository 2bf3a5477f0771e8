"""One training loop for every paper, on Lightning Fabric: device, precision and number of GPUs are settings.

A paper gives a `Task` (what to train, on which batches, by which losses, evaluated how); this module owns the rest: the
phases' optimizers and their learning rates, early stopping, a checkpoint after every epoch, resume, and the weights
that are kept at the end.

All randomness of an epoch comes from (seed, epoch) alone: both the generator that a task draws its batches from
and torch's global generator (dropout) are seeded anew at the start of each epoch. So no generator's state needs to be
stored, and a run that was killed anywhere and started again ends with the same bits as an undisturbed one.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput, unknown_name
from facelib.progress import ProgressBar, progress_bar
from facelib.runs.checkpoints import load_checkpoint, load_weights, restore, run_lock, save_checkpoint, save_states
from facelib.runs.checks import check_identity, check_weights, finite_numbers
from facelib.runs.devices import deterministic_algorithms, make_fabric
from facelib.runs.folders import WEIGHTS_FILE
from facelib.runs.learner import Learner
from facelib.runs.phases import check_schedule, schedule_of
from facelib.runs.settings import TrainingSettings, as_dict
from facelib.runs.tasks import Monitor, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor, nn

CHECKPOINT_FORMAT = 2

Row = dict[str, Any]  # one epoch of the history


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What came of a training; the kept weights are in the task's modules (in eval mode) and in the file `weights`.

    Each row of `history` holds epoch, learning_rate, loss (sum of the means of all terms), and the dictionaries losses
    (mean of each term over the epoch's batches), watch and validation. In a stage with several phases the terms are
    called "phase.term", learning_rate is the first phase's, and learning_rates holds those of all by name.
    """

    best_epoch: int  # the one whose weights are kept: with `keep` "last" the last
    history: list[Row]
    seconds: float  # over all starts of the run
    weights: Path


def train(
    task: Task,
    settings: TrainingSettings,
    folder: Path,
    *,
    progress: Callable[[Row], None] | None = None,
) -> TrainingResult:
    """Train until the settings say stop, continuing from the folder's last checkpoint if there is one.

    With `devices` above 1 the processes are forked, so nothing may have used a GPU before, and the modules come back
    on the CPU; with one device they stay on it.

    Args:
        task: what to train.
        settings: how.
        folder: the run's own folder; checkpoints and weights are written there.
        progress: called with each epoch's row of the history once its checkpoint is on disk. A bar appears on
            terminals anyway.

    Raises:
        BadInput: no batches, nothing to train, a schedule that does not fit the settings, a device that does not exist,
            a folder that another process trains in or that holds a checkpoint of another task or other settings.
        UnknownName: a phase's module or the monitored number does not exist.
        TrainingDiverged: a non-finite loss or weight; the message names it, and the epoch and step.
    """
    if task.batch_count < settings.devices:
        raise BadInput(
            f"the task gives {task.batch_count} batches an epoch for {settings.devices} device(s): expected at least "
            "one for each; use more data or smaller batches"
        )
    check_schedule(schedule_of(task), task.modules, settings)

    def run(fabric: Fabric) -> tuple[list[Row], float]:
        return _Run(fabric, task, settings, folder).train(progress)

    weights = folder / WEIGHTS_FILE
    with run_lock(folder), deterministic_algorithms(settings.deterministic):
        history, seconds = make_fabric(settings).launch(run)
        load_weights(weights, task.modules)
    for module in task.modules.values():
        module.eval()
    return TrainingResult(kept_epoch(history, task.monitor, settings), history, seconds, weights)


def best_epoch(history: list[Row], monitor: Monitor) -> int:
    """The epoch with the best monitored number; the first of equals."""
    choose = max if monitor.direction == "highest" else min
    return choose(range(len(history)), key=lambda epoch: history[epoch]["validation"][monitor.name])


def kept_epoch(history: list[Row], monitor: Monitor, settings: TrainingSettings) -> int:
    """The epoch, of those in the history, whose weights the training gives if it ends here."""
    return len(history) - 1 if settings.keep == "last" else best_epoch(history, monitor)


def finished(history: list[Row], monitor: Monitor, settings: TrainingSettings) -> bool:
    """Whether training ends after these epochs: all are done, or patience is."""
    done = len(history)
    if done >= settings.epochs or settings.keep == "last":
        return done >= settings.epochs
    return done >= settings.min_epochs and done - 1 - best_epoch(history, monitor) >= settings.patience


class _Run:
    """A training on one process: the modules, their optimizers, and what has been reached so far."""

    def __init__(self, fabric: Fabric, task: Task, settings: TrainingSettings, folder: Path) -> None:
        self.fabric, self.task, self.settings, self.folder = fabric, task, settings, folder
        self.modules: dict[str, nn.Module] = dict(task.modules)  # as the paper made them, without Fabric's wrappers
        self.history: list[Row] = []
        self.kept: dict[str, dict[str, Tensor]] = {}
        self.seconds = 0.0

    def train(self, progress: Callable[[Row], None] | None) -> tuple[list[Row], float]:
        """Train the task's modules, which are Fabric's wrappers meanwhile; the history and the seconds it took."""
        self.task.modules.update({name: self.fabric.setup_module(module) for name, module in self.modules.items()})
        try:
            self.learner = Learner(self.fabric, self.task, self.modules, self.settings)
            self.resume()
            self.train_epochs(progress)
        finally:
            self.task.modules.update(self.modules)
        if self.fabric.is_global_zero:
            save_states(self.folder / WEIGHTS_FILE, self.kept)
        self.fabric.barrier()
        return self.history, self.seconds

    def identity(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to be this run's."""
        return {
            "format": CHECKPOINT_FORMAT,
            "task": self.task.fingerprint,
            "settings": as_dict(self.settings),
            "monitor": as_dict(self.task.monitor),
            "schedule": [as_dict(stage) for stage in schedule_of(self.task)],
        }

    def resume(self) -> None:
        checkpoint = load_checkpoint(self.folder)
        if checkpoint is None:
            return
        check_identity(checkpoint["identity"], self.identity(), self.folder)
        restore(self.modules, checkpoint["modules"], str(self.folder))
        self.learner.load(checkpoint["learner"])
        self.history, self.kept, self.seconds = checkpoint["history"], checkpoint["kept"], checkpoint["seconds"]

    def save(self) -> None:
        content = {
            "identity": self.identity(),
            "modules": {name: dict(module.state_dict()) for name, module in self.modules.items()},
            "learner": self.learner.state(),
            "history": self.history,
            "kept": self.kept,
            "seconds": self.seconds,
        }
        save_checkpoint(self.folder, len(self.history) - 1, content)

    def train_epochs(self, progress: Callable[[Row], None] | None) -> None:
        remaining = (self.settings.epochs - len(self.history)) * self.learner.rounds
        with progress_bar("training", remaining, "batches", show=self.fabric.is_global_zero) as bar:
            while not finished(self.history, self.task.monitor, self.settings):
                started = time.perf_counter()
                self.history.append(self.one_epoch(len(self.history), bar))
                if kept_epoch(self.history, self.task.monitor, self.settings) == len(self.history) - 1:
                    self.kept = self.weights_to_keep()
                self.seconds += time.perf_counter() - started
                if self.fabric.is_global_zero:
                    self.save()
                    if progress is not None:
                        progress(self.history[-1])
                self.fabric.barrier()

    def weights_to_keep(self) -> dict[str, dict[str, Tensor]]:
        """The weights that were validated, copied to the CPU."""
        if self.learner.average is not None:
            return {name: _cpu_copy(state) for name, state in self.learner.average.states.items()}
        return {name: _cpu_copy(module.state_dict()) for name, module in self.modules.items()}

    def one_epoch(self, epoch: int, bar: ProgressBar) -> Row:
        """Train for an epoch, validate, and give the epoch's row of the history."""
        import torch

        for module in self.task.modules.values():
            module.train()
        losses = self.learner.train(epoch, bar)
        check_weights(self.modules, epoch)

        for module in self.task.modules.values():
            module.eval()
        average = self.learner.average
        with torch.no_grad(), nullcontext() if average is None else average.in_place():
            watched = finite_numbers("watch", self.task.watch(), epoch)
            validation = finite_numbers("validate", self.task.validate(), epoch)
        if self.task.monitor.name not in validation:
            raise unknown_name("monitored metric", self.task.monitor.name, validation)
        row = {
            "epoch": epoch,
            **self.learner.learning_rates(epoch),
            "loss": math.fsum(losses.values()),
            "losses": losses,
            "watch": watched,
            "validation": validation,
        }
        return self.fabric.broadcast(row)


def _cpu_copy(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().to("cpu", copy=True) for key, value in state.items()}
