"""The RST-inspired rows: a residual transform behind truncated IR-18, with domain invariance (section V.F)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from facelib.losses.domain_invariance import DomainInvariance
from facelib.models.irnet import IRNet18, IRNetSettings
from facelib.models.residual_transform import ResidualTransformNetwork
from facelib.papers.joint_attention.settings import NetworkSettings, RecognitionSettings
from facelib.papers.joint_attention.tasks import Step, Term


class Invariance:
    """Embeddings of images and clouds should not tell their modality.

    Args:
        embedding: dimension of the embeddings.
        weight: of the term.
    """

    def __init__(self, embedding: int, weight: float) -> None:
        self.weight = weight
        self.modules: dict[str, nn.Module] = {"domain_classifier": DomainInvariance(embedding)}

    def losses(self, modules: Mapping[str, nn.Module], step: Step) -> dict[str, torch.Tensor]:
        invariance = modules["domain_classifier"](step.image.unit, step.clouds[0].unit)
        return {"domain_invariance": self.weight * invariance}


def build_network(size: NetworkSettings) -> ResidualTransformNetwork:
    """The network of images with fresh weights."""
    settings = IRNetSettings(size.image_size, size.width, size.embedding, size.dropout, size.final_stride)
    return ResidualTransformNetwork(settings, size.stages)


def start_from(network: ResidualTransformNetwork, recogniser: IRNet18) -> None:
    """Begin the truncated body with a pretrained recogniser's weights; transform and head are new."""
    state = recogniser.body.state_dict()
    network.body.load_state_dict({name: state[name] for name in network.body.state_dict()})


def build_terms(names: tuple[str, ...], settings: RecognitionSettings) -> list[Term]:
    """The term that this module makes."""
    return [Invariance(settings.network.embedding, settings.loss.adaptation)]
