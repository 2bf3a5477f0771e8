"""Photographs, the true shapes of their faces where these are known, and how shapes are read off them (paper 2).

Reconstructors have learnt from photographs that are cropped about the box of the landmarks, as embedded web photographs
are. Those of VGGFace2 are cropped about a detector's box, which is larger; by their five points they are cropped anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import generator_of
from facelib.data.embedded.web_faces import WebFacesSettings, shapes_of
from facelib.data.licensed.crops import box_around_turned_five
from facelib.data.reconstructed_faces import Reconstruct
from facelib.data.resampling import resampled_square
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.models.expnet import ShapeCoefficients

Read = Callable[[torch.Tensor, ShapeCoefficients, torch.Generator], ShapeCoefficients]  # images, truth, randomness
DRAWS_SEED = 41
AT_ONCE = 32  # photographs
CROP = WebFacesSettings().scene.crop  # side of photographs over that of the landmarks' box
SIDES = (0.25, 2.0)  # of a face's crop over a photograph's, beyond which five points are those of no face


@dataclass(frozen=True)
class KnownPhotographs:
    """A data set of web photographs with the true shapes of their faces.

    Args:
        archive: N photographs, perhaps with five_points (N, 5, 2) in pixels.
        true: their coefficients, (N, K) and (N, E) standard deviations; NaN where nobody knows them.
    """

    archive: FaceArchive
    true: ShapeCoefficients

    @classmethod
    def of(cls, archive: FaceArchive, settings: WebFacesSettings) -> KnownPhotographs:
        """Those of a data set that was made with these settings, or of real photographs, of unknown shapes."""
        model = load_face_model("coarse")
        if archive.name != settings.archive:
            sizes = len(model.identity_basis), len(model.expression_basis)
            # Without memory of its own: there are millions of photographs.
            return cls(archive, ShapeCoefficients(*(torch.tensor(torch.nan).expand(len(archive), k) for k in sizes)))
        identity, action = shapes_of(settings, model)
        return cls(archive, ShapeCoefficients(identity, action / EXPRESSION_SPREAD))

    def read_by(self, read: Read) -> Reconstruct:
        """What reconstructs photographs by their rows; what is random depends on the first row alone."""

        @torch.no_grad()
        def reconstruct(rows: np.ndarray) -> ShapeCoefficients:
            images = faces_of(self.archive, rows)
            true = ShapeCoefficients(*(values[rows] for values in self.true))
            return read(images, true, generator_of(DRAWS_SEED, int(rows[0])))

        return reconstruct

    def all_read_by(self, read: Read) -> ShapeCoefficients:
        """What is read off all photographs, some at a time."""
        portions = np.array_split(np.arange(len(self.archive)), -(-len(self.archive) // AT_ONCE))
        found = [self.read_by(read)(rows) for rows in portions]
        return ShapeCoefficients(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def photographs_of(archive: FaceArchive, rows: np.ndarray) -> torch.Tensor:
    """Photographs (B, 3, S, S) of a data set, RGB in [0, 1]."""
    return torch.from_numpy(np.array(archive.arrays["images"][rows])).float() / 255


def faces_of(archive: FaceArchive, rows: np.ndarray) -> torch.Tensor:
    """`photographs_of`, cropped as embedded web photographs are: by their five points where they have some."""
    images = photographs_of(archive, rows)
    if "five_points" not in archive.arrays:
        return images
    points = np.array(archive.arrays["five_points"][rows], np.float64)
    return torch.stack([_about_face(image, five) for image, five in zip(images, points, strict=True)])


def _about_face(image: torch.Tensor, five: np.ndarray) -> torch.Tensor:
    """An image (3, S, S) cropped about a face by five points (5, 2), or as it is where they are those of no face."""
    size = image.shape[-1]
    try:
        box = box_around_turned_five(five)
    except BadInput:
        return image
    side = CROP * max(box.right - box.left, box.bottom - box.top)
    left, top = (box.left + box.right - side) / 2, (box.top + box.bottom - side) / 2
    middle = np.array((left, top)) + side / 2
    if not SIDES[0] * size < side < SIDES[1] * size or (middle < 0).any() or (middle > size).any():
        return image
    return resampled_square(image, left, top, side, size, as_border=True)
