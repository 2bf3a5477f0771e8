"""What a paper gives to the training loop: modules, batches, loss terms, and an evaluation of the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from facelib.errors import unknown_name
from facelib.runs.phases import DEFAULT_SCHEDULE, Stage

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


Direction = Literal["highest", "lowest"]


@dataclasses.dataclass(frozen=True)
class Monitor:
    """The number that selects the best epoch.

    Attributes:
        name: its name in what `Task.validate` returns.
        direction: whether the highest number is the best, or the lowest.
    """

    name: str
    direction: Direction

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction):
            raise unknown_name("direction of a monitor", self.direction, get_args(Direction))


class Task(Protocol):
    """What a paper trains.

    Attributes:
        modules: everything with weights, classifier heads included. While training, the entries are Fabric's wrappers,
            so the methods below must look modules up here, and call them (`self.modules["backbone"](images)`).
        fingerprint: a digest of all that decides the result besides TrainingSettings: model and loss settings, data,
            initial weights. A checkpoint with another fingerprint is refused.
        batch_count: batches in an epoch, over all devices.
        monitor: the number, of those that `validate` returns, that selects the best epoch.
        schedule: the phases of the training. A task without this attribute trains all modules in one phase, "all".
    """

    modules: dict[str, nn.Module]
    fingerprint: str
    batch_count: int
    monitor: Monitor
    schedule: tuple[Stage, ...] = DEFAULT_SCHEDULE

    def batches(self, epoch: int, generator: torch.Generator) -> Iterable[Any]:
        """The batches of an epoch in their order, on the CPU: tensors in dataclasses, dictionaries or tuples.

        Everything random about them must come from `generator`. With n devices each process draws all batches and
        trains on every n-th, so they should be cheap to draw; a last incomplete round is left out.
        """

    def losses(self, batch: Any, phase: str) -> Mapping[str, Tensor]:
        """The terms of a phase's loss, scalars, already weighted: their sum is minimised. The batch is on the device.

        Only the phase's own modules are trained meanwhile; a task with one phase has no use for the name.
        """

    def watch(self) -> Mapping[str, float]:
        """Numbers to record after each epoch's training besides the losses, such as an attention's gamma."""

    def validate(self) -> Mapping[str, float]:
        """Numbers that evaluate the current weights, `monitor` among them; modules are in eval mode, without gradients.

        With several devices each process computes all of it and the first one's numbers count.
        """


def to_device(batch: Any, device: torch.device | str) -> Any:
    """The batch with every tensor on a device; dataclasses (frozen too), dictionaries, tuples and lists are rebuilt."""
    import torch

    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        names = [field.name for field in dataclasses.fields(batch) if field.init]
        return dataclasses.replace(batch, **{name: to_device(getattr(batch, name), device) for name in names})
    if isinstance(batch, Mapping):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(value, device) for value in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(to_device(value, device) for value in batch)
    return batch
