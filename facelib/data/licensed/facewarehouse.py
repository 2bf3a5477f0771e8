"""Reader of FaceWarehouse: photographs of 150 people in 20 expressions, each with the mesh of it, and blendshapes.

A person's folder (`Tester_1`) has `TrainingPose/pose_0.png` (or .jpg) and `pose_0.obj` to 19, and
`Blendshape/shape.bs`: three int32, numbers of expressions, vertices and faces, and then the neutral face and each
expression, float32 x, y, z of every vertex. The number of faces differs between descriptions and is not looked at.
Meshes are in decimetres, x to the subject's left, y up and z out of the face. Photographs come without a box, so the
largest square in the middle is taken.
Depth frames are another reader's: `facelib.data.licensed.facewarehouse_depth`.
Paper 5 evaluates nine people, whom it does not name; a text file with their folders' names, `evaluated.txt`, says whom.
Source: Cao et al., "FaceWarehouse: a 3D facial expression database for visual computing", TVCG 2014.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facelib.conventions import NOSE_TIP
from facelib.data.licensed.crops import cropped, known
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import FaceBox
from facelib.errors import BadInput, CorruptFile, DegenerateInput
from facelib.faces.baking import load_face_model
from facelib.faces.obj_files import read_obj_vertices
from facelib.faces.skin_surface import skin_surface
from facelib.geometry.alignment import Similarity
from facelib.geometry.icp import icp
from facelib.geometry.neighbours import nearest

MM = 100.0  # of a unit
SMALLEST, LARGEST = 100.0, 600.0  # mm, of a head
POSES = 20
MOST_EXPRESSIONS, MOST_VERTICES = 200, 100_000
PERSON = re.compile(r"Tester_(\d+)")
REACH = 40.0  # mm between points of the mean face and of a mesh that it is laid on
FARTHEST = 15.0  # mm, median distance of landmarks from meshes that the mean face lies on


def _index(folder: DataFolder) -> Index:
    place = folder.place("people")
    people = people_of(folder, place)
    evaluated = _evaluated(folder, people)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("files", "identity", "expression", "is_evaluated", "number", "vertices")
    }
    incomplete, vertices = [], None
    for number, (person, below) in enumerate(people.items()):
        shapes = f"{below}/Blendshape/shape.bs"
        vertices = vertices or _counts(folder.file(shapes))[1]
        poses = [pose for pose in range(POSES) if _photograph(folder, below, pose)]
        if len(poses) < POSES:
            incomplete.append(person)
        for pose in poses:
            name = _photograph(folder, below, pose)
            columns["files"].append([name, f"{below}/TrainingPose/pose_{pose}.obj", shapes])
            columns["identity"].append(number)
            columns["expression"].append(pose)
            columns["is_evaluated"].append(int(person in evaluated))
            columns["number"].append(len(columns["number"]))
            columns["vertices"].append(vertices)
    if not columns["files"]:
        raise BadInput(
            f"{folder.root / place} holds no photographs: expected Tester_1/TrainingPose/pose_0.png and so on"
        )
    counts = {"people": len(people), "photographs": len(columns["files"])}
    told = f"{len(incomplete)} people have fewer than {POSES} expressions, such as {', '.join(incomplete[:5])}"
    return Index(columns, counts=counts, remarks=[told] if incomplete else [])


def people_of(folder: DataFolder, place: str) -> dict[str, str]:
    """Name of each person's folder -> its place; folders of the distribution (FaceWarehouse_Data_0) may lie between."""
    found: dict[str, str] = {}
    above = [place, *(_below(place, each) for each in folder.folders(place) if not PERSON.fullmatch(each))]
    for where in above:
        for name in folder.folders(where):
            if PERSON.fullmatch(name):
                if name in found:
                    raise folder.misfit(_below(where, name), f"is there again, as {found[name]} is", "each person once")
                found[name] = _below(where, name)
    return dict(sorted(found.items(), key=lambda each: int(each[0].partition("_")[2])))


