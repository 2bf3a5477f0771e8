"""A stream of photographs as trainings ask for it: epochs are pieces of it, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

from facelib.data.ahead import Arrays, BatchesAhead

BETWEEN_STARTS = 10**6  # batches between the pieces of two training starts
HELD_OUT_SEED = 140_000  # of the people of a stream by whom trainings are watched

T = TypeVar("T")


@dataclass
class StreamedBatches(Generic[T]):
    """Batches of a stream, which is seeded itself.

    Args:
        source: of the batches.
        batch_count: in an epoch.
        first: number of the first epoch's first batch.
        read: a batch's arrays as samples.
    """

    source: BatchesAhead
    batch_count: int
    first: int
    read: Callable[[Arrays], T]

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[T]:
        """Those of an epoch, by its number; the generator is not asked."""
        for arrays in self.source.batches(self.first + epoch * self.batch_count, self.batch_count):
            yield self.read(arrays)
