"""A data set on disk: one memory-mapped .npy file an array, made once, in parts that survive a kill.

The folder's name holds the fingerprint of everything that decides its content, so other settings never meet an old
file. Parts are written atomically; when all are there they are joined, and `archive.json`, written last, lists every
array with its checksum: a folder without it is unfinished, an array that does not match it is damaged.
"""

from __future__ import annotations

import fcntl
import io
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from facelib.data.samples import FaceSamples
from facelib.errors import BadInput, CorruptFile
from facelib.storage import atomic_path, opened_lock, read_json, sha256_of, verify_checked, write_checked, write_json

REQUIRED = ("images", "identity", "expression", "angle", "pose", "cloud")
LISTING = "archive.json"
REMEDY = "delete the folder, and ask for the data set again to make it anew"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FaceArchive:
    """An opened data set of N photographs and C clouds.

    Args:
        name: of the data set, such as "embedded_facescape".
        fingerprint: of its content.
        arrays: name -> array, read only: images (N, 3, H, W) uint8, identity, expression, angle, cloud (N,),
            pose (N, 3), and perhaps clouds (C, P, 3) in mm and role (N,).
    """

    name: str
    fingerprint: str
    arrays: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.arrays["identity"])

    @property
    def identities(self) -> np.ndarray:
        """The different identities, ascending."""
        return np.unique(self.arrays["identity"])

    @property
    def image_size(self) -> int:
        return self.arrays["images"].shape[-1]

    def clouds(self, numbers: np.ndarray | None = None) -> torch.Tensor:
        """Clouds (C, P, 3) in mm, all or some.

        Raises:
            BadInput: if the data set has none.
        """
        if "clouds" not in self.arrays:
            raise BadInput(f"data set {self.name} has no point clouds: choose a method that needs images only")
        chosen = self.arrays["clouds"] if numbers is None else self.arrays["clouds"][numbers]
        return torch.from_numpy(np.array(chosen))

    def samples(self, index: np.ndarray) -> FaceSamples:
        """The photographs of these rows.

        Raises:
            BadInput: on an empty index.
        """
        if len(index) == 0:
            raise BadInput(f"an empty batch was asked of data set {self.name}: expected at least one row")
        column = {name: torch.from_numpy(self.arrays[name][index]) for name in REQUIRED}
        return FaceSamples(
            images=column["images"].float().div_(255),
            identity=column["identity"].long(),
            expression=column["expression"].long(),
            angle=column["angle"].float(),
            pose=column["pose"].float(),
            cloud=column["cloud"].long(),
        )


def open_archive(folder: Path, name: str) -> FaceArchive:
    """Open a finished data set, checking every array against its checksum.

    Raises:
        CorruptFile: if it is unfinished or damaged; deleting the folder and asking again makes it anew.
    """
    listing = folder / LISTING
    if not listing.is_file():
        raise CorruptFile(f"{listing} is missing: the data set was never finished; {REMEDY}")
    content = read_json(listing, REMEDY)
    checksums = content.get("checksums")
    if not isinstance(checksums, dict) or not all(array.isidentifier() for array in checksums):
        raise CorruptFile(f"{listing} names no arrays, or names that are none: {REMEDY}")
    for array, checksum in checksums.items():
        path = folder / f"{array}.npy"
        if not path.is_file() or sha256_of(path) != checksum:
            raise CorruptFile(f"{path} is missing or damaged (its SHA-256 is not {checksum[:12]}...): {REMEDY}")
    arrays = {array: np.load(folder / f"{array}.npy", mmap_mode="r") for array in checksums}
    return FaceArchive(name, content["fingerprint"], arrays)


def make_archive(
    folder: Path,
    name: str,
    fingerprint: str,
    parts: int,
    make_part: Callable[[int], dict[str, np.ndarray]],
    on_part: Callable[[], None] = lambda: None,
) -> FaceArchive:
    """Open a data set, making what is missing of it.

    Args:
        folder: of this data set.
        name: of the data set.
        fingerprint: of its content.
        parts: number of parts.
        make_part: gives the arrays of part i; parts are concatenated along the first axis in order.
        on_part: called after each part, made or found.

    Raises:
        UnwritableFile: when the disk is full; finished parts stay and the next call goes on from them.
    """
    with suppress(CorruptFile):  # without the lock: a finished data set may lie on a disk that cannot be written
        return open_archive(folder, name)
    with _waiting_lock(folder):
        if (folder / LISTING).exists():
            try:
                return open_archive(folder, name)
            except CorruptFile as error:
                logger.warning("%s: making data set %s anew", error, name)
                shutil.rmtree(folder / "parts", ignore_errors=True)
                (folder / LISTING).unlink()
        for number in range(parts):
            path = folder / "parts" / f"{number:05d}.npz"
            if not _is_sound(path):
                _write_part(path, make_part(number))
            on_part()
        _join(folder, fingerprint, parts)
        return open_archive(folder, name)


def _write_part(path: Path, arrays: dict[str, np.ndarray]) -> None:
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    write_checked(path, content.getbuffer())


def _is_sound(path: Path) -> bool:
    try:
        verify_checked(path)
    except CorruptFile:
        return False
    return True


def _join(folder: Path, fingerprint: str, parts: int) -> None:
    paths = [folder / "parts" / f"{number:05d}.npz" for number in range(parts)]
    with np.load(paths[0], allow_pickle=False) as first:
        names = list(first.files)
    checksums = {}
    for array in names:
        target = folder / f"{array}.npy"
        with atomic_path(target) as temporary:
            _concatenate(paths, array, temporary)
        checksums[array] = sha256_of(target)
    write_json(folder / LISTING, {"fingerprint": fingerprint, "checksums": checksums})
    shutil.rmtree(folder / "parts")


def _concatenate(paths: list[Path], array: str, target: Path) -> None:
    """One array of all parts, a part in memory at a time.

    Written as a stream: on a full disk a write raises, where a memory map would end the process.
    """
    first = _read_array(paths[0], array)
    rows = sum(len(_read_array(path, array)) for path in paths)
    header = {"descr": first.dtype.str, "fortran_order": False, "shape": (rows, *first.shape[1:])}
    with open(target, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for path in paths:
            file.write(_read_array(path, array).tobytes())


def _read_array(path: Path, array: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        return file[array]


@contextmanager
def _waiting_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time make a data set; others wait and then find it made."""
    with opened_lock(folder / "making.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for leftover in folder.rglob(".*.part"):
            if f".{os.getpid()}." not in leftover.name:
                leftover.unlink()
        yield
