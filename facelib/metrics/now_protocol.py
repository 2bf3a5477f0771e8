"""The error of the NoW challenge: how far the points of a scan are from the surface of a reconstructed face.

The scan is cut to a ball around the middle of the face. The face is laid onto it by seven landmarks, then moved on
until the squared distances of the scan's points to its surface are least. Those distances are the errors, in the
scan's mm. The numbers that methods are compared by are the median, mean and standard deviation over the points of all
photographs together: see `pooled`.

Ours never mirrors a face; the published code allows that to the fit of the landmarks. Its optimiser is another, too.
Sources: Sanyal et al., "Learning to regress 3D face shape and expression from an image without 3D supervision", CVPR
2019, section 5; what the paper leaves open, such as the middle and the scale, is that of the challenge's published
evaluation (soubhiksanyal/now_evaluation).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from facelib.conventions import LANDMARK_COUNT
from facelib.errors import BadInput, DegenerateInput, check_alike, check_finite, check_shape
from facelib.geometry.alignment import least_spread, similarity_transform
from facelib.geometry.cropping import within_radius
from facelib.geometry.nearest_on_surface import nearest_on_surface
from facelib.geometry.point_to_plane import step_to_planes

# Of the 68: outer and inner corner of the right eye, inner and outer corner of the left one, bottom of the nose,
# right and left corner of the mouth.
NOW_LANDMARKS = (36, 39, 42, 45, 33, 48, 54)


@dataclass(frozen=True)
class NowSettings:
    """What the challenge chose.

    Args:
        radius: of the ball, over the mean of the distance of the outer eye corners and the height of the nose, which
            is that of the bottom of the nose from the middle of the inner eye corners.
        rise: of the ball's centre from the bottom of the nose towards that middle, over the height of the nose.
        landmark_scale: whether the fit of the landmarks changes the face's size.
        surface_scale: whether the fit to the surface does.
        steps: of the fit to the surface, at most; 0 leaves it out.
        tolerance: mm; it ends once a step brings the root mean square down by less.
    """

    radius: float = 1.4
    rise: float = 0.3
    landmark_scale: bool = True
    surface_scale: bool = True
    steps: int = 30
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise BadInput(f"steps are {self.steps}: expected zero or more")
        if not self.tolerance >= 0:
            raise BadInput(f"tolerance is {self.tolerance}: expected zero or a positive length in mm")


@dataclass(frozen=True)
class NowErrors:
    """Of one face, or of many together.

    Args:
        distances: (K,) float64, mm, of the scan's points that count, in their order.
    """

    distances: np.ndarray

    @property
    def median(self) -> float:
        """mm."""
        return float(np.median(self.distances))

    @property
    def mean(self) -> float:
        """mm."""
        return float(np.mean(self.distances))

    @property
    def std(self) -> float:
        """mm, of these points, not of a population that they were drawn from."""
        return float(np.std(self.distances))


def pooled(errors: Iterable[NowErrors]) -> NowErrors:
    """The errors of all points of several faces, each point with the same weight.

    Raises:
        BadInput: without any.
    """
    distances = [each.distances for each in errors]
    if not distances:
        raise BadInput("no errors to pool: expected those of at least one face")
    return NowErrors(np.concatenate(distances))


def now_landmarks(landmarks: torch.Tensor) -> torch.Tensor:
    """The seven landmarks (..., 7, 3) among the 68 (..., 68, 3).

    Raises:
        BadInput: on another shape.
    """
    check_shape("landmarks", landmarks, (..., LANDMARK_COUNT, 3))
    return landmarks[..., list(NOW_LANDMARKS), :]


@torch.no_grad()
def now_errors(
    face: torch.Tensor,
    triangles: torch.Tensor,
    landmarks: torch.Tensor,
    scan: torch.Tensor,
    scan_landmarks: torch.Tensor,
    settings: NowSettings = NowSettings(),
) -> NowErrors:
    """Distances of a scan's points to a face, once the face has been laid onto the scan.

    Args:
        face: (V, 3) vertices, in any unit and pose where the fit of the landmarks has a scale, else in mm.
        triangles: (T, 3) of the face.
        landmarks: (7, 3) of the face, in the order of `now_landmarks`.
        scan: (P, 3) points, mm.
        scan_landmarks: (7, 3) of the scan.
        settings: the challenge's, or others.

    Raises:
        BadInput: on wrong shapes, dtypes or devices, or when no point of the scan is within the ball.
        DegenerateInput: on non-finite values, or landmarks in one place.
    """
    _check(face, landmarks, scan, scan_landmarks)
    face, landmarks, scan, scan_landmarks = (each.double() for each in (face, landmarks, scan, scan_landmarks))
    scan = scan[within_radius(scan, *_ball(scan_landmarks, settings))]
    start = similarity_transform(landmarks[None], scan_landmarks[None], scale=settings.landmark_scale)
    distances = _fit_to_surface(start.apply(face[None])[0], triangles, scan, settings)
    return NowErrors(distances.cpu().numpy())


def _ball(landmarks: torch.Tensor, settings: NowSettings) -> tuple[torch.Tensor, float]:
    """Centre (3,) and radius in mm of what counts of a scan with these landmarks (7, 3)."""
    right_outer, right_inner, left_inner, left_outer, nose = landmarks[:5]
    up_the_nose = (right_inner + left_inner) / 2 - nose
    size = (left_outer - right_outer).norm() + up_the_nose.norm()
    return nose + settings.rise * up_the_nose, float(settings.radius * size / 2)


def _fit_to_surface(
    face: torch.Tensor, triangles: torch.Tensor, scan: torch.Tensor, settings: NowSettings
) -> torch.Tensor:
    """Distances (P,) of the scan's points to the face where their squares are least.

    Gauss-Newton: the distance to a surface changes with its nearest point's motion along the line between them.
    """
    best, least = torch.empty(0), math.inf
    for _ in range(settings.steps + 1):
        distances, points, _ = (each[0] for each in nearest_on_surface(scan[None], face[None], triangles))
        error = float(distances.square().mean().sqrt())
        if error >= least:
            break
        fell, best, least = least - error, distances, error
        if fell < settings.tolerance or error == 0:
            break
        directions = torch.nn.functional.normalize(scan - points, dim=-1)
        face = step_to_planes(points, distances, directions, distances > 0, settings.surface_scale).apply(face)
    return best


def _check(face: torch.Tensor, landmarks: torch.Tensor, scan: torch.Tensor, scan_landmarks: torch.Tensor) -> None:
    count = len(NOW_LANDMARKS)
    shapes = {"face": None, "landmarks": count, "scan": None, "scan_landmarks": count}
    values = dict(zip(shapes, (face, landmarks, scan, scan_landmarks), strict=True))
    for name, value in values.items():
        check_shape(name, value, (shapes[name], 3))
        check_finite(name, value)
    check_alike(**values)
    for name in ("landmarks", "scan_landmarks"):
        points = values[name][None]
        if not (points - points.mean(dim=1, keepdim=True)).abs().max() > least_spread(points):
            raise DegenerateInput(f"{name} are all in one place: expected seven places of a face")
