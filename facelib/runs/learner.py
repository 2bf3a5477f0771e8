"""What learns in a training: the phases' optimizers, taking their turns over an epoch's batches on one process."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput
from facelib.progress import ProgressBar
from facelib.runs.averaging import WeightAverage
from facelib.runs.checks import loss_values
from facelib.runs.optimizers import PhaseOptimizer, learning_rate
from facelib.runs.phases import Stage, phases_of, plan_epochs, schedule_of
from facelib.runs.settings import TrainingSettings
from facelib.runs.tasks import Task, to_device

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn


class Learner:
    """The optimizers of a task's phases, and the average of its weights.

    Attributes:
        rounds: batches of an epoch on this process.
        average: the moving average of the weights, if the settings want one.
    """

    def __init__(
        self, fabric: Fabric, task: Task, modules: Mapping[str, nn.Module], settings: TrainingSettings
    ) -> None:
        """Make the optimizers.

        Args:
            fabric: of the training.
            task: what to train; its modules are set up with Fabric.
            modules: the same modules without Fabric's wrappers.
            settings: of the training.

        Raises:
            BadInput: a phase has nothing to train, `slow_parts` names no parameter, or `settled_parts` no batch norm.
        """
        self.fabric, self.task, self.settings = fabric, task, settings
        self.rounds = task.batch_count // fabric.world_size
        self.plan = plan_epochs(schedule_of(task), settings.epochs)
        self.optimizers = {
            name: PhaseOptimizer(fabric, phase, modules, settings)
            for name, phase in phases_of(schedule_of(task)).items()
        }
        self.settled = batch_norms(modules, settings.settled_parts)
        self.average = None if settings.ema_decay is None else WeightAverage(modules, settings.ema_decay)

    def state(self) -> dict[str, Any]:
        """All that a later process needs, besides the weights, to go on with the same bits."""
        return {
            "optimizers": {name: optimizer.plain.state_dict() for name, optimizer in self.optimizers.items()},
            "average": None if self.average is None else self.average.states,
            "precision": self.fabric.strategy.precision.state_dict(),  # the loss scale of 16-bit training
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from the `state` of before."""
        for name, optimizer in self.optimizers.items():
            optimizer.plain.load_state_dict(state["optimizers"][name])
        if self.average is not None:
            self.average.load(state["average"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])

    def learning_rates(self, epoch: int) -> dict[str, Any]:
        """What a row of the history says about the learning rates of an epoch."""
        stage, _ = self.plan[epoch]
        rates = {phase.name: learning_rate(self.optimizers[phase.name].settings, epoch) for phase in stage.phases}
        first = {"learning_rate": rates[stage.phases[0].name]}
        return first | {"learning_rates": rates} if stage.several else first

    def train(self, epoch: int, bar: ProgressBar) -> dict[str, float]:
        """One pass over the batches of this process; the mean of each loss term over all processes."""
        import torch

        torch.manual_seed(_seed(self.settings.seed, "operations", epoch, self.fabric.global_rank))
        for norm in self.settled:
            norm.eval()
        stage, stage_epoch = self.plan[epoch]
        first_step = stage_epoch * math.ceil(self.rounds / self.settings.accumulate)
        sums = _LossSums(stage)
        done = 0
        for step, batches in enumerate(_groups(self.own_batches(epoch), self.settings.accumulate), start=first_step):
            for phase in stage.turn(stage_epoch, step):
                optimizer = self.optimizers[phase.name]
                optimizer.set_learning_rate(epoch, done / self.rounds)
                for values in self.step(optimizer, batches, epoch, done):
                    sums.add(phase.name, values)
            if self.average is not None:
                self.average.update()
            done += len(batches)
            bar.advance(len(batches))
        means: Any = {name: torch.tensor(mean) for name, mean in sums.means().items()}
        means = self.fabric.all_reduce(means, reduce_op="mean")
        return {name: float(mean) for name, mean in means.items()}

    def own_batches(self, epoch: int) -> Iterator[Any]:
        """The epoch's batches that this process trains on, checked to be as many as on every other process."""
        import torch

        rank, world = self.fabric.global_rank, self.fabric.world_size
        generator = torch.Generator().manual_seed(_seed(self.settings.seed, "batches", epoch))
        given = 0
        for batch in islice(self.task.batches(epoch, generator), rank, None, world):
            if given == self.rounds:
                break  # a last incomplete round: another process has no batch for it
            yield batch
            given += 1
        if given != self.rounds:
            raise BadInput(
                f"process {rank} of {world} got {given} batches in epoch {epoch}: batch_count {self.task.batch_count} "
                f"promised {self.rounds}"
            )

    def step(self, optimizer: PhaseOptimizer, batches: list[Any], epoch: int, first: int) -> list[dict[str, float]]:
        """One step of a phase's optimizer, on the mean gradient of some batches; the first is number `first`.

        Returns:
            For each batch the terms of the loss as numbers.
        """
        optimizer.wrapped.zero_grad()
        with optimizer.others_frozen():
            values = [
                self.backward(optimizer, batch, len(batches), epoch, number)
                for number, batch in enumerate(batches, start=first)
            ]
        if optimizer.settings.gradient_clip is not None:
            self.fabric.clip_gradients(
                next(iter(self.task.modules.values())),  # Fabric clips all that the optimizer holds
                optimizer.wrapped,
                max_norm=optimizer.settings.gradient_clip,
                error_if_nonfinite=False,  # infinite gradients are normal while 16-bit training seeks its loss scale
            )
        optimizer.wrapped.step()
        return values

    def backward(self, optimizer: PhaseOptimizer, batch: Any, share: int, epoch: int, number: int) -> dict[str, float]:
        """Add a batch's gradient, divided by `share`, to the gradients; the terms of the loss as numbers."""
        import torch

        with self.fabric.autocast():
            terms = self.task.losses(to_device(batch, self.fabric.device), optimizer.phase.name)
        values = loss_values(terms, epoch, number)
        total = torch.stack(list(terms.values())).sum()
        if not total.requires_grad:
            raise BadInput(
                f"the losses {sorted(terms)} of phase {optimizer.phase.name!r} depend on none of the parameters it "
                "trains: give losses that do, or change the phase's modules"
            )
        self.fabric.backward(total / share)
        return values


