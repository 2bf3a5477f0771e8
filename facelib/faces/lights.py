"""The light in which heads are photographed: an ambient part, one lamp, and what surfaces mirror of the lamp."""

from __future__ import annotations

import torch
from torch.nn import functional

from facelib.geometry.lighting import ambient_and_directional

WIDEST_HIGHLIGHT, NARROWEST_HIGHLIGHT = 5.0, 40.0  # exponents on the cosine
AMBIENT, INTENSITY = 0.08, 1.2  # of a light from the side, on a white surface
ABOVE, BEFORE = (0.0, 0.4), (0.1, 0.4)  # ranges of its direction's y and z, where x is 1 or -1


def sample_light(count: int, variation: float, generator: torch.Generator) -> torch.Tensor:
    """Random light: an ambient part and one lamp, softer and more frontal where variation is small.

    Args:
        count: B.
        variation: 0 to 1.
        generator: of the randomness.

    Returns:
        (B, 9, 3) harmonics in the frame of a frontal face (x to its left, y up, z towards the camera).
    """
    spread = torch.randn(count, 3, generator=generator) * variation
    direction = torch.tensor([0.0, 0.25, 1.0]) + spread * torch.tensor([0.9, 0.5, 0.25])
    strength, tint, fill = (torch.rand(3, count, 1, generator=generator) - 0.5).unbind(0)
    warm = 1 + 0.2 * variation * tint * torch.tensor([1.0, 0.0, -1.0])
    ambient = (0.30 + 0.2 * variation * fill) * (2 - warm)
    intensity = 0.95 * torch.exp(0.7 * variation * strength)
    return ambient_and_directional(ambient, direction, intensity[:, 0], warm)


def side_light(count: int, generator: torch.Generator) -> torch.Tensor:
    """A strong lamp at one side of the face, left or right by chance, and hardly any light else.

    Args:
        count: B.
        generator: of the lamp's place.

    Returns:
        (B, 9, 3) harmonics as `sample_light` gives them.
    """
    side, above, before = torch.rand(3, count, generator=generator).unbind(0)
    x = torch.where(side < 0.5, -1.0, 1.0)
    y, z = (low + (high - low) * place for (low, high), place in ((ABOVE, above), (BEFORE, before)))
    white = torch.ones(count, 3)
    return ambient_and_directional(AMBIENT * white, torch.stack((x, y, z), dim=1), INTENSITY, white)


def highlights(
    normals: torch.Tensor, light: torch.Tensor, strongest: float, generator: torch.Generator
) -> torch.Tensor:
    """What surfaces mirror of the lamp, (B, V, 1), by Blinn's model with random strengths and widths.

    Args:
        normals: (B, V, 3) in the frame of the light, whose viewer is on the z axis.
        light: (B, 9, 3) harmonics; those of first order (y, z, x) tell where the lamp is and how strong.
        strongest: the largest strength.
    """
    lamp = light[:, [3, 1, 2]].mean(dim=2)
    strength = lamp.norm(dim=1, keepdim=True)
    half = functional.normalize(functional.normalize(lamp, dim=1) + torch.tensor([0.0, 0.0, 1.0]), dim=1)
    share, width = torch.rand(2, len(lamp), 1, generator=generator).unbind(0)
    facing = (normals @ half[..., None])[..., 0].clamp(min=0)
    exponent = WIDEST_HIGHLIGHT * (NARROWEST_HIGHLIGHT / WIDEST_HIGHLIGHT) ** width
    return (strongest * share.square() * strength * facing**exponent)[..., None]
