"""How far a long step has come: a bar on a terminal, a line every ten seconds in a log, nothing in a notebook.

Notebooks get nothing because their outputs are stored, and would differ each time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0  # where there is no terminal; a shorter step says nothing


class ProgressBar(Protocol):
    """What `progress_bar` gives."""

    def advance(self, count: int = 1) -> None:
        """Count so many more units as done."""


@contextmanager
def progress_bar(
    description: str, total: int | None = None, unit: str = "", *, show: bool = True
) -> Iterator[ProgressBar]:
    """Show on standard error how far a step has come.

    Args:
        description: what is being done, such as "rendering".
        total: how many units there are; None for a step whose length is not known, of which only the time is shown.
        unit: their name in the plural, such as "images".
        show: False in all but the first of several processes.

    Example:
        with progress_bar("rendering", len(images), "images") as bar:
            for image in images:
                render(image)
                bar.advance()
    """
    if not show or _in_a_notebook():
        yield _Silent()
    elif sys.stderr.isatty():
        with _rich_progress() as progress:
            yield _Shown(progress, progress.add_task(description, total=total, unit=unit, rate=""))
    else:
        with _Lines(description, total, unit) as lines:
            yield lines


def duration(seconds: float) -> str:
    """A length of time in words, such as "100 s", "12 min" or "3 h 5 min"."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


class _Silent:
    def advance(self, count: int = 1) -> None:
        pass


class _Shown:
    """A bar of rich, with the rate beside it."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress, self.task = progress, task

    def advance(self, count: int = 1) -> None:
        self.progress.update(self.task, advance=count)
        speed = self.progress.tasks[0].speed
        if speed:
            self.progress.update(self.task, rate=f"{speed:.3g}/s")


class _Lines:
    """A line every few seconds, from a thread of its own, so that one long unit does not look like a standstill."""

    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self.description, self.total, self.unit = description, total, unit
        self.done, self.started = 0, time.monotonic()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.write, daemon=True)

    def __enter__(self) -> _Lines:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def advance(self, count: int = 1) -> None:
        self.done += count

    def write(self) -> None:
        while not self.ended.wait(LINE_EVERY_S):
            print(self.line(time.monotonic() - self.started), file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        if self.total is None:
            return f"{self.description}: {duration(seconds)}"
        left = f", about {duration(seconds * (self.total - self.done) / self.done)} left" if self.done else ""
        return f"{self.description}: {self.done:,} of {self.total:,} {self.unit}{left}"


def _in_a_notebook() -> bool:
    """Whether this process is a notebook's kernel, found without importing IPython elsewhere."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _rich_progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
