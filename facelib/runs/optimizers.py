"""The optimizer of a phase: which parameters it trains, and at which learning rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput
from facelib.runs.phases import Phase
from facelib.runs.settings import TrainingSettings, override

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric
    from torch import nn

ADAM_BETA2 = 0.999  # PyTorch's own


class PhaseOptimizer:
    """A phase's optimizer with its learning rate.

    Attributes:
        phase: whose it is.
        settings: the training's with the phase's changes.
        plain: torch's optimizer, which has the state.
        wrapped: Fabric's wrapper around it, which makes the steps.
    """

    def __init__(
        self, fabric: Fabric, phase: Phase, modules: Mapping[str, nn.Module], settings: TrainingSettings
    ) -> None:
        """Make the optimizer.

        Args:
            fabric: of the training; the modules are set up with it already.
            phase: as the task defined it.
            modules: all of the task's, without Fabric's wrappers.
            settings: of the training, without the phase's changes.

        Raises:
            BadInput: the phase has no parameter to train, or `slow_parts` names no parameter of the task.
        """
        self.phase = phase
        self.settings = override(settings, phase.changes)
        trainable = trainable_parameters(modules)
        chosen = tuple(modules) if phase.modules is None else phase.modules
        trained = trainable_parameters({name: modules[name] for name in chosen})
        if not trained:
            raise BadInput(f"modules {sorted(chosen)} hold no parameter to train: expected requires_grad on some")
        for part in self.settings.slow_parts:
            if not any(name.startswith(part) for name in trainable):
                raise BadInput(
                    f"slow_parts has {part!r}, with which no parameter starts: they are called {next(iter(trainable))}"
                )
        self.plain = _optimizer(trained, self.settings)
        self.wrapped: Any = fabric.setup_optimizers(self.plain)
        own = {id(parameter) for parameter in trained.values()}  # by identity, because modules may share a parameter
        self._others = [parameter for parameter in trainable.values() if id(parameter) not in own]

    def set_learning_rate(self, epoch: int, progress: float) -> None:
        """Set the learning rate of every parameter group; for the arguments see `learning_rate`."""
        for group in self.wrapped.param_groups:
            group["lr"] = learning_rate(self.settings, epoch, progress) * group.get("factor", 1.0)

    @contextmanager
    def others_frozen(self) -> Iterator[None]:
        """Switch off the gradients of what other phases train."""
        switched = [parameter for parameter in self._others if parameter.requires_grad]
        for parameter in switched:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in switched:
                parameter.requires_grad_(True)


def learning_rate(settings: TrainingSettings, epoch: int, progress: float = 0.0) -> float:
    """The learning rate of an epoch counted from 0: multiplied by `decay` at each milestone reached.

    Args:
        settings: of the training, or of one of its phases.
        epoch: counted from 0, over all stages.
        progress: share of the epoch's batches that are done, 0 to 1; a warm-up grows with it.
    """
    rate = settings.learning_rate * settings.decay ** sum(epoch >= milestone for milestone in settings.milestones)
    if epoch >= settings.warmup_epochs:
        return rate
    return rate * (settings.warmup_start + (1 - settings.warmup_start) * (epoch + progress) / settings.warmup_epochs)


def trainable_parameters(modules: Mapping[str, nn.Module]) -> dict[str, nn.Parameter]:
    """The parameters that require gradients, as "module.parameter"."""
    return {
        f"{module}.{name}": parameter
        for module, network in modules.items()
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    }


def _optimizer(named: Mapping[str, nn.Parameter], settings: TrainingSettings) -> torch.optim.Optimizer:
    import torch

    slow = [parameter for name, parameter in named.items() if name.startswith(settings.slow_parts)]
    usual = [parameter for name, parameter in named.items() if not name.startswith(settings.slow_parts)]
    parameters: list[dict[str, Any]] = [{"params": usual}]
    if slow:
        parameters.append({"params": slow, "factor": settings.slow_factor})
    if settings.optimizer == "adam":
        betas = (settings.beta1, ADAM_BETA2)
        return torch.optim.Adam(parameters, settings.learning_rate, betas, weight_decay=settings.weight_decay)
    return torch.optim.SGD(
        parameters, lr=settings.learning_rate, momentum=settings.momentum, weight_decay=settings.weight_decay
    )
