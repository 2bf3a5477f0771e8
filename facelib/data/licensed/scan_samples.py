"""Scans of licensed data sets as the embedded ones are stored: a square grid of depths, seen from the front.

The files hold grids of other sizes, or meshes; a network's data need one size. So each is seen anew along the viewer's
axis on a grid of as many cells as are asked for, over a span that the data set fixes. From there on the same code
prepares embedded and licensed scans (`facelib.data.prepared_scans`). Of a person one scan is the gallery's, the others
are probes (paper 2, section 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from facelib.data.embedded.face_scans import HOLE, UNIT
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Row, Sample
from facelib.data.scan_files import GridScan, Scan, read_scan
from facelib.data.scan_preparation import step_of_grid, surface_of_grid
from facelib.errors import BadInput
from facelib.geometry.range_images import range_image_of_mesh

SPAN = 240.0  # mm, of the grid, where a data set has cut its scans to the face
SMALLEST, LARGEST = 50.0, 2000.0  # mm, between which a face's scan extends
NAMED = 5  # people that a remark names


@dataclass(frozen=True)
class ScanRow:
    """One scan of a data set.

    Args:
        files: the scan, and perhaps its landmarks.
        person: their name.
        expression: its number, 0 for neutral, -1 where it is not known; level and frame as `ShownFaces` has them.
        is_gallery: whether it is the person's scan in the gallery.
    """

    files: list[str]
    person: str
    expression: int = 0
    level: int = 0
    frame: int = 0
    is_gallery: bool = False


def index_of(rows: Sequence[ScanRow], remarks: Sequence[str] = ()) -> Index:
    """The index of scans, with the counts that paper 2 prints; people without a gallery scan are remarked.

    Args:
        rows: of all scans.
        remarks: others.
    """
    names = sorted({row.person for row in rows})
    number = {name: each for each, name in enumerate(names)}
    enrolled = {row.person for row in rows if row.is_gallery}
    columns: dict[str, list[Any]] = {
        "files": [row.files for row in rows],
        "identity": [number[row.person] for row in rows],
        "person": [row.person for row in rows],
        **{name: [int(getattr(row, name)) for row in rows] for name in ("expression", "level", "frame", "is_gallery")},
    }
    gallery = sum(columns["is_gallery"])
    counts = {"people": len(names), "gallery scans": gallery, "probe scans": len(rows) - gallery}
    missing = [name for name in names if name not in enrolled]
    named = ", ".join(missing[:NAMED])
    lacking = f"{len(missing)} people have no gallery scan, such as {named}: nobody can recognise their probes"
    return Index(columns, counts=counts, remarks=[*remarks, lacking] if missing else list(remarks))


def scan_sample(
    folder: DataFolder,
    row: Row,
    size: int,
    span: float,
    landmarks: np.ndarray,
    nose_tip: int | None = None,
) -> Sample:
    """The arrays of `open_bu3dfe`, identity excepted, and the landmarks.

    Args:
        folder: of the user.
        row: of the index.
        size: rows and columns of the grid.
        span: side of the grid, mm.
        landmarks: (K, 3) mm in the scan's frame, NaN where one was not set.
        nose_tip: which of them is the tip of the nose.

    Returns:
        depth (S, S) int16, step, nose_tip (3,), pose (3,) NaN, expression, level, frame, is_gallery, and landmarks
        (K, 3) mm about the middle of the grid, float32.

    Raises:
        BadInput, CorruptFile: it is no scan of a face in mm.
    """
    name = row["files"][0]
    vertices, triangles = _surface(folder, name)
    middle = vertices[vertices.isfinite().all(dim=1)].median(dim=0).values
    step = span / size
    try:
        seen = range_image_of_mesh((vertices - middle)[None], triangles, torch.zeros(1, 3), size, size, step)[0, 2]
    except BadInput as error:
        raise folder.misfit(name, f"shows no surface ({error})", "a scan of a face from the front") from error
    whole = (seen / UNIT).round()
    depth = whole.where(whole.abs() < -HOLE, HOLE).nan_to_num(HOLE).short()
    places = (landmarks - middle.double().numpy()).astype(np.float32)
    unknown = np.full(3, np.nan, np.float32)
    return {
        "depth": depth.numpy(),
        "step": np.array(step, np.float32),
        "nose_tip": unknown if nose_tip is None else places[nose_tip],
        "pose": unknown,
        **{key: np.array(row[key], np.int16) for key in ("expression", "level", "frame")},
        "is_gallery": np.array(bool(row["is_gallery"])),
        "landmarks": places,
    }


def _surface(folder: DataFolder, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices (V, 3) mm and triangles (T, 3) of a scan's file."""
    scan: Scan = read_scan(folder.file(name))
    if isinstance(scan, GridScan):
        points = scan.positions.flatten(1).T
        _check_extent(folder, name, points)
        try:
            return surface_of_grid(scan.positions, step_of_grid(scan.positions))
        except BadInput as error:
            raise folder.misfit(
                name, f"is no range image ({error})", "x to the viewer's right, row 0 on top"
            ) from error
    if not len(scan.triangles):
        raise folder.misfit(name, "has no faces", "a mesh")
    _check_extent(folder, name, scan.vertices)
    return scan.vertices, scan.triangles


def _check_extent(folder: DataFolder, name: str, points: torch.Tensor) -> None:
    """Raise unless points (N, 3), NaN in holes, extend as a face does in mm; single ones may be far off."""
    seen = points[points.isfinite().all(dim=1)]
    if len(seen) < 100:
        raise folder.misfit(name, f"has {len(seen)} samples", "a scan of a face, of 100 at least")
    middle = seen[:: max(len(seen) // 5000, 1)].sort(dim=0).values
    edge = len(middle) // 50
    extent = float((middle[-1 - edge] - middle[edge]).amax())
    if not SMALLEST <= extent <= LARGEST:
        raise folder.misfit(
            name, f"extends over {extent:.3g}", f"{SMALLEST:g} to {LARGEST:g} mm; another unit, or another frame"
        )


def check_landmarks(folder: DataFolder, name: str, landmarks: np.ndarray) -> np.ndarray:
    """Landmarks (K, 3) as they are, where they may be those of a face in mm.

    Raises:
        CorruptFile: none was set, or they are far from one another.
    """
    known = landmarks[np.isfinite(landmarks).all(axis=1)]
    if not len(known) or np.ptp(known, axis=0).max() > LARGEST:
        raise folder.misfit(name, "has no landmarks of a face", f"points within {LARGEST:g} mm")
    return landmarks
