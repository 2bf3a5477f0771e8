"""How paper 4's networks are brought from rendered frames to those of a sensor; the defaults are the paper's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facelib.errors import BadInput

Adaptation = Literal["none", "generative", "reversal", "coral"]
Order = Literal["joint", "printed"]


@dataclass(frozen=True)
class AdaptationSettings:
    """What DASHapeNet learns from target frames.

    Args:
        adaptation: "none", source only; "generative", AR-GAN; or an alignment of embeddings: "reversal", a classifier
            of domains behind a reversed gradient (DANN), or "coral", of their covariances.
        lambda1: weight of target images that look like source ones in eq. 5; 0 leaves the term out.
        lambda2: weight of the shape that D reads off drawn images in eq. 5; 0 leaves the term out of F's loss, as
            section 3.3 does; D and G keep theirs.
        alignment: weight of "reversal" or "coral" (ours).
        signs: of eqs. 3 and 5; see `facelib.losses.adversarial`.
        shape_of: which images D learns the shape from: "drawn" ones, as eq. 2 prints, or "rendered" ones, as the
            published code of "Generate To Adapt" does.
        order: "joint": D by all of eq. 1, G, then F and R together by all of eq. 5; F sees both domains in one batch,
            whose statistics its batch norms keep for evaluation. "printed": D, G, R and F by source frames, then D and
            F by target frames (section 1.3), each domain normed by itself.
        discriminator_rate: learning rate of D, whatever that of the others is; printed is 5e-4 for all networks.
    """

    adaptation: Adaptation = "generative"
    lambda1: float = 0.03
    lambda2: float = 0.1
    alignment: float = 0.1
    signs: Literal["usual", "printed"] = "usual"
    shape_of: Literal["drawn", "rendered"] = "drawn"
    order: Order = "joint"
    discriminator_rate: float = 5e-4

    def __post_init__(self) -> None:
        for name in ("lambda1", "lambda2", "alignment"):
            if not getattr(self, name) >= 0:
                raise BadInput(f"{name} is {getattr(self, name)}: expected a weight of 0 or more")
        if not self.discriminator_rate > 0:
            raise BadInput(f"discriminator_rate is {self.discriminator_rate}: expected a positive learning rate")


@dataclass(frozen=True)
class PoseSettings:
    """How DAPoseNet learns; the training's epochs are those of both stages, and it should keep the last one's weights.

    Args:
        source_epochs: by labelled source frames (eq. 6); 0 leaves the stage out.
        target_epochs: by unlabelled target frames (eq. 7); 0 leaves the stage out.
        alpha: mm a quaternion component, of eq. 6.
        threshold_mm: epsilon of eq. 7.
    """

    source_epochs: int = 100
    target_epochs: int = 50
    alpha: float = 350.0
    threshold_mm: float = 30.0
