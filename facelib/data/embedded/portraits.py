"""A few rendered people for a check, drawn in seconds and kept nowhere."""

from __future__ import annotations

from dataclasses import replace

import torch

from facelib.data.embedded.aflw_300wlp import AFLW_SCENE, CROP
from facelib.data.embedded.generation import sample_expressions
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.faces.scene import Rendering, render
from facelib.faces.surroundings import surroundings

PITCH = ROLL = 20.0  # degrees, the largest


def portraits(
    model: MorphableModel, count: int, size: int, *, yaw: float = 80.0, crop: float = CROP, seed: int = 23
) -> Rendering:
    """Photographs of people of their own, all of one skin, since painting skins takes longer than all the rest.

    Args:
        model: of the faces.
        count: of people, each photographed once.
        size: pixels a side.
        yaw: the largest to either side, degrees.
        crop: side of a photograph over the larger side of the landmarks' box; the default is that of training.
        seed: of people, poses and scenes.

    Raises:
        BadInput: when count is below one.
    """
    generator = torch.Generator().manual_seed(seed)
    people = sample_people(model, count, seed, fixed_albedo=True)
    action, _ = sample_expressions(model, count, 1.0, generator)
    pose = torch.deg2rad((2 * torch.rand(count, 3, generator=generator) - 1) * torch.tensor([yaw, PITCH, ROLL]))
    scene = replace(AFLW_SCENE, image_size=size, crop=crop)
    heads, albedo = model.vertices(people.identity, action), model.albedo(people.texture)
    return render(model, heads, albedo, pose, scene, generator, surroundings(model, heads, albedo, pose, generator))
