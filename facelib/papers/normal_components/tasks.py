"""What the training loop is given: telling people apart, and reading coefficients off photographs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import nn
from torch.nn import functional

from facelib.data.archive import FaceArchive
from facelib.data.embedded import LabelledFaces
from facelib.data.known_photographs import KnownPhotographs
from facelib.data.surface_images import ReconstructedFaces
from facelib.data.told_apart import PhotographedFaces
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.losses.asymmetric import asymmetric_loss
from facelib.metrics.late_fusion import FUSED
from facelib.models.expnet import ShapeCoefficients
from facelib.papers.normal_components.fidelity import fidelity, fidelity_means
from facelib.papers.normal_components.identification import ImagesOf, features_of, photograph_ranks
from facelib.papers.normal_components.reconstructors import read_by_network
from facelib.papers.normal_components.settings import SamplingSettings
from facelib.papers.photograph_task import Photographs
from facelib.runs.phases import DEFAULT_SCHEDULE
from facelib.runs.tasks import Monitor

B = TypeVar("B", PhotographedFaces, ReconstructedFaces)


class RecognitionTask(Generic[B]):
    """Telling people apart by each view of a network, on photographs or on faces that were reconstructed from them.

    Neither kind of sample has a place for a scan.

    Args:
        network: gives an embedding of each view.
        heads: classifiers by view.
        people: that it learns from.
        held_out: images of other people, and what the network is given of them.
        fingerprint: of all that decides the result besides the training settings.
    """

    monitor = Monitor("held_out_rank1", "highest")
    schedule = DEFAULT_SCHEDULE

    def __init__(
        self,
        network: nn.Module,
        heads: dict[str, nn.Module],
        people: Photographs[B],
        held_out: tuple[FaceArchive, ImagesOf],
        fingerprint: str,
    ) -> None:
        self.network = network  # `modules` holds Fabric's wrapper
        self.modules: dict[str, nn.Module] = {"network": network}
        self.modules |= {f"head_{view}": head for view, head in heads.items()}
        self.people: Photographs[B] = people
        self.held_out, self.fingerprint = held_out, fingerprint
        self.batch_count = people.batch_count

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[B]:
        return self.people.batches(epoch, generator)

    def losses(self, batch: PhotographedFaces | ReconstructedFaces, phase: str) -> dict[str, torch.Tensor]:
        """Cross-entropy of each view's logits (eqs. 2 and 8); their sum trains each view as if it were alone."""
        embeddings = self.modules["network"](batch.images)
        return {
            f"identity_{view}": functional.cross_entropy(
                self.modules[f"head_{view}"](unit, norm, batch.person), batch.person
            )
            for view, (unit, norm) in embeddings.items()
        }

    def watch(self) -> dict[str, float]:
        return {}

    def validate(self) -> dict[str, float]:
        archive, images_of = self.held_out
        ranks, _ = photograph_ranks(features_of(self.network, images_of, archive), archive)
        rates = {name: float((places == 1).mean()) for name, places in ranks.items()}
        return {"held_out_rank1": rates.pop(FUSED)} | {f"held_out_rank1_{view}": rate for view, rate in rates.items()}


@dataclass(frozen=True)
class TaughtFaces:
    """B photographs with their coefficients, and a seed for what a loss draws.

    Args:
        images: (B, 3, S, S) RGB in [0, 1].
        true: (B, K) and (B, E) standard deviations, as many as are read.
        seed: of the draws.
    """

    images: torch.Tensor
    true: ShapeCoefficients
    seed: int


class ReadingTask:
    """Reading coefficients off photographs, by ExpNet; the diffusion has losses of its own.

    Args:
        network: that reads.
        identities: components of the face model that it reads.
        photographs: that it learns from.
        held_out: photographs of other people.
        sampling: how the diffusion draws on these.
        fingerprint: of all that decides the result besides the training settings.
    """

    monitor = Monitor("fidelity_mm", "lowest")
    schedule = DEFAULT_SCHEDULE

    def __init__(
        self,
        network: nn.Module,
        identities: int,
        photographs: Photographs[LabelledFaces],
        held_out: KnownPhotographs,
        sampling: SamplingSettings,
        fingerprint: str,
    ) -> None:
        self.network, self.identities = network, identities
        self.modules: dict[str, nn.Module] = {"network": network}
        self.photographs, self.held_out, self.sampling = photographs, held_out, sampling
        self.fingerprint, self.batch_count = fingerprint, photographs.batch_count

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[TaughtFaces]:
        for faces in self.photographs.batches(epoch, generator):
            true = ShapeCoefficients(faces.identity[:, : self.identities], faces.action / EXPRESSION_SPREAD)
            yield TaughtFaces(faces.images, true, int(torch.randint(2**31, (1,), generator=generator)))

    def losses(self, batch: TaughtFaces, phase: str) -> dict[str, torch.Tensor]:
        """The asymmetric loss of the shape network, and squared errors of the other, which shares nothing with it."""
        found: ShapeCoefficients = self.modules["network"](batch.images)
        return {
            "identity": asymmetric_loss(found.identity, batch.true.identity),
            "expression": asymmetric_loss(found.expression, batch.true.expression, over=1.0, under=1.0),
        }

    def watch(self) -> dict[str, float]:
        return {}

    def validate(self) -> dict[str, float]:
        return fidelity_means(fidelity(read_by_network(self.network, self.sampling), self.held_out))


class DrawingTask(ReadingTask):
    """Drawing coefficients in view of photographs: the velocities of the diffusion."""

    def losses(self, batch: TaughtFaces, phase: str) -> dict[str, torch.Tensor]:
        generator = torch.Generator(batch.images.device).manual_seed(batch.seed)
        return {"velocity": self.modules["network"](batch.true, batch.images, generator)}
