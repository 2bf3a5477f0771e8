"""A progress bar with a rate and an estimate on a terminal, and silence everywhere else.

Notebooks and logs get nothing: a bar redrawn a hundred times would fill a stored output with its remains.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class ProgressBar(Protocol):
    """What `progress_bar` gives."""

    def advance(self, count: int = 1) -> None:
        """Count so many more units as done."""


class _Silent:
    def advance(self, count: int = 1) -> None:
        pass


class _Shown:
    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance

    def advance(self, count: int = 1) -> None:
        self._advance(count)


@contextmanager
def progress_bar(description: str, total: int, unit: str, *, show: bool = True) -> Iterator[ProgressBar]:
    """Show the progress of a loop on standard error, if that is a terminal.

    Args:
        description: what is being done, such as "rendering".
        total: how many units there are.
        unit: their name in the plural, such as "images".
        show: False in all but the first of several processes.

    Example:
        with progress_bar("rendering", len(images), "images") as bar:
            for image in images:
                render(image)
                bar.advance()
    """
    if not (show and sys.stderr.isatty()):
        yield _Silent()
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=total, unit=unit, rate="")

        def advance(count: int) -> None:
            progress.update(task, advance=count)
            speed = progress.tasks[0].speed
            if speed:
                progress.update(task, rate=f"{speed:.3g}/s")

        yield _Shown(advance)
