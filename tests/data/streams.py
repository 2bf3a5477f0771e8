"""Streams that need no faces, for processes that make batches: they are found there by the name of this module."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from facelib.errors import BadInput


@dataclass(frozen=True)
class Numbers:
    """Batches that say their number, and by which process they were made.

    Args:
        dies_at: the batch at which its process ends, if any.
        refuses: the batch that cannot be made, if any.
    """

    dies_at: int = -1
    refuses: int = -1

    def batch(self, number: int, count: int) -> dict[str, np.ndarray]:
        if number == self.dies_at:
            os._exit(1)
        if number == self.refuses:
            raise BadInput(f"batch {number} is refused")
        return {"number": np.full(count, number), "process": np.array(os.getpid())}


def dies_at_3() -> Numbers:
    return Numbers(dies_at=3)


def refuses_1() -> Numbers:
    return Numbers(refuses=1)
