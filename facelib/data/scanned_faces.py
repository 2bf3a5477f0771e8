"""Photographs of faces that share no vertices with our face model, each with a scan of its own surface.

What can be asked of a prediction there needs no correspondence: how far the surface is, and where 68 landmarks are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import PosedFaces, posed_faces
from facelib.errors import BadInput

COLUMNS = ("scan", "landmarks")


@dataclass(frozen=True)
class ScannedFaces:
    """B photographs with the surfaces that they show.

    Args:
        photographs: with pose and camera; shapes and expressions are coefficients of the faces' own model.
        scan: (B, P, 3) mm, points of each face with its expression, in the face frame.
        landmarks: (B, 68, 3) mm, in the face frame.
    """

    photographs: PosedFaces
    scan: torch.Tensor
    landmarks: torch.Tensor

    def __len__(self) -> int:
        return len(self.photographs)

    @property
    def posed_landmarks(self) -> torch.Tensor:
        """The landmarks in the image (B, 68, 3): pixels, z forward."""
        return self.photographs.pose.apply(self.landmarks)


def scanned_faces(archive: FaceArchive, rows: np.ndarray) -> ScannedFaces:
    """These photographs of a data set.

    The data set's arrays, besides those that `posed_faces` names: scan (N, P, 3) and landmarks (N, 68, 3) float32, mm
    in the face frame.

    Args:
        archive: the data set.
        rows: which photographs.

    Raises:
        BadInput: without rows, or of a data set whose faces are not posed or have no scan.
    """
    missing = [name for name in COLUMNS if name not in archive.arrays]
    if missing:
        raise BadInput(f"data set {archive.name} has no {', '.join(missing)}: its faces were not scanned")
    scan, landmarks = (torch.from_numpy(np.array(archive.arrays[name][rows])) for name in COLUMNS)
    return ScannedFaces(posed_faces(archive, rows), scan, landmarks)
