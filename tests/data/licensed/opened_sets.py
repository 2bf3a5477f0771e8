"""Folders of data sets checked and opened as a user would, and the square that a crop should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.licensed import READERS
from facelib.data.licensed.archives import open_licensed
from facelib.data.licensed.checking import Checked, check_samples
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import write_index

SIZE = 64  # pixels of the crops


def checked(name: str, root: Path, **overrides: str) -> Checked:
    reader = READERS[name]
    folder = DataFolder(root, reader.layout, overrides)
    result = check_samples(reader, folder, reader.index(folder))
    write_index(reader, folder, result.index)
    return result


def opened(name: str, root: Path, **overrides: str) -> FaceArchive:
    checked(name, root, **overrides)
    return open_licensed(READERS[name], root, SIZE, overrides)


def square(points: np.ndarray) -> tuple[float, float, float]:
    low, high = points[:, :2].min(axis=0) + 0.5, points[:, :2].max(axis=0) + 0.5
    side = CROP * (high - low).max()
    return (*((low + high - side) / 2), side)
