"""Heads in a light that is given, where `facelib.faces.scene.render` draws its own.

Skin and clothes are matt: what they reflect is their albedo times the light. So a head in one light looks as a head of
another albedo does in the light that `render` has without variation, which is always the same.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from facelib.errors import check_shape
from facelib.faces.scene import sample_light
from facelib.faces.surfaces import Surface
from facelib.geometry.lighting import ambient_and_directional, shade
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rotations import euler_to_matrix

AMBIENT, INTENSITY = 0.08, 1.2  # of a light from the side, on a white surface
ABOVE, BEFORE = (0.0, 0.4), (0.1, 0.4)  # ranges of its direction's y and z, where x is 1 or -1


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


def relit(surface: Surface, pose: torch.Tensor, light: torch.Tensor) -> Surface:
    """Surfaces that look in the light of `render` without variation as the given ones do in another.

    Args:
        surface: B of them, with linear RGB.
        pose: (B, 3) yaw, pitch and roll in radians, as `render` will turn them.
        light: (B or 1, 9, 3) harmonics in the frame of a frontal face.

    Returns:
        The same surfaces with other albedo, 0 or more; above 1 where the given light is the stronger one.

    Raises:
        BadInput: on wrong shapes.
    """
    check_shape("pose", pose, (len(surface.vertices), 3))
    check_shape("light", light, (None, 9, 3))
    normals = vertex_normals(surface.vertices, surface.triangles) @ euler_to_matrix(*pose.unbind(1)).transpose(1, 2)
    usual = shade(torch.ones_like(surface.albedo), normals, sample_light(1, 0.0, torch.Generator()))
    return replace(surface, albedo=shade(surface.albedo, normals, light).clamp(min=0) / usual)
