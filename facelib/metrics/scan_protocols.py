"""How far a reconstructed face is from a scan of another topology, by the protocols that published numbers follow.

One data set, MICC Florence, has several of them, and numbers of two protocols cannot be compared. Each choice is a
field here, and the published ones are `PROTOCOLS`.

ICP fits the scan to the face, not the face to the scan: a face reaches beyond a scan that is cut, and what lies beyond
would be drawn to the cut until the face had shrunk. Distances are told in the scan's mm. A scan that is unlike the face
can shrink as well, as the smaller it is the nearer it lies to some place of the face: where ICP changes its size by
more than a quarter, it is fitted again without.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import torch

from facelib.conventions import LANDMARK_COUNT, LANDMARK_GROUPS, NOSE_TIP
from facelib.errors import BadInput, DegenerateInput, check_shape, unknown_name
from facelib.geometry.alignment import Similarity, similarity_transform
from facelib.geometry.icp import icp
from facelib.geometry.neighbours import nearest
from facelib.geometry.normals import vertex_normals

CHIN = 8  # landmark
BROWS = (*LANDMARK_GROUPS["right_brow"], *LANDMARK_GROUPS["left_brow"])
HOLE = 12.0  # mm from its nearest point on, a scan does not show a place
LEAST_POINTS = 100  # of a scan once it is cut
RESIZED = 1.25  # factor, or one over it, that ICP may change the size by which the landmarks give


@dataclass(frozen=True)
class ScanProtocol:
    """A way to compare.

    Args:
        radius: mm around the tip of the nose that both surfaces are cut to.
        forehead: mm above the highest brow at which they are cut besides.
        landmark_scale: whether the first fit, of the landmarks, changes the face's size.
        icp_scale: whether ICP does.
        tolerance: mm of the residual at which ICP stops.
        distance: to the nearest "point", or along the face's normal there: to its "plane". On dense surfaces both are
            the same; where points lie farther apart than faces differ, the nearest one is as far as they lie apart.
        direction: "scan_to_face", or "both", the mean of both ways.
        statistic: "rms", or "mean".
    """

    radius: float = math.inf
    forehead: float = math.inf
    landmark_scale: bool = True
    icp_scale: bool = True
    tolerance: float = 1e-3
    distance: Literal["plane", "point"] = "plane"
    direction: Literal["scan_to_face", "both"] = "scan_to_face"
    statistic: Literal["rms", "mean"] = "rms"


PROTOCOLS: dict[str, ScanProtocol] = {
    # Gecer et al., CVPR 2019, after Genova et al., CVPR 2018: mean distance both ways.
    "ganfit": ScanProtocol(radius=95.0, direction="both", statistic="mean"),
    # Deng et al., CVPRW 2019: the forehead is cut as well; where is not said, and ours.
    "deng": ScanProtocol(radius=95.0, forehead=15.0),
    # Shang et al., ECCV 2020 (MGCNet): rigid.
    "mgcnet": ScanProtocol(radius=95.0, landmark_scale=False, icp_scale=False),
}


def scan_protocol(name: str) -> ScanProtocol:
    """A published protocol.

    Raises:
        UnknownName: for another name.
    """
    if name not in PROTOCOLS:
        raise unknown_name("protocol of scans", name, PROTOCOLS)
    return PROTOCOLS[name]


@torch.no_grad()
def scan_error(
    face: torch.Tensor,
    triangles: torch.Tensor,
    landmarks: torch.Tensor,
    scan: torch.Tensor,
    scan_landmarks: torch.Tensor,
    protocol: ScanProtocol,
) -> float:
    """Distance in mm between a face and a scan.

    Args:
        face: (V, 3) vertices, in any unit and pose where the first fit has a scale, else in mm.
        triangles: (T, 3) of the face.
        landmarks: (68, 3) of the face.
        scan: (P, 3) points, mm.
        scan_landmarks: (68, 3) of the scan, marked by hand or known.
        protocol: the way.

    Raises:
        BadInput: on wrong shapes, or when the cut leaves fewer than 100 points of the scan.
        DegenerateInput: on non-finite values, or points in one place.
    """
    laid, normals, moved, fit, off_scan = _laid(face, triangles, landmarks, scan, scan_landmarks, protocol)
    off = [off_scan]
    if protocol.direction == "both":
        kept = _kept(fit.inverse().apply(laid), scan_landmarks, protocol)
        distances, indices = (each[0] for each in nearest(laid[kept][None], moved[None]))
        off.append(_distances(moved[indices] - laid[kept], normals[kept], distances, protocol))
    values = [(each.square().mean().sqrt() if protocol.statistic == "rms" else each.mean()) for each in off]
    return float(torch.stack(values).mean() / fit.scale)


@torch.no_grad()
def scan_distances(
    face: torch.Tensor,
    triangles: torch.Tensor,
    landmarks: torch.Tensor,
    scan: torch.Tensor,
    scan_landmarks: torch.Tensor,
    protocol: ScanProtocol,
) -> torch.Tensor:
    """How far a scan of any topology is from each point of a face, for pictures of `scan_error` from scan to face.

    Args:
        face, triangles, landmarks, scan, scan_landmarks, protocol: as `scan_error` takes them, and raises on.

    Returns:
        (V,) mm, of the nearest point of the scan; NaN where the protocol cuts the face off, or no such point is near.
    """
    laid, _, moved, fit, off = _laid(face, triangles, landmarks, scan, scan_landmarks, protocol)
    distances, indices = (each[0] for each in nearest(laid[None], moved[None]))
    there = _kept(fit.inverse().apply(laid), scan_landmarks, protocol) & (distances < HOLE * fit.scale)
    return (off[indices] / fit.scale).where(there, torch.nan)


class _Laid(NamedTuple):
    """A scan fitted to a face, both in the frame of the scan's landmarks but for the fit.

    Args:
        face: (V, 3), by the landmarks alone; normals: (V, 3) of it.
        scan: (P, 3) of the points that the protocol keeps, as ICP has moved them.
        fit: what moved them.
        distances: (P,) from each to the face.
    """

    face: torch.Tensor
    normals: torch.Tensor
    scan: torch.Tensor
    fit: Similarity
    distances: torch.Tensor


def _laid(
    face: torch.Tensor,
    triangles: torch.Tensor,
    landmarks: torch.Tensor,
    scan: torch.Tensor,
    scan_landmarks: torch.Tensor,
    protocol: ScanProtocol,
) -> _Laid:
    check_shape("face", face, (None, 3))
    check_shape("landmarks", landmarks, (LANDMARK_COUNT, 3))
    check_shape("scan_landmarks", scan_landmarks, (LANDMARK_COUNT, 3))
    scan = scan[_kept(scan, scan_landmarks, protocol)]
    if len(scan) < LEAST_POINTS:
        raise BadInput(f"{len(scan)} points of the scan are within {protocol.radius:g} mm of the nose: is it in mm?")
    start = similarity_transform(landmarks[None], scan_landmarks[None], scale=protocol.landmark_scale)
    laid = start.apply(face[None])[0]
    normals = vertex_normals(laid[None], triangles)[0]
    planes = normals if protocol.distance == "plane" else None
    fit = _fitted(scan, laid, planes, protocol)
    moved = fit.apply(scan)
    distances, indices = (each[0] for each in nearest(moved[None], laid[None]))
    off = _distances(laid[indices] - moved, normals[indices], distances, protocol)
    return _Laid(laid, normals, moved, fit, off)


def _fitted(scan: torch.Tensor, face: torch.Tensor, planes: torch.Tensor | None, protocol: ScanProtocol) -> Similarity:
    """What moves a scan onto a face that lies there by its landmarks."""
    fit = partial(icp, scan, face, target_normals=planes, tolerance=protocol.tolerance)
    if protocol.icp_scale:
        with suppress(DegenerateInput):  # it shrank to a point
            found = fit(scale=True).transform
            if 1 / RESIZED < found.scale < RESIZED:
                return found
    return fit(scale=False).transform


def _kept(points: torch.Tensor, landmarks: torch.Tensor, protocol: ScanProtocol) -> torch.Tensor:
    """Which points (N, 3) lie within the radius and below the cut through the forehead, (N,) bool."""
    near = (points - landmarks[NOSE_TIP]).norm(dim=1) < protocol.radius
    up = torch.nn.functional.normalize(landmarks[list(BROWS)].mean(dim=0) - landmarks[CHIN], dim=0)
    return near & (points @ up < (landmarks[list(BROWS)] @ up).max() + protocol.forehead)


def _distances(
    to_nearest: torch.Tensor, normals: torch.Tensor, distances: torch.Tensor, protocol: ScanProtocol
) -> torch.Tensor:
    """Lengths (N,) of vectors (N, 3) to the nearest point, or of their parts along the face's normals (N, 3)."""
    if protocol.distance == "point":
        return distances
    return torch.where(normals.any(dim=1), (to_nearest * normals).sum(dim=1).abs(), distances)
