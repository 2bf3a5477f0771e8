"""Calibrated cameras whose lenses distort, as OpenCV describes them, and photographs straightened around a face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.photographs import FaceBox, Photograph


@dataclass(frozen=True)
class View:
    """One camera.

    Args:
        intrinsics: (3, 3) pixels.
        rotation: (3, 3), and shift (3,), from the person's scanned frame to the camera's.
        distortion: k1, k2, p1, p2, k3.
        size: width and height, pixels.
        valid: whether it was calibrated.
    """

    intrinsics: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray
    distortion: np.ndarray
    size: tuple[int, int]
    valid: bool

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the scanned frame in the straightened photograph, pixels (N, 2)."""
        u, v, w = self.intrinsics @ (self.rotation @ points.T + self.shift[:, None])
        return np.column_stack((u, v)) / w[:, None] + 0.5  # from a pixel's number to its centre

    def distorted(self, places: torch.Tensor) -> torch.Tensor:
        """Where places (..., 2) of the straightened photograph lie in the file (OpenCV's model of a lens)."""
        focal, center = (torch.from_numpy(self.intrinsics[[0, 1], columns]).float() for columns in ([0, 1], [2, 2]))
        x, y = ((places - 0.5 - center) / focal).unbind(-1)
        k1, k2, p1, p2, k3 = self.distortion.tolist()
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        bent = (
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        )
        return torch.stack(bent, dim=-1) * focal + center + 0.5


def straightened(photograph: Photograph, view: View, box: FaceBox) -> tuple[Photograph, np.ndarray]:
    """The square around a face without the lens's distortion, at the photograph's resolution, and its corner.

    Args:
        photograph: as the camera took it.
        view: the camera.
        box: of the face in the straightened photograph, pixels.
    """
    left, top, right, bottom = box.corners
    side = max(right - left, bottom - top) * CROP
    count = min(max(round(side / photograph.reduction), 1), 2 * max(photograph.pixels.shape))
    corner = np.array((left + right - side, top + bottom - side)) / 2
    steps = (torch.arange(count) + 0.5) * (side / count)
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    places = view.distorted(torch.stack((columns, rows), dim=-1) + torch.from_numpy(corner).float())
    grid = 2 * places / torch.tensor([photograph.width, photograph.height]) - 1
    pixels = functional.grid_sample(photograph.pixels[None], grid[None], align_corners=False)[0]
    return Photograph(pixels, side / count), corner
