"""Reader of ARL-VTF: the photographs of visible light in a table that the user writes, as its own layout is not public.

The table `arl_vtf.csv` lies in the folder and begins with the line path,subject,condition,yaw,keypoints. A path is
relative to the folder; subject is any name; condition is one of the protocol (G_VB0-, P_VB0, P_VP0; paper 1, section
V.A) or training; yaw is in degrees, positive to the subject's left, and may be empty; keypoints are "x y x y ..." in
pixels from the corner of the image: 68 in the order of iBUG, or 5, the eyes, the tip of the nose and the corners of the
mouth.
Source: Poster et al., "A large-scale, time-synchronized visible and thermal face dataset", WACV 2021.
"""

from __future__ import annotations

import math

import numpy as np

from facelib.conventions import LANDMARK_COUNT
from facelib.data.licensed.crops import box_around, box_around_five, cropped, known
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.protocol import Role
from facelib.errors import BadInput

HEADER = ("path", "subject", "condition", "yaw", "keypoints")
CONDITIONS = {
    "G_VB0-": Role.GALLERY,
    "P_VB0": Role.FRONTAL_PROBE,
    "P_VB0-": Role.FRONTAL_PROBE,
    "P_VP0": Role.POSE_PROBE,
    "P_VP0-": Role.POSE_PROBE,
    "training": Role.TRAINING,
}
FIVE = 5
FARTHEST = 20_000  # pixels


def _index(folder: DataFolder) -> Index:
    lines = List(folder, folder.place("table"), ",")
    lines.header(HEADER)
    columns: dict[str, list] = {"files": [], "subject": [], "role": [], "yaw": [], "keypoints": []}
    for words in lines:
        lines.width(words, len(HEADER), f"{len(HEADER)} values: {', '.join(HEADER)}")
        path, subject, condition, yaw, keypoints = words
        if not path or not subject:
            raise lines.misfit("a path and a subject")
        if condition not in CONDITIONS:
            raise lines.misfit(f"a condition, one of {', '.join(CONDITIONS)}")
        columns["files"].append([path])
        columns["subject"].append(subject)
        columns["role"].append(int(CONDITIONS[condition]))
        columns["yaw"].append(lines.number(yaw, "the yaw in degrees", -180, 180) if yaw else None)
        columns["keypoints"].append(_keypoints(lines, keypoints))
    if not columns["files"]:
        raise BadInput(f"{folder.root / lines.name} lists no photographs: expected a line for each below its first")
    return Index(columns | {"identity": _numbered(columns["subject"])}, counts=_counts(columns))


def _keypoints(lines: List, text: str) -> list[float]:
    words = text.split()
    if len(words) not in (2 * FIVE, 2 * LANDMARK_COUNT):
        raise lines.misfit(
            f"keypoints 'x y x y ...' of {FIVE} or {LANDMARK_COUNT} points, instead of {len(words)} numbers"
        )
    return [lines.number(word, "a keypoint in pixels", -FARTHEST, FARTHEST) for word in words]


def _numbered(subjects: list[str]) -> list[int]:
    """People who are evaluated and people to train on are numbered alike, by their names."""
    numbers = {subject: number for number, subject in enumerate(sorted(set(subjects)))}
    return [numbers[subject] for subject in subjects]


def _counts(columns: dict[str, list]) -> dict[str, int]:
    people: dict[Role, set[str]] = {role: set() for role in Role}
    for subject, role in zip(columns["subject"], columns["role"], strict=True):
        people[Role(role)].add(subject)
    return {
        "photographs": len(columns["files"]),
        "people evaluated": len(people[Role.GALLERY]),
        "people to train on": len(people[Role.TRAINING]),
    }


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    (name,) = row["files"]
    points = np.array(row["keypoints"], np.float64).reshape(-1, 2)
    try:
        box = box_around_five(points) if len(points) == FIVE else box_around(points)
    except BadInput as error:
        raise folder.misfit(
            name, f"has keypoints in one place ({error})", "keypoints of a face in the table"
        ) from error
    yaw = math.nan if row["yaw"] is None else math.radians(row["yaw"])
    sample = cropped(folder, name, folder.photograph(name), box, size)
    return sample | known(yaw=yaw, angle=abs(yaw)) | {"role": np.array(row["role"], np.int16)}


READER = Reader(
    name="arl_vtf",
    title="ARL-VTF",
    licence="on request, for research; not to be passed on",
    ask="the DEVCOM Army Research Laboratory",
    disk="hundreds of GB; the table may list a part",
    serves="paper 1: table III",
    layout={"table": ("arl_vtf.csv",)},
    counts={"people evaluated": 100, "people to train on": 295},
    index=_index,
    read=_read,
)
