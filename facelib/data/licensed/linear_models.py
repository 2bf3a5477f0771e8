"""Licensed linear face models in our model's class: what their files lack comes from our own model.

Shape and expression are the file's own, in mm and in our frame. Landmarks, regions, and where a model has no colours
its skin, are those of our mean face at the nearest place, once ICP has laid it on the other's: landmarks so found are
good to some millimetres, so pass those that your work uses, where you have them. Texture coordinates unroll the face
about the y axis. Phenotypes are not known of the people behind these models, and their weights are zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from facelib.errors import CorruptFile, FacelibError
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.alignment import Similarity
from facelib.geometry.icp import icp

TEXTURES = 80  # components that our class has
FACE = 90.0  # mm around the tip of the nose, that are laid on one another
SMALLEST, LARGEST = 80.0, 500.0  # mm, of a mean face's height
REMEDY = "copy or download it again"


def completed(
    path: Path,
    mean: np.ndarray,
    identity: np.ndarray,
    expression: np.ndarray,
    triangles: np.ndarray,
    ours: MorphableModel,
    texture: tuple[np.ndarray, np.ndarray] | None = None,
    landmarks: Sequence[int] | None = None,
) -> MorphableModel:
    """A model of our class.

    Args:
        path: of the file, for messages.
        mean: (V, 3) mm, x to the subject's left, y up, z out of the face.
        identity: (K, V, 3) mm a standard deviation, and expression (E, V, 3).
        triangles: (T, 3) vertex ids, either way round.
        ours: the baked face model.
        texture: mean (V, 3) and basis (C, V, 3) a standard deviation, sRGB in [0, 1]; None where the file has none.
        landmarks: 68 vertices; None to look for them.

    Raises:
        CorruptFile: it is no face in mm, or its triangles name vertices that it has not.
    """
    _check(path, mean, triangles)
    on_theirs = _laid(path, mean, ours)
    nearest = _nearest_on_ours(on_theirs, mean, ours)
    own_mean, own_basis = (ours.texture_mean[nearest], ours.texture_basis[:, nearest])
    albedo = (own_mean, own_basis) if texture is None else _linear_texture(*texture)
    turned = triangles if _looks_outwards(mean, triangles) else triangles[:, ::-1].copy()
    found = torch.as_tensor(landmarks) if landmarks is not None else _landmarks(on_theirs, mean, ours)
    return MorphableModel(
        mean=_floats(mean),
        identity_basis=_floats(identity),
        expression_basis=_floats(expression),
        texture_mean=albedo[0],
        texture_basis=albedo[1],
        triangles=torch.from_numpy(turned.astype(np.int64)),
        uv=_unrolled(mean),
        uv_triangles=torch.from_numpy(turned.astype(np.int64)),
        landmarks=found.long(),
        attribute_weights=torch.zeros(len(ours.attribute_mean), len(identity)),
        attribute_mean=ours.attribute_mean,
        expression_names=tuple(f"expression_{number}" for number in range(len(expression))),
        attribute_names=ours.attribute_names,
        regions={name: mask[nearest] for name, mask in ours.regions.items()},
    )


def _check(path: Path, mean: np.ndarray, triangles: np.ndarray) -> None:
    height = float(np.ptp(mean[:, 1])) if len(mean) else 0.0
    if not SMALLEST <= height <= LARGEST:
        raise CorruptFile(
            f"{path} has a mean face {height:.4g} mm high: expected {SMALLEST:g} to {LARGEST:g}; another unit, or "
            f"damaged: {REMEDY}"
        )
    if not len(triangles) or triangles.min() < 0 or triangles.max() >= len(mean):
        raise CorruptFile(f"{path} has triangles of other vertices than its {len(mean)}: {REMEDY}")


def _laid(path: Path, mean: np.ndarray, ours: MorphableModel) -> Similarity:
    """What moves our mean face onto another, from their tips of the nose on: both look along z."""
    theirs, own = torch.from_numpy(mean).double(), ours.mean.double()
    tips = [points[points[:, 2].argmax()] for points in (own, theirs)]
    near_own, near_theirs = (
        points[(points - tip).norm(dim=1) < FACE] for points, tip in zip((own, theirs), tips, strict=True)
    )
    start = Similarity(torch.ones((), dtype=torch.float64), torch.eye(3, dtype=torch.float64), tips[1] - tips[0])
    try:
        return icp(near_own, near_theirs, start=start, keep=0.9).transform
    except FacelibError as error:
        raise CorruptFile(f"{path} has a mean face that is none ({error}): {REMEDY}") from error


def _nearest_on_ours(on_theirs: Similarity, mean: np.ndarray, ours: MorphableModel) -> torch.Tensor:
    """The vertex of our mean nearest to each of another's (V,)."""
    moved = on_theirs.apply(ours.mean.double()).numpy()
    return torch.from_numpy(cKDTree(moved).query(mean)[1])


def _landmarks(on_theirs: Similarity, mean: np.ndarray, ours: MorphableModel) -> torch.Tensor:
    places = on_theirs.apply(ours.mean[ours.landmarks].double()).numpy()
    return torch.from_numpy(cKDTree(mean).query(places)[1])


def _looks_outwards(mean: np.ndarray, triangles: np.ndarray) -> bool:
    """Whether triangles that face the viewer have more area, about the tip of the nose, than those turned away."""
    corners = mean[triangles]
    near = np.linalg.norm(corners.mean(axis=1) - mean[mean[:, 2].argmax()], axis=1) < FACE / 2
    towards = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[near, 2]
    return float(towards.sum()) >= 0


def _linear_texture(mean: np.ndarray, basis: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear RGB of sRGB; the basis as the curve's slope at the mean has it."""
    values = mean.clip(0, 1)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    slope = np.where(values <= 0.04045, 1 / 12.92, 2.4 / 1.055 * ((values + 0.055) / 1.055) ** 1.4)
    kept = np.zeros((TEXTURES, *mean.shape))
    kept[: len(basis)] = basis[:TEXTURES] * slope
    return _floats(linear), _floats(kept)


def _unrolled(mean: np.ndarray) -> torch.Tensor:
    x, y, z = (mean - mean.mean(axis=0)).T
    around = np.arctan2(x, z + np.ptp(mean[:, 2])) / math.pi + 0.5
    return _floats(np.column_stack((around, (y - y.min()) / np.ptp(y))).clip(0, 1))


def _floats(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
