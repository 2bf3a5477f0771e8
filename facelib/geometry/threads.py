"""One kernel over several threads, by plain Python threads around kernels that release the interpreter lock.

Numba's own parallel loops are not used: their pool and torch's spin against each other on a small machine, and may
not be used after a fork, as in a data loader's worker. These threads live for one call only.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch


def share_among_threads(kernel: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call kernel(first, last, *arguments) on even parts of range(count), a part for each of torch's threads.

    Args:
        kernel: compiled with nogil; parts must not write to the same place.
        count: pieces of work.
        arguments: handed on unchanged.
    """
    parts = min(torch.get_num_threads(), count)
    bounds = [part * count // parts for part in range(parts + 1)]
    if parts == 1:
        kernel(0, count, *arguments)
        return
    with ThreadPoolExecutor(parts - 1) as pool:
        others = [pool.submit(kernel, *bounds[i : i + 2], *arguments) for i in range(1, parts)]
        kernel(*bounds[:2], *arguments)
        for other in others:
            other.result()