def batch_norms(modules: Mapping[str, nn.Module], parts: tuple[str, ...]) -> list[nn.Module]:
    """The batch norms of parts whose names, such as "network.low.1.", start so.

    Args:
        modules: of a task.
        parts: their names, or what these start with.

    Raises:
        BadInput: for a part without a batch norm.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    named = {
        f"{module}.{name}.": norm
        for module, network in modules.items()
        for name, norm in network.named_modules()
        if isinstance(norm, _BatchNorm)
    }
    for part in parts:
        if not any(name.startswith(part) for name in named):
            called = next(iter(named), "none")
            raise BadInput(f"settled_parts has {part!r}, with which no batch norm starts: they are called {called}")
    return [norm for name, norm in named.items() if name.startswith(parts)]


class _LossSums:
    """The loss terms of an epoch, each to be averaged over the batches that its phase trained on."""

    def __init__(self, stage: Stage) -> None:
        self.prefixed = stage.several
        self.sums: dict[tuple[str, str], float] = {}  # (phase, term) -> sum
        self.batches: Counter[str] = Counter()

    def add(self, phase: str, values: Mapping[str, float]) -> None:
        self.batches[phase] += 1
        for term, value in values.items():
            self.sums[phase, term] = self.sums.get((phase, term), 0.0) + value

    def means(self) -> dict[str, float]:
        return {
            f"{phase}.{term}" if self.prefixed else term: total / self.batches[phase]
            for (phase, term), total in self.sums.items()
        }


def _groups(batches: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of so many batches; the last may be shorter."""
    iterator = iter(batches)
    while group := list(islice(iterator, size)):
        yield group


def _seed(seed: int, *purpose: object) -> int:
    """A seed of 63 bits, another one for every purpose."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
