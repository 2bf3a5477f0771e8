"""AdaFace's adaptive margin (paper 1, section IV.D, eqs. 4 and 5; Kim et al. 2022) as logits for cross-entropy.

The length of an embedding tells the quality of the image; its distance from the running mean, in running standard
deviations, moves the margin m of the true class between an angular and an additive one:

    k = clip(h (norm - mean) / (std + 1e-3), -1, 1)
    official:  s (cos(theta - m k)       - (m + m k))       AdaFace's own rule; at h = 0 CosFace's large margin cosine
                                                            loss with margin m (LMCL; paper 2, eq. 8)
    printed:   s (cos(theta + m (1 - k)) - m (1 + k))       paper 1, eq. 5, where h k stands for the k above

At the paper's h = 0 the printed rule stacks both margins, cos(theta + m) - m. We take it for a slip and default to the
official rule. The other classes get s cos(theta). Eq. 4 is `torch.nn.functional.cross_entropy` of these logits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput, check_finite, check_floating, check_shape, unknown_name

RULES = ("official", "printed")
EPSILON = 1e-3  # AdaFace's, for the standard deviation, the cosine and the clipped angle
NORM_RANGE = (1e-3, 100.0)


@dataclass(frozen=True)
class AdaFaceSettings:
    """Paper 1's values; AdaFace's own are 0.4, 0.333, 0.01 and 64.

    Args:
        margin: m, radians where it is added to the angle.
        h: how strongly the norm moves the margin.
        t_alpha: share of the newest batch in the running mean and standard deviation of the norms.
        scale: s.
        rule: "official" or "printed".
    """

    margin: float = 0.5
    h: float = 0.0
    t_alpha: float = 0.01
    scale: float = 64.0
    rule: str = "official"


def adaface_logits(
    cosine: torch.Tensor,
    norms: torch.Tensor,
    labels: torch.Tensor,
    *,
    mean: torch.Tensor | float,
    std: torch.Tensor | float,
    settings: AdaFaceSettings = AdaFaceSettings(),
) -> torch.Tensor:
    """Scaled logits with the margin on the true class.

    Args:
        cosine: (B, K), between embeddings and class weights.
        norms: (B, 1), of the embeddings; no gradient flows into them.
        labels: (B,), int64, the true classes.
        mean, std: of the norms, running values.
        settings: margin, h, scale and rule.

    Returns:
        (B, K), for cross-entropy.

    Raises:
        BadInput: for an empty batch, NaN, or labels out of range.
        UnknownName: for another rule.
    """
    check_shape("cosine", cosine, (None, None))
    check_shape("norms", norms, (len(cosine), 1))
    check_floating(cosine=cosine, norms=norms)
    check_finite("cosine", cosine)
    check_finite("norms", norms)
    check_labels(labels, len(cosine), cosine.shape[1])
    if settings.rule not in RULES:
        raise unknown_name("margin rule", settings.rule, RULES)

    m = settings.margin
    norm = norms.detach().clamp(*NORM_RANGE)
    k = (settings.h * (norm - mean) / (std + EPSILON)).clamp(-1, 1)  # (B, 1)

    # In half precision, as mixed precision gives it, the arccosine is too coarse.
    cosine = cosine.to(torch.promote_types(cosine.dtype, torch.float32)).clamp(-1 + EPSILON, 1 - EPSILON)
    theta = cosine.gather(1, labels[:, None]).acos()  # (B, 1), of the true class
    shift = -m * k if settings.rule == "official" else m * (1 - k)
    target = (theta + shift).clamp(EPSILON, math.pi - EPSILON).cos() - m * (1 + k)
    return settings.scale * cosine.scatter(1, labels[:, None], target.to(cosine.dtype))


def check_labels(labels: torch.Tensor, batch: int, classes: int) -> None:
    """Raise BadInput unless labels are (batch,) int64 from 0 to classes - 1."""
    check_shape("labels", labels, (batch,))
    if labels.dtype != torch.int64:
        raise BadInput(f"labels are {labels.dtype}: expected torch.int64")
    outside = labels[(labels < 0) | (labels >= classes)]
    if len(outside):
        raise BadInput(
            f"label {int(outside[0])}: expected 0 to {classes - 1}, number the training identities from zero"
        )


class AdaFaceHead(nn.Module):
    """Class weights and the running statistics of the norms.

    Args:
        embedding: dimension D.
        classes: number K of training identities.
        settings: of the margin.
    """

    def __init__(self, embedding: int, classes: int, settings: AdaFaceSettings = AdaFaceSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.weight = nn.Parameter(functional.normalize(torch.randn(classes, embedding)))  # (K, D)
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(20.0))  # AdaFace's first values
        self.register_buffer("std", torch.tensor(100.0))

    def cosine(self, unit: torch.Tensor) -> torch.Tensor:
        """Unit embeddings (B, D) -> cosine (B, K) to every class, without margin, for training accuracy."""
        check_shape("unit", unit, (None, self.weight.shape[1]))
        return functional.linear(unit, functional.normalize(self.weight))

    def forward(self, unit: torch.Tensor, norms: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Logits (B, K) with margin; in training mode the running statistics move first, as in AdaFace.

        Args:
            unit, norms: (B, D) and (B, 1), an embedding.
            labels: (B,), int64.

        Raises:
            BadInput: as adaface_logits; the statistics then stay as they were.
        """
        mean, std = self._moved(norms.detach()) if self.training else (self.mean, self.std)
        logits = adaface_logits(self.cosine(unit), norms, labels, mean=mean, std=std, settings=self.settings)
        if self.training:
            self.mean.copy_(mean)
            self.std.copy_(std)
        return logits

    def _moved(self, norms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if len(norms) < 2:  # one norm has no standard deviation: NaN would stay in the running value for ever
            return self.mean, self.std
        norms = norms.clamp(*NORM_RANGE).to(self.mean.dtype)
        share = self.settings.t_alpha
        return self.mean.lerp(norms.mean(), share), self.std.lerp(norms.std(), share)


class SoftmaxHead(nn.Module):
    """A linear classifier without margin, called as `AdaFaceHead` is (paper 2, eqs. 1 and 2).

    Args:
        embedding: dimension D.
        classes: number K of training identities.
    """

    def __init__(self, embedding: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(embedding, classes)

    def forward(self, unit: torch.Tensor, norms: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Logits (B, K) of embeddings (B, D) of lengths (B, 1); labels (B,) are checked, and change nothing.

        Raises:
            BadInput: for labels out of range.
        """
        check_labels(labels, len(unit), self.linear.out_features)
        return self.linear(unit * norms)
