"""Errors of reconstructed surfaces: to planes, by corresponding vertices, and paper 4's mesh fitting error.

Nearest points are exact, by scipy's k-d tree. Lengths are millimetres; surfaces are compared where they lie, so align
them first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree

from facelib.errors import BadInput, DegenerateInput, unknown_name
from facelib.geometry.normals import vertex_normals
from facelib.metrics.inputs import Array, as_array, point_array

DIRECTIONS = ("predicted_to_true", "true_to_predicted", "both")
STATISTICS = ("rms", "mean")


@dataclass(frozen=True)
class MeshFittingError:
    """Paper 4's mesh fitting error.

    Args:
        error: mean squared distance of the pairs that count, mm^2.
        dropped: share of pairs that do not count, "flying vertices".
        pairs: how many count.
    """

    error: float
    dropped: float
    pairs: int


def point_to_plane(predicted: Array, true: Array, true_triangles: Array, *, direction: str, statistic: str) -> float:
    """Distance of points to the plane of the nearest point of the other surface; planes are the true surface's.

    Args:
        predicted: (N, 3) mm.
        true: (M, 3) mm, vertices.
        true_triangles: (T, 3) vertex ids; a vertex's plane is perpendicular to its normal.
        direction: whose points look for a neighbour: "predicted_to_true", "true_to_predicted", or "both", the pairs of
            both directions taken together.
        statistic: "rms", the root of the mean square, or "mean".

    Returns:
        mm.

    Raises:
        BadInput: for wrong shapes, non-finite coordinates, or a vertex with neighbours and without a normal.
        UnknownName: for another direction or statistic.
    """
    if direction not in DIRECTIONS:
        raise unknown_name("direction", direction, DIRECTIONS)
    if statistic not in STATISTICS:
        raise unknown_name("statistic", statistic, STATISTICS)
    guess, truth = point_array("predicted", predicted, (None, 3)), point_array("true", true, (None, 3))
    triangles = torch.as_tensor(as_array(true_triangles))
    normals = vertex_normals(torch.from_numpy(truth)[None], triangles)[0].numpy()
    pairs = []
    if direction != "true_to_predicted":
        pairs.append((np.arange(len(guess)), cKDTree(truth).query(guess, workers=-1)[1]))
    if direction != "predicted_to_true":
        pairs.append((cKDTree(guess).query(truth, workers=-1)[1], np.arange(len(truth))))
    of_guess, of_truth = (np.concatenate(places) for places in zip(*pairs, strict=True))
    flat = ~normals[of_truth].any(axis=1)
    if flat.any():
        raise BadInput(
            f"true vertex {int(of_truth[np.argmax(flat)])} has no normal: it is in no triangle with an area; "
            "leave such vertices out"
        )
    distances = np.abs(((guess[of_guess] - truth[of_truth]) * normals[of_truth]).sum(axis=1))
    return float(np.sqrt(np.mean(distances**2)) if statistic == "rms" else np.mean(distances))


def reconstruction_nme(predicted: Array, true: Array, *, outer_eye_corners: tuple[int, int]) -> np.ndarray:
    """Mean distance of corresponding vertices over that of the true outer eye corners in 3D (paper 3, section IV.C).

    Args:
        predicted, true: (B, V, 3) mm, in correspondence.
        outer_eye_corners: the two vertex ids.

    Returns:
        (B,), fractions of that distance.

    Raises:
        BadInput: for shapes that do not fit, or ids out of range.
        DegenerateInput: for non-finite coordinates, or eye corners in one place.
    """
    truth = point_array("true", true, (None, None, 3))
    guess = point_array("predicted", predicted, truth.shape)
    if not all(0 <= corner < truth.shape[1] for corner in outer_eye_corners):
        raise BadInput(f"outer_eye_corners {outer_eye_corners}: expected vertex ids from 0 to {truth.shape[1] - 1}")
    right, left = (truth[:, corner] for corner in outer_eye_corners)
    size = np.linalg.norm(right - left, axis=1)
    if not size.all():
        raise DegenerateInput(f"sample {int(np.argmin(size))} has its outer eye corners in one place: leave it out")
    return np.linalg.norm(guess - truth, axis=2).mean(axis=1) / size


def mesh_fitting_error(predicted: Array, true: Array, *, flying_distance: float) -> MeshFittingError:
    """Mean Chamfer distance without "flying vertices" (paper 4, supplement, eq. 8).

    The paper drops pairs by their squared distance, epsilon = 0.5, in a unit that it does not state. Here a distance in
    mm is compared with a distance in mm: its rule in some unit is the square root of 0.5 of that unit.

    Args:
        predicted: (N, 3) mm, rigidly aligned and cropped to the facial region.
        true: (M, 3) mm.
        flying_distance: mm; pairs farther apart do not count.

    Raises:
        BadInput: for wrong shapes, non-finite coordinates, a distance that is not positive, or when no pair counts.
    """
    if not flying_distance > 0:
        raise BadInput(f"flying_distance {flying_distance}: expected a positive length in mm")
    guess, truth = point_array("predicted", predicted, (None, 3)), point_array("true", true, (None, 3))
    distances = np.concatenate([cKDTree(guess).query(truth, workers=-1)[0], cKDTree(truth).query(guess, workers=-1)[0]])
    kept = distances[distances <= flying_distance]
    if len(kept) == 0:
        raise BadInput(
            f"all {len(distances)} pairs are farther apart than {flying_distance} mm, the nearest "
            f"{distances.min():.3g}: align the surfaces first, or check their unit"
        )
    return MeshFittingError(  # len(kept) is N^vt
        error=float(np.mean(kept**2)), dropped=1 - len(kept) / len(distances), pairs=len(kept)
    )
