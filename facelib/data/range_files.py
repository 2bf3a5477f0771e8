"""Range images of scanners' own files: `.abs` of FRGC v2 and `.bnt` of Bosphorus, as grids of positions.

Both become (3, H, W) float32 in mm with row 0 on top, NaN where the scanner saw nothing. What a header counts is
compared with the file before anything of that size is made.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

import numpy as np
import torch

from facelib.errors import CorruptFile

LARGEST = 1_000_000  # samples; FRGC v2 has 307,200
LONGEST = 32  # characters that a number of an .abs takes, with the space behind it
ABS_LINES = ("flags", "x", "y", "z")
ABS_HOLE = -999999.0
BNT_COLUMNS = 5  # x, y, z, and the place in the photograph
REMEDY = "copy it from its source again"


def read_abs(path: Path) -> torch.Tensor:
    """A range image of FRGC v2, perhaps compressed (`.abs.gz`).

    The file is text: lines "480 rows", "640 columns" and "pixels (flag X Y Z):", and then a line each of all flags, 1
    where a sample was seen, all x, all y and all z, row by row from the top.

    Args:
        path: the file.

    Returns:
        (3, H, W) mm, NaN in holes.

    Raises:
        CorruptFile: it is no such file, is cut off, or holds other counts than its header says.
    """
    with _opened(path) as file:
        rows, columns = (_abs_count(path, file, name) for name in ("rows", "columns"))
        samples = _checked_size(path, rows, columns)
        if not file.readline(80).startswith(b"pixels"):
            _refuse(path, "its third line does not begin as expected, with 'pixels'")
        flags, *positions = (_abs_numbers(path, file, name, samples) for name in ABS_LINES)
        if file.read(LONGEST).strip():
            _refuse(path, f"it goes on behind the z of its {rows} x {columns} samples, expected its end")
    if not np.isin(flags, (0, 1)).all():
        _refuse(path, f"its flags hold {flags[~np.isin(flags, (0, 1))][0]:g}, expected 0 and 1")
    return _grid(path, np.stack(positions), (flags == 1) & (positions[2] != ABS_HOLE), rows, columns)


def read_bnt(path: Path) -> torch.Tensor:
    """A range image of Bosphorus.

    The file is little-endian: uint16 rows and columns, float64 the z of what was not seen, uint16 length of a
    photograph's name and the name, uint32 count of numbers, and float64 all x, all y, all z and the places in the
    photograph, row by row from the bottom.

    Args:
        path: the file.

    Returns:
        (3, H, W) mm, NaN in holes.

    Raises:
        CorruptFile: it is no such file, is cut off, or has another size than its header says.
    """
    content = path.read_bytes()
    try:
        rows, columns, hole, length = struct.unpack_from("<HHdH", content)
        (count,) = struct.unpack_from("<I", content, 14 + length)
    except struct.error:
        _refuse(path, f"its {len(content)} bytes end within the header, expected more")
    samples, start = _checked_size(path, rows, columns), 18 + length
    if count != BNT_COLUMNS * samples:
        _refuse(path, f"its header counts {count} numbers, expected {BNT_COLUMNS} for each of {rows} x {columns}")
    if len(content) != start + 8 * count:
        _refuse(path, f"it has {len(content)} bytes, expected {start + 8 * count} as its header says")
    positions = np.frombuffer(content, "<f8", count, start).reshape(BNT_COLUMNS, samples)[:3]
    return _grid(path, positions, positions[2] != hole, rows, columns).flip(1)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file's content, uncompressed; what a damaged one says becomes a CorruptFile."""
    packed = path.suffix.lower() == ".gz"
    try:
        with cast(BinaryIO, gzip.open(path)) if packed else open(path, "rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptFile(f"{path} is no whole gzip file ({error}): {REMEDY}") from error


def _abs_count(path: Path, file: BinaryIO, name: str) -> int:
    line = file.readline(80)
    number, _, word = line.decode("latin-1").strip().partition(" ")
    if word != name or not number.isdecimal():
        _refuse(path, f"it holds {line[:40]!r}, expected a line such as '480 {name}'")
    return int(number)


def _abs_numbers(path: Path, file: BinaryIO, name: str, samples: int) -> np.ndarray:
    words = file.readline(LONGEST * samples).split(
        None, samples
    )  # not more, which would take as much memory as it likes
    if len(words) != samples:
        found = f"{len(words):,}" if len(words) < samples else f"more than {samples:,}"
        _refuse(path, f"it holds {found} {name}, expected {samples:,} as its header says")
    try:
        return np.fromiter(map(float, words), np.float64, samples)
    except ValueError as error:
        raise CorruptFile(
            f"{path}: its {name} are no numbers ({error}), expected {samples:,} of them: {REMEDY}"
        ) from error


def _checked_size(path: Path, rows: int, columns: int) -> int:
    samples = rows * columns
    if not 0 < samples <= LARGEST:
        _refuse(path, f"its header says {rows} rows and {columns} columns, expected 1 to {LARGEST:,} samples")
    return samples


def _grid(path: Path, positions: np.ndarray, seen: np.ndarray, rows: int, columns: int) -> torch.Tensor:
    """Positions (3, N) as a grid with NaN where nothing was seen."""
    with np.errstate(over="ignore"):  # what single precision cannot hold is not finite there
        positions = positions.astype(np.float32)
    bad = seen & ~np.isfinite(positions).all(axis=0)
    if bad.any():
        _refuse(
            path,
            f"{bad.sum():,} samples that it calls seen are not finite, expected none; the first is {bad.argmax()}",
        )
    grid = np.where(seen, positions, np.float32(np.nan)).reshape(3, rows, columns)
    return torch.from_numpy(grid)


def _refuse(path: Path, why: str) -> NoReturn:
    raise CorruptFile(f"{path} cannot be read: {why}; {REMEDY}")
