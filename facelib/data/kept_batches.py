"""Batches of a stream on disk, for trainings that learn from the same ones.

All methods of a paper see the photographs of their training start. Rendering these is a good part of what a training
costs, and is done once here: whoever needs a batch first makes it.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from facelib.data.ahead import Arrays, Stream
from facelib.errors import UnwritableFile
from facelib.storage import atomic_path

_log = logging.getLogger(__name__)


@dataclass
class KeptStream:
    """A stream that looks on disk first.

    A batch that is damaged there is made again. One that cannot be written is given all the same, with a warning.

    Args:
        open_stream: gives the stream, once a batch is missing.
        folder: of its batches, named after all that decides their content besides number and size.
    """

    open_stream: Callable[[], Stream]
    folder: Path

    @cached_property
    def stream(self) -> Stream:
        """What makes the batches that are missing."""
        return self.open_stream()

    def batch(self, number: int, count: int) -> Arrays:
        """As the stream's own."""
        path = self.folder / f"of_{count}" / f"{number}.npz"
        try:
            with np.load(path) as kept:
                return dict(kept)  # reading checks each array's checksum
        except FileNotFoundError:
            pass
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            _log.warning("%s is damaged and is made again: %s", path, error)
        arrays = self.stream.batch(number, count)
        try:
            with atomic_path(path) as temporary, open(temporary, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
        except UnwritableFile as error:
            _log.warning("a batch is not kept, and will be made again: %s", error)
        return arrays
