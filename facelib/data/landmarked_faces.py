"""Photographs of which is known what a detector says: the sample type of weak supervision (paper 5).

It has no place for a shape, a pose or a light: what learns from it has seen no 3D label.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch.nn import functional

from facelib.conventions import LANDMARK_COUNT, LANDMARK_GROUPS
from facelib.errors import DegenerateInput, check_shape


@dataclass(frozen=True)
class LandmarkedFaces:
    """B photographs, cropped by their landmarks.

    Args:
        images: I, (B, 3, S, S) RGB in [0, 1].
        landmarks: p, (B, 68, 2) pixels, as a detector found them: hidden ones guessed, all of them a little off.
        skin: A, (B, S, S) 1 where a pixel shows skin of the face and nothing before it, else 0.
    """

    images: torch.Tensor
    landmarks: torch.Tensor
    skin: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)

    def part(self, rows: slice) -> LandmarkedFaces:
        """Some of the photographs."""
        return LandmarkedFaces(*(getattr(self, each.name)[rows] for each in fields(self)))


def aligned(faces: LandmarkedFaces, standard: torch.Tensor) -> LandmarkedFaces:
    """Photographs moved and scaled, but not turned, so that five points of each face lie best on standard ones.

    Deng et al., CVPRW 2019, whose points these are: middles of the eyes, tip of the nose, corners of the mouth.

    Args:
        faces: the photographs; what lies beyond their borders is as at the border, and no skin.
        standard: (68, 2) pixels, landmarks of the mean face where the camera of training sees it.

    Raises:
        BadInput: on landmarks of another shape.
        DegenerateInput: when all five points of a face lie in one place, or not in the order of a face.
    """
    scale, shift = standard_place(faces.landmarks, standard)
    size = faces.images.shape[-1]
    pixels = torch.arange(size, dtype=torch.float32, device=scale.device) + 0.5
    rows, columns = torch.meshgrid(pixels, pixels, indexing="ij")
    places = scale[:, None, None, None] * torch.stack((columns, rows), dim=-1) + shift[:, None, None]
    grid = 2 * places / size - 1
    images = functional.grid_sample(faces.images, grid, padding_mode="border", align_corners=False)
    skin = functional.grid_sample(faces.skin[:, None], grid, align_corners=False)[:, 0].round()
    return LandmarkedFaces(images, moved_to_standard(faces.landmarks, faces.landmarks, standard), skin)


def moved_to_standard(points: torch.Tensor, landmarks: torch.Tensor, standard: torch.Tensor) -> torch.Tensor:
    """Points (B, N, 2) of photographs with these landmarks, where `aligned` moves them; raises as it does."""
    scale, shift = standard_place(landmarks, standard)
    return (points - shift[:, None]) / scale[:, None, None]


def moved_back(points: torch.Tensor, landmarks: torch.Tensor, standard: torch.Tensor) -> torch.Tensor:
    """The inverse of `moved_to_standard`: points (B, N, 2) of aligned photographs in those that they came from."""
    scale, shift = standard_place(landmarks, standard)
    return scale[:, None, None] * points + shift[:, None]


def standard_place(landmarks: torch.Tensor, standard: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How the standard frame lies in photographs: its place x at scale x + shift, by least squares over five points.

    Args:
        landmarks: (B, 68, 2) pixels.
        standard: (68, 2) pixels.

    Returns:
        scale (B,) and shift (B, 2) in pixels; raises as `aligned`.
    """
    check_shape("landmarks", landmarks, (None, LANDMARK_COUNT, 2))
    check_shape("standard", standard, (LANDMARK_COUNT, 2))
    scale, shift = scale_and_shift(five_points(standard[None]), five_points(landmarks))
    if not (scale > 0).all():
        face = int((~(scale > 0)).nonzero()[0])
        raise DegenerateInput(
            f"landmarks of face {face} have their eyes, nose and mouth in one place or upside down: no crop fits them"
        )
    return scale, shift


def scale_and_shift(points: torch.Tensor, others: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale (B,) and shift (B, 2) that bring points (B or 1, N, 2) nearest to others (B, N, 2), by least squares.

    Points in one place have none that is finite.
    """
    middle, other_middle = points.mean(dim=1), others.mean(dim=1)
    around = points - middle[:, None]
    scale = ((others - other_middle[:, None]) * around).sum(dim=(1, 2)) / around.square().sum(dim=(1, 2))
    return scale, other_middle - scale[:, None] * middle


def five_points(landmarks: torch.Tensor) -> torch.Tensor:
    """Middles of the eyes, tip of the nose and corners of the mouth (B, 5, 2) of landmarks (B, 68, 2)."""
    eyes = [landmarks[:, list(LANDMARK_GROUPS[name])].mean(dim=1) for name in ("right_eye", "left_eye")]
    lips, bridge = LANDMARK_GROUPS["outer_lips"], LANDMARK_GROUPS["nose_bridge"]
    corners = (bridge[-1], lips[0], lips[6])
    return torch.stack((*eyes, *landmarks[:, list(corners)].unbind(dim=1)), dim=1)
