"""Batches made ahead of the training that asks for them, by processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

import numpy as np

from facelib.errors import BadInput, FacelibError

AHEAD = 4  # batches a process, so that none waits while a validation goes on
LOOKS_EVERY_S = 2.0  # whether the process that asked is still there

Arrays = Mapping[str, np.ndarray]


class Stream(Protocol):
    """What makes batches by number; the same number gives the same batch."""

    def batch(self, number: int, count: int) -> Arrays: ...


class BatchesAhead:
    """The batches of a stream in their order, without end.

    Args:
        open_stream: gives the stream; called once in each process, so it is a function that can be found by its name.
        count: samples a batch.
        processes: that make batches; with 0 they are made by the one who asks, when it asks.

    Raises:
        BadInput: on less than one sample, or less than no process.
    """

    def __init__(self, open_stream: Callable[[], Stream], count: int, processes: int) -> None:
        if count < 1 or processes < 0:
            raise BadInput(f"{count} samples a batch by {processes} processes: expected 1 or more, and 0 or more")
        self.open_stream, self.count, self.processes = open_stream, count, processes
        self.made: dict[int, Future[Arrays]] = {}
        self.pool: ProcessPoolExecutor | None = None
        self.stream: Stream | None = None

    def batches(self, first: int, number: int) -> Iterator[Arrays]:
        """So many batches from this one on; those after them are made too, as they are likely to be asked for next.

        Raises:
            FacelibError: when a process has died.
        """
        for each in range(first, first + number):
            yield self._ahead(each) if self.processes else self._here(each)

    def close(self) -> None:
        """End the processes."""
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)
        self.pool, self.made = None, {}

    def _here(self, number: int) -> Arrays:
        if self.stream is None:
            self.stream = self.open_stream()
        return self.stream.batch(number, self.count)

    def _ahead(self, number: int) -> Arrays:
        if self.pool is None:
            self.pool = ProcessPoolExecutor(
                self.processes,
                multiprocessing.get_context("spawn"),  # a process forked from one with threads may hang
                initializer=_start,
                initargs=(self.open_stream, os.getpid()),
            )
        wanted = range(number, number + AHEAD * self.processes)
        try:
            self.made = {each: self.made.get(each) or self.pool.submit(_batch, each, self.count) for each in wanted}
            return self.made.pop(number).result()
        except BrokenProcessPool as error:
            self.close()
            raise FacelibError(
                f"a process that makes batches died before batch {number}, perhaps killed for want of memory: "
                "the same command goes on from the last epoch"
            ) from error


_stream: Stream | None = None  # of a process that makes batches


def _start(open_stream: Callable[[], Stream], asking: int) -> None:
    """Make this process ready: one thread, a stream of its own, and an end when the one that asks has gone."""
    global _stream
    import torch

    torch.set_num_threads(1)
    threading.Thread(target=_end_without, args=(asking,), daemon=True).start()
    _stream = open_stream()


def _end_without(asking: int) -> None:
    while os.getppid() == asking:
        time.sleep(LOOKS_EVERY_S)
    os._exit(1)


def _batch(number: int, count: int) -> Arrays:
    assert _stream is not None
    return _stream.batch(number, count)
