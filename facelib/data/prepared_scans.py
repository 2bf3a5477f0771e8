"""Scans as networks take them, prepared once and kept in the cache (paper 2, sections 2.3 and 2.4).

Embedded and real scans go the same way (`facelib.data.scan_preparation`). A scan that cannot be prepared stays in its
place, marked as failed: leaving it out would make every method better. Where no scan of a data set can be, its axes or
its unit are others than were thought, and that is an error.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.face_scans import scan_positions
from facelib.data.embedded.generation import OnImages, open_generated
from facelib.data.frontal_alignment import FrontalPose
from facelib.data.scan_preparation import prepare_scan
from facelib.data.scan_template import ScanTemplate, scan_template
from facelib.data.surface_images import as_stored
from facelib.data.surface_settings import PreparationSettings
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.geometry.rotations import euler_to_matrix, geodesic_distance

TOLD = ("identity", "expression", "level", "frame", "is_gallery")  # of a scan, by its data set
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedScansSettings:
    """A data set of scans, prepared.

    Args:
        scans: fingerprint of the data set.
        preparation: of its scans.
        count: how many they are.
    """

    archive: ClassVar[str] = "prepared_scans"
    version: ClassVar[int] = 1  # raise it when the preparation changes: older data are then passed over

    scans: str
    preparation: PreparationSettings
    count: int

    @property
    def image_count(self) -> int:
        """Scans in the data set."""
        return self.count


def open_prepared_scans(
    scans: FaceArchive, preparation: PreparationSettings, on_images: OnImages = lambda count: None
) -> FaceArchive:
    """The prepared scans of a data set from the cache, prepared where they are missing.

    Arrays, in the order of the scans: normals and relief (`surface_images`); identity, expression, level, frame and
    is_gallery (N,) as the scans have them; failed (N,) bool, whose images are holes only; nose_error (N,) mm and
    pose_error (N,) radians from the truth, NaN where it failed or no truth is known.

    Args:
        scans: of `facelib.data.embedded.face_scans`.
        preparation: how they are prepared.
        on_images: told the number of scans after each person.

    Raises:
        BadInput: for a data set without scans, or of which none can be prepared.
    """
    settings = PreparedScansSettings(scans.fingerprint, preparation, len(scans))
    people = [np.flatnonzero(scans.arrays["identity"] == person) for person in scans.identities]
    template = scan_template(load_face_model("coarse"))
    counts = iter(people)

    def make_part(number: int) -> dict[str, np.ndarray]:
        return _prepared(scans, people[number], preparation, template)

    prepared = open_generated(settings, len(people), make_part, lambda: on_images(len(next(counts))))
    if prepared.arrays["failed"].all():
        raise BadInput(
            f"none of the {len(prepared)} scans of {scans.name} can be prepared: expected faces that look to the "
            "viewer, y up, in mm; of licensed data `facelib data describe` shows some"
        )
    return prepared


def _prepared(
    scans: FaceArchive, rows: np.ndarray, preparation: PreparationSettings, template: ScanTemplate
) -> dict[str, np.ndarray]:
    """The arrays of some scans."""
    size = preparation.size
    positions = torch.full((len(rows), 3, size, size), torch.nan)
    normals = torch.zeros(len(rows), 3, size, size)
    errors, failed = np.full((len(rows), 2), np.nan), np.ones(len(rows), bool)
    for place, row in enumerate(rows):
        try:
            found = prepare_scan(scan_positions(scans, [row])[0], preparation, template)
        except BadInput as error:  # not of degenerate scans alone: a real one may be cut to a piece, or be no grid
            logger.info("scan %d of %s cannot be prepared: %s", row, scans.name, error)
            continue
        positions[place], normals[place], failed[place] = found.positions, found.normals, False
        errors[place] = _errors(found.pose, scans, row)
    return as_stored(positions, normals) | {
        **{name: np.array(scans.arrays[name][rows]) for name in TOLD},
        "failed": failed,
        "nose_error": errors[:, 0],
        "pose_error": errors[:, 1],
    }


def _errors(pose: FrontalPose, scans: FaceArchive, row: int) -> tuple[float, float]:
    """How far the tip of the nose, mm, and the turn to the front, radians, are from the truth; NaN where it is not."""
    tip = torch.from_numpy(np.array(scans.arrays["nose_tip"][row])).double()
    turn = euler_to_matrix(*torch.from_numpy(np.array(scans.arrays["pose"][row])).double())
    return float((pose.nose_tip - tip).norm()), float(geodesic_distance(pose.to_face.rotation, turn.mT))
