"""Licensed data sets as paper 5 reads them: faces that were found, cropped as in training, with detected landmarks.

Section 5.2: photographs without a face that is found, or with several, are left out. They are counted here. What is
left has no more than images, landmarks and a guess of the skin, and in data sets to be evaluated on the truth beside
them. Which photographs the paper learns from it does not say: about 50,000, drawn at random from LFW and VGGFace2. Here
data sets give equal shares, and one that has fewer gives all it has. Where frames or photographs are evaluated on, the
largest face counts; AFLW2000-3D says where its faces are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from facelib.data.blazeface import WEIGHTS as FACE_FINDER
from facelib.data.licensed import reader_of
from facelib.data.licensed.archives import PreparedSettings, data_root, fingerprint_of_folder
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, index_path, read_index
from facelib.errors import BadInput
from facelib.faces.baking import face_model_checksum
from facelib.papers.msma.detected_archive import Chosen, open_detected
from facelib.papers.msma.detection import DETECTOR
from facelib.papers.msma.settings import LicensedPhotographs
from facelib.storage import digest_of
from facelib.weights import checksums

VERSION = 1  # raise it when faces are found or cropped otherwise: older archives are then passed over
DRAW_SEED = 5  # of the photographs to learn from


@dataclass(frozen=True)
class _Place:
    """The user's folder of a data set, and the state of its index: as long as they stay, it is not read again, which
    for millions of photographs takes a minute."""

    name: str
    root: Path
    state: tuple[int, int] | None

    @classmethod
    def of(cls, name: str) -> _Place:
        reader = reader_of(name)
        root = data_root(reader)
        path = index_path(reader, DataFolder(root, reader.layout))
        state = path.stat() if path.is_file() else None
        return cls(name, root, state and (state.st_mtime_ns, state.st_size))

    def read(self) -> tuple[Reader, DataFolder, Index]:
        """Raises MissingPart where the folder was not checked."""
        reader = reader_of(self.name)
        folder = DataFolder(self.root, reader.layout)
        return reader, folder, read_index(reader, folder)


def training_photographs(settings: LicensedPhotographs, image_size: int) -> PreparedSettings:
    """The photographs to learn from.

    Args:
        settings: which data sets, and how many photographs.
        image_size: of the crops, pixels a side.

    Raises:
        UnknownName: no reader has such a name.
        MissingPart: a folder is not there, or was not checked.
        BadInput: no data set or photograph is asked for.
    """
    if not settings.sets or settings.count < 1:
        raise BadInput(
            f"{settings.count} photographs of {len(settings.sets)} data sets: expected at least one of both "
            "(photographs.sets, photographs.count)"
        )
    return _training(tuple(map(_Place.of, settings.sets)), settings.count, image_size)


def evaluation_photographs(name: str, image_size: int) -> PreparedSettings:
    """A data set to be evaluated on: of FaceWarehouse the people who are; arguments and errors as above."""
    return _evaluation(_Place.of(name), image_size)


@lru_cache(maxsize=4)
def _training(places: tuple[_Place, ...], count: int, image_size: int) -> PreparedSettings:
    whole = [place.read() for place in places]
    shares = equal_shares([len(index) for *_, index in whole], count)
    chosen, first = [], 0
    for (reader, folder, index), share in zip(whole, shares, strict=True):
        rows = np.sort(np.random.default_rng(DRAW_SEED).permutation(len(index))[:share]).tolist()
        chosen.append(_chosen(reader, folder, index, rows, first))
        first += max(index.columns["identity"]) + 1
    return _prepared(chosen, image_size, alone=True)


@lru_cache(maxsize=16)
def _evaluation(place: _Place, image_size: int) -> PreparedSettings:
    reader, folder, index = place.read()
    evaluated = index.columns.get("is_evaluated")
    rows = [row for row in range(len(index)) if evaluated is None or evaluated[row]]
    return _prepared([_chosen(reader, folder, index, rows, 0)], image_size, alone=False)


def _chosen(reader: Reader, folder: DataFolder, index: Index, rows: list[int], first: int) -> Chosen:
    fingerprint = digest_of([fingerprint_of_folder(reader, index, 0), rows])
    return Chosen(reader, folder, [index.row(row) for row in rows], fingerprint, first)


def equal_shares(sizes: Sequence[int], count: int) -> list[int]:
    """How many each of several data sets gives to a count: the same number, or all that it has."""
    shares, left = [0] * len(sizes), count
    order = sorted(range(len(sizes)), key=lambda each: sizes[each])
    for place, each in enumerate(order):
        shares[each] = min(sizes[each], left // (len(sizes) - place))
        left -= shares[each]
    return shares


def _prepared(chosen: Sequence[Chosen], image_size: int, *, alone: bool) -> PreparedSettings:
    name = "_".join([*(each.reader.name for each in chosen), "detected"])
    fingerprint = digest_of(
        {
            "name": name,
            "version": VERSION,
            "size": image_size,
            "alone": alone,
            "samples": [each.fingerprint for each in chosen],
            "detectors": checksums((DETECTOR, FACE_FINDER)),
            "faces": face_model_checksum("coarse"),  # whose landmarks say where crops are
        }
    )
    title = ", ".join(each.reader.title for each in chosen)
    opened = partial(open_detected, name, fingerprint, chosen, image_size, alone)
    return PreparedSettings(f"faces of {title}", fingerprint, sum(len(each.samples) for each in chosen), opened)
