"""MMD and CORAL between the features of images and those of their clouds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from facelib.losses.moment_matching import coral, mmd
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.joint_attention.tasks import Step, Term, features_of

DISTANCES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {"mmd": mmd, "coral": coral}


class MomentMatching:
    """A distance between two distributions, on features before normalisation.

    Args:
        name: "mmd" or "coral".
        weight: of the term.
    """

    def __init__(self, name: str, weight: float) -> None:
        self.name, self.weight = name, weight
        self.modules: dict[str, nn.Module] = {}

    def losses(self, modules: Mapping[str, nn.Module], step: Step) -> dict[str, torch.Tensor]:
        distance = DISTANCES[self.name](features_of(step.image), features_of(step.clouds[0]))
        return {self.name: self.weight * distance}


def build_terms(names: tuple[str, ...], settings: RecognitionSettings) -> list[Term]:
    """The terms among these names that this module makes."""
    return [MomentMatching(name, settings.loss.adaptation) for name in names if name in DISTANCES]
