"""Seeded people of the embedded world, and the twenty expressions that each of them shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facelib.errors import BadInput, unknown_name
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.skin import paint, project_texture, sample_skin

SHAPE_LIMIT = 2.5  # standard deviations a component may reach: beyond it heads turn into caricatures

# Twenty expressions as strengths of facial actions; a name ending in "Both" stands for its left and right action.
EXPRESSIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "smile": {"mouthSmileBoth": 0.75, "cheekSquintBoth": 0.5, "eyeSquintBoth": 0.25},
    "mouth_stretch": {"jawOpen": 0.75, "mouthStretchBoth": 0.3},
    "anger": {"browDownBoth": 0.9, "noseSneerBoth": 0.5, "mouthPressBoth": 0.6, "eyeSquintBoth": 0.4},
    "jaw_left": {"jawLeft": 0.8},
    "jaw_right": {"jawRight": 0.8},
    "jaw_forward": {"jawForward": 0.9},
    "mouth_left": {"mouthLeft": 0.8},
    "mouth_right": {"mouthRight": 0.8},
    "dimpler": {"mouthDimpleBoth": 0.9},
    "chin_raiser": {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.4},
    "lip_puckerer": {"mouthPucker": 0.8},
    "lip_funneler": {"mouthFunnel": 0.75, "jawOpen": 0.15},
    "sadness": {"browInnerUp": 0.8, "mouthFrownBoth": 0.7, "eyeSquintBoth": 0.15},
    "lip_roll": {"mouthRollLower": 0.7, "mouthRollUpper": 0.6},
    "grin": {"mouthSmileBoth": 0.6, "mouthUpperUpBoth": 0.45, "mouthLowerDownBoth": 0.4, "cheekSquintBoth": 0.5},
    "cheek_blowing": {"cheekPuff": 0.8},
    "eyes_closed": {"eyeBlinkBoth": 0.95},
    "brow_raiser": {"browInnerUp": 0.7, "browOuterUpBoth": 0.8, "eyeWideBoth": 0.4},
    "brow_lower": {"browDownBoth": 0.8},
}


@dataclass(frozen=True)
class People:
    """N identities.

    Args:
        identity: (N, K) shape coefficients, standard deviations; K is 199 on our own model.
        texture: (N, 80) albedo coefficients, standard deviations; zero where albedo is fixed.
        attributes: name -> (N,) phenotype estimates in [0, 1] (gender, age, ancestry ...).
    """

    identity: torch.Tensor
    texture: torch.Tensor
    attributes: dict[str, torch.Tensor]

    def __len__(self) -> int:
        return len(self.identity)


def sample_people(model: MorphableModel, count: int, seed: int, *, fixed_albedo: bool = False) -> People:
    """Draw people: the first k of a larger draw with the same seed are the same people.

    Args:
        model: the baked face model.
        count: number of people.
        seed: of the draw.
        fixed_albedo: give everybody the mean albedo, so that only shape tells identities apart.

    Raises:
        BadInput: when count is below one.
    """
    if count < 1:
        raise BadInput(f"count is {count}: expected at least one person")
    components = len(model.identity_basis)
    generators = [np.random.default_rng((seed, person)) for person in range(count)]
    draws = np.stack([generator.standard_normal(components) for generator in generators])
    identity = torch.from_numpy(draws.clip(-SHAPE_LIMIT, SHAPE_LIMIT)).float()
    attributes = model.attributes(identity)
    if fixed_albedo:
        texture = torch.zeros(count, len(model.texture_basis))
    else:
        texture = torch.from_numpy(_sample_textures(model, attributes, generators)).float()
    return People(identity, texture, attributes)


def sample_people_in_skins_of(model: MorphableModel, ours: MorphableModel, count: int, seed: int) -> People:
    """As `sample_people`, on an imported model whose texture basis is ours, laid on its mean.

    Skins are painted on our own mean, where the basis is orthogonal and regions are the ones that it was made with.

    Args:
        model: the imported model, with attributes named as ours.
        ours: the baked face model.
        count: number of people.
        seed: of the draw.

    Raises:
        BadInput: when count is below one.
    """
    people = sample_people(model, count, seed, fixed_albedo=True)
    generators = [np.random.default_rng((seed, person, 1)) for person in range(count)]
    texture = torch.from_numpy(_sample_textures(ours, people.attributes, generators)).float()
    return People(people.identity, texture, people.attributes)


def _sample_textures(
    model: MorphableModel, attributes: dict[str, torch.Tensor], generators: list[np.random.Generator]
) -> np.ndarray:
    mean, average, basis = (t.double().numpy() for t in (model.mean, model.texture_mean, model.texture_basis))
    regions = {name: mask.double().numpy() for name, mask in model.regions.items()}
    described = {name: values.double().numpy() for name, values in attributes.items()}
    textures = []
    for person, generator in enumerate(generators):
        ancestry = np.array([described[name][person] for name in ("african", "asian", "caucasian")])
        skin = sample_skin(
            generator, ancestry=ancestry, gender=described["gender"][person], age=described["age"][person]
        )
        textures.append(project_texture(paint(mean, regions, skin), average, basis))
    return np.stack(textures)


def expression_coefficients(
    model: MorphableModel, names: list[str], strength: torch.Tensor | None = None
) -> torch.Tensor:
    """Strengths of the facial actions that make up named expressions.

    Args:
        model: the face model that names the actions.
        names: B names among EXPRESSIONS.
        strength: (B,) factor on each expression; default one.

    Returns:
        (B, E) in [0, 1].

    Raises:
        UnknownName: on an unknown expression.
    """
    position = {action: i for i, action in enumerate(model.expression_names)}
    table = torch.zeros(len(names), len(position))
    for row, name in zip(table, names, strict=True):
        if name not in EXPRESSIONS:
            raise unknown_name("expression", name, EXPRESSIONS)
        for action, value in EXPRESSIONS[name].items():
            sides = [action.replace("Both", side) for side in ("Left", "Right")] if "Both" in action else [action]
            for side in sides:
                row[position[side]] = value
    return table if strength is None else (table * strength[:, None]).clamp(0, 1)
