"""Reader of the Biwi Kinect head pose database: 24 sequences of 20 people, depth frames with the head's pose.

Four people come twice, under two numbers, so that sequences must not be split as if they were people: their identity
is that of the first. A pose file has the head's rotation R and centre in the axes of the depth camera, x right, y down,
z forward; as R = 1 looks into the camera, our R_head is F^T R F with F = diag(1, -1, -1). The centre is the origin to
which `translation` is measured. Sensors differ, so the calibration beside each sequence counts. Masks of the heads,
where a copy has them, are `frame_00003_depth_mask.png`.
Source: Fanelli et al., "Random forests for real time 3D face analysis", IJCV 2013.
"""

from __future__ import annotations

import re

import numpy as np

from facelib.data.licensed.depth_files import read_biwi_calibration, read_biwi_depth, read_biwi_pose
from facelib.data.licensed.depth_samples import depth_sample
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.errors import BadInput

SAME_PERSON = {21: 2, 15: 3, 18: 5, 22: 7}  # sequence -> the first one of its person
NAME = re.compile(r"frame_(\d+)_depth\.bin")


def _index(folder: DataFolder) -> Index:
    place = folder.place("sequences")
    masks = _masks(folder)
    columns: dict[str, list] = {"files": [], "identity": [], "sequence": [], "frame": [], "calibration": [], "mask": []}
    sequences = sorted((name for name in folder.folders(place) if name.isascii() and name.isdecimal()), key=int)
    people: dict[int, int] = {}
    for sequence in sequences:
        below = sequence if place == "." else f"{place}/{sequence}"
        person = SAME_PERSON.get(int(sequence), int(sequence))
        for frame, name in _frames(folder, below):
            columns["files"].append([name, name.replace("_depth.bin", "_pose.txt")])
            columns["identity"].append(people.setdefault(person, len(people)))
            columns["sequence"].append(int(sequence))
            columns["frame"].append(frame)
            columns["calibration"].append(f"{below}/depth.cal")
            columns["mask"].append(masks.get((int(sequence), frame)))
    if not columns["files"]:
        raise BadInput(f"{folder.root / place} holds no frames: expected 01/frame_00003_depth.bin and so on")
    numbers = set(columns["sequence"])
    counts = {"people": len(people), "sequences": len(numbers), "frames": len(columns["files"])}
    twice = [f"{first:02d} = {again:02d}" for again, first in SAME_PERSON.items() if {first, again} <= numbers]
    told = f"sequences {', '.join(sorted(twice))} show one person each: split by identity, not by sequence"
    return Index(columns, counts=counts, remarks=[told] if twice else [])


def _frames(folder: DataFolder, below: str) -> list[tuple[int, str]]:
    """The frames of a sequence by their numbers, in the order in which they were taken."""
    found = []
    for name in folder.files(below, ("_depth.bin",)):
        number = NAME.fullmatch(name.rpartition("/")[2])
        if not number:
            raise folder.misfit(name, "has another name", "frame_00003_depth.bin and so on")
        found.append((int(number[1]), name))
    return sorted(found)


def _masks(folder: DataFolder) -> dict[tuple[int, int], str]:
    """Sequence and frame -> its mask."""
    place = folder.place_if_there("masks")
    found = {}
    for name in [] if place is None else folder.files(place, ("_depth_mask.png",)):
        where = re.fullmatch(r"(?:.*/)?(\d+)/frame_(\d+)_depth_mask\.png", name, re.ASCII)
        if not where:
            raise folder.misfit(name, "has another name or folder", "01/frame_00003_depth_mask.png and so on")
        found[int(where[1]), int(where[2])] = name
    return found


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    name, pose = row["files"]
    depth = read_biwi_depth(folder.file(name))
    camera = folder.read_once(row["calibration"], lambda _: read_biwi_calibration(folder, row["calibration"]))
    turn, centre = read_biwi_pose(folder, pose)
    mask = None if row["mask"] is None else _mask(folder, row["mask"], depth.shape)
    sample = depth_sample(folder, name, depth, camera, turn, centre, size, mask=mask)
    return sample | {"sequence": np.array(row["sequence"], np.int32)}


def _mask(folder: DataFolder, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool, the pixels of the head."""
    photograph = folder.photograph(name, (shape[1], shape[0]))
    return photograph.pixels.amax(dim=0).numpy() > 0.5


READER = Reader(
    name="biwi",
    title="Biwi Kinect head pose",
    licence="research, non-commercial",
    ask="ETH Zurich, Computer Vision Lab; copies are public",
    disk="6 GB",
    serves="paper 4: head pose, groups 1 and 2",
    layout={
        "sequences": ("hpdb", "kinect_head_pose_db/hpdb", "faces_0", "."),
        "masks": ("head_pose_masks", "kinect_head_pose_db/head_pose_masks", "masks"),
    },
    counts={"people": 20, "sequences": 24, "frames": 15678},
    index=_index,
    read=_read,
)
