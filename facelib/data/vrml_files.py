"""The mesh of a VRML 2.0 file (`.wrl`), as BU-3DFE and BU-4DFE store scans: one IndexedFaceSet.

Only what says where the surface lies is read. Polygons of more than three corners are cut into fans of triangles.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import numpy as np

from facelib.errors import BadInput, CorruptFile

COMMENT = re.compile(r"#[^\n]*")
# A word's beginning is looked at behind it: patterns that begin with plain letters are found five times as fast.
POINTS = re.compile(r"Coordinate(?<!\wCoordinate)\s*\{\s*point\s*\[([^\]]*)\]")  # not those of a TextureCoordinate
POLYGONS = re.compile(r"coordIndex(?<!\wcoordIndex)\s*\[([^\]]*)\]")
MOVES = re.compile(r"Transform(?<!\wTransform)\s*\{([^\[\]{}]*)")  # the fields before its children
NUMBERS = r"((?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s+)+)"
END = -1  # of a polygon


def read_vrml(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The mesh of a file with one shape.

    Args:
        path: the file.

    Returns:
        vertices (N, 3) float64 in the file's unit, and triangles (T, 3) int64.

    Raises:
        CorruptFile: it is no VRML 2.0, is cut off, has no faces, or its faces do not fit its points.
        BadInput: it holds several shapes, or one that is turned or scaled when it is shown.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("#VRML V2.0"):
        _refuse(path, f"it begins with {text[:20]!r}, expected '#VRML V2.0'")
    text = COMMENT.sub("", text)
    points, polygons = (_only_block(path, text, *named) for named in ((POINTS, "points"), (POLYGONS, "faces")))
    _check_in_place(path, text)
    vertices = _numbers(path, points, "points").reshape(-1, 3)
    triangles = _fans(path, _numbers(path, polygons, "faces"))
    outside = (triangles < 0) | (triangles >= len(vertices))
    if outside.any():
        _refuse(path, f"a face has the corner {triangles[outside][0]}, expected 0 to {len(vertices) - 1}")
    return vertices, triangles


def _only_block(path: Path, text: str, block: re.Pattern[str], name: str) -> str:
    found = block.findall(text)
    if len(found) > 1:
        raise BadInput(f"{path} holds {len(found)} shapes: expected one face; save each in a file of its own")
    if not found or not found[0].strip():
        _refuse(path, f"it has no {name}, or ends within them; expected an IndexedFaceSet")
    return found[0]


def _check_in_place(path: Path, text: str) -> None:
    """Raise BadInput where the shape is not shown as its points lie; where to it is moved does not matter."""
    for fields in MOVES.findall(text):
        for name, still in (
            ("rotation", lambda numbers: numbers[-1] == 0),
            ("scale", lambda numbers: set(numbers) <= {1.0}),
        ):
            found = re.search(rf"\b{name}\s+{NUMBERS}", fields + " ")
            if found and not still([float(word) for word in found[1].split()]):
                raise BadInput(
                    f"{path} shows its shape with {name} {found[1].strip()}: apply the transform to the points, and "
                    "save it again"
                )


def _numbers(path: Path, block: str, name: str) -> np.ndarray:
    words = block.replace(",", " ").split()
    if name == "points" and len(words) % 3:
        _refuse(path, f"its points have {len(words)} coordinates, expected three each")
    try:
        return np.array(words, dtype=np.float64 if name == "points" else np.int64)
    except (ValueError, OverflowError) as error:
        raise CorruptFile(
            f"{path}: its {name} hold what is no number ({error}), expected numbers: save it again"
        ) from error


def _fans(path: Path, corners: np.ndarray) -> np.ndarray:
    """Triangles (T, 3) of polygons, each of which ends with -1: (first, second, third), (first, third, fourth) ..."""
    corners = corners if corners[-1] == END else np.append(corners, END)
    ends = np.flatnonzero(corners == END)
    starts = np.append(0, ends[:-1] + 1)
    if (ends - starts < 3).any():
        _refuse(path, f"a face has {(ends - starts).min()} corners, expected at least 3")
    first = np.repeat(corners[starts], ends - starts - 2)
    inner = np.ones(len(corners), bool)
    inner[np.concatenate((starts, ends - 1, ends))] = False
    second = np.flatnonzero(inner)
    return np.stack((first, corners[second], corners[second + 1]), axis=1)


def _refuse(path: Path, why: str) -> NoReturn:
    raise CorruptFile(f"{path} cannot be read: {why}; save it again")
