"""What a reader of a licensed data set is, and the index that `facelib data check` writes.

A reader knows the lists and files of one data set: it makes an index of a user's folder, a row for each sample, and
reads a sample as arrays in the package's frame and units. The papers' tasks do not read the folder. They take rows of
whole arrays, in any order, dozens of times a sample, and a run's records name a fingerprint of its data; so the samples
are read once, cropped to the size that is asked for, into the same kind of archive that generated data sets have
(`facelib.data.licensed.archives`). It costs disk (112 x 112 pixels take 38 kB) and saves decoding in every epoch, and
nothing that uses an archive needs to know where it is from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facelib.data.licensed.folders import DataFolder
from facelib.errors import CorruptFile, MissingPart
from facelib.storage import cache_folder, digest_of, read_json, write_json

Row = Mapping[str, Any]
Sample = dict[str, np.ndarray]


@dataclass(frozen=True)
class Index:
    """What a folder holds.

    Args:
        columns: name -> a value for each sample; "files" lists the files of each, relative to the folder, the
            photograph or scan first, and "identity" is the number of the person.
        protocol: arrays that belong to no single sample, such as pairs, as nested lists by name.
        counts: what was counted, by the names of `Reader.counts`.
        remarks: what is worth a look, though all of it can be read: people without a gallery scan, say.
    """

    columns: dict[str, list[Any]]
    protocol: dict[str, list[Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.columns["files"])

    def row(self, number: int) -> Row:
        """All that is known of one sample."""
        return {name: column[number] for name, column in self.columns.items()}


@dataclass(frozen=True)
class Reader:
    """A reader of one data set.

    Args:
        name: on the command line and in the cache.
        title: as its publishers write it.
        licence: what one may do with it.
        ask: whom to ask for it.
        disk: what it takes.
        serves: the tables that need it.
        layout: part -> the places in the folder where it may lie.
        counts: what the publishers count, by name.
        index: lists the samples of a folder.
        read: one sample, from its folder, its row, and the size of the image or grid wanted, in pixels or cells. All
            samples have the same arrays: those that every archive of photographs has (`facelib.data.archive`), or of
            scans (`facelib.data.embedded.face_scans`), or of depth frames (`facelib.data.depth_faces`), but identity.
        version: raise it when what is read changes; older archives are then passed over.
    """

    name: str
    title: str
    licence: str
    ask: str
    disk: str
    serves: str
    layout: Mapping[str, Sequence[str]]
    counts: Mapping[str, int]
    index: Callable[[DataFolder], Index]
    read: Callable[[DataFolder, Row, int], Sample]
    version: int = 1

    @property
    def described(self) -> dict[str, str]:
        """What one wants to know before asking for it."""
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        facts = {"title": self.title, "licence": self.licence, "ask": self.ask, "disk": self.disk}
        return facts | {"serves": self.serves, "holds": counts or "no fixed number"}


def index_path(reader: Reader, folder: DataFolder) -> Path:
    """Where the index of a folder is kept: in the cache, since data may lie on a disk that cannot be written."""
    place = digest_of({"root": ascii(folder.root.resolve()), "overrides": dict(folder.overrides)})
    return cache_folder() / "licensed" / f"{reader.name}-{place}.json"


def write_index(reader: Reader, folder: DataFolder, index: Index) -> Path:
    """Keep the index of a folder that was checked."""
    path = index_path(reader, folder)
    content = {"version": reader.version, "columns": index.columns, "protocol": index.protocol, "counts": index.counts}
    write_json(path, content)
    return path


def read_index(reader: Reader, folder: DataFolder) -> Index:
    """The index of a folder that was checked before.

    Raises:
        MissingPart: it never was, or by an older reader.
        CorruptFile: the index is damaged.
    """
    path, command = index_path(reader, folder), f"facelib data check {reader.name} {folder.root}"
    if not path.is_file():
        raise MissingPart(f"{folder.root} was not yet checked as {reader.title}: run `{command}` first")
    content = read_json(path, f"run `{command}` again")
    if content.get("version") != reader.version:
        raise MissingPart(f"{folder.root} was checked by an older reader of {reader.title}: run `{command}` again")
    try:
        return Index(content["columns"], content["protocol"], content["counts"])
    except KeyError as error:
        raise CorruptFile(f"{path} lacks {error}: run `{command}` again") from error
