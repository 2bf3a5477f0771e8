"""Strict reading of OBJ files: points, texture coordinates and polygons, with bad lines named by their number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facelib.errors import CorruptFile

COORDINATES = {"v": 3, "vt": 2}
PASSED_OVER = {"#", "vn", "o", "g", "s", "usemtl", "mtllib", ""}  # they hold nothing that we read


@dataclass(frozen=True)
class ObjFile:
    """What an OBJ file holds.

    Args:
        vertices: (V, 3) float64, in the file's unit.
        uv: (U, 2) float64.
        triangles: (T, 3) int64 into the vertices, and uv_triangles (T, 3) into uv; a square gives two.
    """

    vertices: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    uv_triangles: np.ndarray


def read_obj(path: Path) -> ObjFile:
    """Read a mesh of triangles and squares whose corners have texture coordinates.

    Raises:
        CorruptFile: it is no such OBJ; the message names the line.
    """
    lines = _statements(path)
    vertices, uv = _numbers(path, lines, "v"), _numbers(path, lines, "vt")
    corners = [
        triangle for number, text in lines["f"] for triangle in _triangles(path, number, text, len(vertices), len(uv))
    ]
    if not corners:
        raise CorruptFile(f"{path} holds no faces (lines that begin with 'f'): expected a mesh")
    both = np.array(corners, np.int64)  # (T, 3, 2)
    return ObjFile(vertices, uv, both[..., 0], both[..., 1])


def read_obj_vertices(path: Path) -> np.ndarray:
    """The points (V, 3) of an OBJ file alone, which is faster where many files share their triangles.

    Raises:
        CorruptFile: it is no OBJ, or a number is not finite; the message names the line.
    """
    return _numbers(path, _statements(path), "v")


def _statements(path: Path) -> dict[str, list[tuple[int, str]]]:
    """The lines of each keyword that we read, as their number and what follows the keyword."""
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{path} is no OBJ: it is not text ({error.reason} at byte {error.start})") from error
    found: dict[str, list[tuple[int, str]]] = {"v": [], "vt": [], "f": []}
    for number, line in enumerate(content.splitlines(), 1):
        keyword, _, rest = line.strip().partition(" ")
        if keyword in found:
            found[keyword].append((number, rest))
        elif keyword not in PASSED_OVER and not keyword.startswith("#"):
            raise CorruptFile(f"{path} is no OBJ: line {number} begins with {keyword[:20]!r}")
    if not found["v"]:
        raise CorruptFile(f"{path} holds no points (lines that begin with 'v'): expected an OBJ")
    return found


def _numbers(path: Path, lines: dict[str, list[tuple[int, str]]], keyword: str) -> np.ndarray:
    """The coordinates on all lines of a keyword, at once; line by line only to name a bad one."""
    wanted = COORDINATES[keyword]
    if not lines[keyword]:
        return np.empty((0, wanted))
    try:
        values = np.loadtxt([text for _, text in lines[keyword]], ndmin=2, comments=None)
    except ValueError:
        values = np.empty(0)
    if values.shape == (len(lines[keyword]), wanted) and np.isfinite(values).all():
        return values
    number, text = next(line for line in lines[keyword] if not _is_row(line[1], wanted))
    raise CorruptFile(f"{path}, line {number}: {f'{keyword} {text}'[:60]!r}, expected {wanted} finite numbers")


def _is_row(text: str, wanted: int) -> bool:
    try:
        return len(text.split()) == wanted and bool(np.isfinite(np.loadtxt([text], comments=None)).all())
    except ValueError:
        return False


def _triangles(path: Path, number: int, text: str, vertices: int, texels: int) -> list[list[tuple[int, int]]]:
    """The one or two triangles of a face line, whose corners (vertex and texture coordinate) count from one."""
    try:
        corners = [(int(v) - 1, int(t) - 1) for v, t, *_ in (corner.split("/") for corner in text.split())]
    except ValueError:
        corners = []
    if len(corners) not in (3, 4) or not all(0 <= v < vertices and 0 <= t < texels for v, t in corners):
        raise CorruptFile(
            f"{path}, line {number}: {f'f {text}'[:60]!r}, expected 3 or 4 corners vertex/texture, of {vertices} and "
            f"{texels} in the file"
        )
    return [[corners[0], corners[i], corners[i + 1]] for i in range(1, len(corners) - 1)]
