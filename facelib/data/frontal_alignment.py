"""Where the tip of the nose of a scan is and how the head is turned, without landmarks.

The tip is sought among the places that stand out most from what is around them. The mean face is laid on the scan there
by ICP, and then fitted to it from the base of the nose up, as expressions move that part least. Shape and pose are
fitted together: what a person's nose and forehead are like would else be taken for a turn of the head. The place where
the fitted face agrees best is the nose; where it agrees nowhere there is no face that looks to the scanner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from facelib.data.scan_template import ScanTemplate
from facelib.errors import DegenerateInput
from facelib.geometry.alignment import Similarity
from facelib.geometry.icp import icp
from facelib.geometry.neighbours import nearest
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rotations import angle_from_frontal, quaternion_to_matrix

SAMPLING = 4.5  # mm between the samples that are looked at
SURROUNDINGS, SHOWN = 30.0, 0.42  # mm around a place, from which it stands out, and the share of a disc that is seen
CANDIDATES, APART = 5, 20.0  # places that are tried, and mm between them
LAID_REACH, LAID_OFF = 75.0, 3.5  # mm around a place that are laid on the mean face, and mm that may be left then
FIT_REACH, FIT_PAIRS, FIT_KEPT = 85.0, (8.0, 6.0, 4.0), 0.9  # mm around the nose; mm of a pair in each step; share
INDEPENDENT = 100.0  # samples in the fit whose errors, of 1 mm, are independent of one another
TIP_SEARCH, TIP_REACH = 14.0, 9.0  # mm around the fitted tip and around the foremost sample there
BESIDE_NOSE, LEAST_NOSE = 26.0, 14.0  # mm to its sides, and height: noses have 24 to 34, the back of a head 9
FARTHEST_TURN = math.radians(50)  # from frontal, beyond which a scan shows too little of a face to tell
AGREES_WELL, AGREES = 0.6, 0.82  # mm: no place can fit better; a face may
EXPLAINED, LEAST_AREA = 0.65, 2500.0  # share of the upper face's samples that agree, and mm^2 of them


@dataclass(frozen=True)
class FrontalPose:
    """How a scan lies in the face frame.

    Args:
        to_face: the rigid motion of the scan into the face frame, float64, mm.
        nose_tip: (3,) float64, mm, in the scanner's frame: where the nose stands out most towards the front.
        residual: root mean square of the distances from the fitted face of the samples that agree with it, mm.
    """

    to_face: Similarity
    nose_tip: torch.Tensor
    residual: float


@torch.no_grad()
def find_pose(positions: torch.Tensor, step: float, template: ScanTemplate) -> FrontalPose:
    """The pose of the face on a scan.

    Args:
        positions: (3, H, W) mm, a range image without spikes. The face looks to the viewer and is upright, turned by 30
            degrees at most about each axis.
        step: between its samples, mm.
        template: the face.

    Raises:
        DegenerateInput: where there is no such face; it says when the face is upside down.
    """
    pose = upright_pose(positions, step, template)
    if pose is None:
        upside_down = (positions * positions.new_tensor([-1, -1, 1])[:, None, None]).flip(1, 2)
        if upright_pose(upside_down, step, template):
            raise DegenerateInput("the face is upside down: turn the scan by 180 degrees about z, so that y points up")
        raise DegenerateInput(
            "no face that looks to the viewer was found: expected the nose along +z, y up, millimetres, and less than "
            "half of the face in holes; turn the scan, or leave it out"
        )
    return pose


def upright_pose(positions: torch.Tensor, step: float, template: ScanTemplate) -> FrontalPose | None:
    """As `find_pose`, but None where there is no face, or an upside-down one."""
    factor = max(round(SAMPLING / step), 1)
    coarse = positions[:, factor // 2 :: factor, factor // 2 :: factor].double()
    samples = coarse.flatten(1).T[coarse.isfinite().all(dim=0).flatten()]
    best = None
    for place in prominent_places(coarse, factor * step):
        start = _laid_on_mean(samples, place, template)
        pose = start and fit_upper_face(samples, start, template, (factor * step) ** 2)
        if not pose or (best and pose.residual >= best.residual):
            continue
        pose = replace(pose, nose_tip=_tip_of_nose(positions, pose))
        if angle_from_frontal(pose.to_face.rotation) < FARTHEST_TURN and _nose_height(samples, pose) > LEAST_NOSE:
            best = pose
            if pose.residual < AGREES_WELL:
                break
    return best


def prominent_places(positions: torch.Tensor, step: float) -> torch.Tensor:
    """The places of a range image that stand out most from their surroundings, in this order, apart from one another.

    Args:
        positions: (3, H, W) mm.
        step: between its samples, mm.

    Returns:
        (K, 3), up to `CANDIDATES`.
    """
    points = positions.flatten(1).T
    points = points[points.isfinite().all(dim=1)]
    around = functional.pad(points[:, 2:], (0, 1), value=1.0)  # depth, and one to count
    sums = [(torch.cdist(part, points) < SURROUNDINGS).to(points) @ around for part in points.split(1024)]
    depth, count = torch.cat(sums).unbind(1)
    # Towards the viewer, not along a normal, which turns away at the rim of a scan; a rim has little around it besides.
    prominence = points[:, 2] - depth / count
    prominence = prominence.where(count > SHOWN * math.pi * (SURROUNDINGS / step) ** 2, 0)
    places: list[torch.Tensor] = []
    while len(places) < CANDIDATES and len(points) and prominence.max() > 0:
        places.append(points[prominence.argmax()])
        prominence = prominence.where((points - places[-1]).norm(dim=1) >= APART, 0)
    return torch.stack(places) if places else points[:0]


def _laid_on_mean(samples: torch.Tensor, place: torch.Tensor, template: ScanTemplate) -> Similarity | None:
    """The motion that lays what is around a place of a scan on the mean face, or None where they differ too much."""
    turn = torch.eye(3, dtype=torch.float64)
    near = samples[(samples - place).norm(dim=1) < LAID_REACH]
    try:
        found = icp(
            near,
            template.mean,
            target_normals=template.normals,
            start=Similarity(turn[0, 0], turn, template.tip - place),
            scale=False,
            keep=0.85,
            max_distance=15.0,
            iterations=10,
            tolerance=0.05,
        )
    except DegenerateInput:  # too few pairs
        return None
    return found.transform if found.residuals[-1] < LAID_OFF else None


def fit_upper_face(samples: torch.Tensor, start: Similarity, template: ScanTemplate, area: float) -> FrontalPose | None:
    """The pose at which the template, with the shape that suits best, agrees with a scan's upper face.

    Args:
        samples: (N, 3) mm, float64.
        start: from the scanner's to the face frame.
        template: the face.
        area: that a sample stands for, mm^2.

    Returns:
        None where they do not agree.
    """
    fit, coefficients, residual = start, torch.zeros_like(template.spread), math.inf
    for farthest in FIT_PAIRS:
        shape = template.shape(coefficients)
        normals = vertex_normals(shape[None], template.triangles)[0]
        moved = fit.apply(samples)
        upper = ((moved - template.tip).norm(dim=1) < FIT_REACH) & (moved[:, 1] > template.nose_base)
        moved = moved[upper]
        if len(moved) * area < LEAST_AREA:
            return None
        distance, vertex = (each[0] for each in nearest(moved[None], shape[None]))
        error = ((shape[vertex] - moved) * normals[vertex]).sum(dim=1)
        kept = distance < farthest
        if kept.sum() < EXPLAINED * len(moved):
            return None
        kept &= error.abs() <= error.abs()[kept].quantile(FIT_KEPT)
        share, residual = float(kept.sum() / len(moved)), float(error[kept].square().mean().sqrt())
        rows = _motions(moved[kept], normals[vertex[kept]], template.basis[:, vertex[kept]])
        step, change = _step(rows, error[kept], coefficients, template.spread)
        fit, coefficients = step.compose(fit), coefficients + change
    if share < EXPLAINED or residual > AGREES:
        return None
    tip = fit.inverse().apply(template.shape(coefficients)[template.nose_tip, None])[0]
    return FrontalPose(fit, tip, residual)


def _tip_of_nose(positions: torch.Tensor, pose: FrontalPose) -> torch.Tensor:
    """The tip of the nose (3,) of a range image (3, H, W) whose pose is known, in its frame."""
    turn = pose.to_face.rotation
    return top_of_nose(positions.flatten(1).T.double() @ turn.mT, pose.nose_tip @ turn.mT) @ turn


def top_of_nose(points: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
    """The top (3,) of a paraboloid through the foremost part of the nose of a frontal face.

    Args:
        points: (N, 3) float64, mm, in the axes of the face frame; NaN in holes.
        near: (3,) about where the tip is.

    Returns:
        `near` itself where there is no point.
    """
    points = points[(points - near).norm(dim=1) < TIP_SEARCH]  # false for NaN
    if len(points) == 0:
        return near
    top = points[points[:, 2].argmax()]
    x, y, z = (points - top)[(points - top).norm(dim=1) < TIP_REACH].T
    terms = torch.stack((torch.ones_like(x), x, y, x * x, x * y, y * y), dim=1)
    _, a, b, xx, xy, yy = (torch.linalg.pinv(terms) @ z).tolist()
    determinant = 4 * xx * yy - xy * xy
    if xx < 0 and determinant > 0:
        u, v = (xy * b - 2 * yy * a) / determinant, (xy * a - 2 * xx * b) / determinant
        if math.hypot(u, v) < TIP_REACH:
            top = top + top.new_tensor([u, v, 0])
    return top


def _nose_height(samples: torch.Tensor, pose: FrontalPose) -> float:
    """How far the tip of the nose stands out from what is beside the nose, mm; NaN where nothing is seen there."""
    x, y, z = ((samples - pose.nose_tip) @ pose.to_face.rotation.mT).unbind(1)
    return -float(z[((x.abs() - BESIDE_NOSE).abs() < SAMPLING) & (y.abs() < 2 * SAMPLING)].median())


def _motions(moved: torch.Tensor, normals: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """How far a small turn, shift and change of shape (N, 3 + 3 + C) bring points (N, 3) nearer along normals."""
    shape = -(basis * normals).sum(dim=2).T
    return torch.cat((torch.linalg.cross(moved, normals), normals, shape), dim=1)


def _step(
    rows: torch.Tensor, error: torch.Tensor, coefficients: torch.Tensor, spread: torch.Tensor
) -> tuple[Similarity, torch.Tensor]:
    """The motion and the change of coefficients (C,) that are most likely after errors (N,) along the normals.

    Minimises m |rows x - error|^2 + |(coefficients + change) / spread|^2, where m counts each sample as its share of
    the independent ones.
    """
    weight = INDEPENDENT / len(rows)
    prior = functional.pad(spread**-2, (6, 0))
    normal = weight * rows.T @ rows + torch.diag(prior)
    aim = weight * rows.T @ error - prior * functional.pad(coefficients, (6, 0))
    found = torch.linalg.solve(normal, aim)
    turn = quaternion_to_matrix(functional.pad(found[:3] / 2, (0, 1), value=1.0))  # by a small vector of rotation
    return Similarity(found.new_ones(()), turn, found[3:6]), found[6:]
