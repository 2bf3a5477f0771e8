"""How much memory a piece of work needs on top of what the process holds, from Linux's own peak counter."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def extra_mib(work: Callable[[], Any]) -> float | None:
    """Peak resident memory during one call above that before it, in MiB; None where the system cannot tell.

    Free memory that the allocator keeps is handed back to the system first; what it cannot hand back and the work
    reuses is not seen, so a figure near zero means "less than what was lying about".
    """
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text("5")  # the peak restarts at what is resident now
        before = _resident("VmRSS")
        work()
        return max(_resident("VmHWM") - before, 0.0)
    except (OSError, AttributeError, StopIteration):
        return None


def _resident(field: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024
