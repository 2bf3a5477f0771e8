"""What the training loop is given: recognition from images alone, or jointly from images and clouds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from facelib.data.archive import FaceArchive
from facelib.errors import BadInput
from facelib.geometry.point_clouds import normalise_to_unit_sphere
from facelib.losses.joint_entropy import joint_entropy
from facelib.losses.margins import AdaFaceHead
from facelib.models.irnet import IRNet18
from facelib.models.joint_attention import JointAttentionNetwork
from facelib.models.pointnet2 import Grouping, PointNet2Settings, group_cloud
from facelib.papers.joint_attention.protocol import TAR_AT_FAR, embed, validation_metrics
from facelib.papers.joint_attention.settings import LossSettings
from facelib.runs.progress import progress_bar

CLOUDS_AT_ONCE = 64


@dataclass(frozen=True)
class ImageBatch:
    """B photographs (B, 3, H, W) and the class (B,) of each."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class JointBatch:
    """B photographs, their classes, and the cloud (B, N, 3) of each with its neighbourhoods."""

    images: torch.Tensor
    labels: torch.Tensor
    points: torch.Tensor
    grouping: Grouping


class ImageTask:
    """Identification from images alone: eq. 4 with d = 2D.

    Args:
        network: gives embeddings.
        head: AdaFace's classifier over the training identities.
        archive: the data set.
        training, validation: its rows to learn from, and to judge by.
        batch_size: photographs a step.
        fingerprint: of all that decides the result besides the training settings.
    """

    monitor = TAR_AT_FAR

    def __init__(
        self,
        network: nn.Module,
        head: AdaFaceHead,
        archive: FaceArchive,
        training: np.ndarray,
        validation: np.ndarray,
        batch_size: int,
        fingerprint: str,
    ) -> None:
        self.network = network  # while training, `modules` holds Fabric's wrapper of it
        self.modules: dict[str, nn.Module] = {"network": network, "head_2d": head}
        self.archive, self.training, self.validation = archive, training, validation
        self.batch_size, self.fingerprint = batch_size, fingerprint
        self.batch_count = len(training) // batch_size  # the last incomplete batch is left out
        if self.batch_count == 0:
            raise BadInput(f"{len(training)} training photographs: fewer than one batch of {batch_size}")
        self.classes = np.unique(archive.arrays["identity"][training])

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[ImageBatch | JointBatch]:
        order = self.training[torch.randperm(len(self.training), generator=generator).numpy()]
        for rows in order[: self.batch_count * self.batch_size].reshape(self.batch_count, -1):
            yield self.batch(np.sort(rows))  # ascending rows read a memory map in its own order

    def batch(self, rows: np.ndarray) -> ImageBatch | JointBatch:
        """The photographs of these rows with their classes."""
        samples = self.archive.samples(rows)
        return ImageBatch(samples.images, self.labels(samples.identity))

    def labels(self, identity: torch.Tensor) -> torch.Tensor:
        """The class of each identity: its position among the training identities."""
        return torch.from_numpy(np.searchsorted(self.classes, identity.numpy()))

    def losses(self, batch: ImageBatch) -> dict[str, torch.Tensor]:
        embedding = self.modules["network"](batch.images)
        return {"identity_2d": self.identity_loss("head_2d", embedding, batch.labels)}

    def identity_loss(
        self, head: str, embedding: tuple[torch.Tensor, torch.Tensor], labels: torch.Tensor
    ) -> torch.Tensor:
        """L_d, eq. 4: cross entropy of the margin logits."""
        unit, norm = embedding
        return functional.cross_entropy(self.modules[head](unit, norm, labels), labels)

    def watch(self) -> dict[str, float]:
        return {}

    def validate(self) -> dict[str, float]:
        embeddings = embed(self.network, self.archive, self.validation)
        return validation_metrics(embeddings, self.archive, self.validation)


