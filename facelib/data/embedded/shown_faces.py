"""The expressions that people show to the scanners of paper 2, the first of each person neutral.

Emotions are sums of our twenty expressions. Nobody shows an expression as another one does: each person has a manner of
their own, and a face at rest is never quite neutral.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients

EMOTIONS: dict[str, dict[str, float]] = {
    "anger": {"anger": 1.1, "lip_roll": 0.2},
    "disgust": {"anger": 0.9, "grin": 0.7},
    "fear": {"brow_raiser": 0.9, "sadness": 0.3, "mouth_stretch": 0.4},
    "happiness": {"smile": 1.1, "grin": 0.4},
    "sadness": {"sadness": 1.1, "chin_raiser": 0.3},
    "surprise": {"brow_raiser": 1.1, "mouth_stretch": 0.8},
}
WEAKEST, STRONGEST = 0.35, 1.0  # strength of an emotion's first and last level
APEX = (0.75, 1.1)  # strength at which a sequence culminates
FREE = (0.5, 1.1)  # strength of an expression that is not a level of anything
MANNER = 0.2  # how much a person's actions differ from other people's, standard deviation of the log of their strength
AT_REST = 0.12  # strongest action of a neutral face


@dataclass(frozen=True)
class ShownFaces:
    """N faces of one person.

    Args:
        action: (N, E) strengths of facial actions in [0, 1].
        expression: (N,) number of the expression, 0 for neutral, in the data set's own list.
        level: (N,) of its strength, from 1 on, and 0 for neutral.
        frame: (N,) of the sequence, 0 where there is none.
    """

    action: torch.Tensor
    expression: torch.Tensor
    level: torch.Tensor
    frame: torch.Tensor


def emotion_levels(model: MorphableModel, levels: int, generator: torch.Generator) -> ShownFaces:
    """Neutral, and each emotion at some levels (BU-3DFE); expression is 1 + the number in `EMOTIONS`."""
    emotion = torch.arange(len(EMOTIONS)).repeat_interleave(levels)
    level = torch.arange(1, levels + 1).repeat(len(EMOTIONS))
    strength = WEAKEST + (STRONGEST - WEAKEST) * (level - 1) / max(levels - 1, 1)
    action = _emotions(model)[emotion] * strength[:, None]
    expression, level = (functional.pad(column, (1, 0)) for column in (1 + emotion, level))
    return _in_manner(functional.pad(action, (0, 0, 1, 0)), expression, level, torch.zeros_like(level), generator)


def emotion_sequences(model: MorphableModel, frames: int, generator: torch.Generator) -> ShownFaces:
    """Each emotion from neutral to its apex and back, in equally spaced frames (BU-4DFE).

    Expression is 1 + the number in `EMOTIONS`, in neutral frames too; level is 1 in the others.
    """
    emotion = torch.arange(len(EMOTIONS)).repeat_interleave(frames)
    frame = torch.arange(frames).repeat(len(EMOTIONS))
    apex = APEX[0] + (APEX[1] - APEX[0]) * torch.rand(len(EMOTIONS), generator=generator)
    strength = apex[emotion] * torch.sin(math.pi * frame / max(frames - 1, 1)).square()
    level = (strength > AT_REST).long()
    return _in_manner(_emotions(model)[emotion] * strength[:, None], 1 + emotion, level, frame, generator)


def free_expressions(model: MorphableModel, count: int, expressive: int, generator: torch.Generator) -> ShownFaces:
    """Faces of which some show one of the twenty expressions each (FRGC v2, Bosphorus), all in turn before any again.

    Args:
        model: the face model.
        count: faces, the first neutral.
        expressive: of them with an expression: its number in `EXPRESSIONS`, level 1.
        generator: of all randomness.

    Raises:
        BadInput: when no face is left to be neutral.
    """
    if not 0 <= expressive < count:
        raise BadInput(f"{expressive} of {count} scans with an expression: expected fewer, as the first is neutral")
    names, others = list(EXPRESSIONS), len(EXPRESSIONS) - 1
    rounds = [1 + torch.randperm(others, generator=generator) for _ in range(math.ceil(expressive / others))]
    expression = torch.zeros(count, dtype=torch.int64)
    if rounds:
        expression[1 + torch.randperm(count - 1, generator=generator)[:expressive]] = torch.cat(rounds)[:expressive]
    strength = FREE[0] + (FREE[1] - FREE[0]) * torch.rand(count, generator=generator)
    action = expression_coefficients(model, [names[number] for number in expression.tolist()], strength)
    return _in_manner(action, expression, (expression > 0).long(), torch.zeros_like(expression), generator)


def _emotions(model: MorphableModel) -> torch.Tensor:
    """Strengths (6, E) of the facial actions of each emotion."""
    sums = []
    for parts in EMOTIONS.values():
        action = expression_coefficients(model, list(parts))
        sums.append(torch.tensor(list(parts.values())) @ action)
    return torch.stack(sums)


def _in_manner(
    action: torch.Tensor,
    expression: torch.Tensor,
    level: torch.Tensor,
    frame: torch.Tensor,
    generator: torch.Generator,
) -> ShownFaces:
    """Faces with these actions (N, E) as one person shows them."""
    manner = torch.exp(MANNER * torch.randn(action.shape[1], generator=generator))
    at_rest = AT_REST * torch.rand(len(action), 1, generator=generator)
    at_rest = at_rest * torch.rand(action.shape, generator=generator).square()
    return ShownFaces((action * manner + at_rest).clamp(0, 1), expression, level, frame)
