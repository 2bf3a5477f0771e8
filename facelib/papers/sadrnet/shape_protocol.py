"""How much of a person's shape a network tells: errors over the mean face's, variance read, and recognition (ours).

The paper's errors of reconstruction hardly move between a network that is silent about the shape and one that follows
the person. These numbers separate them: a silent network has 100 percent of the mean face's error, reads nothing, and
recognises by chance.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from facelib.data.posed_faces import PosedFaces
from facelib.geometry.alignment import lengths, similarity_transform
from facelib.models.sadrnet import FaceMaps
from facelib.papers.sadrnet.maps import FaceMapper, TrueMaps

FRONTAL = np.deg2rad(30)  # of yaw either way, with nothing worn
COMPONENTS = 10  # of the identity, the first ones, whose reading is reported one by one


def shape_errors(maps: FaceMaps, true: TrueMaps, faces: PosedFaces, mapper: FaceMapper) -> dict[str, np.ndarray]:
    """What each of B photographs tells of the shape, over the texels of the dense evaluation.

    Returns:
        shape_mm and mean_face_mm (B,), mean distances of the predicted and of the mean face after a similarity;
        shape_square_error and shape_square (B,) mm^2, of the deformation and of what is left of it; shape_spread (B,)
        mm, the mean length of the predicted deformation; told_identity and true_identity (B, COMPONENTS) coefficients,
        as the face model's fit sees them in the predicted shape and as they are.
    """
    mean = mapper.template.mean_map[:, mapper.evaluated].T
    expected = true.shape[:, :, mapper.evaluated].mT
    own = own_shape(maps, mapper)
    deformation, true_deformation = own - mean, expected - mean
    identity, _ = mapper.fit.coefficients(deformation)
    values = {
        "shape_mm": _after_similarity(own, expected),
        "mean_face_mm": _after_similarity(mean.expand_as(expected), expected),
        "shape_square_error": (deformation - true_deformation).square().sum(dim=2).mean(dim=1),
        "shape_square": true_deformation.square().sum(dim=2).mean(dim=1),
        "shape_spread": lengths(deformation, dim=2).mean(dim=1),
        "told_identity": identity[:, :COMPONENTS],
        "true_identity": faces.shape[:, :COMPONENTS],
    }
    return {name: value.numpy() for name, value in values.items()}


def shape_parts(scores: Mapping[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each metric of the shape, the values (N,) whose mean it is over the mean of the others; NaN does not count.

    One for which no photograph counts is left out: of real ones nobody says what is worn, which is -1.

    Args:
        scores: those of `shape_errors` of N photographs, yaw (N,) radians and occluder (N,).
    """
    frontal = (np.abs(scores["yaw"]) < FRONTAL) & (scores["occluder"] == 0)
    over_mean_face = scores["shape_mm"], scores["mean_face_mm"]
    variance, left = scores["shape_square"], scores["shape_square_error"]
    true, told = scores["true_identity"], scores["told_identity"]
    components = enumerate(zip((true**2).T, ((told - true) ** 2).T, strict=True), start=1)
    of_frontal = tuple(np.where(frontal, values, np.nan) for values in over_mean_face)
    return {
        "shape_ratio": over_mean_face,
        **({"shape_ratio/frontal": of_frontal} if frontal.any() else {}),
        "shape_read": (variance - left, variance),
        **{f"component/{number}": (square - error, square) for number, (square, error) in components},
    }


def shape_metrics(scores: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The metrics of the shape by name, fractions."""
    return {name: float(np.nanmean(part) / np.nanmean(whole)) for name, (part, whole) in shape_parts(scores).items()}


def own_shape(maps: FaceMaps, mapper: FaceMapper) -> torch.Tensor:
    """The predicted shape (B, N, 3) mm at the evaluated texels; without one, the posed face laid onto the mean face."""
    if maps.shape is not None:
        return maps.shape.float().cpu()[:, :, mapper.evaluated].mT
    found = maps.geometry.float().cpu()[:, :, mapper.evaluated].mT
    mean = mapper.template.mean_map[:, mapper.evaluated].T.expand_as(found)
    return similarity_transform(found, mean).apply(found)


def _after_similarity(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    laid = similarity_transform(found.double(), expected.double()).apply(found.double())
    return lengths(laid - expected, dim=2).mean(dim=1)
