"""Reader of ICT-3DHP: ten sequences of a Kinect, with the head's pose from a magnetic tracker.

Of each sequence a folder holds `depthAligned/`, frames of 16 bits in mm in the order of their names, and
`polhemusNorm.csv`, a line of tx, ty, tz (mm) and rx, ry, rz (radians) for each of them. The camera is the one that the
published scorer has. Angles turn about the camera's axes (x right, y down, z forward), R = R_x(rx) R_y(ry) R_z(rz), and
0, 0, 0 looks into the camera: this order is that of the scorer's code, as the data set itself does not state one. The
tracker sits in a cap, not in the face, and its origin need not be the camera's, so crops go about the head's outline in
the frame. What papers report is the error after the first frame's rotation has been taken out of both.
Source: Baltrusaitis et al., "3D constrained local model for rigid and non-rigid facial tracking", CVPR 2012.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from facelib.data.licensed.depth_files import CENTRE, read_depth_png
from facelib.data.licensed.depth_samples import depth_sample, head_middle
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera

SIZE = (640, 480)  # pixels
CAMERA = PerspectiveCamera(535.0, 327.0 + CENTRE, 241.0 + CENTRE, 536.0)
TURN, FARTHEST = 2 * np.pi, 1e5  # radians, mm


def _index(folder: DataFolder) -> Index:
    place = folder.place("sequences")
    columns: dict[str, list[Any]] = {"files": [], "identity": [], "sequence": [], "tracked": []}
    number = 0
    for sequence in folder.folders(place):
        below = sequence if place == "." else f"{place}/{sequence}"
        if "depthAligned" not in folder.folders(below):
            continue
        frames = list(folder.files(f"{below}/depthAligned", (".png",)))
        tracked = _tracked(folder, f"{below}/polhemusNorm.csv")
        if len(tracked) != len(frames):
            raise folder.misfit(
                f"{below}/polhemusNorm.csv", f"has {len(tracked)} lines", f"one for each of {len(frames)} depth frames"
            )
        columns["files"] += [[frame] for frame in frames]
        columns["identity"] += [number] * len(frames)  # as far as anybody knows, each shows another person
        number += 1
        columns["sequence"] += [number] * len(frames)
        columns["tracked"] += tracked
    if not columns["files"]:
        raise BadInput(
            f"{folder.root / place} holds no sequences: expected folders with depthAligned/ and polhemusNorm.csv"
        )
    return Index(columns, counts={"sequences": number, "frames": len(columns["files"])})


def _tracked(folder: DataFolder, name: str) -> list[list[float]]:
    """Shift in mm and angles in radians of each frame."""
    lines = List(folder, name, ",")
    found = []
    for words in lines:
        lines.width(words, 6, "tx, ty, tz in mm, rx, ry, rz in radians")
        shift = [lines.number(word, "a shift in mm", -FARTHEST, FARTHEST) for word in words[:3]]
        found.append(shift + [lines.number(word, "an angle in radians", -TURN, TURN) for word in words[3:]])
    return found


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    (name,) = row["files"]
    depth = read_depth_png(folder.file(name), SIZE)
    tracked = np.array(row["tracked"])
    middle = head_middle(folder, name, depth, CAMERA)
    sample = depth_sample(folder, name, depth, CAMERA, _turn(*tracked[3:]), tracked[:3], size, middle=middle)
    return sample | {"sequence": np.array(row["sequence"], np.int32)}


def _turn(x: float, y: float, z: float) -> np.ndarray:
    (sin_x, cos_x), (sin_y, cos_y), (sin_z, cos_z) = ((np.sin(angle), np.cos(angle)) for angle in (x, y, z))
    about_x = np.array([[1, 0, 0], [0, cos_x, -sin_x], [0, sin_x, cos_x]])
    about_y = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    about_z = np.array([[cos_z, -sin_z, 0], [sin_z, cos_z, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


READER = Reader(
    name="ict_3dhp",
    title="ICT-3DHP",
    licence="research",
    ask="Multicomp lab, USC Institute for Creative Technologies and Carnegie Mellon University",
    disk="10 GB",
    serves="paper 4: head pose",
    layout={"sequences": ("ICT-3DHP", "ICT_3DHP", ".")},
    counts={"sequences": 10, "frames": 14202},
    index=_index,
    read=_read,
)
