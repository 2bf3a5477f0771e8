"""IMID and CMID, CrossPoint's correspondence within clouds and between clouds and images (section V).

As in CrossPoint, both compare projections of the embeddings by a network of two layers, one a modality, and CMID takes
the mean of two augmented views of a cloud.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from facelib.losses.contrastive import cross_modal, intra_modal
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.joint_attention.tasks import Step, Term, features_of


class Correspondence:
    """IMID, CMID, or both, on the same projections.

    Args:
        names: "imid", "cmid".
        of_clouds, of_images: project what is compared; without CMID images are not.
        weight: of each term.
    """

    def __init__(self, names: tuple[str, ...], of_clouds: nn.Module, of_images: nn.Module, weight: float) -> None:
        self.names, self.weight = names, weight
        self.modules: dict[str, nn.Module] = {"projection_3d": of_clouds}
        if "cmid" in names:
            self.modules["projection_2d"] = of_images

    def losses(self, modules: Mapping[str, nn.Module], step: Step) -> dict[str, torch.Tensor]:
        first, second = (modules["projection_3d"](features_of(view)) for view in step.clouds)
        terms = {}
        if "imid" in self.names:
            terms["imid"] = self.weight * intra_modal(first, second)
        if "cmid" in self.names:
            image = modules["projection_2d"](features_of(step.image))
            terms["cmid"] = self.weight * cross_modal(first, second, image)
        return terms


def projection(embedding: int) -> nn.Sequential:
    """Embedding (B, D) -> (B, D / 2)."""
    return nn.Sequential(
        nn.Linear(embedding, embedding), nn.BatchNorm1d(embedding), nn.ReLU(), nn.Linear(embedding, embedding // 2)
    )


def build_terms(names: tuple[str, ...], settings: RecognitionSettings) -> list[Term]:
    """The terms among these names that this module makes: one object for both, which share projections."""
    ours = tuple(name for name in names if name in ("imid", "cmid"))
    embedding = settings.network.embedding
    return [Correspondence(ours, projection(embedding), projection(embedding), settings.loss.adaptation)]
