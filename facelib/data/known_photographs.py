"""Photographs whose true shapes are known, and how shapes are read off them (paper 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import generator_of
from facelib.data.embedded.web_faces import WebFacesSettings, shapes_of
from facelib.data.reconstructed_faces import Reconstruct
from facelib.faces.baking import load_face_model
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.models.expnet import ShapeCoefficients

Read = Callable[[torch.Tensor, ShapeCoefficients, torch.Generator], ShapeCoefficients]  # images, truth, randomness
DRAWS_SEED = 41
AT_ONCE = 32  # photographs


@dataclass(frozen=True)
class KnownPhotographs:
    """A data set of web photographs with the true shapes of their faces.

    Args:
        archive: N photographs.
        true: their coefficients, (N, K) and (N, E) standard deviations.
    """

    archive: FaceArchive
    true: ShapeCoefficients

    @classmethod
    def of(cls, archive: FaceArchive, settings: WebFacesSettings) -> KnownPhotographs:
        """Those of a data set that was made with these settings."""
        identity, action = shapes_of(settings, load_face_model("coarse"))
        return cls(archive, ShapeCoefficients(identity, action / EXPRESSION_SPREAD))

    def read_by(self, read: Read) -> Reconstruct:
        """What reconstructs photographs by their rows; what is random depends on the first row alone."""

        @torch.no_grad()
        def reconstruct(rows: np.ndarray) -> ShapeCoefficients:
            images = photographs_of(self.archive, rows)
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
