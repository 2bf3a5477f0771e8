"""A contact sheet of people, to look at the embedded faces or at imported ones."""

from __future__ import annotations

import math

import torch

from facelib.errors import BadInput, unknown_name
from facelib.faces.baking import load_face_model
from facelib.faces.ict_model import load_ict_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import (
    EXPRESSIONS,
    People,
    expression_coefficients,
    sample_people,
    sample_people_in_skins_of,
)
from facelib.faces.scene import SceneSettings, render
from facelib.faces.surroundings import surroundings

WORLDS = ("embedded", "ict")
YAWS = (0.0, -25.0, 20.0, 45.0, -60.0, 5.0, 85.0, -12.0)  # degrees, in turn
PITCHES = (0.0, 5.0, -10.0, 12.0, 0.0, -5.0, 3.0, 8.0)


def face_sheet(
    count: int, *, world: str = "embedded", size: int = 224, columns: int = 6, seed: int = 0
) -> torch.Tensor:
    """Pictures of `count` different people in several poses, expressions and lights, on one sheet.

    Args:
        count: number of people.
        world: "embedded" for our own people, "ict" for those of the imported ICT-FaceKit.
        size: side of one picture in pixels.
        columns: pictures a row.
        seed: of the people and the scene.

    Returns:
        (3, rows size, columns size) in [0, 1]; unused places are white.

    Raises:
        BadInput: when count is below one.
        UnknownName: on another world.
        MissingPart: when that world was not imported.
    """
    if count < 1:
        raise BadInput(f"count is {count}: expected at least one person")
    model, people = _people_of(world, count, seed)
    names = list(EXPRESSIONS)
    pictures = []
    settings = SceneSettings(
        image_size=size,
        background="structured",
        crop=1.55,
        metering=0.3,
        exposure=0.1,
        white_balance=0.02,
        noise=0.004,
        blur=0.6,
    )
    generator = torch.Generator().manual_seed(seed)
    for person in range(count):
        expression = expression_coefficients(model, [names[(person * 7) % len(names)]])
        vertices = model.vertices(people.identity[person : person + 1], expression)
        albedo = model.albedo(people.texture[person : person + 1])
        yaw, pitch = YAWS[person % len(YAWS)], PITCHES[(person * 3) % len(PITCHES)]
        pose = torch.deg2rad(torch.tensor([[yaw, pitch, 0.0]]))
        around = surroundings(model, vertices, albedo, pose, generator) if world == "embedded" else None
        pictures.append(render(model, vertices, albedo, pose, settings, generator, around).image[0])
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    blank = [torch.ones(3, size, size)] * (rows * columns - count)
    grid = torch.stack(pictures + blank).view(rows, columns, 3, size, size)
    return grid.permute(2, 0, 3, 1, 4).reshape(3, rows * size, columns * size)


def _people_of(world: str, count: int, seed: int) -> tuple[MorphableModel, People]:
    if world not in WORLDS:
        raise unknown_name("world", world, WORLDS)
    if world == "ict":
        imported = load_ict_model()
        return imported, sample_people_in_skins_of(imported, load_face_model("fine"), count, seed)
    model = load_face_model("fine")
    return model, sample_people(model, count, seed)
