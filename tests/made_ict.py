"""A small folder in ICT-FaceKit's public layout: vertices of our own mean, moved, in cm; and caches with imports."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facelib.data.embedded import ict_faces
from facelib.faces import ict_model
from facelib.faces.baking import face_model_path
from facelib.faces.ict_facekit import NEUTRAL, IctLayout
from facelib.faces.ict_model import import_ict
from facelib.faces.morphable_model import MorphableModel, write_model
from facelib.geometry.rotations import euler_to_matrix
from facelib.storage import CACHE_VARIABLE

OTHERS, SOCKET, TEETH, EYE = 60, 8, 5, 12  # vertices beside the 68 landmarks
LAYOUT = IctLayout(
    vertices=68 + OTHERS + SOCKET + TEETH + 2 * EYE,
    skin=range(68 + OTHERS),
    sockets=range(128, 136),
    eyeballs=(range(141, 153), range(153, 165)),
    identities=3,
    landmarks=tuple(range(67, -1, -1)),  # not in the order of the vertices
)
ROTATION = euler_to_matrix(*torch.deg2rad(torch.tensor([[20.0, -10.0, 5.0]], dtype=torch.float64)).unbind(1))[0].numpy()
TRANSLATION = np.array([3.0, -40.0, 25.0])  # mm
OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
EYE_FACES = ((0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5))


@dataclass(frozen=True)
class MadeIct:
    """What was written.

    Args:
        folder: holds FaceXModel.
        points: (V, 3) mm in our face frame, of all vertices.
        ours: (128,) the vertices of our model that the skin's are.
        moves: file name -> (V, 3) mm in our face frame.
    """

    folder: Path
    points: np.ndarray
    ours: np.ndarray
    moves: dict[str, np.ndarray]


def write_ict(folder: Path, model: MorphableModel, *, size: float = 1.0) -> MadeIct:
    """Write the folder; `size` enlarges all heads."""
    generator = np.random.default_rng(0)
    mean = model.mean.double().numpy()
    landmarks = model.landmarks.numpy()[list(LAYOUT.landmarks)]
    skin = np.setdiff1d(np.flatnonzero(model.regions["skin"].numpy() == 1), landmarks)
    ours = np.concatenate([landmarks, generator.choice(skin, OTHERS, replace=False)])
    inside = np.flatnonzero(model.regions["cavities"].numpy() == 1)[:SOCKET]
    shell = np.concatenate([OCTAHEDRON * 15, OCTAHEDRON * 12])
    eyes = [shell + np.array([side * 31.0, 30.0, 71.0]) for side in (1, -1)]
    points = np.concatenate([mean[ours], mean[inside], np.zeros((TEETH, 3)), *eyes])
    names = [f"identity{number:03}" for number in range(LAYOUT.identities)]
    names += [file for action in model.expression_names for file in LAYOUT.files_of(action)]
    moves = {name: generator.normal(0, 2, points.shape) for name in names}
    (folder / "FaceXModel").mkdir(parents=True)
    for name, move in {NEUTRAL: 0 * points, **moves}.items():
        in_cm = ((points + move) * size - TRANSLATION) @ ROTATION / 10
        (folder / "FaceXModel" / f"{name}.obj").write_text(_obj(in_cm))
    return MadeIct(folder, points, ours, moves)


def _obj(points: np.ndarray) -> str:
    """One square and one triangle of skin, one triangle to a tooth, two eyeballs with an inner wall."""
    lines = [
        "# made",
        *(f"v {x:.8f} {y:.8f} {z:.8f}" for x, y, z in points),
        "vt 0.5 0.25",
        "vt 1.5 0.75",
        "vt 0.5 0.5",
    ]
    lines += ["vt 0.5 0.5", "g skin", "f 1/1 2/2 3/1 4/2", "f 129/1 2/1 3/1", "f 1/1 2/1 137/1"]
    for texel, first in ((3, 142), (4, 154)):
        for a, b, c in EYE_FACES:
            lines.append("f " + " ".join(f"{first + corner}/{texel}" for corner in (a, b, c)))
            lines.append("f " + " ".join(f"{first + 6 + corner}/{texel}" for corner in (a, c, b)))
    return "\n".join(lines) + "\n"


def use_small_ict(patch: pytest.MonkeyPatch, folder: Path, model: MorphableModel, *, size: float = 1.0) -> Path:
    """Import the small folder into a cache of its own, which holds our face model too.

    Returns:
        The imported model's file.
    """
    use_cache_with_our_model(patch, folder)
    patch.setattr(ict_model, "IctLayout", lambda: LAYOUT)
    for module in (ict_model, ict_faces):
        patch.setattr(module, "load_face_model", lambda resolution: model)
    return import_ict(write_ict(folder / f"ict-{size:g}", model, size=size).folder)


def use_other_heads(patch: pytest.MonkeyPatch, folder: Path, model: MorphableModel) -> MorphableModel:
    """Take heads of our own, a tenth longer, for imported ones: a whole surface, which the small folder has not."""
    use_cache_with_our_model(patch, folder)
    patch.setattr(ict_faces, "load_face_model", lambda resolution: model)
    longer = replace(model, mean=model.mean * torch.tensor([1.0, 1.1, 1.0]))
    write_model(ict_model.ict_model_path(), longer)
    return longer


def use_cache_with_our_model(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """A cache in which nothing is imported."""
    ours = face_model_path("coarse").parent
    (folder / "cache" / "faces").mkdir(parents=True, exist_ok=True)
    for path in ours.glob("anny-head-*"):
        with suppress(FileExistsError):
            (folder / "cache" / "faces" / path.name).symlink_to(path)
    patch.setenv(CACHE_VARIABLE, str(folder / "cache"))
