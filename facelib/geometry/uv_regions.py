"""Weights of the texels of a UV position map by region of the face (paper 3, section III.D)."""

from __future__ import annotations

import numpy as np
import torch

from facelib.conventions import LANDMARK_COUNT, LANDMARK_GROUPS
from facelib.errors import BadInput, check_shape
from facelib.geometry.uv_maps import UVLayout

FEATURES = (("right_eye",), ("left_eye",), ("nose_bridge", "nostrils"), ("outer_lips",))
FEATURE_MARGIN = 0.02  # of the map's side, around the landmarks of an eye, the nose or the mouth


def region_weight_map(
    layout: UVLayout, landmarks: torch.Tensor, weights: tuple[float, float, float, float] = (16, 12, 3, 0)
) -> torch.Tensor:
    """How much each texel counts: landmarks; eyes, nose and mouth; cheek, chin and forehead; neck.

    Eyes, nose and mouth are the convex hulls of their landmarks on the map with a margin, the neck is what lies below
    the line through the jaw's landmarks, a landmark is its nearest texel.

    Args:
        layout: of the map.
        landmarks: (68,) vertex ids in the order of the conventions, all shown in the map.
        weights: of the four regions in that order.

    Returns:
        (S, S) float32, 0 outside the face.

    Raises:
        BadInput: for another number of landmarks, one that the map does not show, or a negative weight.
    """
    from scipy.spatial import ConvexHull

    check_shape("landmarks", landmarks, (LANDMARK_COUNT,))
    if not all(0 <= weight < float("inf") for weight in weights):
        raise BadInput(f"weights are {weights}: expected four numbers of 0 or more")
    at_landmark, feature, face, neck = weights
    texels = layout.nearest_texels(landmarks)
    place = layout.place[landmarks].double().cpu().numpy()  # (68, 2) column and row
    rows, columns = layout.mask.cpu().numpy().nonzero()
    points = np.stack((columns, rows), axis=1) + 0.5

    jaw = place[LANDMARK_GROUPS["jaw"]]
    ends = jaw[[0, -1]]
    # From ear to ear along the jaw, and from each ear outwards and up around the map.
    sides = np.array([[-1.0, ends[0, 1]], [layout.size + 1.0, ends[1, 1]]])
    top = np.array([[layout.size + 1.0, -1.0], [-1.0, -1.0]])
    above = _inside_polygon(points, np.concatenate((sides[:1], jaw, sides[1:], top)))
    values = np.where(above, face, neck)
    for groups in FEATURES:
        hull = ConvexHull(place[[i for group in groups for i in LANDMARK_GROUPS[group]]])
        outwards, offset = hull.equations[:, :2], hull.equations[:, 2]
        inside = (points @ outwards.T + offset <= FEATURE_MARGIN * layout.size).all(axis=1)
        values[inside] = feature
    image = torch.zeros(layout.mask.shape, device=layout.mask.device)
    image[layout.mask] = torch.from_numpy(values).to(image)
    image[texels[:, 0], texels[:, 1]] = at_landmark
    return image


def _inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Whether a ray from each point (N, 2) to the right crosses the polygon's sides (K, 2) an odd number of times."""
    inside = np.zeros(len(points), bool)
    u, v = points.T
    for (from_u, from_v), (to_u, to_v) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if from_v != to_v:
            crosses = (from_v > v) != (to_v > v)
            inside ^= crosses & (u < from_u + (v - from_v) / (to_v - from_v) * (to_u - from_u))
    return inside
