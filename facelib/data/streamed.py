"""A stream of photographs as trainings ask for it: epochs are pieces of it, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch

from facelib.data.ahead import Arrays, BatchesAhead, Stream
from facelib.data.kept_batches import KeptStream

BETWEEN_STARTS = 10**6  # batches between the pieces of two training starts
HELD_OUT_SEED = 140_000  # of the people of a stream by whom trainings are watched

AT_ONCE = 100  # of the held-out photographs

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


def part_of_start(
    open_stream: Callable[[], Stream],
    read: Callable[[Arrays], T],
    *,
    seed: int,
    batch_size: int,
    batch_count: int,
    processes: int,
    kept: Path | None = None,
) -> StreamedBatches[T]:
    """The part of a stream that a training start learns from.

    Args:
        open_stream: gives the stream, in each process.
        read: a batch's arrays as samples.
        seed: of the training start.
        batch_size: photographs in a batch.
        batch_count: batches in an epoch.
        processes: that make batches ahead.
        kept: folder in which they are kept for other runs, or None.
    """
    opened = open_stream if kept is None else partial(KeptStream, open_stream, kept)
    return StreamedBatches(BatchesAhead(opened, batch_size, processes), batch_count, seed * BETWEEN_STARTS, read)


def portions(count: int) -> list[int]:
    """Sizes of as few portions of held-out photographs as hold `AT_ONCE` at most, as even as they can be."""
    return [len(part) for part in np.array_split(np.arange(count), -(-count // AT_ONCE))]
