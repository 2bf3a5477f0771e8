"""How much memory the tensors of a piece of work take at its peak, whatever the allocator holds besides."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

MB = 1e6


class TensorMemory(TorchDispatchMode):
    """Counts the bytes of storages that live, while it is entered; buffers inside a single operation are not seen.

    Args:
        held: tensors that were there before, such as the weights of networks.

    Attributes:
        peak: bytes, so far.
    """

    def __init__(self, held: Iterable[torch.Tensor] = ()) -> None:
        super().__init__()
        self._live: dict[int, int] = {}
        self._now = self.peak = 0
        for tensor in held:
            self._watch(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, torch.Tensor):
                self._watch(each)
        return made

    def _watch(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        if key and key not in self._live:
            self._live[key] = storage.nbytes()
            self._now += storage.nbytes()
            self.peak = max(self.peak, self._now)
            weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self._now -= self._live.pop(key, 0)


def peak_tensor_mb(work: Callable[[], Any], held: Iterable[torch.Tensor] = ()) -> float:
    """Megabytes of tensors at the peak of a call, those that it is given included.

    Args:
        work: what is called, without gradients.
        held: tensors that it works with and that exist before.
    """
    with torch.no_grad(), TensorMemory(held) as memory:
        work()
    return memory.peak / MB
