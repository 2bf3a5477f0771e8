"""Reading the public ICT-FaceKit (light version): heads of real people as a linear model.

Its folder `FaceXModel` holds OBJ files that share their vertices: the neutral head, one head for each identity mode at
one standard deviation, one for each facial action at full strength. `ict_model` makes a face model of ours from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facelib.errors import CorruptFile, MissingPart
from facelib.faces.obj_files import ObjFile, read_obj, read_obj_vertices
from facelib.progress import progress_bar

MILLIMETRES = 10.0  # a unit of the files, which are in cm
NEUTRAL = "generic_neutral_mesh"
DIRECTIONS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")  # in other names Left and Right are sides
# fmt: off
LANDMARKS = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,  # jaw
    268, 493, 1914, 2044, 1401,  # right brow
    3615, 4240, 4114, 2734, 2509,  # left brow
    978, 4527, 4942, 4857,  # bridge of the nose
    1140, 2075, 1147, 4269, 3360,  # nostrils
    1507, 1542, 1537, 1528, 1518, 1511,  # right eye
    3742, 3751, 3756, 3721, 3725, 3732,  # left eye
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841,  # outer lips
    5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,  # inner lips
)
# fmt: on


@dataclass(frozen=True)
class IctLayout:
    """Where things stand in the files.

    Args:
        vertices: of each file.
        skin: vertices of face, head and neck; sockets those behind lips and lids.
        eyeballs: vertices of the left and of the right eye's inner shell, over which the lids close. What else is
            there (teeth, lashes, tears, the cornea) our own model has not, and we leave it out.
        identities: modes identity000, identity001 ...
        landmarks: 68 vertices, iBUG order.
        halved: our actions that the files hold as a left and a right half, which add up to the whole.
        absent: our actions that the files lack: they move nothing.
    """

    vertices: int = 26719
    skin: range = range(11248)
    sockets: range = range(11248, 14062)
    eyeballs: tuple[range, range] = (range(22221, 23021), range(23791, 24591))
    identities: int = 100
    landmarks: tuple[int, ...] = LANDMARKS
    halved: tuple[str, ...] = ("browInnerUp", "cheekPuff")
    absent: tuple[str, ...] = ("tongueOut",)

    @property
    def parts(self) -> tuple[range, ...]:
        """The vertices that we keep."""
        return (self.skin, self.sockets, *self.eyeballs)

    def files_of(self, action: str) -> tuple[str, ...]:
        """The files, without their ending, that add up to an action of ours such as "mouthSmileLeft"."""
        if action in self.absent:
            return ()
        if action in self.halved:
            return (f"{action}_L", f"{action}_R")
        if action in DIRECTIONS:
            return (action,)
        side = action.removesuffix("Left") + "_L" if action.endswith("Left") else action
        return (side.removesuffix("Right") + "_R" if side.endswith("Right") else side,)


@dataclass(frozen=True)
class IctHeads:
    """The vertices that we keep, in mm, in the files' own place; axes are those of our face frame.

    Args:
        neutral: (V, 3).
        identity: (K, V, 3), what each mode adds at one standard deviation.
        expression: (E, V, 3), what each action adds at full strength.
        triangles: (T, 3), uv (U, 2) in [0, 1], uv_triangles (T, 3) into uv.
        landmarks: (68,) vertices.
        parts: the vertices of the layout's parts.
    """

    neutral: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    landmarks: np.ndarray
    parts: tuple[np.ndarray, ...]


def read_heads(folder: Path, actions: tuple[str, ...], layout: IctLayout) -> IctHeads:
    """Read the OBJ files.

    Args:
        folder: a clone of the public repository, or what holds its `FaceXModel`.
        actions: our E names of facial actions.
        layout: of the files.

    Raises:
        MissingPart: a file is missing.
        CorruptFile: a file is no OBJ, has another number of vertices, or a number that is not finite.
    """
    modes = [f"identity{number:03}" for number in range(layout.identities)]
    moved = [*modes, *(file for action in actions for file in layout.files_of(action))]
    paths = {name: _existing(folder / "FaceXModel" / f"{name}.obj") for name in (NEUTRAL, *moved)}

    mesh = read_obj(paths[NEUTRAL])
    _check_count(paths[NEUTRAL], mesh.vertices, layout)
    kept = np.concatenate(layout.parts)
    number = np.full(layout.vertices, -1)
    number[kept] = np.arange(len(kept))
    neutral = mesh.vertices[kept] * MILLIMETRES
    moves = {}
    with progress_bar("reading the heads of ICT-FaceKit", len(moved), "heads") as bar:
        for name in moved:
            vertices = read_obj_vertices(paths[name])
            _check_count(paths[name], vertices, layout)
            moves[name] = vertices[kept] * MILLIMETRES - neutral
            bar.advance()
    still = np.zeros_like(neutral)
    triangles, uv, uv_triangles = _kept_triangles(mesh, layout, number)
    return IctHeads(
        neutral=neutral,
        identity=np.stack([moves[name] for name in modes]),
        expression=np.stack([sum((moves[file] for file in layout.files_of(name)), start=still) for name in actions]),
        triangles=triangles,
        uv=uv,
        uv_triangles=uv_triangles,
        landmarks=number[list(layout.landmarks)],
        parts=tuple(number[part] for part in layout.parts),
    )


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise MissingPart(
            f"{path} is missing: give the folder of a whole clone of ICT-FaceKit's public repository, whose "
            "FaceXModel holds the light version's OBJ files"
        )
    return path


def _check_count(path: Path, vertices: np.ndarray, layout: IctLayout) -> None:
    if len(vertices) != layout.vertices:
        raise CorruptFile(
            f"{path} has {len(vertices):,} vertices, expected {layout.vertices:,}: it is of another version or "
            "topology; clone ICT-FaceKit's public repository anew"
        )


def _kept_triangles(mesh: ObjFile, layout: IctLayout, number: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The triangles between kept vertices by their new numbers, and only the texture coordinates that they use.

    The files put textures on tiles, and those of the eyeballs over that of the face: all get a place in [0, 1].
    """
    triangles = number[mesh.triangles]
    kept = (triangles >= 0).all(axis=1)
    used, uv_triangles = np.unique(mesh.uv_triangles[kept], return_inverse=True)
    uv_triangles = uv_triangles.reshape(-1, 3)
    eye = np.zeros(layout.vertices, np.int64)
    for tile, vertices in enumerate(layout.eyeballs, 1):
        eye[vertices] = tile
    eye_of_uv = np.zeros(len(used), np.int64)
    eye_of_uv[uv_triangles] = eye[mesh.triangles[kept]]
    u, v = mesh.uv[used].T
    tiles = np.ceil(u[eye_of_uv == 0].max())  # of the face
    u = (u + np.where(eye_of_uv > 0, tiles + eye_of_uv - 1, 0)) / (tiles + len(layout.eyeballs))
    return triangles[kept], np.stack([u, v], axis=1), uv_triangles
