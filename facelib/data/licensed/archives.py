"""Archives of licensed data sets: read once from the user's folder, then opened from the cache like generated ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from facelib.data.archive import FaceArchive, make_archive
from facelib.data.licensed.checking import miscounted
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, read_index
from facelib.errors import BadInput, MissingPart
from facelib.storage import cache_folder, digest_of

DATA_VARIABLE = "FACELIB_DATA"
PART = 500  # samples: some seconds of reading that a kill can cost


def open_licensed(
    reader: Reader,
    root: Path,
    image_size: int,
    overrides: Mapping[str, str] | None = None,
    on_images: Callable[[int], None] = lambda count: None,
) -> FaceArchive:
    """A licensed data set from the cache, read from the user's folder where it is missing.

    Args:
        reader: of the data set.
        root: the user's folder.
        image_size: of the photographs, pixels a side.
        overrides: part -> place, where the folder differs from the reader's layout.
        on_images: told the number of samples after each part.

    Raises:
        MissingPart: the folder was not checked yet.
        BadInput, CorruptFile: a file has changed since, and does not fit any more.
    """
    if image_size < 1:
        raise BadInput(f"image_size is {image_size}: expected at least one pixel a side")
    folder = DataFolder(root, reader.layout, overrides or {})
    index = read_index(reader, folder)
    fingerprint = fingerprint_of_folder(reader, index, image_size)
    starts = range(0, len(index), PART)
    done = iter(min(PART, len(index) - start) for start in starts)

    def make_part(number: int) -> dict[str, np.ndarray]:
        rows = range(starts[number], min(starts[number] + PART, len(index)))
        return part_of(reader, folder, index, rows, image_size)

    place = cache_folder() / "data" / f"{reader.name}-{fingerprint}"
    return make_archive(place, reader.name, fingerprint, len(starts), make_part, lambda: on_images(next(done)))


def fingerprint_of_folder(reader: Reader, index: Index, image_size: int) -> str:
    """Of what an archive of a folder holds: its files, as they were when it was checked, and how they are read."""
    content = {"columns": index.columns, "protocol": index.protocol, "version": reader.version, "size": image_size}
    return digest_of({"name": reader.name} | content)


@dataclass(frozen=True)
class LicensedSettings:
    """A licensed data set that a run reads, in the place of what describes a generated one.

    Args:
        reader: its name.
        image_size: of photographs, pixels a side; of grids, cells.
        fingerprint: of its archive.
        image_count: samples in it.
    """

    archive: ClassVar[str] = "licensed"
    version: ClassVar[int] = 1

    reader: str
    image_size: int
    fingerprint: str
    image_count: int


@dataclass(frozen=True)
class PreparedSettings:
    """What a paper makes of licensed data for its runs, in the place of what describes a generated data set.

    Args:
        title: of its progress bar.
        fingerprint: of its archive.
        image_count: samples that are looked at.
        open_archive: from the cache, or made; told the number of samples after each part.
    """

    archive: ClassVar[str] = "prepared"
    version: ClassVar[int] = 1

    title: str
    fingerprint: str
    image_count: int
    open_archive: Callable[[Callable[[int], None]], FaceArchive] = field(compare=False, repr=False)


def licensed_settings(reader: Reader, image_size: int) -> LicensedSettings:
    """The data set in the user's folder of licensed data, which was checked.

    Raises:
        MissingPart: there is no such folder, or it was not checked; the message says what to do.
    """
    index = read_index(reader, DataFolder(data_root(reader), reader.layout))
    return LicensedSettings(reader.name, image_size, fingerprint_of_folder(reader, index, image_size), len(index))


def require_counts(reader: Reader, remedy: str) -> None:
    """Refuse a folder that was checked and holds other numbers of people and scans than are printed.

    Args:
        reader: of the data set.
        remedy: what to do about it.

    Raises:
        MissingPart: it does, with the counts; or as `licensed_settings`.
    """
    root = data_root(reader)
    differences = miscounted(reader, read_index(reader, DataFolder(root, reader.layout)))
    if differences:
        raise MissingPart(f"{reader.title} in {root}: {'; '.join(differences)}; {remedy}")


def data_root(reader: Reader) -> Path:
    """The folder of a data set below the one that `FACELIB_DATA` names, by the reader's name; it may be a link.

    Raises:
        MissingPart: it is not there.
    """
    chosen = os.environ.get(DATA_VARIABLE)
    if not chosen:
        raise MissingPart(
            f"{DATA_VARIABLE} is not set: set it to a folder that holds {reader.title} as {reader.name} (ask "
            f"{reader.ask}), and run `facelib data check {reader.name} FOLDER/{reader.name}`"
        )
    root = Path(chosen) / reader.name
    if not root.is_dir():
        raise MissingPart(
            f"there is no folder {root}: expected {reader.title} there, or a link to it (ask {reader.ask}); then run "
            f"`facelib data check {reader.name} {root}`"
        )
    return root


def part_of(reader: Reader, folder: DataFolder, index: Index, rows: range, image_size: int) -> dict[str, np.ndarray]:
    """The arrays of some samples, and with the first of them the protocol's."""
    samples = [reader.read(folder, index.row(number), image_size) for number in rows]
    arrays = {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}
    identity = np.array([index.columns["identity"][number] for number in rows], np.int32)
    protocol = {
        name: np.array(values, np.int32)[: None if rows.start == 0 else 0] for name, values in index.protocol.items()
    }
    return arrays | {"identity": identity} | protocol
