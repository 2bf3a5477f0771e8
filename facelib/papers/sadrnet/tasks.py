"""What the training loop is given to train a network of paper 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from facelib.data.posed_faces import PosedFaces
from facelib.geometry.alignment import lengths
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.objective import ALL, Objective, stages
from facelib.papers.sadrnet.photographs import Photographs
from facelib.papers.sadrnet.protocol import photograph_errors
from facelib.papers.sadrnet.settings import LossSettings, ScheduleSettings
from facelib.runs.tasks import Monitor, to_device

WATCHED = 16  # held-out photographs by which gradients are measured
WATCHED_ERRORS = ("sparse_2d", "dense_3d", "reconstruction")


class ReconstructionTask:
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
        photographs: Photographs,
        held_out: Sequence[PosedFaces],
        loss: LossSettings,
        schedule: ScheduleSettings,
        fingerprint: str,
    ) -> None:
        self.network, self.mapper = network, mapper  # `modules` holds Fabric's wrapper
        self.modules: dict[str, nn.Module] = {"network": network}
        self.photographs, self.held_out = photographs, held_out
        self.batch_count = photographs.batch_count
        self.objective, self.schedule, self.fingerprint = Objective(mapper, loss), stages(schedule), fingerprint

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[PosedFaces]:
        return self.photographs.batches(epoch, generator)

    def losses(self, batch: PosedFaces, phase: str) -> dict[str, torch.Tensor]:
        """The terms of eq. 24 that count in a phase; before the last one the alignment teaches P alone."""
        mapper = self.mapper.to(batch.images.device)
        maps = self.modules["network"](batch.images, shape_learns=phase == ALL)
        return self.objective.terms(maps, batch, mapper, phase)

    @torch.enable_grad()
    def watch(self) -> dict[str, float]:
        """Norm of each loss's gradient, as a few held-out photographs give it."""
        learnt = [each for each in self.network.parameters() if each.requires_grad]
        device = learnt[0].device
        faces, mapper = to_device(self.held_out[0].part(slice(WATCHED)), device), self.mapper.to(device)
        terms = self.objective.terms(self.network(faces.images), faces, mapper, ALL)
        return {f"gradient_{name}": _gradient_norm(term, learnt) for name, term in terms.items()}

    def validate(self) -> dict[str, float]:
        """Errors on held-out people, that of alignment and that of reconstruction as one, and what is told of shapes.

        A network that is silent about the shape reads 0 of the variance of deformations, with a spread of 0 mm.
        """
        device, mapper = next(self.network.parameters()).device, self.mapper.cpu()
        errors, told = [], []
        for faces in self.held_out:
            maps, true = self.network(faces.images.to(device)), mapper(faces)
            errors.append(photograph_errors(maps, true, faces, mapper))
            if maps.shape is not None:
                told.append(deformation_moments(maps.shape.cpu(), true.shape, mapper))
        means = {name: float(np.concatenate([each[name] for each in errors]).mean()) for name in WATCHED_ERRORS}
        values = {"error": means["sparse_2d"] + means["reconstruction"], **means}
        return values | (deformation_told(torch.cat(told)) if told else {})


def deformation_moments(found: torch.Tensor, true: torch.Tensor, mapper: FaceMapper) -> torch.Tensor:
    """Of shapes (B, 3, S, S) mm: the mean squares of error, predicted and true deformation, and the latter's length.

    Over the texels that are evaluated; (B, 4), in mm^2 and mm.
    """
    mean = mapper.template.mean_map
    own, expected = (each.float().sub(mean)[:, :, mapper.evaluated] for each in (found, true))
    squares = [each.square().sum(dim=1).mean(dim=1) for each in (own - expected, expected)]
    return torch.stack((*squares, lengths(own, dim=1).mean(dim=1), lengths(expected, dim=1).mean(dim=1)), dim=1)


def deformation_told(moments: torch.Tensor) -> dict[str, float]:
    """Share of the deformations' variance that is read, and mean lengths in mm of predicted and true ones."""
    error, variance, spread, true_spread = moments.double().mean(dim=0).tolist()
    return {"shape_read": 1 - error / variance, "shape_spread": spread, "true_shape_spread": true_spread}


def _gradient_norm(term: torch.Tensor, learnt: Sequence[torch.Tensor]) -> float:
    gradients = torch.autograd.grad(term, learnt, retain_graph=True, allow_unused=True)
    return float(torch.stack([each.norm() for each in gradients if each is not None]).norm())
