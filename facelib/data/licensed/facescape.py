"""Reader of FaceScape's photographs from many views, with the pose and landmarks of the registered models.

The photographs are distorted, so they are straightened before anything is projected into them, and views that
`params.json` marks as not valid are left out. Cameras are those of OpenCV: x right, y down, z forward. The registered
models (TU) lie in one frame for all people, mm with x to the subject's left, y up and z out of the face, which is our
face frame; `Rt_scale_dict.json` of the toolkit says how a person's scanned frame comes there: v = R (scale w) + t.
Without it units and axes differ from person to person. 68 vertices are the landmarks (`landmark_indices.npz`, v10).
A photograph's cloud has 1,024 of the model's vertices within 100 mm of the tip of the nose, farthest first.
Source: Yang et al., "FaceScape", CVPR 2020, and the documents of its toolkit.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA, LANDMARK_COUNT, NOSE_TIP
from facelib.data.licensed.crops import box_around, cropped, known
from facelib.data.licensed.folders import LARGEST, DataFolder
from facelib.data.licensed.lens import View, straightened
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import FaceBox
from facelib.errors import BadInput, CorruptFile
from facelib.faces.obj_files import read_obj_vertices
from facelib.geometry.point_clouds import farthest_point_sampling
from facelib.geometry.rotations import angle_from_frontal, matrix_to_euler
from facelib.storage import parse_json

EXPRESSIONS = 20
REMEDY = "copy or download it again"
LANDMARKS = "v10"
CLOUD, CLOUD_REACH = 1024, 100.0  # points, and mm around the tip of the nose
ROUNDING = 1e-3  # of rotations that are written with few digits
FARTHEST = 1e5  # mm, pixels: nothing is as far


def _index(folder: DataFolder) -> Index:
    place, models = folder.place("photographs"), folder.place("models")
    frames = _frames(folder)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("files", "identity", "expression", "person", "view", "number")
    }
    people: dict[str, int] = {}
    skipped = 0
    for person in sorted((name for name in folder.folders(place) if name.isdecimal()), key=int):
        for shown in folder.folders(f"{place}/{person}"):
            number = shown.partition("_")[0]
            if not number.isdecimal() or not 1 <= int(number) <= EXPRESSIONS:
                raise folder.misfit(f"{place}/{person}/{shown}", "is another folder", "1_neutral to 20_brow_lower")
            if number not in frames.get(person, {}):
                raise folder.misfit(folder.place("frames"), f"lacks person {person}, {shown}", "their scale and Rt")
            parameters = f"{place}/{person}/{shown}/params.json"
            for file in folder.files(f"{place}/{person}/{shown}", (".jpg",)):
                view = file.rpartition("/")[2].removesuffix(".jpg")
                if not _view(folder, parameters, view).valid:
                    skipped += 1
                    continue
                columns["number"].append(len(columns["files"]))
                columns["files"].append([file, f"{models}/{person}/models_reg/{shown}.obj", parameters])
                columns["identity"].append(people.setdefault(person, len(people)))
                columns["expression"].append(int(number) - 1)
                columns["person"].append(person)
                columns["view"].append(view)
    if not columns["files"]:
        raise BadInput(f"{folder.root / place} holds no valid photographs: expected 1/1_neutral/0.jpg and so on")
    counts = {"photographs": len(columns["files"]), "people": len(people), "views left out": skipped}
    return Index(columns, counts=counts)


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    name, model, parameters = row["files"]
    view = _view(folder, parameters, row["view"])
    scale, turn, shift = _frames(folder)[row["person"]][str(row["expression"] + 1)]
    face = folder.read_once(model, _Face)
    marked = folder.read_once(folder.place("landmarks"), _landmarks)
    if marked.max() >= len(face.vertices):
        raise folder.misfit(
            model, f"has {len(face.vertices)} vertices", f"the landmarks' number {marked.max()} among them"
        )
    landmarks = view.seen((face.vertices[marked] - shift) @ turn / scale)
    if not (np.abs(landmarks) < FARTHEST).all():
        raise folder.misfit(parameters, f"has view {row['view']} far from the face", "cameras in front of it")
    head = torch.tensor(FACE_TO_CAMERA, dtype=torch.float64).T @ torch.from_numpy(view.rotation @ turn.T)
    box = box_around(landmarks)
    photograph = folder.photograph(name, view.size)
    straight, corner = straightened(photograph, view, box)
    inside = FaceBox(*(side - corner[number % 2] for number, side in enumerate(box.corners)))
    sample = cropped(folder, name, straight, inside, size, places={"landmarks_2d": landmarks - corner})
    angles = np.array([float(angle) for angle in matrix_to_euler(head)])
    sample |= known(pose=angles, angle=float(angle_from_frontal(head)), expression=row["expression"])
    return sample | {"cloud": np.array(row["number"], np.int32), "clouds": face.cloud(int(marked[NOSE_TIP]))}


class _Face:
    """A registered model, and its cloud, which all photographs of it share.

    Args:
        path: of the OBJ.
    """

    def __init__(self, path: Path) -> None:
        self.vertices = read_obj_vertices(path)
        self._clouds: dict[int, np.ndarray] = {}

    def cloud(self, tip: int) -> np.ndarray:
        """(1024, 3) float32 mm, the first of them this vertex; a model of fewer vertices repeats them."""
        if tip not in self._clouds:
            near = np.flatnonzero(np.linalg.norm(self.vertices - self.vertices[tip], axis=1) < CLOUD_REACH)
            points = torch.from_numpy(self.vertices[near]).float()
            count, start = min(CLOUD, len(near)), int(np.flatnonzero(near == tip)[0])
            chosen = farthest_point_sampling(points[None], count, start)[0]
            self._clouds[tip] = points[chosen].numpy()[np.arange(CLOUD) % count]
        return self._clouds[tip]


def _view(folder: DataFolder, name: str, view: str) -> View:
    """A camera of a person's list, checked."""
    listed = folder.read_once(name, _json)
    fields = {"K": (3, 3), "Rt": (3, 4), "distortion": (5,), "width": (), "height": (), "valid": ()}
    values = {field: _numbers(folder, name, f"{view}_{field}", listed, shape) for field, shape in fields.items()}
    turn = values["Rt"][:, :3]
    if not _is_rotation(turn) or min(values["K"][0, 0], values["K"][1, 1]) <= 0:
        raise folder.misfit(
            name, f"has a view {view} that is no camera", f"a rotation in {view}_Rt, focal lengths in K"
        )
    return View(
        values["K"],
        turn,
        values["Rt"][:, 3],
        values["distortion"],
        (int(values["width"]), int(values["height"])),
        bool(values["valid"]),
    )


