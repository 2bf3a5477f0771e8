"""Faces reconstructed from the photographs of a data set, as images of their surface, kept in the cache (paper 2).

Whatever reconstructs them gives coefficients of the face model. The head is seen frontally on the grid that scans end
on, with the expression that was reconstructed, as the paper keeps it. Of millions of web photographs some show no face
that anything can be read off: such a one stays in its place as holes only, which its person's others outnumber.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from facelib.conventions import NOSE_TIP
from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import OnImages, open_generated
from facelib.data.scan_preparation import prepare_faces
from facelib.data.surface_images import RECONSTRUCTED, as_stored
from facelib.data.surface_settings import PreparationSettings
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.baking import load_face_model
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.models.expnet import ShapeCoefficients

Reconstruct = Callable[[np.ndarray], ShapeCoefficients]  # of these photographs, by their rows
AT_ONCE = 64  # photographs of a person, of whom web collections have up to a thousand
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReconstructedFacesSettings:
    """A data set of photographs, reconstructed.

    Args:
        photographs: fingerprint of the data set.
        reconstructor: what reconstructs them, weights included, as a digest.
        preparation: the grid.
        count: how many they are.
    """

    archive: ClassVar[str] = RECONSTRUCTED
    version: ClassVar[int] = 2  # raise it when the making changes: older data are then passed over

    photographs: str
    reconstructor: str
    preparation: PreparationSettings
    count: int

    @property
    def image_count(self) -> int:
        """Faces in the data set."""
        return self.count


def open_reconstructed_faces(
    photographs: FaceArchive,
    reconstruct: Reconstruct,
    reconstructor: str,
    preparation: PreparationSettings,
    on_images: OnImages = lambda count: None,
) -> FaceArchive:
    """The faces on all photographs of a data set from the cache, reconstructed where they are missing.

    Arrays, in the order of the photographs: normals and relief (`surface_images`), and identity (N,).

    Args:
        photographs: many of each person.
        reconstruct: gives what it reads off some of them.
        reconstructor: a digest of it.
        preparation: the grid.
        on_images: told the number of photographs after each person.

    Raises:
        DegenerateInput: when of somebody no photograph can be reconstructed: then the reconstructor is at fault.
    """
    settings = ReconstructedFacesSettings(photographs.fingerprint, reconstructor, preparation, len(photographs))
    people = [np.flatnonzero(photographs.arrays["identity"] == person) for person in photographs.identities]
    model, counts = load_face_model("coarse"), iter(people)

    def make_part(number: int) -> dict[str, np.ndarray]:
        rows = people[number]
        images = _joined([surfaces(some) for some in np.array_split(rows, -(-len(rows) // AT_ONCE))])
        if not images["normals"].any():
            raise DegenerateInput(
                f"nothing can be read off the {len(rows)} photographs of person {number} of {photographs.name}: "
                "expected faces; look at them, or train the reconstructor again"
            )
        return images | {"identity": np.array(photographs.arrays["identity"][rows])}

    def surfaces(rows: np.ndarray) -> dict[str, np.ndarray]:
        """Of all together, and one by one only where one of them fails."""
        try:
            faces = vertices_of(model, reconstruct(rows))
            return as_stored(*prepare_faces(faces, model.triangles, int(model.landmarks[NOSE_TIP]), preparation))
        except BadInput as error:
            if len(rows) == 1:
                logger.info("nothing can be read off photograph %d of %s: %s", rows[0], photographs.name, error)
                return _holes(preparation.size)
        return _joined([surfaces(row) for row in rows[:, None]])

    return open_generated(settings, len(people), make_part, lambda: on_images(len(next(counts))))


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _holes(size: int) -> dict[str, np.ndarray]:
    return as_stored(torch.full((1, 3, size, size), torch.nan), torch.zeros(1, 3, size, size))


def vertices_of(model: MorphableModel, shape: ShapeCoefficients) -> torch.Tensor:
    """The faces (B, V, 3) mm of coefficients in standard deviations; actions have strengths of 0 to 1."""
    return model.vertices(shape.identity, (EXPRESSION_SPREAD * shape.expression).clamp(0, 1))
