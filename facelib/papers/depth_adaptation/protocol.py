"""The evaluation of paper 4: shapes by eq. 8 and point to plane, poses by their angles.

Shapes: heads are laid onto the true ones by nine landmarks, without a change of size, and compared in the region of
figure 4. Eq. 8 and its epsilon, 0.5, have no unit in print. Ours are in cm^2 with an epsilon of 0.5 cm^2: pairs count
up to 7 mm. Printed errors would be half a millimetre then, and in dm^2 5 to 8 mm: they do not compare with ours.
"""

from __future__ import annotations

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import labelled_depth
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.skin_surface import SkinSurface
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.procrustes import nearest_rotation
from facelib.geometry.rotations import geodesic_distance, matrix_to_euler, quaternion_to_matrix
from facelib.metrics.pose_error import euler_errors
from facelib.metrics.surface_error import mesh_fitting_error, point_to_plane
from facelib.papers.depth_adaptation.metrics import HEADS, METRICS, SETS, SPREAD
from facelib.papers.depth_adaptation.readers import PoseReader, ShapeReader, frontal, mean_heads
from facelib.papers.depth_adaptation.truth import NINE_LANDMARKS, TrueFace, face_of, true_faces
from facelib.papers.failures import FAILED, all_judged
from facelib.papers.paper import Metrics, Scores

SQUARED_CM = 100.0  # mm^2
FLYING = 0.5  # cm^2, epsilon of eq. 8
SAMPLES, SAMPLES_SEED = 30, 30  # of section 2.1, drawn among those whose unlabelled frames were learnt from
OF_SHAPES = ("fitting", "flying", "plane", "vertices", "roughness", "true_roughness")


def evaluate_shapes(reader: ShapeReader, archive: FaceArchive, tested: np.ndarray, surface: SkinSurface) -> Scores:
    """Errors of each frame of FaceWarehouse or of its counterpart.

    Args:
        reader: a method's.
        archive: N frames.
        tested: (N,) bool, of people of whom nothing was learnt.
        surface: of the heads that are read.

    Returns:
        fitting (N,) cm^2, flying, a share, plane and roughness, mm; where true vertices correspond to those of the
        surface, vertices and true_roughness, that of the true face, mm; shape_identity, shape_tested, shape_neutral and
        shape_failed (N,).
    """

    def errors_of(read: ShapeReader, rows: np.ndarray) -> Scores:
        found, true = read(labelled_depth(archive, rows).frames), true_faces(archive, rows, surface)
        if not found.isfinite().all():
            raise DegenerateInput("the head that was read is not finite: look at the weights")
        errors = [face_errors(*pair, surface) for pair in zip(found, true, strict=True)]
        return {name: np.array([each[name] for each in errors]) for name in errors[0]}

    errors = all_judged(errors_of, reader, mean_heads(surface), np.arange(len(archive)))
    known = {"identity": np.asarray(archive.arrays["identity"]), "tested": tested, FAILED: errors.pop(FAILED)}
    known["neutral"] = np.asarray(archive.arrays["expression"]) == 0
    return errors | {f"shape_{name}": values for name, values in known.items()}


def head_errors(found: torch.Tensor, true: torch.Tensor, surface: SkinSurface) -> dict[str, float]:
    """The errors of one head (V, 3) mm beside another of the same surface, as `evaluate_shapes` names them.

    Raises:
        DegenerateInput: when the heads have nothing in common.
    """
    return face_errors(found, face_of(true, surface), surface)


def face_errors(found: torch.Tensor, true: TrueFace, surface: SkinSurface) -> dict[str, float]:
    """The errors of one head (V, 3) mm, as `evaluate_shapes` names them.

    Raises:
        DegenerateInput: when the head and the face have nothing in common.
    """
    nine = surface.landmarks[list(NINE_LANDMARKS)]
    place = similarity_transform(found[nine][None], true.landmarks[None], scale=False)
    laid = place.apply(found[None])[0, surface.face]
    try:
        fitting = mesh_fitting_error(laid, true.points, flying_distance=(FLYING * SQUARED_CM) ** 0.5)
    except BadInput as error:
        raise DegenerateInput(str(error)) from error
    errors = {
        "fitting": fitting.error / SQUARED_CM,
        "flying": fitting.dropped,
        "plane": point_to_plane(laid, true.points, true.triangles, direction="both", statistic="rms"),
        "roughness": roughness((found - surface.mean)[surface.face], surface.face_edges),
    }
    if true.corresponds:
        errors["vertices"] = float((laid - true.points).norm(dim=1).mean())
        errors["true_roughness"] = roughness(true.points - surface.mean[surface.face], surface.face_edges)
    return errors


def roughness(displacements: torch.Tensor, edges: torch.Tensor) -> float:
    """Root mean square in mm of what displacements (F, 3) differ from the mean of their neighbours' by, given edges."""
    first, second = edges.unbind(1)
    sums = torch.zeros_like(displacements).index_add_(0, first, displacements[second])
    counts = torch.zeros(len(displacements)).index_add_(0, first, torch.ones(len(edges)))
    return float((displacements - sums / counts[:, None]).square().sum(dim=1).mean().sqrt())