def _frames(folder: DataFolder) -> dict[str, dict[str, tuple[float, np.ndarray, np.ndarray]]]:
    """Scale, rotation and shift of each person and expression, by their numbers."""
    return folder.read_once(folder.place("frames"), lambda path: _checked_frames(folder, path))


def _checked_frames(folder: DataFolder, path: Path) -> dict[str, dict[str, tuple[float, np.ndarray, np.ndarray]]]:
    name, found = folder.place("frames"), {}
    for person, listed in _json(path).items():
        if not isinstance(listed, dict):
            raise folder.misfit(name, f"has person {person[:20]!r} without expressions", "scale and Rt of each")
        found[person] = {number: _frame(folder, name, person, number, pair) for number, pair in listed.items()}
    return found


def _frame(folder: DataFolder, name: str, person: str, number: str, pair: Any) -> tuple[float, np.ndarray, np.ndarray]:
    where = f"of person {person}, expression {number}"
    both = dict(zip(("scale", "Rt"), pair, strict=False)) if isinstance(pair, list) else {}
    scale = float(_numbers(folder, name, "scale", both, (), where))
    motion = _numbers(folder, name, "Rt", both, None, where)
    if motion.shape not in ((3, 4), (4, 4)) or not _is_rotation(motion[:3, :3]) or not scale > 0:
        raise folder.misfit(name, f"has no frame {where}", "a scale above 0 and a rotation")
    return scale, motion[:3, :3], motion[:3, 3]


def _numbers(
    folder: DataFolder, name: str, key: str, values: dict[str, Any], shape: tuple[int, ...] | None, where: str = ""
) -> np.ndarray:
    try:
        found = np.array(values.get(key), np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.array(np.nan)
    if (shape is not None and found.shape != shape) or not (np.abs(found) < 1e9).all():
        size = " x ".join(map(str, shape)) if shape else "such"
        raise folder.misfit(name, f"has no {key[:40]!r} {where}".rstrip(), f"{size} finite numbers there")
    return found


def _is_rotation(matrix: np.ndarray) -> bool:
    return bool(np.abs(matrix @ matrix.T - np.eye(3)).max() < ROUNDING and np.linalg.det(matrix) > 0)


def _json(path: Path) -> dict[str, Any]:
    return parse_json(path, REMEDY)


def _landmarks(path: Path) -> np.ndarray:
    """Numbers (68,) of vertices."""
    try:
        with zipfile.ZipFile(path) as parts:
            largest = max((each.file_size for each in parts.infolist()), default=0)
        if largest > LARGEST:
            raise ValueError(f"{largest} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            found = arrays[LANDMARKS]
    except Exception as error:  # zip files and arrays that are damaged raise whatever they stumble over
        raise CorruptFile(f"{path} is no file of NumPy arrays with {LANDMARKS!r} ({error}): {REMEDY}") from error
    if found.shape != (LANDMARK_COUNT,) or found.dtype.kind not in "iu" or found.min() < 0:
        raise CorruptFile(
            f"{path} has {LANDMARKS} of {found.dtype} {found.shape}, expected {LANDMARK_COUNT} numbers of vertices: "
            f"{REMEDY}"
        )
    return found


READER = Reader(
    name="facescape",
    title="FaceScape",
    licence="non-commercial research, on application; only listed people may be shown",
    ask="Nanjing University, with its licence agreement",
    disk="hundreds of GB",
    serves="paper 1",
    layout={
        "photographs": ("fsmview_trainset", "fsmview_images"),
        "models": ("facescape_trainset", "textured_meshes"),
        "frames": ("Rt_scale_dict.json", "predef/Rt_scale_dict.json", "toolkit/predef/Rt_scale_dict.json"),
        "landmarks": (
            "landmark_indices.npz",
            "predef/landmark_indices.npz",
            "toolkit/predef/landmark_indices.npz",
        ),
    },
    counts={"people": 359},
    index=_index,
    read=_read,
    version=2,
)
