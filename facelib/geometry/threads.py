"""One kernel over several threads, by plain Python threads around kernels that release the interpreter lock.

Numba's own parallel loops are not used: their pool and torch's spin against each other on a small machine, and may
not be used after a fork, as in a data loader's worker. These threads sleep between calls, since starting one costs
as much as drawing a small image. A forked process starts its own. Calls may come from several threads at once, and
from inside a kernel: whoever calls does every part that no other thread has taken.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import torch


def share_among_threads(kernel: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call kernel(first, last, *arguments) on even parts of range(count), a part for each of torch's threads.

    Args:
        kernel: compiled with nogil; parts must not write to the same place.
        count: pieces of work.
        arguments: handed on unchanged.

    Raises:
        BaseException: the first one that a part raised, after all parts have ended.
    """
    parts = min(torch.get_num_threads(), count)
    if parts <= 1:
        kernel(0, count, *arguments)
        return
    bounds = [part * count // parts for part in range(parts + 1)]
    shared = _SharedWork(lambda part: kernel(bounds[part], bounds[part + 1], *arguments), parts)
    _ask_helpers(shared, parts - 1)
    shared.work()
    shared.wait()


class _SharedWork:
    """The parts of one call."""

    def __init__(self, do: Callable[[int], None], parts: int) -> None:
        self._do = do
        self._parts = parts
        self._waiting = deque(range(parts))
        self._ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def work(self) -> None:
        """Do parts until none is waiting."""
        while True:
            try:
                part = self._waiting.popleft()
            except IndexError:
                return
            self._ended.put(self._error_of(part))

    def wait(self) -> None:
        """Wait until all parts have ended; raise the first error."""
        errors = [self._ended.get() for _ in range(self._parts)]
        for error in errors:
            if error is not None:
                raise error

    def _error_of(self, part: int) -> BaseException | None:
        try:
            self._do(part)
        except BaseException as error:
            return error
        return None


_calls: SimpleQueue[_SharedWork] = SimpleQueue()
_helpers: list[threading.Thread] = []


def _ask_helpers(shared: _SharedWork, count: int) -> None:
    while len(_helpers) < count:
        helper = threading.Thread(target=_help, args=(_calls,), name="facelib helper", daemon=True)
        helper.start()
        _helpers.append(helper)
    for _ in range(count):
        _calls.put(shared)


def _help(calls: SimpleQueue[_SharedWork]) -> None:
    while True:
        calls.get().work()  # no name for it, which would keep its arrays alive until the next call


def _forget_helpers() -> None:
    """In a forked process, which has none of its parent's threads."""
    global _calls
    _calls = SimpleQueue()
    _helpers.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_forget_helpers)
