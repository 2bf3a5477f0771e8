"""Depth frames in files: PNG of 16 bits in mm, arrays of NumPy, and the runs of holes and depth of Biwi."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch

from facelib.errors import BadInput, CorruptFile, unknown_name

LARGEST = 4_000_000  # pixels; a Kinect has 307,200
REMEDY = "copy it from its source again"


def read_depth(path: Path) -> torch.Tensor:
    """One frame of a depth sensor.

    Args:
        path: ends in .png (grey, 16 bits, mm), .npy (H, W) or .bin (Biwi).

    Returns:
        (H, W) float32, mm, 0 in holes.

    Raises:
        UnknownName: for another ending.
        BadInput: there is no such file, or it holds something else than one depth frame, as a PNG of 8 bits does.
        CorruptFile: it is damaged or cut off.
    """
    kind = path.suffix.lower()
    if kind not in READERS:
        raise unknown_name("kind of depth frame", path.name, READERS)
    if not path.is_file():
        raise BadInput(f"there is no file {path}: expected a depth frame")
    return as_depth(READERS[kind](path), str(path))


def as_depth(array: np.ndarray, name: str = "the frame") -> torch.Tensor:
    """An array (H, W) of depth in mm as a frame (H, W) float32, 0 in holes, which may be 0 or NaN in the array.

    Raises:
        BadInput: for another shape, no or too many pixels, other numbers than such depth, or negative ones.
    """
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.size == 0:
        shape = getattr(array, "shape", type(array).__name__)
        raise BadInput(f"{name} has shape {shape}: expected one depth frame (height, width), no size zero")
    if array.size > LARGEST:
        raise BadInput(f"{name} has {array.shape[1]} x {array.shape[0]} pixels, above {LARGEST // 10**6} million")
    if array.dtype == np.uint8:
        raise BadInput(f"{name} has 8 bits a pixel: depth in mm needs 16; this may be a picture of the depth")
    if array.dtype.kind not in "uif":
        raise BadInput(f"{name} holds {array.dtype}: expected whole or floating-point numbers of mm")
    values = array.astype(np.float64)
    values[~np.isfinite(values)] = 0
    if (values < 0).any():
        raise BadInput(f"{name} holds {values.min():g}: expected depth in mm, 0 where nothing was seen")
    return torch.from_numpy(values.astype(np.float32))


def read_biwi_frame(path: Path) -> np.ndarray:
    """A frame (H, W) int16 of the Biwi data set, mm, 0 in holes.

    The file is little-endian: int32 width and height, and then, over and over until all pixels are there, int32 the
    number of empty pixels, int32 that of full ones, and int16 the depth of these, row by row.

    Raises:
        CorruptFile: it is no such file, or cut off.
    """
    content = path.read_bytes()
    if len(content) < 8:
        _refuse(path, f"its {len(content)} bytes end within the header")
    width, height = struct.unpack_from("<ii", content)
    if not (width > 0 and height > 0 and width * height <= LARGEST):
        _refuse(path, f"its header says {width} x {height} pixels, expected 1 to {LARGEST:,}")
    depth, done, place = np.zeros(width * height, np.int16), 0, 8
    while done < len(depth):
        if place + 8 > len(content):
            _refuse(path, f"it ends after {done:,} of {len(depth):,} pixels")
        empty, full = struct.unpack_from("<ii", content, place)
        if empty < 0 or full < 0 or empty + full == 0 or done + empty + full > len(depth):
            _refuse(path, f"at byte {place} it counts {empty} empty and {full} full pixels after {done:,}")
        if place + 8 + 2 * full > len(content):
            _refuse(path, f"it ends within the pixels after {done:,} of {len(depth):,}")
        done += empty
        depth[done : done + full] = np.frombuffer(content, "<i2", full, place + 8)
        done, place = done + full, place + 8 + 2 * full
    return depth.reshape(height, width)


def _read_png(path: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=("PNG",)) as picture:
            if picture.width * picture.height > LARGEST:
                raise BadInput(
                    f"{path} has {picture.width} x {picture.height} pixels, above {LARGEST // 10**6} million"
                )
            if not picture.mode.startswith("I"):
                raise BadInput(
                    f"{path} has 8 bits a pixel ({picture.mode}): depth in mm needs 16; this may be a picture of the "
                    "depth, save the depth itself"
                )
            return np.asarray(picture).astype(np.int32)
    except (OSError, SyntaxError, struct.error) as error:
        raise CorruptFile(f"{path} is no whole PNG file ({error}): {REMEDY}") from error


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise CorruptFile(f"{path} is no whole array of NumPy ({error}): save it again with numpy.save") from error


def _refuse(path: Path, why: str) -> NoReturn:
    raise CorruptFile(f"{path} cannot be read: {why}; {REMEDY}")


READERS: dict[str, Callable[[Path], np.ndarray]] = {".png": _read_png, ".npy": _read_array, ".bin": read_biwi_frame}
