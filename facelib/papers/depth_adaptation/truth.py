"""The true faces of shapes: heads of a face model's coefficients, or meshes of a topology of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import labelled_depth
from facelib.faces.skin_surface import SkinSurface

# Of the 68: corners of the eyes, tip and wings of the nose, corners of the mouth. Figure 4 shows nine, and names none.
NINE_LANDMARKS = (36, 39, 42, 45, 30, 31, 35, 48, 54)


@dataclass(frozen=True)
class TrueFace:
    """A face that heads are compared with.

    Args:
        points: (F, 3) mm, of the region of figure 4.
        landmarks: (9, 3) mm.
        triangles: (T, 3) between the points.
        corresponds: whether each point is the one of the same number in the face of the surface that is read.
    """

    points: torch.Tensor
    landmarks: torch.Tensor
    triangles: torch.Tensor
    corresponds: bool


def face_of(head: torch.Tensor, surface: SkinSurface) -> TrueFace:
    """The face of a head (V, 3) mm of a surface."""
    nine = head[surface.landmarks[list(NINE_LANDMARKS)]]
    return TrueFace(head[surface.face], nine, surface.face_triangles, True)


def true_faces(archive: FaceArchive, rows: np.ndarray, surface: SkinSurface) -> list[TrueFace]:
    """The faces in frames (N,) of a data set.

    Args:
        archive: with meshes (`facelib.data.licensed.facewarehouse_depth`), or else coefficients of the surface.
        rows: of it.
        surface: of the heads that are read.
    """
    if "heads" not in archive.arrays:
        labelled = labelled_depth(archive, rows)
        heads = surface.heads(surface.displacements(labelled.shape, labelled.action))
        return [face_of(head, surface) for head in heads]
    vertices, triangles = np.unique(archive.arrays["face_triangles"], return_inverse=True)
    between = torch.from_numpy(triangles.reshape(-1, 3))
    nine = archive.arrays["head_landmarks"][list(NINE_LANDMARKS)]
    heads = torch.from_numpy(np.array(archive.arrays["heads"][rows]))
    return [TrueFace(head[vertices], head[nine], between, False) for head in heads]
