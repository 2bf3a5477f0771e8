"""What is seen of a person around the face: neck and shoulders, and hair."""

from __future__ import annotations

import torch

from facelib.faces.bust import bust
from facelib.faces.hair import hair
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface, join


def surroundings(
    model: MorphableModel,
    heads: torch.Tensor,
    albedo: torch.Tensor,
    pose: torch.Tensor,
    generator: torch.Generator,
) -> Surface:
    """One surface a head, of all of it.

    Args:
        model: the face model of the heads, which end at the neck.
        heads: (B, V, 3) mm, face frame, with their expressions.
        albedo: (B, V, 3) linear RGB.
        pose: (B, 3) yaw, pitch and roll, radians.
        generator: of all randomness.
    """
    return join(bust(model, heads, albedo, pose, generator), hair(model, heads, generator))
