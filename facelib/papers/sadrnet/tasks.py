"""What the training loop is given to train a network of paper 3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from facelib.data.posed_faces import PosedFaces
from facelib.papers.failures import joined
from facelib.papers.photograph_task import Photographs, PhotographTask
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.objective import ALL, Objective, stages
from facelib.papers.sadrnet.protocol import Predictor, photograph_errors
from facelib.papers.sadrnet.settings import LossSettings, ScheduleSettings
from facelib.runs.tasks import Monitor, to_device

WATCHED = 16  # held-out photographs by which gradients are measured


class ReconstructionTask(PhotographTask[PosedFaces]):
    """Reconstruction of faces from photographs.

    Args:
        network: gives maps.
        mapper: draws the true maps.
        photographs: that it learns from.
        held_out: of other people, by whom training is watched.
        loss: weights of the terms.
        schedule: of the losses.
        fingerprint: of all that decides the result besides the training settings.
    """

    monitor = Monitor("error", "lowest")

    def __init__(
        self,
        network: nn.Module,
        mapper: FaceMapper,
        photographs: Photographs[PosedFaces],
        held_out: Sequence[PosedFaces],
        loss: LossSettings,
        schedule: ScheduleSettings,
        fingerprint: str,
    ) -> None:
        super().__init__(network, photographs, held_out, fingerprint)
        self.mapper = mapper
        self.objective, self.schedule = Objective(mapper, loss), stages(schedule)

    def losses(self, batch: PosedFaces, phase: str) -> dict[str, torch.Tensor]:
        """The terms of eq. 24 that count in a phase; before the last one the alignment teaches P alone."""
        mapper = self.mapper.to(batch.images.device)
        maps = self.modules["network"](batch.images, shape_learns=phase == ALL)
        return self.objective.terms(maps, batch, mapper, phase)

    @torch.enable_grad()
    def watch(self) -> dict[str, float]:
        """Norm of each loss's gradient, as a few held-out photographs give it."""
        learnt = [each for each in self.network.parameters() if each.requires_grad]
        faces = to_device(self.held_out[0].part(slice(WATCHED)), self.device)
        mapper = self.mapper.to(self.device)
        terms = self.objective.terms(self.network(faces.images), faces, mapper, ALL)
        return {f"gradient_{name}": _gradient_norm(term, learnt) for name, term in terms.items()}

    def validate(self) -> dict[str, float]:
        """Errors on held-out people, alignment and reconstruction as one number, and what is told of shapes."""
        means = watched_errors(
            lambda faces, landmarks: self.network(faces.images.to(self.device)), self.held_out, self.mapper.cpu()
        )
        return {"error": means["sparse_2d"] + means["reconstruction"], **means}


def watched_errors(predict: Predictor, held_out: Sequence[PosedFaces], mapper: FaceMapper) -> dict[str, float]:
    """Means over held-out photographs, by which a training is watched.

    A network that is silent about the shape has a shape_ratio of 1, reads 0 of the variance, with a spread of 0 mm.

    Args:
        predict: photographs -> maps.
        held_out: the photographs.
        mapper: of the maps.
    """
    parts = []
    for faces in held_out:
        true = mapper(faces)
        maps = predict(faces, mapper.template.landmarks_of(true.geometry))
        parts.append(photograph_errors(maps, true, faces, mapper))
    mean = {name: float(values.mean()) for name, values in joined(parts).items()}
    return {
        **{name: mean[name] for name in ("sparse_2d", "dense_3d", "reconstruction")},
        "shape_ratio": mean["shape_mm"] / mean["mean_face_mm"],
        "shape_read": 1 - mean["shape_square_error"] / mean["shape_square"],
        "shape_spread": mean["shape_spread"],
    }


def _gradient_norm(term: torch.Tensor, learnt: Sequence[torch.Tensor]) -> float:
    gradients = torch.autograd.grad(term, learnt, retain_graph=True, allow_unused=True)
    return float(torch.stack([each.norm() for each in gradients if each is not None]).norm())