def evaluate_poses(
    reader: PoseReader, archive: FaceArchive, rows: np.ndarray, name: str, reach: float, step: int = 1
) -> Scores:
    """Where heads are in frames of a data set, beside the truth.

    Args:
        reader: a method's.
        archive: frames.
        rows: (M,) that are read, in the order of their sequences; N of them count.
        name: of the set.
        reach: mm of a crop.
        step: of the frames that are read; each sequence has a multiple of it.

    Returns:
        found and true (N, 3, 3), R_head; position (N,) mm off; identity, sequence and failed (N,); all after the name.
    """
    labelled = labelled_depth(archive, rows)
    found, true = reader(labelled), labelled.translation - labelled.frames.middles(reach)
    right = torch.cat(found, dim=1).isfinite().all(dim=1)
    found = type(found)(*(a.where(right[:, None], b) for a, b in zip(found, frontal(len(rows)), strict=True)))
    scores = {
        "found": quaternion_to_matrix(found.quaternion).numpy(),
        "true": labelled.rotation.numpy(),
        "position": (found.translation - true).norm(dim=1).numpy(),
        "identity": labelled.identity.numpy(),
        "sequence": labelled.sequence.numpy(),
        FAILED: ~right.numpy(),
    }
    return {f"{name}_{key}": values[::step] for key, values in scores.items()}


def pose_errors(found: np.ndarray, true: np.ndarray, sequence: np.ndarray) -> dict[str, np.ndarray]:
    """Errors of turns (N, 3, 3), each (N,) degrees: of the angles, their mean, and the whole turn.

    "first": the mean where each sequence's turns are told from its first frame on, as rows of table 4 were scored.
    "fitted": where one turn of the head's own frame is taken out of all, whose axes data sets choose for themselves.
    """
    guess, truth = torch.from_numpy(found).double(), torch.from_numpy(true).double()
    start = np.array([np.flatnonzero(sequence == each)[0] for each in sequence])
    between = nearest_rotation((guess.mT @ truth).sum(dim=0)[None])[0]
    yaw, pitch, roll = _angle_errors(guess, truth).T
    return {
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "mae": (yaw + pitch + roll) / 3,
        "geodesic": np.rad2deg(geodesic_distance(guess, truth).numpy()),
        "first": _angle_errors(guess[start].mT @ guess, truth[start].mT @ truth).mean(axis=1),
        "fitted": _angle_errors(guess @ between, truth).mean(axis=1),
    }


def _angle_errors(found: torch.Tensor, true: torch.Tensor) -> np.ndarray:
    """(N, 3) degrees, yaw, pitch and roll."""
    return euler_errors(*(torch.stack(matrix_to_euler(each), dim=1) for each in (found, true)))


def values_of(scores: Scores) -> dict[str, dict[str, np.ndarray]]:
    """Of each set of frames, and of each metric that is a mean over them, the values: NaN where one does not count."""
    values: dict[str, dict[str, np.ndarray]] = {}
    if "fitting" in scores:
        tested = scores["shape_tested"]
        parts = {"learnt": ~tested, "neutral": tested & scores["shape_neutral"]}
        of_parts = {
            f"{name}/{part}": np.where(rows, scores[name], np.nan)
            for part, rows in parts.items()
            for name in ("fitting", "plane")
        }
        drawn = np.random.default_rng(SAMPLES_SEED).permutation(np.flatnonzero(~tested))[:SAMPLES]
        some = {"fitting_30": np.where(np.isin(np.arange(len(tested)), drawn), scores["fitting"], np.nan)}
        values["shape"] = {name: np.where(tested, scores[name], np.nan) for name in OF_SHAPES if name in scores}
        values["shape"] |= of_parts | some
    for name in (*SETS, *HEADS):
        if f"{name}_found" in scores:
            errors = pose_errors(*(scores[f"{name}_{key}"] for key in ("found", "true", "sequence")))
            if name in HEADS:
                values[name] = {f"{name}_{key}": errors[key] for key in ("mae", "geodesic", "fitted")}
                continue
            errors["position"] = scores[f"{name}_position"]
            values[name] = {f"{name}/{key}": each for key, each in errors.items()}
        elif f"{name}_plane" in scores:
            values[name] = {f"{name}_plane": scores[f"{name}_plane"]}
    return values


def metrics_of(scores: Scores) -> Metrics:
    """Means over frames; and of eq. 8 over 30 samples, as in print, how much it varies."""
    found = {name: each for values in values_of(scores).values() for name, each in values.items()}
    metrics: Metrics = {
        name: {"value": float(np.nanmean(each)), "unit": METRICS[name].unit} for name, each in found.items()
    }
    if "fitting_30" in found:
        metrics[f"fitting_30{SPREAD}"] = {"value": float(np.nanstd(found["fitting_30"])), "unit": "cm2"}
    return metrics
