"""Where heads turn: poses drawn alone, and the smooth motion of a sequence."""

from __future__ import annotations

import math

import torch

KEY_EVERY = 25  # frames between two poses that a head moves to: 0.8 s at 30 frames a second


def turned(count: int, limits: tuple[float, float, float], generator: torch.Generator) -> torch.Tensor:
    """Yaw, pitch and roll (count, 3), radians, spread evenly over an ellipse of yaw and pitch, and over roll.

    Args:
        count: of poses.
        limits: largest yaw, pitch and roll, degrees.
        generator: of the poses.
    """
    radius, angle, roll = torch.rand(3, count, generator=generator).unbind(0)
    angle, radius = 2 * math.pi * angle, radius.sqrt()
    unit = torch.stack((radius * angle.cos(), radius * angle.sin(), 2 * roll - 1), dim=1)
    return torch.deg2rad(unit * torch.tensor(limits))


def motion(count: int, limits: tuple[float, float, float], generator: torch.Generator) -> torch.Tensor:
    """Poses (count, 3) of the frames of a sequence, radians: from a frontal one smoothly to one `turned` pose after
    another, resting at each for a moment, within the limits throughout.
    """
    keys = turned(2 + count // KEY_EVERY, limits, generator)
    keys[0] = 0
    return smoothly(keys, count)


def drift(count: int, spread: tuple[float, float, float], generator: torch.Generator) -> torch.Tensor:
    """Shifts (count, 3) of a head in a sequence, as smooth as its turns: evenly within +-spread along each axis."""
    keys = 2 * torch.rand(2 + count // KEY_EVERY, 3, generator=generator) - 1
    return smoothly(keys * torch.tensor(spread), count)


def smoothly(keys: torch.Tensor, count: int) -> torch.Tensor:
    """Values (count, C) that lead through keys (M, C), one every `KEY_EVERY` frames, with no speed at a key."""
    place = torch.arange(count) / KEY_EVERY
    before = place.long()
    share = place - before
    share = (share * share * (3 - 2 * share))[:, None]
    return torch.lerp(keys[before], keys[before + 1], share)