def _below(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"


def _evaluated(folder: DataFolder, people: dict[str, str]) -> set[str]:
    place = folder.place_if_there("evaluated")
    if place is None:
        return set(people)
    found, lines = set(), List(folder, place)
    for words in lines:
        if len(words) != 1 or words[0] not in people:
            raise lines.misfit("the name of a person's folder, such as Tester_1")
        found.add(words[0])
    return found


def _photograph(folder: DataFolder, below: str, pose: int) -> str | None:
    names = (f"{below}/TrainingPose/pose_{pose}{ending}" for ending in (".png", ".jpg"))
    return next((name for name in names if (folder.root / name).is_file()), None)


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    name, mesh, shapes = row["files"]
    scan = in_mm(folder, mesh, read_obj_vertices(folder.file(mesh)))
    neutral = in_mm(folder, shapes, folder.read_once(shapes, read_blendshapes)[0])
    for file, found in ((mesh, scan), (shapes, neutral)):
        if len(found) != row["vertices"]:
            raise folder.misfit(file, f"has {len(found)} vertices", f"{row['vertices']} as the others have")
    photograph = folder.photograph(name)
    side = min(photograph.width, photograph.height)
    left, top = (photograph.width - side) / 2, (photograph.height - side) / 2
    box = FaceBox(left, top, left + side, top + side)
    sample = cropped(folder, name, photograph, box, size, enlarge=1.0) | known(expression=row["expression"])
    return sample | {
        "scan": np.array(row["number"], np.int32),
        "scans": scan,
        "neutral": neutral,
        "is_evaluated": np.array(bool(row["is_evaluated"])),
    }


def in_mm(folder: DataFolder, name: str, vertices: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) float32 in mm of a file's; raises CorruptFile where they do not extend as far as a head."""
    found = vertices.astype(np.float64) * MM  # what is far too large must not overflow
    extent = float(np.ptp(found, axis=0).max())
    if not SMALLEST <= extent <= LARGEST:
        raise folder.misfit(
            name,
            f"extends over {extent / MM:.3g}",
            f"a head of {SMALLEST / MM:g} to {LARGEST / MM:g} dm; convert its unit",
        )
    return found.astype(np.float32)


def landmark_vertices(neutral: np.ndarray) -> np.ndarray:
    """Which vertices (68,) are our landmarks, as no list of them is public: those nearest to the mean face's.

    The mean face is laid onto the neutral face by its surface, as large as it is; the tips of the noses come first. Of
    meshes of our own, of which every fourth vertex is there, landmarks are found to 4.6 mm; the nearest vertices are
    4.0 mm away.

    Args:
        neutral: (V, 3) mm, a mean of neutral meshes, which is nearer to a mean face than any of them.

    Raises:
        DegenerateInput: the meshes do not look at the viewer, or are no faces.
    """
    surface = skin_surface(load_face_model("coarse"))
    mean, cloud = surface.mean, torch.from_numpy(neutral).float()
    to_tip = cloud[cloud[:, 2].argmax()] - mean[surface.landmarks[NOSE_TIP]]
    start = Similarity(torch.tensor(1.0), torch.eye(3), to_tip)
    place = icp(mean[surface.face], cloud, start=start, scale=False, max_distance=REACH).transform
    off, vertices = (each[0] for each in nearest(place.apply(mean[surface.landmarks])[None], cloud[None]))
    if not off.median() < FARTHEST:
        raise DegenerateInput(
            f"landmarks of the mean face are {float(off.median()):.0f} mm from the neutral meshes once it is laid on "
            f"them: expected less than {FARTHEST:g}; is z out of the face, and y up?"
        )
    return vertices.numpy()


def read_blendshapes(path: Path) -> np.ndarray:
    """The neutral face and its expressions (1 + E, V, 3) float32 of a `shape.bs`, in the file's unit.

    Raises:
        CorruptFile: it is no such file, is cut off, or holds a number that is not finite.
    """
    expressions, vertices = _counts(path)
    values = np.fromfile(path, "<f4", offset=12).reshape(1 + expressions, vertices, 3)
    return _finite(path, values)


def read_neutral(path: Path) -> np.ndarray:
    """The neutral face (V, 3) float32 of a `shape.bs` alone; raises as `read_blendshapes`."""
    vertices = _counts(path)[1]
    values = np.fromfile(path, "<f4", 3 * vertices, offset=12).reshape(vertices, 3)
    return _finite(path, values)


def _finite(path: Path, values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise CorruptFile(f"{path} holds a coordinate that is not finite: expected blendshapes; copy it again")
    return values


def _counts(path: Path) -> tuple[int, int]:
    """Numbers of expressions and vertices, which fit the file's size."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        header = file.read(12)
    if len(header) < 12:
        raise CorruptFile(f"{path} has {size} bytes: expected blendshapes, which begin with 12; copy it again")
    expressions, vertices, _ = struct.unpack("<3i", header)
    expected = 12 + 12 * (1 + expressions) * vertices
    if not (0 < expressions <= MOST_EXPRESSIONS and 0 < vertices <= MOST_VERTICES) or size != expected:
        raise CorruptFile(
            f"{path} has {size} bytes and counts {expressions} expressions of {vertices} vertices: expected "
            f"{expected} bytes for them; copy it again"
        )
    return expressions, vertices


READER = Reader(
    name="facewarehouse",
    title="FaceWarehouse",
    licence="research; an agreement signed by an institution",
    ask="Zhejiang University, Kun Zhou",
    disk="50 GB with raw frames",
    serves="paper 5: scans of expressions",
    layout={"people": ("FaceWarehouse", "."), "evaluated": ("evaluated.txt",)},
    counts={"people": 150, "photographs": 3000},
    index=_index,
    read=_read,
)
