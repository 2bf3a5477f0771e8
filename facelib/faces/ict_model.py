"""ICT-FaceKit's heads of real people as a face model of ours, imported once and kept in the cache.

What the public files lack comes from our own model: skins, regions, and the phenotypes that a shape suggests. Each
vertex takes what our mean has at the nearest place, once both heads' landmarks lie on one another.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy import sparse

from facelib.conventions import LANDMARK_GROUPS
from facelib.errors import MissingPart
from facelib.faces.baking import BAKE_VERSION, load_face_model
from facelib.faces.correspondence import surface_weights, warp_by_landmarks
from facelib.faces.ict_facekit import IctHeads, IctLayout, read_heads
from facelib.faces.morphable_model import MorphableModel, read_model, write_model
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.normals import vertex_normals
from facelib.storage import cache_folder

IMPORT_VERSION = 1  # raise it when the import changes: older files are then passed over
MODE_NOISE = 20.0  # mm; of a vertex, counted as if all were independent, when our shapes explain a mode
BROW_EDGE = 5.0  # mm from a brow's line of landmarks


def import_ict(folder: Path) -> Path:
    """Read ICT-FaceKit's folder and keep it in the cache as a face model.

    Args:
        folder: a clone of the public repository, or what holds its `FaceXModel`.

    Returns:
        The model's file.

    Raises:
        MissingPart: a file is missing.
        CorruptFile: a file is no OBJ, has another number of vertices, or a number that is not finite.
    """
    ours = load_face_model("fine")
    model = complete(read_heads(folder, ours.expression_names, IctLayout()), ours)
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


def complete(heads: IctHeads, ours: MorphableModel) -> MorphableModel:
    """Heads in the place of our mean, by their landmarks and without a change of size, with our skins and regions.

    As on our own heads, what an identity mode moves the whole head by is taken out.

    Args:
        heads: as read, in mm.
        ours: the baked face model, whose texture basis, regions, attributes and names of actions are taken over.
    """
    place = similarity_transform(
        torch.from_numpy(heads.neutral[None, heads.landmarks]),
        ours.mean[ours.landmarks].double()[None],
        scale=False,
    )
    turn = place.rotation[0].mT.numpy()
    mean = place.apply(torch.from_numpy(heads.neutral)[None])[0].numpy()
    identity = (heads.identity - heads.identity.mean(axis=1, keepdims=True)) @ turn
    worn = _place_on_ours(ours, mean, heads)
    return MorphableModel(
        mean=_floats(mean),
        identity_basis=_floats(identity),
        expression_basis=_floats(heads.expression @ turn),
        texture_mean=_floats(worn @ ours.texture_mean.numpy()),
        texture_basis=_floats(np.stack([worn @ row for row in ours.texture_basis.numpy()])),
        triangles=torch.from_numpy(heads.triangles),
        uv=_floats(heads.uv),
        uv_triangles=torch.from_numpy(heads.uv_triangles),
        landmarks=torch.from_numpy(heads.landmarks),
        attribute_weights=_floats(_explained(ours, worn, identity, heads.parts[0])),
        attribute_mean=ours.attribute_mean,
        expression_names=ours.expression_names,
        attribute_names=ours.attribute_names,
        regions={name: _floats(worn @ mask.numpy()) for name, mask in ours.regions.items()},
    )


def _place_on_ours(ours: MorphableModel, mean: np.ndarray, heads: IctHeads) -> sparse.csr_matrix:
    """The matrix that lays on each vertex what our mean has there: skin on skin, sockets on cavities, eyes on eyes."""
    own, triangles = ours.mean.double().numpy(), ours.triangles.numpy()
    region = {name: ours.regions[name].numpy() > 0.5 for name in ("skin", "cavities", "eyeballs")}
    warped = warp_by_landmarks(mean, _with_brows(mean[heads.landmarks]), _with_brows(own[ours.landmarks.numpy()]))
    eyes = region["eyeballs"][triangles].all(axis=1)
    left = (own[triangles, 0] > 0).all(axis=1)
    surfaces = (
        triangles[region["skin"][triangles].all(axis=1)],
        triangles[region["cavities"][triangles].any(axis=1)],
        triangles[eyes & left],
        triangles[eyes & ~left],
    )
    outwards = vertex_normals(_floats(mean)[None], torch.from_numpy(heads.triangles))[0].numpy()
    for part, surface in zip(heads.parts[2:], surfaces[2:], strict=True):
        warped[part] = _on_eyeball(mean[part], outwards[part], own[surface].reshape(-1, 3))
    rows = [surface_weights(warped[part], own, surface) for part, surface in zip(heads.parts, surfaces, strict=True)]
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
