"""Arrays of numbers in MATLAB files of version 5, and nothing else that such a file can hold.

SciPy reads these files too, but allots what a file says it holds before it looks, which a damaged or hostile file may
put at gigabytes; and it reads cells and objects on the way. Here nothing is allotted above a limit, compressed
variables are unpacked no further than they say, and only real, full arrays of numbers are taken.
Source: MathWorks, "MAT-File Format", the chapter on level 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from facelib.errors import CorruptFile

HEADER = 128  # bytes
VERSION_5, LITTLE_ENDIAN = 0x0100, b"IM"
MATRIX, COMPRESSED, INT8, INT32, UINT32 = 14, 15, 1, 5, 6  # kinds of elements
STORED = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x0800
NAME_WITHIN = 256  # bytes of a variable that hold its class, size and name
CHUNK = 2**16
MOST = 2**20  # bytes of a variable, unless more are asked for

Shape = tuple[int | None, ...]


def read_mat(
    path: Path, wanted: Mapping[str, Shape], optional: Collection[str] = (), *, most: int = MOST
) -> dict[str, np.ndarray]:
    """Some of a file's variables.

    Args:
        path: the file.
        wanted: name -> shape, of which None stands for any size; axes of length one may be added or missing in the
            file, as the same vector is a row in one file and a column in another.
        optional: those of them that the file need not have.
        most: bytes of a variable.

    Returns:
        The arrays in the shapes wanted, finite, of the type that the file says.

    Raises:
        CorruptFile: it is no such file, is damaged, lacks a variable, or has one that is no array of finite numbers of
            this shape.
    """
    found: dict[str, np.ndarray] = {}
    with open(path, "rb") as file:
        _check_header(path, file.read(HEADER))
        for head, rest in _variables(path, file):
            name = _name_of(path, head)
            if name in wanted:
                if name in found:
                    raise _misfit(path, f"holds {name} twice")
                content = rest(most)
                found[name] = _in_shape(path, name, _array(path, name, content, most), wanted[name])
    missing = [name for name in wanted if name not in found and name not in optional]
    if missing:
        raise _misfit(path, f"holds no {', '.join(missing)}")
    return found


class _Content:
    """The bytes of a variable: its beginning, and all of it."""

    def __init__(self, path: Path, file: BinaryIO, size: int, *, compressed: bool) -> None:
        self.path, self.file, self.size, self.compressed = path, file, size, compressed
        self.start = file.tell()

    def first(self, count: int) -> bytes:
        """So many bytes, or fewer where it ends before."""
        self.file.seek(self.start)
        return self._unpacked(count)[0] if self.compressed else self.file.read(min(count, self.size))

    def __call__(self, most: int) -> bytes:
        if not self.compressed:
            if self.size > most:
                raise _misfit(self.path, f"has a variable of {self.size} bytes, above {most}")
            return self.first(self.size)
        kind, size = struct.unpack("<2I", self.first(8))
        if kind != MATRIX or size > most:
            raise _misfit(self.path, f"has a compressed element of kind {kind} and {size} bytes, above {most}")
        self.file.seek(self.start)
        content, ended = self._unpacked(size + 9)  # one byte more than there may be, to reach its checksum
        if not ended or len(content) != size + 8:
            raise _misfit(self.path, f"has a compressed variable that does not hold its {size} bytes")
        return content[8:]

    def _unpacked(self, count: int) -> tuple[bytes, bool]:
        """Up to so many bytes, and whether the packed stream ended with a fitting checksum."""
        unpacker, content, left = zlib.decompressobj(), bytearray(), self.size
        try:
            while left and len(content) < count and not unpacker.eof:
                packed = self.file.read(min(CHUNK, left))
                left -= len(packed)
                content += unpacker.decompress(packed, count - len(content))
        except zlib.error as error:
            raise _misfit(self.path, f"has a variable that cannot be unpacked ({error})") from error
        return bytes(content), unpacker.eof


def _check_header(path: Path, header: bytes) -> None:
    if len(header) < HEADER:
        raise _misfit(path, f"has {len(header)} bytes")
    (version,) = struct.unpack("<H", header[124:126])
    if header[126:] != LITTLE_ENDIAN or version != VERSION_5:
        raise _misfit(path, f"begins with {header[:20]!r} and has version {version:#06x}")


def _variables(path: Path, file: BinaryIO) -> Iterator[tuple[bytes, _Content]]:
    """The beginning of each variable, and what reads all of it."""
    end = path.stat().st_size
    while tag := file.read(8):
        kind, size = struct.unpack("<2I", tag) if len(tag) == 8 else (0, end)
        after = file.tell() + size
        if after > end:
            raise _misfit(path, f"is cut off: an element at byte {file.tell() - len(tag)} goes beyond its end")
        if kind not in (MATRIX, COMPRESSED):
            raise _misfit(path, f"has an element of kind {kind} at byte {file.tell() - 8}")
        content = _Content(path, file, size, compressed=kind == COMPRESSED)
        head = content.first(NAME_WITHIN + 8)
        yield head[8:] if kind == COMPRESSED else head, content
        file.seek(after)


def _name_of(path: Path, head: bytes) -> str:
    """The variable's name; "" where it is of a kind that keeps it elsewhere, and so is none of ours."""
    try:
        _, _, name, _ = _parts(head)
    except (struct.error, ValueError):
        return ""
    return name


