"""Files of depth sensors: Biwi's packed frames (`.bin`), calibrations (`.cal`) and poses, and 16-bit PNG frames."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image

from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.errors import CorruptFile
from facelib.geometry.camera import PerspectiveCamera

CENTRE = 0.5  # of the pixel that calibrations count as 0, in our pixels
LARGEST = 4096  # pixels a side
FARTHEST = 1e5  # mm, pixels
ROUNDING = 1e-2  # of rotations that are written with few digits
REMEDY = "copy or download it again"


def read_biwi_depth(path: Path) -> np.ndarray:
    """A packed frame (H, W) int16, mm, 0 where the sensor saw nothing.

    The file is little-endian: int32 width and height, and then until the frame is full int32 count of empty pixels,
    int32 count of seen ones, and their depths, int16 each, row by row.

    Raises:
        CorruptFile: it is no such file, is cut off, or its counts do not fit its frame.
    """
    content = path.read_bytes()
    if len(content) < 8:
        raise _bad(path, f"has {len(content)} bytes")
    width, height = struct.unpack_from("<2i", content)
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise _bad(path, f"says it has {width} x {height} pixels")
    depth = np.zeros(width * height, np.int16)
    filled, at = 0, 8
    while filled < len(depth):
        if len(content) < at + 8:
            raise _bad(path, f"ends at byte {at}, with {len(depth) - filled} pixels left")
        empty, seen = struct.unpack_from("<2i", content, at)
        at += 8
        if min(empty, seen) < 0 or empty + seen == 0 or filled + empty + seen > len(depth):
            raise _bad(path, f"counts {empty} empty and {seen} seen pixels at byte {at - 8}, after {filled} of a frame")
        if len(content) < at + 2 * seen:
            raise _bad(path, f"ends within the depths at byte {at}")
        depth[filled + empty : filled + empty + seen] = np.frombuffer(content, "<i2", seen, at)
        filled, at = filled + empty + seen, at + 2 * seen
    if at != len(content):
        raise _bad(path, f"goes on behind its frame, from byte {at} to {len(content)}")
    if depth.min() < 0:
        raise _bad(path, f"holds a depth of {depth.min()} mm")
    return depth.reshape(height, width)


def _bad(path: Path, found: str) -> CorruptFile:
    return CorruptFile(f"{path} {found}: expected a depth frame of Biwi, width, height and runs; {REMEDY}")


def read_depth_png(path: Path, size: tuple[int, int]) -> np.ndarray:
    """A frame (H, W) int32, mm, 0 where the sensor saw nothing, of a grey PNG with 16 bits.

    Args:
        path: the file.
        size: its width and height in pixels.

    Raises:
        CorruptFile: it is damaged, or another picture.
    """
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            if picture.size != size or not picture.mode.startswith("I"):
                raise CorruptFile(
                    f"{path} has {picture.size[0]} x {picture.size[1]} pixels of mode {picture.mode}: expected "
                    f"{size[0]} x {size[1]} of 16 bits, the depth in mm; take the depth frames"
                )
            picture.load()
            return np.asarray(picture, np.int32)
    except CorruptFile:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise CorruptFile(f"{path} is no whole PNG ({error}): expected a depth frame; {REMEDY}") from error


def read_biwi_calibration(folder: DataFolder, name: str) -> PerspectiveCamera:
    """The camera of a `.cal`: a 3 x 3 matrix, a line of distortion, a 3 x 3 rotation and a shift to the other camera.

    Raises:
        BadInput, CorruptFile: missing, or no such file; the message names the line.
    """
    lines = List(folder, name)
    matrix = np.array([_numbers(lines, "the 3 x 3 matrix of the camera", 3) for _ in range(3)])
    _numbers(lines, "the distortion, 4 or 5 numbers", 4, 5)
    turn = np.array([_numbers(lines, "the 3 x 3 rotation to the other camera", 3) for _ in range(3)])
    _numbers(lines, "the shift to the other camera in mm", 3)
    _check_rotation(folder, name, turn)
    if (
        min(matrix[0, 0], matrix[1, 1]) <= 0
        or not np.allclose(matrix[[0, 1, 2, 2], [1, 0, 0, 1]], 0)
        or matrix[2, 2] != 1
    ):
        raise folder.misfit(name, f"has the matrix {matrix.tolist()}", "focal lengths, a principal point and 0 0 1")
    center_u, center_v = (matrix[:2, 2] + CENTRE).tolist()
    return PerspectiveCamera(float(matrix[0, 0]), center_u, center_v, float(matrix[1, 1]))


def read_biwi_pose(folder: DataFolder, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The head's rotation (3, 3), and its centre (3,) in mm, in the axes of the depth camera.

    Raises:
        BadInput, CorruptFile: missing, or no such file; the message names the line.
    """
    lines = List(folder, name)
    turn = np.array([_numbers(lines, "the 3 x 3 rotation of the head", 3) for _ in range(3)])
    centre = np.array(_numbers(lines, "the centre of the head in mm", 3))
    for _ in lines:
        raise lines.misfit("the end of the file after rotation and centre")
    _check_rotation(folder, name, turn)
    if not centre[2] > 0:
        raise folder.misfit(name, f"has the head at z = {centre[2]:g} mm", "a head in front of the camera")
    return turn, centre


def _numbers(lines: List, what: str, least: int, most: int | None = None) -> list[float]:
    words = lines.next(what)
    if not least <= len(words) <= (most or least):
        raise lines.misfit(what)
    return [lines.number(word, what, -FARTHEST, FARTHEST) for word in words]


def _check_rotation(folder: DataFolder, name: str, matrix: np.ndarray) -> None:
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > ROUNDING or np.linalg.det(matrix) < 0:
        raise folder.misfit(name, f"has no rotation but {np.round(matrix, 4).tolist()}", "a rotation matrix")
