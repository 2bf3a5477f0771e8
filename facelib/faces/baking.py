"""Baking Anny's head, once, into a linear model of our own, and loading it ever after.

1,000 sampled adults give the mean and 199 identity components (the Basel models' number); Anny's facial actions are
linear already. The mesh is kept at two resolutions, the finer one subdivided by a matrix, so both stay linear.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from scipy import sparse
from threadpoolctl import threadpool_limits

from facelib.errors import CorruptFile, unknown_name
from facelib.faces import skin
from facelib.faces.anny_head import PHENOTYPES, HeadSamples, sample_heads
from facelib.faces.landmarks import ANNY_VERTICES
from facelib.faces.morphable_model import MorphableModel, read_model, write_model
from facelib.faces.subdivision import subdivision_operator
from facelib.progress import progress_bar
from facelib.storage import cache_folder, verify_once

BAKE_VERSION = 5  # raise it when the baking changes: older files are then passed over
IDENTITY_COMPONENTS = 199
TEXTURE_COMPONENTS = 80
SAMPLED_HEADS = 1000
SAMPLED_SKINS = 600
EYE_HEIGHT, EYE_DEPTH = 30.0, 75.0  # mm: puts the origin between the ears, behind the nose

Resolution = Literal["coarse", "fine"]
REMEDY = "`facelib faces` bakes it anew"
logger = logging.getLogger(__name__)


def load_face_model(resolution: Resolution = "coarse") -> MorphableModel:
    """The baked face model from the cache; it is baked first (about a minute) when it is missing or damaged.

    Args:
        resolution: "coarse" (5,000 vertices) or "fine" (19,000, for pictures of 200 pixels and more).

    Raises:
        UnknownName: on another resolution.
    """
    if resolution not in get_args(Resolution):
        raise unknown_name("resolution", resolution, get_args(Resolution))
    path = face_model_path(resolution)
    if not path.exists():
        bake()
    try:
        return read_model(path)
    except CorruptFile as error:
        logger.warning("%s: baking it anew", error)
        bake()
        return read_model(path)


def face_model_path(resolution: Resolution) -> Path:
    """Where the baked model of a resolution lies."""
    return cache_folder() / "faces" / f"anny-head-v{BAKE_VERSION}-{resolution}.safetensors"


def face_model_checksum(resolution: Resolution) -> str:
    """SHA-256 of the baked model, whose content is compared with it; it is baked first where missing or damaged."""
    path = face_model_path(resolution)
    try:
        return verify_once(path, REMEDY)
    except CorruptFile:
        load_face_model(resolution)
        return verify_once(path, REMEDY)


def bake() -> None:
    """Sample Anny's head, fit the linear model, subdivide it, and write both resolutions to the cache."""
    # The order of sums, and with it the last bits of the model, follows the number of threads; one gives everybody
    # with such a processor the same people.
    with threadpool_limits(limits=1), progress_bar("baking the face model from Anny's head, once"):
        models = _build_models()
    for resolution, model in models.items():
        write_model(face_model_path(resolution), model)


def _build_models() -> dict[Resolution, MorphableModel]:
    samples = sample_heads(SAMPLED_HEADS, seed=0)
    shape = fit_shape(samples.vertices, samples.phenotypes, IDENTITY_COMPONENTS)
    meshes = _build_meshes(samples, shape)
    finest = meshes["fine"]
    regions = skin.anatomical_regions(finest.mean, finest.triangles, finest.parts, list(ANNY_VERTICES))
    texture_mean, texture_basis = skin.texture_basis(finest.mean, regions, SAMPLED_SKINS, TEXTURE_COMPONENTS)
    models: dict[Resolution, MorphableModel] = {}
    for resolution, mesh in meshes.items():
        count = len(mesh.mean)  # the vertices of the coarse mesh come first in the fine one
        models[resolution] = MorphableModel(
            mean=torch.from_numpy(mesh.mean),
            identity_basis=torch.from_numpy(_apply(mesh.operator, shape.basis)),
            expression_basis=torch.from_numpy(_apply(mesh.operator, samples.actions)),
            texture_mean=torch.from_numpy(texture_mean[:count]),
            texture_basis=torch.from_numpy(texture_basis[:, :count]),
            triangles=torch.from_numpy(mesh.triangles),
            uv=torch.from_numpy(mesh.uv),
            uv_triangles=torch.from_numpy(mesh.uv_triangles),
            landmarks=torch.tensor(ANNY_VERTICES),
            attribute_weights=torch.from_numpy(shape.attribute_weights),
            attribute_mean=torch.from_numpy(shape.attribute_mean),
            expression_names=samples.action_names,
            attribute_names=PHENOTYPES,
            regions={name: torch.from_numpy(mask[:count]) for name, mask in regions.items()},
        )
    return models


