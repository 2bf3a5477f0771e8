"""What trainings on photographs share, whatever is known of the faces on them (papers 3 and 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import torch
from torch import nn

from facelib.runs.phases import DEFAULT_SCHEDULE, Stage

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Photographs(Protocol[T_co]):
    """What a network learns from.

    Attributes:
        batch_count: batches in an epoch.
    """

    @property
    def batch_count(self) -> int: ...

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[T_co]:
        """Those of an epoch; all that is random about them and not seeded itself comes from the generator."""


class PhotographTask(Generic[T]):
    """A network that learns from photographs, and photographs of other people.

    Args:
        network: reads photographs.
        photographs: that it learns from.
        held_out: of other people, by whom training is watched.
        fingerprint: of all that decides the result besides the training settings.
    """

    schedule: tuple[Stage, ...] = DEFAULT_SCHEDULE

    def __init__(
        self, network: nn.Module, photographs: Photographs[T], held_out: Sequence[T], fingerprint: str
    ) -> None:
        self.network = network  # `modules` holds Fabric's wrapper
        self.modules: dict[str, nn.Module] = {"network": network}
        self.photographs, self.held_out, self.fingerprint = photographs, held_out, fingerprint
        self.batch_count = photographs.batch_count

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[T]:
        return self.photographs.batches(epoch, generator)

    def watch(self) -> Mapping[str, float]:
        return {}

    @property
    def device(self) -> torch.device:
        """Of the network."""
        return next(self.network.parameters()).device
