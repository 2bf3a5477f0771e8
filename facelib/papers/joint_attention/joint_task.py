"""Joint attention (section IV.C) as a task, with or without the joint entropy (section IV.E), and its network."""

from __future__ import annotations

import numpy as np
import torch

from facelib.losses.joint_entropy import joint_entropy
from facelib.losses.margins import AdaFaceHead
from facelib.models.blocks import map_size
from facelib.models.irnet import IRNet18
from facelib.models.joint_attention import JointAttentionNetwork, JointAttentionSettings, load_body
from facelib.models.pointnet2 import PointNet2Settings
from facelib.papers.joint_attention.settings import LossSettings, NetworkSettings
from facelib.papers.joint_attention.tasks import Batch, IdentificationTask, TrainingData, identity_loss


class JointTask(IdentificationTask):
    """Identification from images and clouds through joint attention: eq. 7.

    Args:
        network: the joint attention network.
        head_2d, head_3d: a classifier for each modality.
        data: what it learns from, with one view of each cloud.
        fingerprint: of all that decides the result besides the training settings.
        loss: weights and the joint entropy's form; its weight counts only with `minimise_entropy`.
        minimise_entropy: whether L_JE is part of the loss; it is recorded either way.
    """

    def __init__(
        self,
        network: JointAttentionNetwork,
        head_2d: AdaFaceHead,
        head_3d: AdaFaceHead,
        data: TrainingData,
        fingerprint: str,
        loss: LossSettings,
        minimise_entropy: bool,
    ) -> None:
        super().__init__(network, head_2d, "2d", data, fingerprint)
        self.modules["head_3d"] = head_3d
        self.gamma = network.joint_attention.gamma
        self.loss, self.minimise_entropy = loss, minimise_entropy
        self._entropies: list[float] = []

    def losses(self, batch: Batch, phase: str) -> dict[str, torch.Tensor]:
        output = self.modules["network"](*batch.inputs, *batch.clouds)
        terms = {
            "identity_2d": identity_loss(self.modules["head_2d"], output.embedding_2d, batch.labels),
            "identity_3d": identity_loss(self.modules["head_3d"], output.embedding_3d, batch.labels),
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


def build_network(size: NetworkSettings) -> JointAttentionNetwork:
    """The joint attention network with fresh weights; a point of PointNet++'s second level for each map position."""
    points = PointNet2Settings(
        points_1=size.points_1,
        samples_1=size.samples_1,
        points_2=map_size(size.image_size, size.stages) ** 2,
        samples_2=size.samples_2,
        width=size.width,
    )
    return JointAttentionNetwork(
        JointAttentionSettings(
            image_size=size.image_size,
            width=size.width,
            stages=size.stages,
            reduction=size.reduction,
            gamma_start=size.gamma_start,
            embedding=size.embedding,
            dropout=size.dropout,
            points=points,
        )
    )


def start_from(network: JointAttentionNetwork, recogniser: IRNet18) -> None:
    """Begin the image branch with a pretrained recogniser's weights."""
    load_body(network, recogniser)
