"""Where and how a training computes: device, precision, number of processes, determinism."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from facelib.errors import BadInput
from facelib.runs.settings import TrainingSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def make_fabric(settings: TrainingSettings) -> Fabric:
    """Lightning Fabric on the device, with the precision and the number of processes that the settings name.

    Raises:
        BadInput: there is no such device, or it has no such precision.
    """
    from lightning_fabric import Fabric

    # Fabric announces precision and devices through its logger; a record says all that.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    try:
        return Fabric(
            accelerator=settings.accelerator,
            devices=settings.devices,
            precision=settings.precision,
            # Forking works from a script and from a notebook's kernel alike.
            strategy="ddp_notebook" if settings.devices > 1 else "auto",
        )
    except (ValueError, RuntimeError, TypeError) as error:
        raise BadInput(
            f"cannot train with accelerator {settings.accelerator!r}, {settings.devices} device(s), precision "
            f"{settings.precision!r}: {error}"
        ) from error


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """Have torch refuse operations whose result depends on the order of threads, or let it use them."""
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(wanted)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Have torch, BLAS and our own kernels compute on so many threads, however many cores there are."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(limits=count):
            yield
    finally:
        torch.set_num_threads(before)
