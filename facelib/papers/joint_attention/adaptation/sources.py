"""Where the embeddings of clouds come from: a branch that is trained along, or a teacher that is not."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from facelib.losses.margins import AdaFaceHead
from facelib.models.blocks import Embedding
from facelib.papers.joint_attention.tasks import Step, identity_loss


class TrainedBranch:
    """A network of clouds with a classifier of its own; also the term L_3D that trains both (eq. 4).

    Args:
        network: clouds -> Embedding.
        head: its classifier over the training identities.
    """

    def __init__(self, network: nn.Module, head: AdaFaceHead) -> None:
        self.modules: dict[str, nn.Module] = {"network_3d": network, "head_3d": head}

    def embed(self, modules: Mapping[str, nn.Module], clouds: tuple[torch.Tensor, ...]) -> tuple[Embedding, ...]:
        return tuple(Embedding(*modules["network_3d"](view)) for view in clouds)

    def losses(self, modules: Mapping[str, nn.Module], step: Step) -> dict[str, torch.Tensor]:
        views = [identity_loss(modules["head_3d"], view, step.labels) for view in step.clouds]
        return {"identity_3d": torch.stack(views).mean()}


class Teacher:
    """A trained network of clouds and its classifier, both frozen (section V.F: a pretrained 3D classifier).

    Args:
        network, head: of its run, over the same training identities.
    """

    def __init__(self, network: nn.Module, head: AdaFaceHead) -> None:
        self.modules: dict[str, nn.Module] = {}
        self.network, self.head = network.eval().requires_grad_(False), head.eval().requires_grad_(False)

    @torch.no_grad()
    def embed(self, modules: Mapping[str, nn.Module], clouds: tuple[torch.Tensor, ...]) -> tuple[Embedding, ...]:
        if clouds:
            self.network.to(clouds[0].device)
            self.head.to(clouds[0].device)
        return tuple(self.network(view) for view in clouds)
