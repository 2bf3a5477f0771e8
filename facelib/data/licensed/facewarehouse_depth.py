"""Reader of FaceWarehouse's depth frames: a Kinect's frame of each person in each expression, with the mesh of it.

How the raw frames are stored is told nowhere in public, so the user writes a table. `depth_frames.csv` lies in the
folder and begins with the line path,person,pose,focal_u,focal_v,center_u,center_v. A path is relative to the folder, of
a PNG of 640 x 480 pixels with 16 bits, the depth in mm; person is the name of a person's folder, such as Tester_1; pose
is the number of the expression, 0 to 19, of which 0 is neutral; the intrinsics are those of the frame in pixels, with
the centre of the first pixel at 0. The mesh is the person's `TrainingPose/pose_0.obj` and so on, as in
`facelib.data.licensed.facewarehouse`; all have the triangles of the first one.
Meshes come without landmarks. They lie where ICP lays those of our mean face on the mean of all neutral faces, which is
good to some millimetres; lines "landmark vertex" in a file `landmarks.txt`, both counted from 0, landmarks as the 68 of
iBUG, put the ones that they name elsewhere. Poses of the heads were not measured and are NaN; crops show the face about
where our mean face is laid on the frame.
Source: Cao et al., "FaceWarehouse: a 3D facial expression database for visual computing", TVCG 2014.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from facelib.conventions import LANDMARK_COUNT
from facelib.data.licensed.depth_files import CENTRE, read_depth_png
from facelib.data.licensed.depth_samples import depth_sample, head_middle
from facelib.data.licensed.facewarehouse import POSES, in_mm, people_of, read_neutral
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.linear_models import completed
from facelib.data.licensed.lists import List
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.baking import load_face_model
from facelib.faces.head_finding import find_head
from facelib.faces.obj_files import read_obj, read_obj_vertices
from facelib.faces.skin_surface import SkinSurface, face_region, skin_surface
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.depth_view import FACE_VIEW

HEADER = ("path", "person", "pose", "focal_u", "focal_v", "center_u", "center_v")
SIZE = (640, 480)  # pixels
FOCAL = (100.0, 5000.0)  # pixels
UNKNOWN = np.full(3, np.nan)


def _index(folder: DataFolder) -> Index:
    people = people_of(folder, folder.place("people"))
    rows = sorted(_frames(folder, people), key=lambda row: (row["identity"], row["expression"]))
    if not rows:
        raise BadInput(f"{folder.root / folder.place('frames')} lists no frames: expected a line for each of them")
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in rows[0]}
    shown = sorted(set(columns["identity"]))
    columns["identity"] = [shown.index(number) for number in columns["identity"]]
    places = list(people.values())
    vertices, protocol = _template(folder, [places[number] for number in shown], columns["files"][0][1])
    columns["vertices"] = [vertices] * len(rows)
    return Index(columns, protocol, {"people": len(shown), "frames": len(rows)})


def _frames(folder: DataFolder, people: dict[str, str]) -> list[dict[str, Any]]:
    lines = List(folder, folder.place("frames"), ",")
    lines.header(HEADER)
    numbers = {name: number for number, name in enumerate(people)}
    found, seen = [], set()
    for words in lines:
        lines.width(words, len(HEADER), f"{len(HEADER)} values: {', '.join(HEADER)}")
        path, person, pose, *intrinsics = words
        if person not in people:
            raise lines.misfit("the name of a person's folder, such as Tester_1")
        expression = lines.whole(pose, "the number of an expression", 0, POSES - 1)
        if not path or (person, expression) in seen:
            raise lines.misfit("a path, and each expression of a person once")
        seen.add((person, expression))
        focal = [lines.number(word, "a focal length in pixels", *FOCAL) for word in intrinsics[:2]]
        centre = [
            lines.number(word, "the principal point in pixels", 0, side)
            for word, side in zip(intrinsics[2:], SIZE, strict=True)
        ]
        mesh = f"{people[person]}/TrainingPose/pose_{expression}.obj"
        row = {"files": [path, mesh], "identity": numbers[person], "expression": expression}
        found.append(row | {"intrinsics": focal + centre})
    return found


def _template(folder: DataFolder, people: list[str], mesh: str) -> tuple[int, dict[str, list[Any]]]:
    """The number of vertices of all meshes, their landmarks (68,), and the triangles (T, 3) of the face in them."""
    names = [f"{person}/Blendshape/shape.bs" for person in people]
    neutral = [in_mm(folder, name, read_neutral(folder.file(name))) for name in names]
    for name, face in zip(names, neutral, strict=True):
        if len(face) != len(neutral[0]):
            raise folder.misfit(name, f"has {len(face)} vertices", f"{len(neutral[0])} as the others have")
    triangles = read_obj(folder.file(mesh)).triangles
    mean = np.stack(neutral).mean(axis=0, dtype=np.float64)
    nothing = np.zeros((1, *mean.shape))
    model = completed(folder.file(mesh), mean, nothing, nothing, triangles, load_face_model("coarse"))
    landmarks = model.landmarks.tolist()
    for landmark, vertex in _marked(folder, len(mean)):
        landmarks[landmark] = vertex
    face_triangles = model.triangles[face_region(model)[model.triangles].all(dim=1)]
    if not len(face_triangles):
        raise folder.misfit(mesh, "has no triangle of the face", "the mesh of a face")
    return len(mean), {"head_landmarks": landmarks, "face_triangles": face_triangles.tolist()}


def _marked(folder: DataFolder, vertices: int) -> list[tuple[int, int]]:
    """Landmarks and their vertices, as the user has them."""
    place = folder.place_if_there("landmarks")
    if place is None:
        return []
    lines, found = List(folder, place), []
    for words in lines:
        lines.width(words, 2, "a landmark and its vertex")
        landmark = lines.whole(words[0], "a landmark", 0, LANDMARK_COUNT - 1)
        found.append((landmark, lines.whole(words[1], "a vertex", 0, vertices - 1)))
    return found


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    name, mesh = row["files"]
    depth = read_depth_png(folder.file(name), SIZE)
    focal_u, focal_v, center_u, center_v = row["intrinsics"]
    camera = PerspectiveCamera(focal_u, center_u + CENTRE, center_v + CENTRE, focal_v)
    head = in_mm(folder, mesh, read_obj_vertices(folder.file(mesh)))
    if len(head) != row["vertices"]:
        raise folder.misfit(mesh, f"has {len(head)} vertices", f"{row['vertices']} as the others have")
    turn, middle = np.full((3, 3), np.nan), _middle(folder, name, depth, camera)
    sample = depth_sample(folder, name, depth, camera, turn, UNKNOWN, size, view=FACE_VIEW, middle=middle)
    expression = np.array(row["expression"], np.int16)
    return sample | {"sequence": np.array(0, np.int32), "expression": expression, "heads": head}


def _middle(folder: DataFolder, name: str, depth: np.ndarray, camera: PerspectiveCamera) -> np.ndarray:
    """Where the head is (3,) mm: where the mean face is laid, or in its outline where none is found."""
    try:
        found = find_head(torch.from_numpy(depth.astype(np.float32)), camera, _our_surface())
    except DegenerateInput:
        return head_middle(folder, name, depth, camera)
    return found.middle.double().numpy()


@cache
def _our_surface() -> SkinSurface:
    """That of our face model, read once for all frames."""
    return skin_surface(load_face_model("coarse"))


READER = Reader(
    name="facewarehouse_depth",
    version=2,
    title="FaceWarehouse depth",
    licence="research; an agreement signed by an institution",
    ask="Zhejiang University, Kun Zhou",
    disk="50 GB with raw frames; a link to the folder of facewarehouse will do",
    serves="paper 4: shapes",
    layout={
        "people": ("FaceWarehouse", "."),
        "frames": ("depth_frames.csv",),
        "landmarks": ("landmarks.txt",),
    },
    counts={"people": 150, "frames": 3000},
    index=_index,
    read=_read,
)
