"""The evaluation of paper 5 (section 5.4): reconstructed faces against scans, and landmarks.

Each photograph is given with landmarks as a detector finds them, never with true ones. On Florence, whose scans are
neutral, a face without its expression is judged; on FaceWarehouse and in the ablation's cases, whose scans are of the
moment, the face as it looks. Where a face cannot be judged, the mean face counts in its place.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded import detected_faces
from facelib.data.embedded.generation import generator_of
from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.errors import DegenerateInput
from facelib.metrics.landmark_error import nme
from facelib.metrics.scan_protocols import ScanProtocol, scan_error, scan_protocol
from facelib.papers.failures import FAILED, all_judged
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.metrics import CASES, CONDITIONS, PROTOCOLS, SPREAD
from facelib.papers.msma.photographs import detected_faces_of
from facelib.papers.msma.readers import Reader
from facelib.papers.paper import Metrics, Scores

DETECTOR_SEED = 7  # of the detector's errors on photographs that are evaluated
# Deng et al., CVPRW 2019: between the points of dense meshes after ICP; the paper names the root mean square.
FACEWAREHOUSE = ScanProtocol(radius=95.0)
KNOWN = ("identity", "occluder", "yaw")  # of each photograph


def evaluate_clips(reader: Reader, stand_in: Reader, renderer: FaceRenderer, archive: FaceArchive) -> Scores:
    """Errors of each frame of the Florence counterpart's clips by each protocol, mm.

    Returns:
        The metrics of `PROTOCOLS` (N,), and condition, identity, failed (N,), all after "florence_".
    """
    protocols = {name: scan_protocol(protocol) for name, protocol in PROTOCOLS.items()}
    errors = _against_scans(reader, stand_in, renderer, archive, protocols, neutral=True)
    known = {f"florence_{name}": np.asarray(archive.arrays[name]) for name in ("condition", "identity")}
    return errors | known | {f"florence_{FAILED}": errors.pop(FAILED)}


def evaluate_expressions(
    reader: Reader, stand_in: Reader, renderer: FaceRenderer, archive: FaceArchive, name: str
) -> Scores:
    """Errors of each photograph with a scan of its own, mm.

    Returns:
        Under its name the errors (N,), and identity, case where there are any, and failed (N,), all after the name.
    """
    errors = _against_scans(reader, stand_in, renderer, archive, {name: FACEWAREHOUSE}, neutral=False)
    known = {f"{name}_{key}": np.asarray(archive.arrays[key]) for key in ("identity", "case") if key in archive.arrays}
    return errors | known | {f"{name}_{FAILED}": errors.pop(FAILED)}


def evaluate_landmarks(reader: Reader, stand_in: Reader, archive: FaceArchive) -> Scores:
    """Errors of the landmarks on AFLW2000-3D over the size of their box.

    Returns:
        aflw, aflw_identity, aflw_occluder, aflw_failed (N,).
    """

    def errors_of(read: Reader, rows: np.ndarray) -> Scores:
        faces, true = detected_rows(archive, rows), archive.arrays["landmarks_2d"][rows]
        found = read(faces).landmarks
        if not found.isfinite().all():
            raise DegenerateInput("the landmarks that were read are not finite: look at the weights")
        return {"aflw": nme(found.numpy(), np.asarray(true), normaliser="box", points="all")}

    errors = all_judged(errors_of, reader, stand_in, np.arange(len(archive)))
    known = {f"aflw_{name}": np.asarray(archive.arrays[name]) for name in ("identity", "occluder")}
    return errors | known | {f"aflw_{FAILED}": errors.pop(FAILED)}


def detected_rows(archive: FaceArchive, rows: np.ndarray) -> LandmarkedFaces:
    """Photographs with the landmarks that a detector finds on them; the same ones for the same row.

    On photographs one has found them; on embedded faces, whose landmarks are known, its errors are drawn.
    """
    if "landmarks" in archive.arrays:
        return detected_faces_of(archive, rows)
    columns = ("images", "skin", "landmarks_2d", "pose")
    parts = []
    for row in rows:
        arrays = {name: np.array(archive.arrays[name][[row]]) for name in columns}
        parts.append(detected_faces(arrays, generator_of(DETECTOR_SEED, int(row))))
    stacked = (torch.cat([getattr(part, name) for part in parts]) for name in ("images", "landmarks", "skin"))
    return LandmarkedFaces(*stacked)


def _against_scans(
    reader: Reader,
    stand_in: Reader,
    renderer: FaceRenderer,
    archive: FaceArchive,
    protocols: dict[str, ScanProtocol],
    *,
    neutral: bool,
) -> Scores:
    """Errors (N,) by each protocol, and failed (N,)."""
    arrays = archive.arrays

    def errors_of(read: Reader, rows: np.ndarray) -> Scores:
        shapes = read(detected_rows(archive, rows)).shapes(renderer, neutral=neutral)
        if not shapes.isfinite().all():
            raise DegenerateInput("the shape that was read is not finite: look at the weights")
        scans = [(arrays["scans"][at], arrays["scan_landmarks"][at]) for at in arrays["scan"][rows]]
        error = partial(_scan_error, renderer)
        return {
            name: np.array([error(shape, *scan, protocol) for shape, scan in zip(shapes, scans, strict=True)])
            for name, protocol in protocols.items()
        }

    return all_judged(errors_of, reader, stand_in, np.arange(len(archive)))


def _scan_error(
    renderer: FaceRenderer, shape: torch.Tensor, scan: np.ndarray, landmarks: np.ndarray, protocol: ScanProtocol
) -> float:
    points, marked = (torch.from_numpy(np.array(each)) for each in (scan, landmarks))
    return scan_error(shape, renderer.triangles, shape[renderer.landmarks], points, marked, protocol)


def values_of(scores: Scores) -> dict[str, dict[str, np.ndarray]]:
    """Of each data set, and of each metric that is a mean over its photographs, their errors: NaN where one does not
    count. On Florence a mean over all conditions is that over all frames, of which each condition has as many, but for
    those in which no face was found. A metric for which no photograph counts is left out."""
    values: dict[str, dict[str, np.ndarray]] = {}
    if "florence" in scores:
        condition = scores["florence_condition"]
        values["florence"] = {
            f"{metric}{part}": np.where(chosen, scores[metric], np.nan)
            for metric in PROTOCOLS
            for part, chosen in {
                "": condition >= 0,
                **{f"/{name}": condition == number for number, name in enumerate(CONDITIONS)},
            }.items()
        }
    if "facewarehouse" in scores:
        values["facewarehouse"] = {"facewarehouse": scores["facewarehouse"]}
    if "cases" in scores:
        case = scores["cases_case"]
        each = {f"cases/{name}": np.where(case == number, scores["cases"], np.nan) for number, name in enumerate(CASES)}
        values["cases"] = {"cases": scores["cases"]} | each
    occluder = scores["aflw_occluder"]  # -1 where nobody says
    kinds = {"": np.ones(len(occluder), bool), "/free": occluder == 0, "/occluded": occluder > 0}
    values["aflw"] = {f"aflw{kind}": np.where(chosen, scores["aflw"], np.nan) for kind, chosen in kinds.items()}
    return {
        data_set: {name: each for name, each in some.items() if not np.isnan(each).all()}
        for data_set, some in values.items()
    }


def metrics_of(scores: Scores) -> Metrics:
    """Means over photographs; and on Florence and FaceWarehouse, as in print, how much people differ."""
    metrics: Metrics = {}
    for data_set, values in values_of(scores).items():
        unit = "fraction" if data_set == "aflw" else "mm"
        metrics |= {name: {"value": float(np.nanmean(each)), "unit": unit} for name, each in values.items()}
        people = scores[f"{data_set}_identity"]
        spread = [f"florence/{name}" for name in CONDITIONS] if data_set == "florence" else ["facewarehouse"]
        for name in set(spread) & values.keys():
            metrics[f"{name}{SPREAD}"] = {"value": _spread(values[name], people), "unit": "mm"}
    return metrics


def _spread(errors: np.ndarray, people: np.ndarray) -> float:
    """Standard deviation of the people's mean errors."""
    return float(np.std([np.nanmean(errors[people == person]) for person in np.unique(people)]))
