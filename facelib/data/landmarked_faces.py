"""Photographs of which is known what a detector says: the sample type of weak supervision (paper 5).

It has no place for a shape, a pose or a light: what learns from it has seen no 3D label.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch


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
