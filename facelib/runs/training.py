"""One training loop for every paper, on Lightning Fabric: device, precision and number of GPUs are settings.

A paper gives a `Task` (what to train, on which batches, by which losses, evaluated how); this module owns the rest: the
optimizer and its learning rate, early stopping, a checkpoint after every epoch, resume, and the best weights at the
end.

All randomness of an epoch comes from (seed, epoch) alone: both the generator that a task draws its batches from
and torch's global generator (dropout) are seeded anew at the start of each epoch. So no generator's state needs to be
stored, and a run that was killed anywhere and started again ends with the same bits as an undisturbed one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput, FacelibError, unknown_name
from facelib.runs.checkpoints import load_checkpoint, load_weights, restore, run_lock, save_checkpoint, save_states
from facelib.runs.progress import ProgressBar, progress_bar
from facelib.runs.settings import TrainingSettings, as_dict
from facelib.runs.tasks import Task, to_device

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric
    from torch import Tensor, nn

    Row = dict[str, Any]  # one epoch of the history

WEIGHTS_FILE = "weights.safetensors"
CHECKPOINT_FORMAT = 1


class TrainingDiverged(FacelibError, ArithmeticError):
    """A loss or a weight became NaN or infinite; the last checkpoint is from before."""


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What came of a training; the best weights are in the task's modules (in eval mode) and in the file `weights`.

    Each row of `history` holds epoch, learning_rate, loss (mean of the sum over the epoch), and the dictionaries losses
    (mean of each term), watch and validation.
    """

    best_epoch: int
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
        BadInput: no batches, nothing to train, a device that does not exist, a folder that another process trains
            in or that holds a checkpoint of another task or other settings.
        TrainingDiverged: a non-finite loss or weight; the message names it, and the epoch and step.
    """
    if task.batch_count < settings.devices:
        raise BadInput(
            f"the task gives {task.batch_count} batches an epoch for {settings.devices} device(s): expected at least "
            "one for each; use more data or smaller batches"
        )

    def run(fabric: Fabric) -> tuple[list[Row], float]:
        return _Run(fabric, task, settings, folder).train(progress)

    weights = folder / WEIGHTS_FILE
    with run_lock(folder), _deterministic(settings.deterministic):
        history, seconds = _fabric(settings).launch(run)
        load_weights(weights, task.modules)
    for module in task.modules.values():
        module.eval()
    return TrainingResult(best_epoch(history, task.monitor), history, seconds, weights)


def learning_rate(settings: TrainingSettings, epoch: int, progress: float = 0.0) -> float:
    """The learning rate of an epoch counted from 0: multiplied by `decay` at each milestone reached.

    Args:
        settings: of the training.
        epoch: counted from 0.
        progress: share of the epoch's steps that are done, 0 to 1; a warm-up grows with it.
    """
    rate = settings.learning_rate * settings.decay ** sum(epoch >= milestone for milestone in settings.milestones)
    if epoch >= settings.warmup_epochs:
        return rate
    return rate * (settings.warmup_start + (1 - settings.warmup_start) * (epoch + progress) / settings.warmup_epochs)


def best_epoch(history: list[Row], monitor: str) -> int:
    """The epoch with the highest monitored number; the first of equals."""
    return max(range(len(history)), key=lambda epoch: history[epoch]["validation"][monitor])


def finished(history: list[Row], monitor: str, settings: TrainingSettings) -> bool:
    """Whether training ends after these epochs: all are done, or patience is."""
    done = len(history)
    if done >= settings.epochs:
        return True
    return done >= settings.min_epochs and done - 1 - best_epoch(history, monitor) >= settings.patience


class _Run:
    """A training on one process: the modules, their optimizer, and what has been reached so far."""

    def __init__(self, fabric: Fabric, task: Task, settings: TrainingSettings, folder: Path) -> None:
        self.fabric, self.task, self.settings, self.folder = fabric, task, settings, folder
        self.modules: dict[str, nn.Module] = dict(task.modules)  # as the paper made them, without Fabric's wrappers
        self.identity = {"format": CHECKPOINT_FORMAT, "task": task.fingerprint, "settings": as_dict(settings)}
        self.history: list[Row] = []
        self.best: dict[str, dict[str, Tensor]] = {}
        self.seconds = 0.0

    def train(self, progress: Callable[[Row], None] | None) -> tuple[list[Row], float]:
        """Train the task's modules, which are Fabric's wrappers meanwhile; the history and the seconds it took."""
        self.task.modules.update({name: self.fabric.setup_module(module) for name, module in self.modules.items()})
        try:
            self.plain_optimizer = _optimizer(self.modules, self.settings)
            self.optimizer: Any = self.fabric.setup_optimizers(self.plain_optimizer)
            self.resume()
            self.train_epochs(progress)
        finally:
            self.task.modules.update(self.modules)
        if self.fabric.is_global_zero:
            save_states(self.folder / WEIGHTS_FILE, self.best)
        self.fabric.barrier()
        return self.history, self.seconds

    def resume(self) -> None:
        checkpoint = load_checkpoint(self.folder)
        if checkpoint is None:
            return
        _check_identity(checkpoint["identity"], self.identity, self.folder)
        restore(self.modules, checkpoint["modules"], str(self.folder))
        self.plain_optimizer.load_state_dict(checkpoint["optimizer"])
        self.fabric.strategy.precision.load_state_dict(checkpoint["precision"])
        self.history, self.best, self.seconds = checkpoint["history"], checkpoint["best"], checkpoint["seconds"]

    def save(self) -> None:
        content = {
            "identity": self.identity,
            "modules": {name: dict(module.state_dict()) for name, module in self.modules.items()},
            "optimizer": self.plain_optimizer.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),  # the loss scale of 16-bit training
            "history": self.history,
            "best": self.best,
            "seconds": self.seconds,
        }
        save_checkpoint(self.folder, len(self.history) - 1, content)

    def train_epochs(self, progress: Callable[[Row], None] | None) -> None:
        rounds = self.task.batch_count // self.fabric.world_size
        remaining = (self.settings.epochs - len(self.history)) * rounds
        with progress_bar("training", remaining, "batches", show=self.fabric.is_global_zero) as bar:
            while not finished(self.history, self.task.monitor, self.settings):
                started = time.perf_counter()
                self.history.append(self.one_epoch(len(self.history), bar))
                if best_epoch(self.history, self.task.monitor) == len(self.history) - 1:
                    self.best = {name: _cpu_copy(module.state_dict()) for name, module in self.modules.items()}
                self.seconds += time.perf_counter() - started
                if self.fabric.is_global_zero:
                    self.save()
                    if progress is not None:
                        progress(self.history[-1])
                self.fabric.barrier()

    def one_epoch(self, epoch: int, bar: ProgressBar) -> Row:
        """Train for an epoch, validate, and give the epoch's row of the history."""
        import torch

        for module in self.task.modules.values():
            module.train()
        losses = self.train_on_batches(epoch, bar)
        _check_weights(self.modules, epoch)

        for module in self.task.modules.values():
            module.eval()
        with torch.no_grad():
            watched = _numbers("watch", self.task.watch(), epoch)
            validation = _numbers("validate", self.task.validate(), epoch)
        if self.task.monitor not in validation:
            raise unknown_name("monitored metric", self.task.monitor, validation)
        row = {
            "epoch": epoch,
            "learning_rate": learning_rate(self.settings, epoch),
            "loss": math.fsum(losses.values()),
            "losses": losses,
            "watch": watched,
            "validation": validation,
        }
        return self.fabric.broadcast(row)

    def train_on_batches(self, epoch: int, bar: ProgressBar) -> dict[str, float]:
        """One pass over the batches of this process; the mean of each loss term over all processes."""
        import torch

        rank, world = self.fabric.global_rank, self.fabric.world_size
        torch.manual_seed(_seed(self.settings.seed, "operations", epoch, rank))
        generator = torch.Generator().manual_seed(_seed(self.settings.seed, "batches", epoch))
        steps = 0
        sums: dict[str, float] = {}
        for batch in islice(self.task.batches(epoch, generator), rank, None, world):
            if steps == self.task.batch_count // world:
                break  # a last incomplete round: another process has no batch for it
            self.set_learning_rate(epoch, steps / (self.task.batch_count // world))
            for name, value in self.step(batch, epoch, steps).items():
                sums[name] = sums.get(name, 0.0) + value
            steps += 1
            bar.advance()
        if steps != self.task.batch_count // world:
            raise BadInput(
                f"process {rank} of {world} got {steps} batches in epoch {epoch}: batch_count {self.task.batch_count} "
                f"promised {self.task.batch_count // world}"
            )
        means: Any = {name: torch.tensor(total / steps) for name, total in sums.items()}
        means = self.fabric.all_reduce(means, reduce_op="mean")
        return {name: float(mean) for name, mean in means.items()}

    def set_learning_rate(self, epoch: int, progress: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.settings, epoch, progress) * group.get("factor", 1.0)

    def step(self, batch: Any, epoch: int, step: int) -> dict[str, float]:
        """One step of the optimizer; the terms of the loss as numbers."""
        import torch

        self.optimizer.zero_grad()
        with self.fabric.autocast():
            terms = self.task.losses(to_device(batch, self.fabric.device))
        values = _values(terms, epoch, step)
        self.fabric.backward(torch.stack(list(terms.values())).sum())
        if self.settings.gradient_clip is not None:
            self.fabric.clip_gradients(
                next(iter(self.task.modules.values())),  # Fabric clips all that the optimizer holds
                self.optimizer,
                max_norm=self.settings.gradient_clip,
                error_if_nonfinite=False,  # infinite gradients are normal while 16-bit training seeks its loss scale
            )
        self.optimizer.step()
        return values


def _values(terms: Mapping[str, Tensor], epoch: int, step: int) -> dict[str, float]:
    """The loss terms as numbers, read from the device in one go, once they are known to be finite scalars."""
    import torch

    if not terms:
        raise BadInput(f"the task gave no loss terms in epoch {epoch}, step {step}: expected at least one")
    for name, term in terms.items():
        if term.dim() != 0:
            raise BadInput(f"loss {name!r} has shape {tuple(term.shape)}: expected a scalar")
    numbers = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    values = dict(zip(terms, numbers, strict=True))
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"loss {name!r} is {value} in epoch {epoch}, step {step} (all terms: {values}): lower learning_rate or "
                "set gradient_clip, and start in a new folder; this one keeps its last good checkpoint"
            )
    return values


def _numbers(source: str, values: Mapping[str, float], epoch: int) -> dict[str, float]:
    numbers = {name: float(value) for name, value in values.items()}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise TrainingDiverged(f"{source} gave {name!r} = {value} after epoch {epoch}: expected a finite number")
    return numbers


def _check_weights(modules: Mapping[str, nn.Module], epoch: int) -> None:
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            if not value.isfinite().all():
                raise TrainingDiverged(
                    f"{name}.{key} holds non-finite numbers after epoch {epoch} although every loss was finite: look "
                    "for an operation with an infinite gradient, or set gradient_clip"
                )


def _check_identity(found: Mapping[str, Any], expected: Mapping[str, Any], folder: Path) -> None:
    before, now = ({**identity, **identity["settings"]} for identity in (found, expected))
    differences = [
        f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in before | now
        if name != "settings" and before.get(name) != now.get(name)
    ]
    if differences:
        raise BadInput(
            f"{folder} holds a checkpoint of another run ({'; '.join(differences)}): delete it or choose another folder"
        )


def _optimizer(modules: Mapping[str, nn.Module], settings: TrainingSettings) -> torch.optim.Optimizer:
    import torch

    named = {
        f"{module}.{name}": parameter
        for module, network in modules.items()
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    }
    if not named:
        raise BadInput(f"modules {sorted(modules)} hold no parameter to train: expected requires_grad on some")
    for part in settings.slow_parts:
        if not any(name.startswith(part) for name in named):
            raise BadInput(
                f"slow_parts has {part!r}, with which no parameter starts: they are called {next(iter(named))}"
            )
    slow = [parameter for name, parameter in named.items() if name.startswith(settings.slow_parts)]
    usual = [parameter for name, parameter in named.items() if not name.startswith(settings.slow_parts)]
    parameters: list[dict[str, Any]] = [{"params": usual}]
    if slow:
        parameters.append({"params": slow, "factor": settings.slow_factor})
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return torch.optim.SGD(
        parameters, lr=settings.learning_rate, momentum=settings.momentum, weight_decay=settings.weight_decay
    )


def _seed(seed: int, *purpose: object) -> int:
    """A seed of 63 bits, another one for every purpose."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _cpu_copy(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().to("cpu", copy=True) for key, value in state.items()}


def _fabric(settings: TrainingSettings) -> Fabric:
    from lightning_fabric import Fabric

    # Fabric announces precision and devices through its logger; a record says all that.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    try:
        return Fabric(
            accelerator=settings.accelerator,
            devices=settings.devices,
            precision=settings.precision,
            # Forking works from a script and from a notebook's kernel alike.
            strategy="ddp_notebook" if settings.devices > 1 else "auto",
        )
    except (ValueError, RuntimeError, TypeError) as error:
        raise BadInput(
            f"cannot train with accelerator {settings.accelerator!r}, {settings.devices} device(s), precision "
            f"{settings.precision!r}: {error}"
        ) from error


@contextmanager
def _deterministic(wanted: bool) -> Iterator[None]:
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(wanted)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
