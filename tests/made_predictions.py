"""Networks of paper 3 that know the truth of a few photographs and err in a known way; no training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from tiny_runs import TINY_FACES
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import posed_faces
from facelib.models.sadrnet import FaceMaps
from facelib.papers.run import open_archive
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.networks import face_model
from facelib.papers.sadrnet.protocol import evaluate_alignment
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.report.sadrnet.predictions import Evaluator

Change = Callable[[torch.Tensor], torch.Tensor]
RAMP = torch.arange(64).view(8, 8) / 64  # the attention of every photograph


@cache
def tiny_settings() -> ReconstructionSettings:
    return PAPER.settings("smoke", TINY_FACES)


@cache
def tiny_archive() -> FaceArchive:
    """12 photographs to evaluate, of which four wear something."""
    return open_archive(PAPER, "sadrnet", tiny_settings(), "aflw2000")


@cache
def tiny_mapper() -> FaceMapper:
    return FaceMapper(face_model(), 64, tiny_settings().loss.regions)


class KnowingNetwork(nn.Module):
    """Recognises the photographs of the data set, and draws their true faces with a change.

    Args:
        change: of the face's texels (B, N, 3) in pixels.
        turn: of the head before its pose.
        attention: the mask; None for a network without the branch.
    """

    def __init__(self, change: Change, turn: torch.Tensor, attention: torch.Tensor | None) -> None:
        super().__init__()
        self.change, self.turn, self.attention = change, turn, attention
        self.all = posed_faces(tiny_archive(), np.arange(len(tiny_archive())))

    def forward(self, images: torch.Tensor) -> FaceMaps:
        assert not torch.is_grad_enabled()
        agreeing = (images[:, None] == self.all.images).flatten(2).sum(dim=2)
        faces = posed_faces(tiny_archive(), agreeing.argmax(dim=1).numpy())
        faces = replace(faces, rotation=faces.rotation @ self.turn)
        mapper, true = tiny_mapper(), tiny_mapper()(faces)
        geometry = mapper.map_of(self.change(mapper.points_of(true.geometry)))
        attention = None if self.attention is None else self.attention.expand(len(images), -1, -1)
        return FaceMaps(geometry, None, true.shape, attention, faces.scale, faces.rotation, faces.translation)


def knowing(
    change: Change = lambda points: points,
    turn: torch.Tensor | None = None,
    attention: torch.Tensor | None = RAMP,
) -> KnowingNetwork:
    """See `KnowingNetwork`; by default it is right."""
    return KnowingNetwork(change, torch.eye(3) if turn is None else turn, attention)


def tiny_evaluator(**networks: nn.Module) -> Evaluator:
    """Of these networks, and the 12 photographs; the scores are those that their runs would have left."""
    scores = {label: scores_by(network) for label, network in networks.items()}
    return Evaluator(networks, scores, tiny_archive(), tiny_mapper(), tiny_settings())


@cache
def scores_by(network: nn.Module) -> dict[str, np.ndarray]:
    """The errors of all 12 photographs."""
    rows = np.arange(len(tiny_archive()))
    return evaluate_alignment(lambda faces, true: network(faces.images), tiny_mapper(), tiny_archive(), rows)


def shifted(offset: Sequence[float]) -> Change:
    """All points moved by so many pixels."""
    return lambda points: points + torch.tensor(offset)


def shaken(amount: float, seed: int = 0) -> Change:
    """Each point moved by itself, in all photographs alike."""
    return lambda points: points + amount * torch.randn(
        points.shape[1:], generator=torch.Generator().manual_seed(seed)
    )  # fmt: skip


def texts_of(figure: object) -> list[str]:
    """All that is written in a figure, titles and labels of axes included."""
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def pictures_in(figure: object) -> int:
    """How many panels show an image."""
    return sum(bool(panel.images) for panel in figure.axes)
