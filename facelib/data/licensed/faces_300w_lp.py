"""Readers of 300W-LP and AFLW2000-3D: photographs with the pose, camera and shape of a fitted face model.

A `.mat` file beside each photograph says where the model's vertices lie in it: s R S + t, with x to the right, y UP and
z to the viewer, in pixels; the row in the image is height - y - 1. R is a product of transposed elementary rotations,
Rx(-pitch) Ry(-yaw) Rz(-roll), which no common order of Euler angles gives, so pose goes through the matrix: our yaw
and roll have the other sign, and away from frontal our angles are others. S is in micrometres
(`facelib.data.licensed.basel_2009`).

The photographs of 300W-LP with "_Flip" show the same people mirrored, so they share their identity; those of
AFLW2000-3D are all of different people as far as anybody knows.
Source: Zhu et al., "Face alignment across large poses: a 3D solution", CVPR 2016.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np
import torch

from facelib.conventions import LANDMARK_COUNT
from facelib.data.licensed.basel_2009 import EXPRESSIONS, SHAPES
from facelib.data.licensed.crops import box_around, cropped, known
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.mat_files import Shape, read_mat
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.errors import BadInput
from facelib.geometry.rotations import angle_from_frontal, matrix_to_euler

SIDE = 450  # pixels of every photograph
SUBSETS = ("AFW", "HELEN", "IBUG", "LFPW")
FLIPPED = "_Flip"
CENTRE = 0.5  # of the pixel that the files count as 0, in our pixels
UM_PER_MM = 1e3
BINS_END = math.radians(99)  # of the usual head-pose protocol, which leaves faces beyond it out
PARAMETERS: dict[str, Shape] = {"Pose_Para": (7,), "Shape_Para": (SHAPES,), "Exp_Para": (EXPRESSIONS,)}
TURN, REACH, SCALES = 2 * math.pi, 10.0 * SIDE, (1e-6, 1e-1)  # what no face exceeds: radians, pixels, pixels a um


def _index_300w_lp(folder: DataFolder) -> Index:
    files = [
        name
        for subset in (f"{each}{flip}" for each in SUBSETS for flip in ("", FLIPPED))
        if subset in folder.folders(folder.place("photographs"))
        for name in folder.files(_below(folder.place("photographs"), subset), (".jpg",))
    ]
    people = [re.sub(r"_\d+$", "", name.removesuffix(".jpg").replace(FLIPPED, "")) for name in files]
    return _index(folder, files, people, {"photographs": len(files)})


def _index_aflw2000(folder: DataFolder) -> Index:
    files = list(folder.files(folder.place("photographs"), (".jpg",)))
    return _index(folder, files, files, {"photographs": len(files)})


def _below(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"


def _index(folder: DataFolder, files: list[str], people: list[str], counts: dict[str, int]) -> Index:
    if not files:
        raise BadInput(f"{folder.root} holds no photographs: expected .jpg files, and a .mat file beside each")
    numbers = {name: number for number, name in enumerate(sorted(set(people)))}
    beside = [[name, str(PurePosixPath(name).with_suffix(".mat"))] for name in files]
    return Index({"files": beside, "identity": [numbers[name] for name in people]}, counts=counts)


def _read(landmarks: str, rows: int) -> Callable[[DataFolder, Row, int], Sample]:
    """What reads a sample whose landmarks are in this variable, of 2 or 3 rows."""

    def read(folder: DataFolder, row: Row, size: int) -> Sample:
        name, parameters = row["files"]
        path = folder.file(parameters)
        values = read_mat(path, PARAMETERS | {landmarks: (rows, LANDMARK_COUNT)})
        pose = values["Pose_Para"].astype(np.float64)
        points = values[landmarks].T.astype(np.float64)
        _check_range(folder, parameters, pose, points)
        photograph = folder.photograph(name, (SIDE, SIDE))
        head = head_rotation(*pose[:3])
        places = {"landmarks_2d": points[:, :2] + CENTRE, "center": in_image(pose[None, 3:6])[0, :2]}
        if rows == 3:
            places["landmarks_3d"] = np.column_stack((places["landmarks_2d"], -points[:, 2]))
        box = box_around(places["landmarks_2d"])
        sample = cropped(folder, name, photograph, box, size, places=places, scale=pose[6] * UM_PER_MM)
        angles = np.array([float(angle) for angle in matrix_to_euler(torch.from_numpy(head))])
        return (
            sample
            | known(pose=angles, angle=float(angle_from_frontal(torch.from_numpy(head))))
            | {
                "basel_shape": values["Shape_Para"].astype(np.float32),
                "basel_expression": values["Exp_Para"].astype(np.float32),
                "within_99": np.array(np.abs(pose[:3]).max() <= BINS_END),
            }
        )

    return read


def head_rotation(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """R_head (3, 3) of a file's angles in radians, as `facelib.conventions` has it."""
    (sin_x, cos_x), (sin_y, cos_y), (sin_z, cos_z) = ((math.sin(a), math.cos(a)) for a in (pitch, yaw, roll))
    about_x = np.array([[1, 0, 0], [0, cos_x, sin_x], [0, -sin_x, cos_x]])
    about_y = np.array([[cos_y, 0, -sin_y], [0, 1, 0], [sin_y, 0, cos_y]])
    about_z = np.array([[cos_z, sin_z, 0], [-sin_z, cos_z, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def in_image(points: np.ndarray) -> np.ndarray:
    """Points (N, 3) of the files' upright frame as column, row and depth in pixels of the photograph."""
    x, y, z = points.T
    return np.column_stack((x + CENTRE, SIDE - y - 1 + CENTRE, -z))


def _check_range(folder: DataFolder, name: str, pose: np.ndarray, points: np.ndarray) -> None:
    low, high = SCALES
    if np.abs(pose[:3]).max() > TURN or np.abs(pose[3:5]).max() > REACH or not low < pose[6] < high:
        raise folder.misfit(
            name, f"holds Pose_Para {np.round(pose, 5).tolist()}", "three angles in radians, pixels, scale"
        )
    if np.abs(points).max() > REACH:
        raise folder.misfit(name, f"holds a landmark at {np.abs(points).max():g}", f"pixels of {SIDE} x {SIDE}")


READER_300W_LP = Reader(
    name="300w_lp",
    title="300W-LP",
    licence="research only; photographs of 300W, synthesized further poses",
    ask="the authors' page of 3DDFA (Zhu et al., CASIA), which links the archive",
    disk="2.7 GB",
    serves="training of papers 3 and 5",
    layout={"photographs": ("300W_LP", "300W-LP", ".")},
    counts={"photographs": 122450},
    index=_index_300w_lp,
    read=_read("pt2d", 2),
)
READER_AFLW2000 = Reader(
    name="aflw2000",
    title="AFLW2000-3D",
    licence="research only; photographs of AFLW",
    ask="the authors' page of 3DDFA (Zhu et al., CASIA), which links the archive",
    disk="90 MB",
    serves="papers 3 and 5: alignment, reconstruction, pose",
    layout={"photographs": ("AFLW2000", "AFLW2000-3D", ".")},
    counts={"photographs": 2000},
    index=_index_aflw2000,
    read=_read("pt3d_68", 3),
)
