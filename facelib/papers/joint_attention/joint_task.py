"""Joint attention (section IV.C) as a task, with or without the joint entropy (section IV.E), and its network."""

from __future__ import annotations

import numpy as np
import torch

from facelib.losses.joint_entropy import entropy as entropy_of
from facelib.losses.joint_entropy import joint_entropy
from facelib.losses.margins import AdaFaceHead
from facelib.models.blocks import map_size
from facelib.models.irnet import IRNet18, halvings
from facelib.models.joint_attention import JointAttentionNetwork, JointAttentionSettings, load_body
from facelib.models.pointnet2 import PointNet2Embedding, PointNet2Settings
from facelib.papers.joint_attention.settings import LossSettings, NetworkSettings
from facelib.papers.joint_attention.tasks import Batch, IdentificationTask, TrainingData, identity_loss


class JointTask(IdentificationTask):
    """Identification from images and clouds through joint attention: eq. 7.

    Args:
        network: the joint attention network.
        head_2d, head_3d: a classifier for each modality; none of clouds where the network has no 3D branch.
        data: what it learns from, with one view of each cloud.
        fingerprint: of all that decides the result besides the training settings.
        loss: weights and the joint entropy's form; its weight counts only with `minimise_entropy`.
        minimise_entropy: whether L_JE is part of the loss; it is recorded either way.
    """

    def __init__(
        self,
        network: JointAttentionNetwork,
        head_2d: AdaFaceHead,
        head_3d: AdaFaceHead | None,
        data: TrainingData,
        fingerprint: str,
        loss: LossSettings,
        minimise_entropy: bool,
    ) -> None:
        super().__init__(network, head_2d, "2d", data, fingerprint)
        if head_3d is not None:
            self.modules["head_3d"] = head_3d
        self.gamma = network.joint_attention.gamma
        self.loss, self.minimise_entropy = loss, minimise_entropy
        self._watched: dict[str, list[float]] = {}

    def losses(self, batch: Batch, phase: str) -> dict[str, torch.Tensor]:
        output = self.modules["network"](*batch.inputs, *batch.clouds)
        terms = {"identity_2d": identity_loss(self.modules["head_2d"], output.embedding_2d, batch.labels)}
        self._note_attention("2d", output.attended_2d.softmax)
        if "head_3d" not in self.modules:
            return terms
        terms["identity_3d"] = identity_loss(self.modules["head_3d"], output.embedding_3d, batch.labels)
        self._note_attention("3d", output.attended_3d.softmax)
        with torch.set_grad_enabled(self.minimise_entropy):
            entropy = joint_entropy(
                output.attended_2d.attention,  # A_2D, A_3D
                output.attended_3d.attention,
                pairs=self.loss.pairs,
                over=self.loss.entropy_over,
                bins=self.loss.bins,
            )
        self._note("joint_entropy", entropy)
        if self.minimise_entropy:
            terms["joint_entropy"] = self.loss.joint_entropy * entropy
        return terms

    def watch(self) -> dict[str, float]:
        """Gamma, and means over the epoch of what can run away (notes of paper 1).

        joint_entropy in nats; and of each modality row_maximum, the mean of the largest share that a position takes
        from one other, and row_entropy, that of its shares, in nats: 0 where it takes all from one, log N where it
        takes from all N alike.
        """
        means = {name: float(np.mean(values)) for name, values in self._watched.items()}
        self._watched.clear()
        return {"gamma": float(self.gamma.detach())} | means

    def _note_attention(self, modality: str, softmax: torch.Tensor) -> None:
        rows = softmax.detach().float().flatten(0, 1)  # (B N, N)
        self._note(f"row_maximum_{modality}", rows.amax(dim=1).mean())
        self._note(f"row_entropy_{modality}", entropy_of(rows).mean())

    def _note(self, name: str, value: torch.Tensor) -> None:
        self._watched.setdefault(name, []).append(float(value.detach()))


def build_network(size: NetworkSettings, *, with_clouds: bool) -> JointAttentionNetwork:
    """The joint attention network with fresh weights; a point of PointNet++'s second level for each map position."""
    points = PointNet2Settings(
        points_1=size.points_1,
        samples_1=size.samples_1,
        points_2=map_size(size.image_size, halvings(size.stages, size.final_stride)) ** 2,
        samples_2=size.samples_2,
        width=size.width,
    )
    return JointAttentionNetwork(
        JointAttentionSettings(
            image_size=size.image_size,
            width=size.width,
            stages=size.stages,
            final_stride=size.final_stride,
            reduction=size.reduction,
            gamma_start=size.gamma_start,
            embedding=size.embedding,
            dropout=size.dropout,
            points=points if with_clouds else None,
        )
    )


def start_from(network: JointAttentionNetwork, recogniser: IRNet18) -> None:
    """Begin the image branch with a pretrained recogniser's weights."""
    load_body(network, recogniser)


def start_clouds_from(network: JointAttentionNetwork, recogniser: PointNet2Embedding) -> None:
    """Begin the 3D branch with both set abstractions of a trained PointNet++; what shapes the map is new."""
    assert network.body_3d is not None
    network.body_3d.body.load_state_dict(recogniser.body.state_dict())
