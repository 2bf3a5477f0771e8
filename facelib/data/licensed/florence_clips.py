"""Reader of frames of MICC Florence's clips: three conditions of increasing difficulty, and each person's scan.

A decoder of videos is none of facelib's needs, so the user takes frames out of the clips, into folders that say who is
seen in which condition: `ffmpeg -i VIDEO frames/subject_01/cooperative/%05d.png`, and so for `indoor` and `outdoor`.
Scans and their landmarks lie as `facelib.data.licensed.florence` reads them; the same folder serves both. Of a clip,
five frames count, evenly spaced, so that all people and conditions count alike. Paper 5 does not say how many it takes;
five are those of Genova et al., CVPR 2018. A frame is given whole, in a square.
Source: Bagdanov et al., "The Florence 2D/3D hybrid face dataset", J-HGBU 2011.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from facelib.conventions import NOSE_TIP
from facelib.data.embedded.florence_clips import CONDITIONS
from facelib.data.licensed.crops import cropped, known
from facelib.data.licensed.florence import IMAGES, in_face_frame, people_of, points_of_scan, scan_files
from facelib.data.licensed.florence import READER as SCANS
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import FaceBox
from facelib.errors import BadInput
from facelib.faces.obj_files import read_obj

FRAMES = 5  # of each clip
NAMED = 5  # clips that a remark names


def _index(folder: DataFolder) -> Index:
    place, beside, frames = folder.place("people"), folder.place_if_there("landmarks"), folder.place("frames")
    columns: dict[str, list[Any]] = {name: [] for name in ("files", "identity", "condition", "number")}
    people, lengths = people_of(folder, place), dict[str, int]()
    for number, person in enumerate(people):
        scan = scan_files(folder, place, beside, person)
        for condition, name in enumerate(CONDITIONS):
            clip = f"{person}/{name}"
            found = _frames_of(folder, f"{frames}/{clip}")
            lengths[clip] = len(found)
            for frame in evenly_spaced(found):
                columns["files"].append([frame, *scan])
                columns["identity"].append(number)
                columns["condition"].append(condition)
                columns["number"].append(len(columns["number"]))
    if not columns["files"]:
        raise BadInput(
            f"{folder.root / frames} holds no frames: expected subject_01/cooperative/00001.png and so on, as "
            "`ffmpeg -i VIDEO subject_01/cooperative/%05d.png` writes them"
        )
    missing = [clip for clip, length in lengths.items() if not length]
    short = [clip for clip, length in lengths.items() if 0 < length < FRAMES]
    counts = {"people": len(people), "clips": len(lengths) - len(missing), "frames": len(columns["files"])}
    told = ((missing, "have no frames"), (short, f"have fewer than {FRAMES} frames"))
    remarks = [f"{len(some)} clips {words}, such as {', '.join(some[:NAMED])}" for some, words in told if some]
    return Index(columns, counts=counts, remarks=remarks)


def _frames_of(folder: DataFolder, clip: str) -> list[str]:
    """The frames in a folder, in their order; none where it is not there."""
    return list(folder.files(clip, IMAGES)) if (folder.root / clip).is_dir() else []


def evenly_spaced(frames: list[str]) -> list[str]:
    """Five frames of a clip: the middles of its fifths; all of a shorter one."""
    if len(frames) <= FRAMES:
        return frames
    return [frames[(2 * each + 1) * len(frames) // (2 * FRAMES)] for each in range(FRAMES)]


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    name, scan, landmarks = row["files"]
    mesh = folder.read_once(scan, read_obj)
    vertices, points = in_face_frame(folder, scan, landmarks, mesh)
    photograph = folder.photograph(name)
    whole = FaceBox(0, 0, photograph.width, photograph.height)
    return (
        cropped(folder, name, photograph, whole, size, enlarge=1.0)
        | known()
        | {
            "condition": np.array(row["condition"], np.int16),
            "scan": np.array(row["number"], np.int32),
            "scan_landmarks": points.numpy(),
            "scans": points_of_scan(folder, scan, mesh, vertices, points[NOSE_TIP]),
        }
    )


READER = Reader(
    name="florence_clips",
    title="MICC Florence, clips",
    licence=SCANS.licence,
    ask=SCANS.ask,
    disk=SCANS.disk,
    serves="paper 5: table 1",
    layout={**SCANS.layout, "frames": ("frames",)},
    counts={"people": 53, "clips": 159},
    index=_index,
    read=_read,
)
