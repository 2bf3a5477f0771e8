"""Tables II and IV once more, on people whom our face model did not make: heads of the imported ICT-FaceKit.

A network that has learnt our face model does well on more people of it. These are statistics of real scans in another
topology, so surfaces are compared as with Florence, and landmarks as on AFLW2000-3D.

Landmarks are defined otherwise there: those of the two mean heads lie 5 mm apart (on the jaw 8, around eyes, nose and
mouth 4), about 4 percent of the box, below which hardly any method of ours can come. Scans know no such limit: our face
model fitted to them comes within 0.8 mm, where the mean face is 2.2 mm off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from facelib.conventions import OUTER_EYE_CORNERS
from facelib.data.archive import FaceArchive
from facelib.data.embedded.ict_faces import IctFacesSettings, imported_heads, open_ict_faces
from facelib.data.scanned_faces import ScannedFaces, scanned_faces
from facelib.errors import DegenerateInput
from facelib.metrics.landmark_error import nme
from facelib.models.sadrnet import FaceMaps
from facelib.papers.failures import FAILED, all_judged, failed_metric
from facelib.papers.paper import Metrics, Scores
from facelib.papers.sadrnet.building import drawing_of, face_mapper
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.methods import Reconstructor
from facelib.papers.sadrnet.networks import MeanFace
from facelib.papers.sadrnet.protocol import scan_error
from facelib.papers.sadrnet.settings import ReconstructionSettings

UNITS = {"ict_sparse_2d": "fraction", "ict_sparse_3d": "fraction", "ict_scan": "fraction", "ict_scan_mm": "mm"}

Predictor = Callable[[ScannedFaces], FaceMaps]


def data_set(settings: ReconstructionSettings) -> IctFacesSettings:
    """The photographs that runs of a tier are judged by.

    Raises:
        MissingPart: when ICT-FaceKit was not imported.
    """
    sizes = IctFacesSettings(heads=imported_heads(), identities=settings.evaluation.ict)
    return replace(sizes, scene=replace(sizes.scene, image_size=settings.network.image_size))


def open_archive(sizes: IctFacesSettings, on_images: Callable[[int], None]) -> FaceArchive:
    """The photographs from the cache, generated where they are missing."""
    return open_ict_faces(sizes, on_images)


def evaluate(
    method: Reconstructor, settings: ReconstructionSettings, network: nn.Module, archive: FaceArchive
) -> tuple[Metrics, Scores]:
    """The metrics, and the errors of every photograph, of a method's trained network."""
    mapper = face_mapper(settings)
    scores = evaluate_ict(_predictor_of(method, network, settings), mapper, archive)
    return metrics_of(scores), scores


def mean_face_in_box(mapper: FaceMapper) -> Predictor:
    """The baseline, which is told the true landmarks, and stands in for predictions that cannot be judged."""
    mean_face = MeanFace(mapper.template)
    return lambda faces: mean_face(faces.posed_landmarks)


def _predictor_of(method: Reconstructor, network: nn.Module, settings: ReconstructionSettings) -> Predictor:
    if method.kind == "baseline":
        return mean_face_in_box(face_mapper(settings))
    draws, device = drawing_of(method, network, settings), next(network.parameters()).device
    return lambda faces: draws(faces.photographs.images.to(device))


@torch.no_grad()
def evaluate_ict(predict: Predictor, mapper: FaceMapper, archive: FaceArchive) -> Scores:
    """Errors of each photograph of ICT people.

    Args:
        predict: photographs, and for a baseline their truth -> maps.
        mapper: of the maps.
        archive: the N photographs, as `facelib.data.scanned_faces` describes them.

    Returns:
        ict_rows, ict_identity, ict_occluder (N,) and ict_yaw (N,) radians; ict_sparse_2d and ict_sparse_3d (N,)
        fractions of the landmarks' box; ict_scan (N,), distance from the scan to the predicted face, a fraction of the
        true outer interocular distance, and ict_scan_mm (N,); ict_failed (N,) bool.
    """

    def errors_of(chosen: Predictor, some: np.ndarray) -> Scores:
        faces = scanned_faces(archive, some)
        return photograph_errors(chosen(faces).geometry.float().cpu(), faces, mapper)

    stand_in, rows = mean_face_in_box(mapper), np.arange(len(archive))
    errors = all_judged(errors_of, predict, stand_in, rows)
    known = {name: np.asarray(archive.arrays[name]) for name in ("identity", "occluder")}
    known |= {"rows": rows, "yaw": np.asarray(archive.arrays["pose"][:, 0]), FAILED: errors.pop(FAILED)}
    return errors | {f"ict_{name}": values for name, values in known.items()}


def photograph_errors(geometry: torch.Tensor, faces: ScannedFaces, mapper: FaceMapper) -> Scores:
    """The errors (B,) of predicted position maps (B, 3, S, S) in pixels, as `evaluate_ict` names them.

    Raises:
        DegenerateInput: when a map is not finite, or a face has collapsed.
    """
    points = mapper.points_of(geometry)
    if not points.isfinite().all():
        raise DegenerateInput("the predicted position map is not finite: look at the weights")
    found, true = mapper.template.landmarks_of(geometry).numpy(), faces.posed_landmarks.numpy()
    pairs = zip(points, faces.landmarks, faces.scan, strict=True)
    distance = np.array([scan_error(shape, known, scan, mapper, scale=True) for shape, known, scan in pairs])
    right, left = faces.landmarks[:, list(OUTER_EYE_CORNERS)].unbind(dim=1)
    return {
        "ict_sparse_2d": nme(found[..., :2], true[..., :2], normaliser="box", points="all"),
        "ict_sparse_3d": nme(found, true, normaliser="box", points="all", subtract_mean_depth=True),
        "ict_scan": distance / (right - left).norm(dim=1).numpy(),
        "ict_scan_mm": distance,
    }


def metrics_of(scores: Scores) -> Metrics:
    """The means over photographs of `evaluate_ict`'s errors, and how many predictions could not be judged."""
    means: Metrics = {name: {"value": float(scores[name].mean()), "unit": unit} for name, unit in UNITS.items()}
    return means | failed_metric(scores)
