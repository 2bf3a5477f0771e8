"""Photographs of faces whose shape, pose and camera are known (paper 3): the counterparts of 300W-LP and AFLW2000-3D.

The camera is weak perspective, so shape and image are joined by one similarity: from the face frame (mm) to the image
(pixels, z forward).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.archive import FaceArchive
from facelib.errors import BadInput
from facelib.geometry.alignment import Similarity
from facelib.geometry.rotations import euler_to_matrix

SHAPES = ("shape", "action")
COLUMNS = ("images", "skin", *SHAPES, "pose", "scale", "center")


@dataclass(frozen=True)
class PosedFaces:
    """B photographs with all that is known of their faces.

    Args:
        images: (B, 3, H, W) RGB in [0, 1].
        skin: (B, H, W) float, 1 where a pixel shows the face and nothing before it, else 0.
        shape: (B, K) identity coefficients, standard deviations; (B, 0) where nobody knows them.
        expression: (B, E) strengths of the facial actions, or (B, 0).
        scale: (B,) pixels a mm.
        rotation: (B, 3, 3) from the face frame to the image's.
        translation: (B, 3) pixels, where the face frame's origin is seen.
    """

    images: torch.Tensor
    skin: torch.Tensor
    shape: torch.Tensor
    expression: torch.Tensor
    scale: torch.Tensor
    rotation: torch.Tensor
    translation: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def pose(self) -> Similarity:
        """From the face frame (mm) to the image (pixels)."""
        return Similarity(self.scale, self.rotation, self.translation)

    def part(self, rows: slice) -> PosedFaces:
        """Some of the photographs."""
        return PosedFaces(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def posed_faces(archive: FaceArchive, rows: np.ndarray, *, shapes: bool = True) -> PosedFaces:
    """These photographs of a data set.

    The data set's arrays, besides those of every data set: skin (N, H, W) uint8, 0 or 1; shape (N, K) and action (N, E)
    float32, coefficients and strengths; scale (N,) float32, pixels a mm; center (N, 2) float32, column and row in
    pixels; occluder (N,) int16, 0 where nothing is worn.

    Args:
        archive: the data set.
        rows: which photographs.
        shapes: whether the faces' shapes are needed, which of some data sets nobody knows.

    Raises:
        BadInput: without rows, or of a data set whose faces are not posed.
    """
    needed = COLUMNS if shapes else tuple(name for name in COLUMNS if name not in SHAPES)
    if len(rows) == 0:
        raise BadInput(f"an empty batch was asked of data set {archive.name}: expected at least one row")
    missing = [name for name in needed if name not in archive.arrays]
    if missing:
        raise BadInput(f"data set {archive.name} has no {', '.join(missing)}: its faces have no known shape and pose")
    unknown = {name: np.zeros((len(rows), 0), np.float32) for name in COLUMNS if name not in needed}
    return faces_of(unknown | {name: np.array(archive.arrays[name][rows]) for name in needed})


def faces_of(arrays: Mapping[str, np.ndarray]) -> PosedFaces:
    """The photographs whose arrays, as `posed_faces` names them, are given."""
    column = {name: torch.from_numpy(arrays[name]) for name in COLUMNS}
    center = column["center"].float()
    return PosedFaces(
        images=column["images"].float().div_(255),
        skin=column["skin"].float(),
        shape=column["shape"].float(),
        expression=column["action"].float(),
        scale=column["scale"].float(),
        rotation=torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*column["pose"].float().unbind(1)),
        translation=torch.cat((center, torch.zeros(len(center), 1)), dim=1),
    )
