"""Samples of a licensed data set as they are read, with landmarks and the head's axes: wrong conventions are seen."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Sample
from facelib.geometry.rotations import euler_to_matrix
from facelib.report.overlay import SIDE, name_row, picture_grid, show
from facelib.storage import atomic_path

COLUMNS = 6
AXES = ("#E3170A", "#009E73", "#0072B2")  # x to the subject's left, y up, z out of the face
LENGTH = SIDE / 4  # of an axis that is seen from its side
PLACES = ("landmarks_2d", "five_points")


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
        show(panel, torch.from_numpy(sample["images"]).float() / 255, _told(sample))
        for place in PLACES:
            if place in sample:
                panel.plot(*(sample[place].T - 0.5), ".", color="white", markersize=2, markeredgewidth=0)
        _draw_axes(panel, sample)
    name_row(panels.flat[0], reader.title)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=200)
    plt.close(figure)


def _told(sample: Sample) -> str:
    """Yaw, pitch and roll in degrees, those that are known."""
    return " ".join(f"{np.rad2deg(angle):+.0f}" for angle in sample["pose"] if np.isfinite(angle))


def _draw_axes(panel: plt.Axes, sample: Sample) -> None:
    """The head's axes from the middle of its landmarks, where the whole pose is known."""
    if not np.isfinite(sample["pose"]).all() or "landmarks_2d" not in sample:
        return
    start = sample["landmarks_2d"].mean(axis=0) - 0.5
    turn = torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*torch.from_numpy(sample["pose"]).unbind())
    for axis, colour in zip(turn.T.numpy(), AXES, strict=True):
        end = start + LENGTH * axis[:2]
        panel.plot(*np.column_stack((start, end)), color=colour, linewidth=1)
