"""The evaluation of paper 3 (section IV): alignment, reconstruction and pose on AFLW2000-3D, and Florence.

Errors are of the maps' texels, predicted and true ones, as in published code: landmarks at the texels nearest to
theirs, dense errors on all texels of the face without the neck (about 45,000 at the paper's size). A reconstruction is
laid onto the truth by the best similarity first, so that its error is one of shape; a scan of Florence has another
topology and takes ICP. Where a prediction cannot be judged, the mean face in the true box counts in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from facelib.conventions import FACE_TO_CAMERA, OUTER_EYE_CORNERS
from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import PosedFaces, posed_faces
from facelib.errors import DegenerateInput
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.rotations import geodesic_distance
from facelib.metrics import scan_protocols
from facelib.metrics.landmark_error import nme, nme_by_yaw
from facelib.metrics.pose_error import aflw2000_angles, euler_errors, pose_error
from facelib.metrics.surface_error import reconstruction_nme
from facelib.models.sadrnet import FaceMaps
from facelib.papers.failures import FAILED, all_judged
from facelib.papers.sadrnet.maps import FaceMapper, TrueMaps
from facelib.papers.sadrnet.networks import MeanFace
from facelib.papers.sadrnet.posed_distance import posed_distance
from facelib.papers.sadrnet.shape_protocol import shape_errors, shape_metrics

LEVEL = np.deg2rad(1)  # of pitch, which 5 of Florence's 20 poses have: a slip for 15, says VRN's author
FLORENCE = scan_protocols.ScanProtocol(statistic="mean")  # scans are cut already
ALIGNMENT = ("sparse_2d", "sparse_3d", "sparse_3d_unshifted", "dense_2d", "dense_3d", "dense_3d_unshifted")
ANGLES = ("yaw", "pitch", "roll")
FIX_PREFIX = "fix."  # of the pose errors without the samples in gimbal lock

Predictor = Callable[[PosedFaces, torch.Tensor], FaceMaps]  # a baseline is told true landmarks (B, 68, 2 or 3)
P = TypeVar("P")  # what makes a prediction


def mean_face_in_box(mapper: FaceMapper) -> Predictor:
    """The baseline, which is told the true landmarks, and stands in for predictions that cannot be judged."""
    mean_face = MeanFace(mapper.template)
    return lambda faces, landmarks: mean_face(landmarks)


@torch.no_grad()
def evaluate_alignment(
    predict: Predictor, mapper: FaceMapper, archive: FaceArchive, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Errors of each photograph of the AFLW2000-3D counterpart.

    Args:
        predict: photographs and, for a baseline, true landmarks -> maps.
        mapper: draws the truth.
        archive: the data set.
        rows: (N,) which photographs.

    Returns:
        rows, identity, occluder (N,), yaw (N,) radians; of `ALIGNMENT` and "reconstruction" (N,) fractions;
        aflw_angle_error (N, 3), absolute yaw, pitch and roll in the order of AFLW2000-3D, by which the paper and its
        claims go, and geodesic (N,) in radians; those of `shape_errors`;
        posed_mm (N,), of `posed_distance`; failed (N,) bool.

    Raises:
        BadInput: without rows.
    """

    def errors_of(chosen: Predictor, some: np.ndarray) -> dict[str, np.ndarray]:
        faces = posed_faces(archive, some)
        true = mapper(faces)
        maps = chosen(faces, mapper.template.landmarks_of(true.geometry))
        found, expected = (each.float().cpu()[:, :, mapper.evaluated].mT for each in (maps.geometry, true.geometry))
        errors = photograph_errors(maps, true, faces, mapper)
        return errors | {"posed_mm": posed_distance(found, expected, faces.scale).numpy()}

    return _of_all(errors_of, predict, mean_face_in_box(mapper), archive, rows)


