"""Samples of a licensed data set as they are read, with landmarks and the head's axes: wrong conventions are seen."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.depth_faces import DEPTH_UNIT
from facelib.data.embedded.face_scans import HOLE, UNIT
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Sample
from facelib.geometry.rotations import euler_to_matrix
from facelib.report.overlay import SIDE, name_row, picture_grid, show
from facelib.storage import atomic_path

COLUMNS = 6
AXES = ("#E3170A", "#009E73", "#0072B2")  # x to the subject's left, y up, z out of the face
LENGTH = SIDE / 4  # of an axis that is seen from its side
PLACES = ("landmarks_2d", "five_points")
MASKS = ("skin", "mask")
TINTED, OUTSIDE = 0.5, np.array([0.0, 0.45, 0.7])[:, None, None]  # how much, and in which colour, is not the face


def contact_sheet(reader: Reader, folder: DataFolder, index: Index, count: int, path: Path) -> None:
    """Draw some samples of a folder, taken evenly from its index, into a PNG file.

    Args:
        reader: of the data set.
        folder: of the user.
        index: what the reader lists of it.
        count: of samples; all where there are fewer.
        path: of the picture.

    Raises:
        BadInput, CorruptFile: of a sample that does not fit.
    """
    rows = np.unique(np.linspace(0, len(index) - 1, count).round().astype(int)).tolist()
    figure, panels = picture_grid(-(-len(rows) // COLUMNS), min(COLUMNS, len(rows)))
    for panel in panels.flat[len(rows) :]:
        panel.set_axis_off()
    for panel, row in zip(panels.flat, rows, strict=False):
        sample = reader.read(folder, index.row(row), SIDE)
        show(panel, torch.from_numpy(_picture(sample)), _told(sample))
        for points in _places(sample):
            panel.plot(*(points.T - 0.5), ".", color="white", markersize=2, markeredgewidth=0)
        _draw_axes(panel, sample)
    name_row(panels.flat[0], reader.title)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=200)
    plt.close(figure)


def _told(sample: Sample) -> str:
    """Yaw, pitch and roll in degrees, those that are known."""
    return " ".join(f"{np.rad2deg(angle):+.0f}" for angle in sample["pose"] if np.isfinite(angle))


def _picture(sample: Sample) -> np.ndarray:
    """What a sample shows, (3, S, S) in [0, 1]: a photograph, or a surface lit from the viewer; masks are tinted."""
    picture = sample["images"].astype(np.float32) / 255 if "images" in sample else _lit(sample)
    for name in MASKS:
        if name in sample:
            picture = np.where(sample[name] == 0, picture * (1 - TINTED) + TINTED * OUTSIDE, picture)
    return picture.astype(np.float32)


def _lit(sample: Sample) -> np.ndarray:
    """A scan's or frame's surface in grey (3, S, S), black in holes."""
    depth = sample["depth"].astype(np.float64)
    if "step" in sample:
        seen, cell = depth != HOLE, float(sample["step"])
        towards = depth * UNIT
    else:
        seen, towards = depth > 0, -depth * DEPTH_UNIT
        cell = float(np.median(-towards[seen])) / float(sample["focal"].mean()) if seen.any() else 1.0
    down, across = np.gradient(np.where(seen, towards, np.nan), cell)
    light = 1 / np.sqrt(1 + np.square(down) + np.square(across))
    return np.broadcast_to(np.nan_to_num(light), (3, *depth.shape))


def _places(sample: Sample) -> list[np.ndarray]:
    """Landmarks (N, 2) in pixels of the picture; those of a scan are in mm about its middle."""
    found = [sample[name] for name in PLACES if name in sample]
    if "step" in sample:
        x, y, _ = sample["landmarks"].T / sample["step"]
        middle = sample["depth"].shape[0] / 2
        found.append(np.column_stack((middle + x, middle - y)))
    return found


def _draw_axes(panel: plt.Axes, sample: Sample) -> None:
    """The head's axes from the middle of its landmarks or of the crop, where the whole pose is known."""
    if not np.isfinite(sample["pose"]).all():
        return
    start = np.full(2, SIDE / 2 - 0.5)
    if "landmarks_2d" in sample:
        start = sample["landmarks_2d"].mean(axis=0) - 0.5
    turn = torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*torch.from_numpy(sample["pose"]).unbind())
    for axis, colour in zip(turn.T.numpy(), AXES, strict=True):
        end = start + LENGTH * axis[:2]
        panel.plot(*np.column_stack((start, end)), color=colour, linewidth=1)
