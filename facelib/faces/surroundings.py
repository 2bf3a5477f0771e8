"""What is seen of a person besides the head's own mesh: neck and shoulders, hair, and teeth."""

from __future__ import annotations

import torch

from facelib.faces.bust import bust
from facelib.faces.hair import hair
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface, join
from facelib.faces.teeth import teeth


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
    parts = bust(model, heads, albedo, pose, generator), hair(model, heads, generator), teeth(model, heads, generator)
    return join(*parts)
