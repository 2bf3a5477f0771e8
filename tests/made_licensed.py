"""Folders in the layouts and byte formats of licensed data sets, written from archives of embedded faces.

Papers run on them as on a user's folders; numbers so made say nothing of people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from made_scans import write_scan
from PIL import Image

from facelib.data.archive import FaceArchive
from facelib.data.embedded.face_scans import scan_positions
from facelib.data.licensed import READERS
from facelib.data.licensed.archives import DATA_VARIABLE
from facelib.data.licensed.bu_3dfe import EMOTIONS as LEVELLED
from facelib.data.licensed.bu_4dfe import EMOTIONS as SEQUENCES
from facelib.data.licensed.checking import check_samples
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import write_index
from facelib.data.licensed.vggface2 import ENLARGED
from facelib.storage import CACHE_VARIABLE, cache_folder

SIDE = 128  # pixels of the written photographs
FIVE_POINTS = "45,50,83,50,64,70,50,90,78,90"  # of a frontal face that fills such a photograph
FROM_SCANNER = (20.0, -30.0, -1290.0)  # mm, to the heads of FRGC v2

Write = Callable[[Path, FaceArchive], None]


def save(path: Path, image: np.ndarray) -> None:
    """A photograph (3, S, S) uint8 of `SIDE` pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.transpose(1, 2, 0)).resize((SIDE, SIDE)).save(path, quality=92)


def write_vggface2(folder: Path, archive: FaceArchive) -> None:
    side = SIDE / ENLARGED
    corner = (SIDE - side) / 2
    rows: dict[str, list[str]] = {"train": [], "test": []}
    of_person: Counter[int] = Counter()
    for image, person in zip(archive.arrays["images"], archive.arrays["identity"].tolist(), strict=True):
        part = "test" if person % 10 == 0 else "train"
        of_person[person] += 1
        name = f"n{person:06d}/{of_person[person]:04d}_01"
        save(folder / part / f"{name}.jpg", image)
        rows[part].append(name)
    (folder / "bb_landmark").mkdir()
    for part, names in rows.items():
        boxes = [f'"{name}",{corner},{corner},{side},{side}' for name in names]
        points = [f'"{name}",{FIVE_POINTS}' for name in names]
        (folder / f"bb_landmark/loose_bb_{part}.csv").write_text("\n".join(["NAME_ID,X,Y,W,H", *boxes]))
        head = "NAME_ID," + ",".join(f"P{number}{axis}" for number in range(1, 6) for axis in "XY")
        (folder / f"bb_landmark/loose_landmark_{part}.csv").write_text("\n".join([head, *points]))


def write_bu_3dfe(folder: Path, archive: FaceArchive) -> None:
    def name(person: int, number: int, row: int) -> str:
        emotion, level = (int(archive.arrays[key][row]) for key in ("expression", "level"))
        return f"BU_3DFE/F{person:04d}/F{person:04d}_{LEVELLED[emotion]}{level:02d}WH_F3D.wrl"

    _write_scans(folder, archive, name)


def write_bu_4dfe(folder: Path, archive: FaceArchive) -> None:
    def name(person: int, number: int, row: int) -> str:
        emotion, frame = (int(archive.arrays[key][row]) for key in ("expression", "frame"))
        return f"M{person:03d}/{SEQUENCES[emotion - 1]}/{frame:03d}.wrl"

    _write_scans(folder, archive, name)


def write_frgc(folder: Path, archive: FaceArchive) -> None:
    def name(person: int, number: int, row: int) -> str:
        return f"nd1/Fall2003range/{4200 + person:05d}d{70 + number}.abs{'.gz' * (number % 2)}"

    _write_scans(folder, archive, name, FROM_SCANNER)


def write_bosphorus(folder: Path, archive: FaceArchive) -> None:
    def name(person: int, number: int, row: int) -> str:
        shown = f"LFAU_{number}" if number else "N_N"
        return f"BosphorusDB/bs{person:03d}/bs{person:03d}_{shown}_0.bnt"

    _write_scans(folder, archive, name)


def _write_scans(
    folder: Path, archive: FaceArchive, name: Callable[[int, int, int], str], shift: tuple[float, ...] = (0.0, 0.0, 0.0)
) -> None:
    """Every scan as the file whose name its person, its number among theirs, and its row give."""
    of_person: Counter[int] = Counter()
    for row, person in enumerate(archive.arrays["identity"].tolist()):
        path = folder / name(person, of_person[person], row)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scan(path, scan_positions(archive, [row])[0] + torch.tensor(shift)[:, None, None])
        of_person[person] += 1


def use_written(patch: pytest.MonkeyPatch, place: Path, sets: Mapping[str, tuple[Write, FaceArchive]]) -> Path:
    """The user's folder of licensed data with these data sets, and a cache that holds the baked faces alone."""
    baked = cache_folder() / "faces"
    patch.setenv(CACHE_VARIABLE, str(place / "cache"))
    (place / "cache").mkdir()
    (place / "cache/faces").symlink_to(baked)
    patch.setenv(DATA_VARIABLE, str(place / "data"))
    for name, (write, archive) in sets.items():
        folder = place / "data" / name
        folder.mkdir(parents=True)
        write(folder, archive)
    return place / "data"


def check(name: str, root: Path) -> None:
    """As `facelib data check`."""
    reader = READERS[name]
    folder = DataFolder(root, reader.layout)
    write_index(reader, folder, check_samples(reader, folder, reader.index(folder)).index)
