"""Importing the public ICT-FaceKit, heads of real people as a linear model, into a face model of ours.

Its folder `FaceXModel` holds OBJ files that share their vertices: the neutral head, one head for each identity mode at
one standard deviation, one for each facial action at full strength. What it lacks comes from our own model (skin,
regions, the phenotypes that a shape suggests), by the nearest place on our mean once landmarks lie on landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse

from facelib.conventions import LANDMARK_GROUPS
from facelib.errors import CorruptFile, MissingPart
from facelib.faces.baking import BAKE_VERSION, load_face_model
from facelib.faces.correspondence import surface_weights, warp_by_landmarks
from facelib.faces.morphable_model import MorphableModel, read_model, write_model
from facelib.faces.obj_files import ObjFile, read_obj, read_obj_vertices
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.normals import vertex_normals
from facelib.progress import progress_bar
from facelib.storage import cache_folder

IMPORT_VERSION = 1  # raise it when the import changes: older files are then passed over
MILLIMETRES = 10.0  # a unit of the files, which are in cm
NEUTRAL = "generic_neutral_mesh"
MODE_NOISE = 20.0  # mm; of a vertex, counted as if all were independent, when our shapes explain a mode
BROW_EDGE = 5.0  # mm from a brow's line of landmarks
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


def import_ict(folder: Path, layout: IctLayout | None = None) -> Path:
    """Read ICT-FaceKit's folder and keep it in the cache as a face model.

    Args:
        folder: a clone of the public repository, or what holds its `FaceXModel`.
        layout: of the files; default that of the public ones.

    Returns:
        The model's file.

    Raises:
        MissingPart: a file is missing.
        CorruptFile: a file is no OBJ, has another number of vertices, or a number that is not finite.
    """
    model = read_ict(folder, load_face_model("fine"), layout or IctLayout())
    write_model(ict_model_path(), model)
    return ict_model_path()


def load_ict_model() -> MorphableModel:
    """The imported model: 100 identity components, our 52 actions, our skins.

    Raises:
        MissingPart: it was not imported.
        CorruptFile: its file is damaged.
    """
    if not ict_model_path().exists():
        raise MissingPart("not imported: facelib faces import-ict FOLDER (a clone of the public ICT-FaceKit)")
    return read_model(ict_model_path())


def ict_model_path() -> Path:
    """Where the imported model lies; the version of our own model counts, as its skins are worn."""
    return cache_folder() / "faces" / f"ict-facekit-v{IMPORT_VERSION}-skin-v{BAKE_VERSION}.safetensors"


def read_ict(folder: Path, ours: MorphableModel, layout: IctLayout) -> MorphableModel:
    """ICT-FaceKit's heads with what they need of our model; see `import_ict`.

    As on our own heads, what an identity mode moves the whole head by is taken out.

    Args:
        folder: as for `import_ict`.
        ours: the model that gives skins, regions and attributes.
        layout: of the files.
    """
    names = ours.expression_names
    modes = [f"identity{number:03}" for number in range(layout.identities)]
    actions = [file for name in names for file in layout.files_of(name)]
    paths = {name: _existing(folder / "FaceXModel" / f"{name}.obj") for name in (NEUTRAL, *modes, *actions)}

    neutral = read_obj(paths[NEUTRAL])
    _check_count(paths[NEUTRAL], neutral.vertices, layout)
    landmarks = torch.from_numpy(neutral.vertices[list(layout.landmarks)] * MILLIMETRES)
    kept = np.concatenate([np.arange(part.start, part.stop) for part in layout.parts])
    place = similarity_transform(landmarks[None], ours.mean[ours.landmarks].double()[None], scale=False)
    mean = place.apply(torch.from_numpy(neutral.vertices[None, kept] * MILLIMETRES))[0].numpy()
    turn = place.rotation[0].numpy().T * MILLIMETRES

    moves = {}
    with progress_bar("reading the heads of ICT-FaceKit", len(modes) + len(actions), "heads") as bar:
        for name in (*modes, *actions):
            vertices = read_obj_vertices(paths[name])
            _check_count(paths[name], vertices, layout)
            moves[name] = (vertices - neutral.vertices)[kept] @ turn
            bar.advance()
    identity = np.stack([moves[name] - moves[name].mean(axis=0) for name in modes])
    still = np.zeros_like(mean)
    expression = np.stack([sum((moves[file] for file in layout.files_of(name)), start=still) for name in names])
    number = np.zeros(layout.vertices, np.int64)
    number[kept] = np.arange(len(kept))
    mesh = _kept_mesh(neutral, layout, number)
    worn = _place_on_ours(ours, mean, mesh, number[list(layout.landmarks)], [number[part] for part in layout.parts])
    weights = _explained(ours, worn, identity, number[layout.skin])
    return MorphableModel(
        mean=_floats(mean),
        identity_basis=_floats(identity),
        expression_basis=_floats(expression),
        texture_mean=_floats(worn @ ours.texture_mean.numpy()),
        texture_basis=_floats(np.stack([worn @ row for row in ours.texture_basis.numpy()])),
        triangles=torch.from_numpy(mesh.triangles),
        uv=_floats(mesh.uv),
        uv_triangles=torch.from_numpy(mesh.uv_triangles),
        landmarks=torch.from_numpy(number[list(layout.landmarks)]),
        attribute_weights=_floats(weights),
        attribute_mean=ours.attribute_mean,
        expression_names=names,
        attribute_names=ours.attribute_names,
        regions={name: _floats(worn @ mask.numpy()) for name, mask in ours.regions.items()},
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


def _kept_mesh(neutral: ObjFile, layout: IctLayout, number: np.ndarray) -> ObjFile:
    """The triangles between kept vertices by their new numbers, and only the texture coordinates that they use.

    The files put textures on tiles, and those of the eyeballs over that of the face: all get a place in [0, 1].
    """
    part = np.full(layout.vertices, -1)
    part[[*layout.skin, *layout.sockets]] = 0
    for eye, vertices in enumerate(layout.eyeballs, 1):
        part[list(vertices)] = eye
    kept = (part[neutral.triangles] >= 0).all(axis=1)
    used, uv_triangles = np.unique(neutral.uv_triangles[kept], return_inverse=True)
    tile = np.zeros(len(neutral.uv), np.int64)
    tile[neutral.uv_triangles[kept]] = part[neutral.triangles[kept]]
    tiles = np.ceil(neutral.uv[used][tile[used] == 0, 0].max())
    u = neutral.uv[used, 0] + np.where(tile[used] > 0, tiles + tile[used] - 1, 0)
    uv = np.stack([u / (tiles + len(layout.eyeballs)), neutral.uv[used, 1]], axis=1)
    return ObjFile(neutral.vertices, uv, number[neutral.triangles[kept]], uv_triangles.reshape(-1, 3))


def _place_on_ours(
    ours: MorphableModel, mean: np.ndarray, mesh: ObjFile, landmarks: np.ndarray, parts: list[np.ndarray]
) -> sparse.csr_matrix:
    """The matrix that lays on each vertex what our mean has there: skin on skin, sockets on cavities, eyes on eyes."""
    own, triangles = ours.mean.double().numpy(), ours.triangles.numpy()
    region = {name: ours.regions[name].numpy() > 0.5 for name in ("skin", "cavities", "eyeballs")}
    warped = warp_by_landmarks(mean, _with_brows(mean[landmarks]), _with_brows(own[ours.landmarks.numpy()]))
    eyes = region["eyeballs"][triangles].all(axis=1)
    left = (own[triangles, 0] > 0).all(axis=1)
    surfaces = (
        triangles[region["skin"][triangles].all(axis=1)],
        triangles[region["cavities"][triangles].any(axis=1)],
        triangles[eyes & left],
        triangles[eyes & ~left],
    )
    outwards = vertex_normals(_floats(mean)[None], torch.from_numpy(mesh.triangles))[0].numpy()
    for part, surface in zip(parts[2:], surfaces[2:], strict=True):
        warped[part] = _on_eyeball(mean[part], outwards[part], own[surface].reshape(-1, 3))
    rows = [surface_weights(warped[part], own, surface) for part, surface in zip(parts, surfaces, strict=True)]
    return sparse.vstack(rows).tocsr()


def _with_brows(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks and points above and below each of the brows': without them brows thicken where foreheads are high."""
    brows = landmarks[[*LANDMARK_GROUPS["right_brow"], *LANDMARK_GROUPS["left_brow"]]]
    edge = np.array([0.0, BROW_EDGE, 0.0])
    return np.concatenate([landmarks, brows + edge, brows - edge])


def _on_eyeball(points: np.ndarray, normals: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Points of an eyeball moved and stretched to fill the box around another.

    The eyeball is a thick shell with a hole for the pupil, through which one sees its inner wall: that goes onto the
    other's pupil, to be as dark.
    """
    low, high = target.min(axis=0), target.max(axis=0)
    moved = low + (points - points.min(axis=0)) / np.ptp(points, axis=0) * (high - low)
    inner = ((points - points.mean(axis=0)) * normals).sum(axis=1) < 0
    moved[inner] = [*(low + high)[:2] / 2, high[2]]
    return moved


def _explained(ours: MorphableModel, worn: sparse.csr_matrix, identity: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Weights (P, K) of the attributes: those of our most probable head (coefficients N(0, 1)) for each mode."""
    rows = worn[skin]
    basis = np.stack([(rows @ mode).ravel() for mode in ours.identity_basis.numpy()]) / MODE_NOISE
    modes = identity[:, skin].reshape(len(identity), -1) / MODE_NOISE
    coefficients = np.linalg.solve(basis @ basis.T + np.eye(len(basis)), basis @ modes.T)  # (K of ours, K)
    return ours.attribute_weights.double().numpy() @ coefficients


def _floats(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values)).float()
