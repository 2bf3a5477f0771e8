"""Scans of faces in files of many kinds: PLY, OBJ, STL, VRML, and the range images of FRGC v2 and Bosphorus.

A file gives a grid of positions, or a mesh or cloud; both prepare themselves (`facelib.data.scan_preparation`).
Coordinates are those of the file, in mm, with x to the viewer's right, y up and z to the viewer.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facelib.data.range_files import read_abs, read_bnt
from facelib.data.scan_preparation import PreparedScan, prepare_mesh, prepare_points, prepare_scan
from facelib.data.scan_template import ScanTemplate
from facelib.data.surface_settings import PreparationSettings
from facelib.data.vrml_files import read_vrml
from facelib.errors import BadInput, CorruptFile, unknown_name


@dataclass(frozen=True)
class GridScan:
    """A scan that is a range image: positions (3, H, W) float32, mm, row 0 on top, NaN in holes."""

    positions: torch.Tensor

    def prepare(self, settings: PreparationSettings, template: ScanTemplate) -> PreparedScan:
        """As `prepare_scan`."""
        return prepare_scan(self.positions, settings, template)


@dataclass(frozen=True)
class MeshScan:
    """A scan that is a mesh, or without triangles a cloud.

    Args:
        vertices: (N, 3) float32, mm.
        triangles: (T, 3) int64; (0, 3) of a cloud.
    """

    vertices: torch.Tensor
    triangles: torch.Tensor

    def prepare(self, settings: PreparationSettings, template: ScanTemplate) -> PreparedScan:
        """As `prepare_mesh`, or `prepare_points` of a cloud."""
        if len(self.triangles):
            return prepare_mesh(self.vertices, self.triangles, settings, template)
        return prepare_points(self.vertices, settings, template)


Scan = GridScan | MeshScan


def read_scan(path: Path) -> Scan:
    """Read a scan.

    Args:
        path: a file that ends in one of `ENDINGS`, in any case.

    Raises:
        UnknownName: for another ending.
        BadInput: there is no such file, or it holds what is no scan of one face: several shapes, no vertices, or
            vertices that are not finite.
        CorruptFile: it is damaged, cut off, or not what its ending says.
    """
    ending = ending_of(path)
    if ending is None:
        raise unknown_name("kind of scan", path.name, ENDINGS)
    if not path.is_file():
        raise BadInput(f"there is no file {path}: expected a scan")
    return READERS[ending](path)


def ending_of(path: Path) -> str | None:
    """Which of `ENDINGS` a file has, or None."""
    return next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), None)


def _read_grid(read: Callable[[Path], torch.Tensor]) -> Callable[[Path], Scan]:
    return lambda path: GridScan(read(path))


def _read_mesh(read: Callable[[Path], tuple[np.ndarray, np.ndarray]]) -> Callable[[Path], Scan]:
    return lambda path: _checked_mesh(path, *read(path))


def _read_with_trimesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles, of which clouds have none; the parts of a file are joined."""
    import trimesh

    # From memory and without materials, so that a scan makes us open no other file.
    content = io.BytesIO(path.read_bytes())
    try:
        found: Any = trimesh.load(content, path.suffix[1:].lower(), process=False, skip_materials=True)
        found = found.to_mesh() if isinstance(found, trimesh.Scene) else found
        return np.asarray(found.vertices), np.asarray(getattr(found, "faces", np.empty((0, 3), np.int64)))
    except Exception as error:  # of any kind: its readers check little
        kind = path.suffix[1:].upper()
        raise CorruptFile(f"{path} is no whole {kind} file ({error}): save it again, as triangles") from error


def _checked_mesh(path: Path, vertices: np.ndarray, triangles: np.ndarray) -> MeshScan:
    if len(vertices) == 0:
        raise BadInput(f"{path} holds no vertices: expected a scan of a face")
    bad = ~np.isfinite(vertices).all(axis=1)
    if bad.any():
        raise BadInput(
            f"{path}: {bad.sum()} of {len(bad)} vertices are not finite, expected none, the first is {bad.argmax()}: "
            "remove them, and the faces that use them"
        )
    if len(triangles) and not (triangles.min() >= 0 and triangles.max() < len(vertices)):
        raise CorruptFile(f"{path}: its faces name vertices that it does not hold ({len(vertices)}): save it again")
    return MeshScan(torch.from_numpy(vertices.astype(np.float32)), torch.from_numpy(triangles.astype(np.int64)))


READERS: dict[str, Callable[[Path], Scan]] = {
    ".ply": _read_mesh(_read_with_trimesh),
    ".obj": _read_mesh(_read_with_trimesh),
    ".stl": _read_mesh(_read_with_trimesh),
    ".wrl": _read_mesh(read_vrml),
    ".abs": _read_grid(read_abs),
    ".abs.gz": _read_grid(read_abs),
    ".bnt": _read_grid(read_bnt),
}
ENDINGS = tuple(READERS)