@dataclass(frozen=True)
class ShapeFit:
    """Principal components of sampled heads.

    Args:
        mean: (V, 3) mm.
        basis: (K, V, 3) mm a standard deviation.
        attribute_weights: (P, K) and attribute_mean (P): regression of the phenotypes on the coefficients.
    """

    mean: np.ndarray
    basis: np.ndarray
    attribute_weights: np.ndarray
    attribute_mean: np.ndarray


def fit_shape(heads: np.ndarray, phenotypes: np.ndarray, components: int) -> ShapeFit:
    """Principal components of heads after removing their place in space (not their size).

    Args:
        heads: (N, V, 3) mm.
        phenotypes: (N, P).
        components: K, below N.
    """
    centred = heads - heads.mean(axis=1, keepdims=True)
    mean = centred.mean(axis=0)
    deviations = (centred - mean).reshape(len(heads), -1)
    # The Gram matrix is N x N, far smaller than the covariance of 3V coordinates.
    values, vectors = np.linalg.eigh(deviations @ deviations.T)
    order = np.argsort(values)[::-1][:components]
    scores = vectors[:, order] * np.sqrt(len(heads) - 1)  # unit variance
    basis = scores.T @ deviations / (len(heads) - 1)
    # A component's sign is free: fix it, so that two machines bake the same model.
    flip = np.sign(basis[np.arange(len(basis)), np.abs(basis).argmax(axis=1)])
    basis, scores = basis * flip[:, None], scores * flip
    weights = scores.T @ (phenotypes - phenotypes.mean(axis=0)) / (len(heads) - 1)
    return ShapeFit(mean, basis.reshape(len(basis), -1, 3), weights.T, phenotypes.mean(axis=0))


@dataclass(frozen=True)
class _Mesh:
    operator: sparse.csr_matrix  # from Anny's vertices to this mesh's
    mean: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    parts: dict[str, np.ndarray]  # name -> (T,) bool


def _build_meshes(samples: HeadSamples, shape: ShapeFit) -> dict[Resolution, _Mesh]:
    """The coarse mesh is Anny's with finer eyes (an iris needs vertices); the fine one subdivides it once."""
    eyes = samples.regions["left_eye"] | samples.regions["right_eye"]
    eyeball = np.zeros(len(shape.mean), bool)
    eyeball[samples.triangles[eyes]] = True
    offset = np.array([0.0, EYE_HEIGHT, EYE_DEPTH]) - shape.mean[eyeball].mean(axis=0) * [0, 1, 1]

    operator, triangles = subdivision_operator(samples.triangles, len(shape.mean), eyeball, eyes)
    to_uv, uv_triangles = _split_midpoints(samples.uv_triangles, len(samples.uv), eyes)
    parts = {name: np.concatenate([mask[~eyes], np.repeat(mask[eyes], 4)]) for name, mask in samples.regions.items()}
    mean = operator @ (shape.mean + offset)
    coarse = _Mesh(operator, mean, triangles, to_uv @ samples.uv, uv_triangles, parts)

    sharp = operator @ eyeball.astype(float) > 0.5
    refine, triangles = subdivision_operator(triangles, len(mean), sharp)
    to_uv, uv_triangles = _split_midpoints(uv_triangles, len(coarse.uv))
    parts = {name: np.repeat(mask, 4) for name, mask in parts.items()}
    fine = _Mesh(refine @ operator, refine @ mean, triangles, to_uv @ coarse.uv, uv_triangles, parts)
    return {"coarse": coarse, "fine": fine}


def _split_midpoints(
    triangles: np.ndarray, count: int, only: np.ndarray | None = None
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Texture coordinates are split, never smoothed."""
    return subdivision_operator(triangles, count, np.ones(count, bool), only)


def _apply(operator: sparse.csr_matrix, basis: np.ndarray) -> np.ndarray:
    """Apply an (M, V) matrix to each (V, 3) row of a basis."""
    flat = basis.transpose(1, 0, 2).reshape(basis.shape[1], -1)
    return (operator @ flat).reshape(operator.shape[0], len(basis), 3).transpose(1, 0, 2)
