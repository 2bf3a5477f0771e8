"""Occluders: the glasses and masks that people wear in photographs, and their surfaces on each head."""

from __future__ import annotations

from enum import IntEnum

import torch

from facelib.errors import check_shape
from facelib.faces.glasses import glasses
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface
from facelib.faces.surgical_mask import surgical_mask


class Occluder(IntEnum):
    """What a person wears that hides a part of the face."""

    NOTHING = 0
    GLASSES = 1
    SUNGLASSES = 2
    MASK = 3


def occluder_surface(
    model: MorphableModel, heads: torch.Tensor, occluder: Occluder, generator: torch.Generator
) -> Surface | None:
    """The surface of an occluder, fitted to each head; its shape and colour come from the generator.

    Args:
        model: the face model of the heads.
        heads: (B, V, 3) mm, face frame, with their expressions.
        occluder: that of all heads.
        generator: of all randomness.

    Returns:
        One surface a head, None for nothing.

    Raises:
        BadInput: on a wrong shape of the heads.
    """
    check_shape("heads", heads, (None, len(model.mean), 3))
    if occluder == Occluder.NOTHING:
        return None
    if occluder == Occluder.MASK:
        return surgical_mask(model, heads, generator)
    return glasses(model, heads, occluder == Occluder.SUNGLASSES, generator)
