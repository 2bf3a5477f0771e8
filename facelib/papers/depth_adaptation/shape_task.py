"""DASHapeNet's F and R as a task: by source frames alone, or with the embeddings of both domains drawn together.

Target frames have no labels here, so the training is watched, and its best epoch chosen, by source frames held out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import nn

from facelib.errors import BadInput
from facelib.losses.adversarial import shape_loss
from facelib.losses.domain_invariance import DomainInvariance
from facelib.losses.moment_matching import coral
from facelib.models.depth_networks import DASHapeNet
from facelib.models.position_images import scaled_positions
from facelib.papers.depth_adaptation.frames import DomainBatch, DomainTraining
from facelib.papers.depth_adaptation.settings import AdaptationSettings
from facelib.papers.photograph_task import PhotographTask
from facelib.runs.tasks import Monitor, to_device

FEATURES, REGRESSOR = "network.features", "network.regressor"  # trained apart, and kept as the parts of one network


class Step:
    """What a phase sees of a batch; images and embeddings are made when they are first asked for.

    Args:
        batch: frames.
        features: F.
        reach: mm that the images show around a frame's centre.
        together: whether F sees both domains in one batch.

    Attributes:
        shape: (B, N), true, of the source frames.
    """

    def __init__(self, batch: DomainBatch, features: nn.Module, reach: float, together: bool) -> None:
        self.batch, self.features, self.reach, self.together = batch, features, reach, together
        self.shape = batch.source.shape

    @cached_property
    def source_images(self) -> torch.Tensor:
        return scaled_positions(self.batch.source.positions, self.reach)

    @cached_property
    def target_images(self) -> torch.Tensor:
        return scaled_positions(self.batch.target.positions, self.reach)

    @cached_property
    def source(self) -> torch.Tensor:
        """Embeddings (B, E) of source images."""
        return self._both[0] if self.together else self.features(self.source_images)

    @cached_property
    def target(self) -> torch.Tensor:
        """Embeddings (C, E) of target images."""
        return self._both[1] if self.together else self.features(self.target_images)

    @cached_property
    def _both(self) -> tuple[torch.Tensor, ...]:
        images = torch.cat((self.source_images, self.target_images))
        return self.features(images).split((len(self.source_images), len(self.target_images)))


class ShapeTask(PhotographTask[DomainBatch]):
    """F and R by source frames alone (eq. 4).

    Args:
        network: F and R.
        given: what they learn from.
        adaptation: how domains are brought together.
    """

    monitor = Monitor("held_out_shape", "lowest")
    together = False  # whether F sees both domains in one batch

    def __init__(self, network: DASHapeNet, given: DomainTraining, adaptation: AdaptationSettings) -> None:
        super().__init__(network, given.frames, given.held_out, given.fingerprint)
        self.modules = {f"network.{name}": part for name, part in network.named_children()}
        self.reach, self.adaptation = given.networks.reach_mm, adaptation

    def losses(self, batch: DomainBatch, phase: str) -> Mapping[str, torch.Tensor]:
        return self.regression(self.step(batch))

    def step(self, batch: DomainBatch) -> Step:
        return Step(batch, self.modules[FEATURES], self.reach, self.together)

    def regression(self, step: Step) -> dict[str, torch.Tensor]:
        """L_R, eq. 4."""
        return {"shape": shape_loss(self.modules[REGRESSOR](step.source), step.shape)}

    def validate(self) -> dict[str, float]:
        """L_R of held-out source frames."""
        sources = [to_device(batch.source, self.device) for batch in self.held_out]
        losses = [
            shape_loss(self.network(scaled_positions(each.positions, self.reach)), each.shape) for each in sources
        ]
        total = sum(len(each) for each in sources)
        return {
            "held_out_shape": sum(float(loss) * len(each) / total for loss, each in zip(losses, sources, strict=True))
        }


class AlignedTask(ShapeTask):
    """F and R by source frames, and embeddings that do not tell the domain: DANN, or CORAL on features.

    Arguments as of `ShapeTask`.

    Raises:
        BadInput: for another adaptation.
    """

    together = True

    def __init__(self, network: DASHapeNet, given: DomainTraining, adaptation: AdaptationSettings) -> None:
        super().__init__(network, given, adaptation)
        if adaptation.adaptation == "reversal":
            self.modules["domain_classifier"] = DomainInvariance(given.networks.embedding)
        elif adaptation.adaptation != "coral":
            raise BadInput(f"adaptation {adaptation.adaptation!r} aligns no embeddings: expected 'reversal' or 'coral'")

    def losses(self, batch: DomainBatch, phase: str) -> Mapping[str, torch.Tensor]:
        step = self.step(batch)
        align = self.modules.get("domain_classifier", coral)
        return self.regression(step) | {"alignment": self.adaptation.alignment * align(step.source, step.target)}