class JointTask(ImageTask):
    """Identification from images and clouds through joint attention: eq. 7.

    Args:
        network: the joint attention network.
        head_2d, head_3d: a classifier for each modality.
        loss: weights and the joint entropy's form; its weight counts only with `minimise_entropy`.
        minimise_entropy: whether L_JE is part of the loss; it is recorded either way.
        Others as in ImageTask.
    """

    def __init__(
        self,
        network: JointAttentionNetwork,
        head_2d: AdaFaceHead,
        head_3d: AdaFaceHead,
        archive: FaceArchive,
        training: np.ndarray,
        validation: np.ndarray,
        batch_size: int,
        fingerprint: str,
        loss: LossSettings,
        minimise_entropy: bool,
    ) -> None:
        super().__init__(network, head_2d, archive, training, validation, batch_size, fingerprint)
        assert network.settings.points is not None, "training needs the 3D branch"
        self.modules["head_3d"] = head_3d
        self.gamma = network.joint_attention.gamma
        self.loss, self.minimise_entropy = loss, minimise_entropy
        self.cloud_numbers = np.unique(archive.arrays["cloud"][training])
        self.points, self.grouping = prepare_clouds(archive, self.cloud_numbers, network.settings.points)
        self._entropies: list[float] = []

    def batch(self, rows: np.ndarray) -> JointBatch:
        samples = self.archive.samples(rows)
        place = torch.from_numpy(np.searchsorted(self.cloud_numbers, samples.cloud.numpy()))
        grouping = self.grouping[place].to(torch.int64)
        return JointBatch(samples.images, self.labels(samples.identity), self.points[place], grouping)

    def losses(self, batch: JointBatch) -> dict[str, torch.Tensor]:  # type: ignore[override]
        output = self.modules["network"](batch.images, batch.points, batch.grouping)
        terms = {
            "identity_2d": self.identity_loss("head_2d", output.embedding_2d, batch.labels),
            "identity_3d": self.identity_loss("head_3d", output.embedding_3d, batch.labels),
        }
        with torch.set_grad_enabled(self.minimise_entropy):
            entropy = joint_entropy(
                output.attention_2d, output.attention_3d, pairs=self.loss.pairs, bins=self.loss.bins
            )
        self._entropies.append(float(entropy.detach()))
        if self.minimise_entropy:
            terms["joint_entropy"] = self.loss.joint_entropy * entropy
        return terms

    def watch(self) -> dict[str, float]:
        """Gamma and the mean joint entropy of the epoch: both can run away (notes of paper 1)."""
        mean = float(np.mean(self._entropies)) if self._entropies else float("nan")
        self._entropies.clear()
        return {"gamma": float(self.gamma.detach()), "joint_entropy": mean}


def prepare_clouds(
    archive: FaceArchive, numbers: np.ndarray, settings: PointNet2Settings
) -> tuple[torch.Tensor, Grouping]:
    """Scale clouds to the unit sphere and find their neighbourhoods, once for the whole training.

    Args:
        archive: a data set with clouds.
        numbers: (C,) which of them.
        settings: PointNet++'s centres and radii.

    Returns:
        Points (C, N, 3) and their grouping, indices stored as int16.
    """
    points = normalise_to_unit_sphere(archive.clouds(numbers))
    groups = []
    with progress_bar("grouping clouds", len(points), "clouds") as bar:
        for some in points.split(CLOUDS_AT_ONCE):
            groups.append(group_cloud(some, settings).to(torch.int16))
            bar.advance(len(some))
    fields = ("centres_1", "neighbours_1", "centres_2", "neighbours_2")
    return points, Grouping(*(torch.cat([getattr(group, name) for group in groups]) for name in fields))


def recogniser_of(network: IRNet18 | JointAttentionNetwork) -> nn.Module:
    """What embeds images alone: the network itself, or a joint one without its 3D branch."""
    return network.image_only() if isinstance(network, JointAttentionNetwork) else network
