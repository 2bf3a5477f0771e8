"""Signals that ask a command to end, such as those of a closed terminal or of a batch system."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_orderly() -> Iterator[None]:
    """Meanwhile SIGTERM and SIGHUP unwind as Ctrl-C does, with the shell's exit status for them.

    A signal that is shut out, as by nohup, or has a handler stays as it is, and only the main thread can have handlers.
    """
    taken = [number for number in ENDING if signal.getsignal(number) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        taken = []
    for number in taken:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