def _parts(content: bytes) -> tuple[int, tuple[int, ...], str, int]:
    """Flags, size and name of a variable, and where its numbers begin."""
    kind, flags, place = _element(content, 0)
    if kind != UINT32 or len(flags) != 8:
        raise ValueError("no flags")
    kind, sizes, place = _element(content, place)
    if kind != INT32 or not sizes or len(sizes) % 4:
        raise ValueError("no size")
    kind, name, place = _element(content, place)
    if kind != INT8:
        raise ValueError("no name")
    shape = struct.unpack(f"<{len(sizes) // 4}i", sizes)
    return struct.unpack("<I", flags[:4])[0], shape, name.decode("ascii"), place


def _element(content: bytes, place: int) -> tuple[int, bytes, int]:
    """Kind and bytes of the element at a place, and the place after it; up to four bytes lie in its tag."""
    kind, size = struct.unpack_from("<2I", content, place)
    if kind >> 16:
        kind, size, start, after = kind & 0xFFFF, kind >> 16, place + 4, place + 8
    else:
        start = place + 8
        after = start + -(-size // 8) * 8
    if start + size > len(content) or (start == place + 4 and size > 4):
        raise ValueError("an element goes beyond the variable")
    return kind, content[start : start + size], after


def _array(path: Path, name: str, content: bytes, most: int) -> np.ndarray:
    try:
        flags, shape, _, place = _parts(content)
        kind, numbers, _ = _element(content, place)
    except (struct.error, ValueError) as error:
        raise _misfit(path, f"has a damaged variable {name} ({error})") from error
    if flags & 0xFF not in CLASSES or flags & COMPLEX or kind not in STORED:
        raise _misfit(path, f"holds {name} as class {flags & 0xFF} of kind {kind}")
    stored, dtype = np.dtype(STORED[kind]), np.dtype(CLASSES[flags & 0xFF])
    count = math.prod(shape)
    if min(shape) < 0 or count * dtype.itemsize > most or count * stored.itemsize != len(numbers):
        raise _misfit(path, f"holds {name} with {len(numbers)} bytes for the size {shape}")
    values = np.frombuffer(numbers, stored)
    with np.errstate(over="ignore"):
        if not (np.isfinite(values).all() and np.isfinite(values.astype(dtype)).all()):
            raise _misfit(path, f"holds {name} with a value that is not finite")
        return values.astype(dtype).reshape(shape, order="F")


def _in_shape(path: Path, name: str, array: np.ndarray, shape: Shape) -> np.ndarray:
    bare, found = [size for size in shape if size != 1], array.squeeze().shape
    if len(found) != len(bare) or any(size not in (None, have) for size, have in zip(bare, found, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise _misfit(path, f"holds {name} of size {array.shape}, not ({wanted})")
    sizes = iter(found)
    return array.reshape([1 if size == 1 else next(sizes) for size in shape])


def _misfit(path: Path, found: str) -> CorruptFile:
    return CorruptFile(
        f"{path} {found}: expected a MATLAB file of version 5 with real, finite numbers; copy or download it again, or "
        "save it so with MATLAB's -v7"
    )
