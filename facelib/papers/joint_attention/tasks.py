"""What the training loop is given: identification from images or clouds, alone or beside an adaptation.

The classifier of every modality is AdaFace's (section IV.D). An adaptation brings a source of cloud embeddings, trained
along or a frozen teacher, and terms between them and the images' embeddings; see the package `adaptation`. Joint
attention has a task of its own, `joint_task`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from facelib.data.archive import FaceArchive
from facelib.errors import BadInput
from facelib.losses.margins import AdaFaceHead
from facelib.models.blocks import Embedding
from facelib.papers.joint_attention.inputs import Inputs
from facelib.papers.joint_attention.protocol import TAR_AT_FAR, embed, validation_metrics
from facelib.runs.phases import DEFAULT_SCHEDULE
from facelib.runs.tasks import Monitor

Clouds = Callable[[np.ndarray, torch.Generator], tuple[torch.Tensor, ...]]


@dataclass(frozen=True)
class TrainingData:
    """What a run learns from.

    Args:
        archive: the data set.
        training, validation: its rows to learn from, and to evaluate by.
        batch_size: photographs a step.
        inputs: rows -> arguments of the network that is evaluated.
        clouds: rows and a generator -> views of the clouds that belong to them, each (B, P, 3); none by default.
    """

    archive: FaceArchive
    training: np.ndarray
    validation: np.ndarray
    batch_size: int
    inputs: Inputs
    clouds: Clouds = lambda rows, generator: ()


@dataclass(frozen=True)
class Batch:
    """A step's data: arguments of the network, the class (B,) of each photograph, and views of its cloud."""

    inputs: tuple[torch.Tensor, ...]
    labels: torch.Tensor
    clouds: tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Step:
    """What the terms of an adaptation see of a step.

    Args:
        image: embedding of the images.
        clouds: embeddings of the views of their clouds.
        labels: (B,) classes.
    """

    image: Embedding
    clouds: tuple[Embedding, ...]
    labels: torch.Tensor


class Part(Protocol):
    """A part of an adaptation.

    Attributes:
        modules: what it trains, by name; Fabric wraps them while training, so it must look them up in `modules` below.
    """

    modules: dict[str, nn.Module]


class Source(Part, Protocol):
    """Where the embeddings of clouds come from."""

    def embed(self, modules: Mapping[str, nn.Module], clouds: tuple[torch.Tensor, ...]) -> tuple[Embedding, ...]:
        """Views of clouds (B, P, 3) -> their embeddings."""


class Term(Part, Protocol):
    """What an adaptation adds to the loss."""

    def losses(self, modules: Mapping[str, nn.Module], step: Step) -> dict[str, torch.Tensor]:
        """Terms by name, already weighted."""


@dataclass(frozen=True)
class Adaptation:
    """A source of cloud embeddings, and terms between them and the images'."""

    source: Source
    terms: Sequence[Term]

    @property
    def modules(self) -> dict[str, nn.Module]:
        """All that is trained besides the network and its classifier."""
        return {name: module for part in (self.source, *self.terms) for name, module in part.modules.items()}


class IdentificationTask:
    """Identification with AdaFace (eq. 4), from images or from clouds, and perhaps an adaptation.

    Args:
        network: gives embeddings.
        head: AdaFace's classifier over the training identities; None where the adaptation is all that is learnt.
        modality: "2d" or "3d", of the network.
        data: what it learns from.
        fingerprint: of all that decides the result besides the training settings.
        adaptation: what is added to identification.
    """

    monitor = Monitor(TAR_AT_FAR, "highest")
    schedule = DEFAULT_SCHEDULE

    def __init__(
        self,
        network: nn.Module,
        head: AdaFaceHead | None,
        modality: str,
        data: TrainingData,
        fingerprint: str,
        adaptation: Adaptation | None = None,
    ) -> None:
        self.network = network  # while training, `modules` holds Fabric's wrapper of it
        self.head = f"head_{modality}"
        self.term = f"identity_{modality}"
        self.modules: dict[str, nn.Module] = {"network": network}
        if head is not None:
            self.modules[self.head] = head
        if adaptation is not None:
            self.modules |= adaptation.modules
        self.data, self.fingerprint, self.adaptation = data, fingerprint, adaptation
        self.batch_count = len(data.training) // data.batch_size  # the last incomplete batch is left out
        if self.batch_count == 0:
            raise BadInput(f"{len(data.training)} training photographs: fewer than one batch of {data.batch_size}")
        self.classes = np.unique(data.archive.arrays["identity"][data.training])

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        data = self.data
        order = data.training[torch.randperm(len(data.training), generator=generator).numpy()]
        for shuffled in order[: self.batch_count * data.batch_size].reshape(self.batch_count, -1):
            rows = np.sort(shuffled)  # ascending rows read a memory map in its own order
            yield Batch(data.inputs(rows), self.labels(rows), data.clouds(rows, generator))

    def labels(self, rows: np.ndarray) -> torch.Tensor:
        """The class of each row: the position of its identity among the training identities."""
        return torch.from_numpy(np.searchsorted(self.classes, self.data.archive.arrays["identity"][rows]))

    def losses(self, batch: Batch, phase: str) -> dict[str, torch.Tensor]:
        embedding = self.modules["network"](*batch.inputs)
        terms = {}
        if self.head in self.modules:
            terms[self.term] = identity_loss(self.modules[self.head], embedding, batch.labels)
        if self.adaptation is not None:
            clouds = self.adaptation.source.embed(self.modules, batch.clouds)
            step = Step(Embedding(*embedding), clouds, batch.labels)
            for term in self.adaptation.terms:
                terms |= term.losses(self.modules, step)
        return terms

    def watch(self) -> dict[str, float]:
        return {}

    def validate(self) -> dict[str, float]:
        data = self.data
        embeddings = embed(self.network, data.inputs, data.validation)
        return validation_metrics(embeddings, data.archive, data.validation)


def identity_loss(head: nn.Module, embedding: Embedding, labels: torch.Tensor) -> torch.Tensor:
    """L_d, eq. 4: cross entropy of the margin logits."""
    unit, norm = embedding
    return functional.cross_entropy(head(unit, norm, labels), labels)


def features_of(embedding: Embedding) -> torch.Tensor:
    """Embeddings before normalisation, (B, D): what distributions are compared of."""
    return embedding.unit * embedding.norm
