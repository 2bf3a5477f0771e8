"""Where the embeddings of clouds come from: a branch that is trained along, or a teacher that is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from facelib.losses.margins import AdaFaceHead
from facelib.models.blocks import Embedding
from facelib.papers.joint_attention.tasks import Step, identity_loss

AT_ONCE = 256  # clouds that a teacher is asked about together


class Branch:
    """A network of clouds that learns from the terms alone.

    Args:
        network: clouds -> Embedding.
    """

    def __init__(self, network: nn.Module) -> None:
        self.modules: dict[str, nn.Module] = {"network_3d": network}

    def embed(self, modules: Mapping[str, nn.Module], clouds: tuple[torch.Tensor, ...]) -> tuple[Embedding, ...]:
        return tuple(Embedding(*modules["network_3d"](view)) for view in clouds)


class TrainedBranch(Branch):
    """A network of clouds with a classifier of its own; also the term L_3D that trains both (eq. 4).

    Args:
        network: clouds -> Embedding.
        head: its classifier over the training identities.
    """

    def __init__(self, network: nn.Module, head: AdaFaceHead) -> None:
        super().__init__(network)
        self.modules["head_3d"] = head

    def losses(self, modules: Mapping[str, nn.Module], step: Step) -> dict[str, torch.Tensor]:
        views = [identity_loss(modules["head_3d"], view, step.labels) for view in step.clouds]
        return {"identity_3d": torch.stack(views).mean()}


class Teacher:
    """A trained network of clouds and its classifier, both frozen (section V.F: a pretrained 3D classifier).

    What it says of a photograph's cloud never changes, so it is asked once, and batches bring its answers in the place
    of clouds.

    Args:
        network, head: of its run, over the same training identities.
        clouds: rows -> their clouds (B, P, 3).
        rows: (N,) ascending, those that it will be asked about.
    """

    def __init__(
        self, network: nn.Module, head: AdaFaceHead, clouds: Callable[[np.ndarray], torch.Tensor], rows: np.ndarray
    ) -> None:
        self.modules: dict[str, nn.Module] = {}
        self.network, self.head = network.eval().requires_grad_(False), head.eval().requires_grad_(False)
        self.clouds, self.rows = clouds, rows
        self._answers: Embedding | None = None

    @torch.no_grad()
    def answers(self, rows: np.ndarray) -> tuple[torch.Tensor, ...]:
        """Its unit embeddings (B, D) and norms (B, 1) of the clouds of some of its rows."""
        if self._answers is None:
            parts = [
                self.network(self.clouds(part)) for part in np.split(self.rows, range(AT_ONCE, len(self.rows), AT_ONCE))
            ]
            self._answers = Embedding(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
        place = torch.from_numpy(np.searchsorted(self.rows, rows))
        return self._answers.unit[place], self._answers.norm[place]

    def embed(self, modules: Mapping[str, nn.Module], clouds: tuple[torch.Tensor, ...]) -> tuple[Embedding, ...]:
        """Answers of a batch -> the embedding of its one view."""
        if clouds:
            self.head.to(clouds[0].device)
        return (Embedding(*clouds),)