@torch.no_grad()
def evaluate_landmarks(
    network: nn.Module, mapper: FaceMapper, archive: FaceArchive, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """As `evaluate_alignment`, of the landmarks that a face encoder reads: the errors sparse_2d and sparse_3d."""
    device, landmarks_of = next(network.parameters()).device, mapper.template.landmarks_of
    mean_face = mean_face_in_box(mapper)

    def errors_of(find: Callable[[PosedFaces, torch.Tensor], torch.Tensor], some: np.ndarray) -> dict[str, np.ndarray]:
        faces = posed_faces(archive, some)
        true = landmarks_of(mapper(faces).geometry)
        return _alignment_errors("sparse", find(faces, true), true)

    return _of_all(
        errors_of,
        lambda faces, true: network(faces.images.to(device)).landmarks.cpu(),
        lambda faces, true: landmarks_of(mean_face(faces, true).geometry),
        archive,
        rows,
    )


@torch.no_grad()
def evaluate_florence(predict: Predictor, mapper: FaceMapper, archive: FaceArchive) -> dict[str, np.ndarray]:
    """Errors of each photograph of the Florence counterpart against the person's scan, after ICP (section IV.C).

    Returns:
        florence, with ICP fitting the scale too, and florence_rigid, with the scale of the landmarks (M,) fractions;
        florence_15, the first of them without the poses that VRN's author leaves out, NaN there (M,);
        florence_identity (M,); florence_yaw and florence_pitch (M,) radians; florence_failed (M,) bool.
    """
    arrays, mean_face = archive.arrays, mean_face_in_box(mapper)

    def errors_of(chosen: Predictor, rows: np.ndarray) -> dict[str, np.ndarray]:
        faces, seen, landmarks = _scanned(mapper, archive, rows)
        shapes = mapper.points_of(chosen(faces, seen).geometry.float().cpu())
        errors: dict[str, list[float]] = {"florence": [], "florence_rigid": []}
        for row, shape, known in zip(rows, shapes, landmarks, strict=True):
            scan = torch.from_numpy(np.array(arrays["scans"][arrays["scan"][row]]))
            corners = arrays["scan_corners"][arrays["scan"][row]]
            size = float(np.linalg.norm(corners[0] - corners[1]))
            for name, scale in (("florence", True), ("florence_rigid", False)):
                errors[name].append(scan_error(shape, known, scan, mapper, scale=scale) / size)
        return {name: np.array(values) for name, values in errors.items()}

    errors = all_judged(errors_of, predict, mean_face, np.arange(len(archive)))
    errors[f"florence_{FAILED}"] = errors.pop(FAILED)
    yaw, pitch = (np.asarray(arrays["pose"][:, axis]) for axis in (0, 1))
    errors["florence_15"] = np.where(np.abs(pitch) < LEVEL, np.nan, errors["florence"])
    known = {"florence_identity": np.asarray(arrays["identity"]), "florence_yaw": yaw, "florence_pitch": pitch}
    return errors | known


def _scanned(
    mapper: FaceMapper, archive: FaceArchive, rows: np.ndarray
) -> tuple[PosedFaces, torch.Tensor, torch.Tensor]:
    """Photographs of people who were scanned, and their true landmarks (B, 68, 2 or 3) in these and on the scans.

    Of embedded people landmarks are those that the maps show; of real ones nothing is known but what is marked.
    """
    arrays, template = archive.arrays, mapper.template
    faces = posed_faces(archive, rows, shapes="shape" in arrays)
    if "shape" in arrays:
        true = mapper(faces)
        return faces, template.landmarks_of(true.geometry), template.landmarks_of(true.shape)
    marked = (arrays["landmarks_2d"][rows], arrays["scan_landmarks"][arrays["scan"][rows]])
    seen, landmarks = (torch.from_numpy(np.array(each)).float() for each in marked)
    return faces, seen, landmarks


def scan_error(
    points: torch.Tensor, landmarks: torch.Tensor, scan: torch.Tensor, mapper: FaceMapper, *, scale: bool
) -> float:
    """Mean distance in mm between the points of a scan and the face that ICP has laid onto it.

    Distances are those to the plane through the nearest texel, as the texels of a small map lie farther apart than
    faces differ.

    Args:
        points: (N, 3) the predicted face at the map's texels, in any unit and pose.
        landmarks: (68, 3) the true landmarks in the scan's frame, mm, by which the face is laid onto the scan first.
        scan: (P, 3) mm.
        mapper: of the map.
        scale: whether ICP fits the scale too.
    """
    own = mapper.template.landmarks_of(mapper.map_of(points[None]))[0]
    protocol = replace(FLORENCE, icp_scale=scale)
    return scan_protocols.scan_error(points, mapper.triangles, own, scan, landmarks, protocol)


def metrics_of(scores: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Every metric of tables I to IV from the errors of single photographs.

    Args:
        scores: of `evaluate_alignment`, and perhaps of `evaluate_florence` and `recognition.evaluate_recognition`.

    Raises:
        BadInput: when a bin of yaw is empty.
    """
    fractions = {name: float(scores[name].mean()) for name in ALIGNMENT}
    for name in ("sparse_2d", "reconstruction"):
        by_yaw = nme_by_yaw(scores[name], scores["yaw"])
        fractions[name] = by_yaw.pop("mean")
        fractions |= {f"{name}/{part}": value for part, value in by_yaw.items()}
    del fractions["reconstruction/balanced"]  # which the paper does not report
    florence = ("florence", "florence_rigid", "florence_15")
    fractions |= {name: float(np.nanmean(scores[name])) for name in florence if name in scores}
    fractions |= shape_metrics(scores)
    if "recognition" in scores:
        fractions["recognition"] = float(scores["recognition"].mean())
    degrees = _pose_metrics(scores)
    lengths = {"posed_mm": float(scores["posed_mm"].mean())} if "posed_mm" in scores else {}
    return _in("fraction", fractions) | _in("degrees", degrees) | _in("mm", lengths)


def _in(unit: str, values: dict[str, float]) -> dict[str, dict[str, Any]]:
    return {name: {"value": value, "unit": unit} for name, value in values.items()}


def _of_all(
    errors_of: Callable[[P, np.ndarray], dict[str, np.ndarray]],
    predict: P,
    stand_in: P,
    archive: FaceArchive,
    rows: np.ndarray,
) -> dict[str, np.ndarray]:
    """The errors of these photographs, taken in portions, and what is known of them."""
    errors = all_judged(errors_of, predict, stand_in, rows)
    known = {name: np.asarray(archive.arrays[name][rows]) for name in ("identity", "occluder")}
    return errors | known | {"rows": rows, "yaw": np.asarray(archive.arrays["pose"][rows, 0])}


def _pose_metrics(scores: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean errors of the angles, as they are and without the samples in gimbal lock, and of the whole rotation."""
    errors = scores["aflw_angle_error"]
    metrics: dict[str, float] = {}
    for prefix, protocol in (("", "all"), (FIX_PREFIX, "sadrnet_fix")):
        error = pose_error(errors, np.zeros_like(errors), protocol=protocol)
        metrics |= {f"{prefix}{angle}_error": getattr(error, angle) for angle in ANGLES}
        metrics[f"{prefix}pose_error"] = error.mean
    return metrics | {"geodesic_error": float(np.rad2deg(scores["geodesic"].mean()))}


def photograph_errors(maps: FaceMaps, true: TrueMaps, faces: PosedFaces, mapper: FaceMapper) -> dict[str, np.ndarray]:
    """The errors (B, ...) of predicted maps, as `evaluate_alignment` names them.

    Raises:
        DegenerateInput: when a map is not finite, or a face has collapsed.
    """
    geometry = maps.geometry.float().cpu()
    if not geometry[..., mapper.template.mask].isfinite().all():
        raise DegenerateInput("the predicted position map is not finite: look at the weights")
    sparse = [mapper.template.landmarks_of(each) for each in (geometry, true.geometry)]
    dense = [each[:, :, mapper.evaluated].mT for each in (geometry, true.geometry)]
    errors = _alignment_errors("sparse", *sparse) | _alignment_errors("dense", *dense)
    errors["reconstruction"] = _reconstruction_error(geometry, true, mapper)
    errors |= shape_errors(maps, true, faces, mapper)
    turned, expected = head_rotation(maps, mapper), head_of(faces.rotation)
    errors["aflw_angle_error"] = np.deg2rad(euler_errors(aflw2000_angles(turned), aflw2000_angles(expected)))
    errors["geodesic"] = geodesic_distance(turned.double(), expected.double()).numpy()
    return errors


def _alignment_errors(name: str, found: torch.Tensor, true: torch.Tensor) -> dict[str, np.ndarray]:
    """The errors of points (B, N, 3) over the size of their box."""
    points, expected = found.numpy(), true.numpy()
    box: dict[str, Any] = {"normaliser": "box", "points": "all"}
    return {
        f"{name}_2d": nme(points[..., :2], expected[..., :2], **box),
        f"{name}_3d": nme(points, expected, subtract_mean_depth=True, **box),
        f"{name}_3d_unshifted": nme(points, expected, **box),
    }


def _reconstruction_error(geometry: torch.Tensor, true: TrueMaps, mapper: FaceMapper) -> np.ndarray:
    """Of the shape, once the best similarity has laid it onto the true one, over the outer interocular distance."""
    found, expected = (each[:, :, mapper.evaluated].mT.double() for each in (geometry, true.shape))
    laid = similarity_transform(found, expected).apply(found)
    corners = mapper.template.landmarks_of(true.shape)[:, OUTER_EYE_CORNERS].double()
    ends = (laid.shape[1], laid.shape[1] + 1)
    error = reconstruction_nme(
        torch.cat((laid, corners), dim=1), torch.cat((expected, corners), dim=1), outer_eye_corners=ends
    )
    return error * (laid.shape[1] + 2) / laid.shape[1]  # the corners, appended without error, do not count


def head_rotation(maps: FaceMaps, mapper: FaceMapper) -> torch.Tensor:
    """R_head (B, 3, 3); where no shape is predicted, that of the mean face laid onto the map."""
    rotation = maps.rotation
    if rotation is None:
        found = mapper.template.landmarks_of(maps.geometry.float().cpu())
        rotation = similarity_transform(mapper.template.mean_landmarks.expand_as(found), found).rotation
    return head_of(rotation.float().cpu())


def head_of(rotation: torch.Tensor) -> torch.Tensor:
    """R_head of rotations (B, 3, 3) from the face frame to the image."""
    return torch.tensor(FACE_TO_CAMERA) @ rotation
