"""Teacher-student: the network of images learns the soft answers of a trained 3D classifier (section V.F)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from facelib.losses.distillation import distillation
from facelib.losses.margins import AdaFaceHead
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.joint_attention.tasks import Step


class Teaching:
    """Distillation of the teacher's logits, cosines without margin times AdaFace's scale.

    Args:
        teacher: its classifier, over the same training identities in the same order.
        temperature: T.
        weight: of the term.
    """

    def __init__(self, teacher: AdaFaceHead, settings: RecognitionSettings) -> None:
        self.teacher, self.settings = teacher, settings.loss
        self.modules: dict[str, nn.Module] = {}

    def losses(self, modules: Mapping[str, Any], step: Step) -> dict[str, torch.Tensor]:
        loss = self.settings
        student = loss.scale * modules["head_2d"].cosine(step.image.unit)
        teacher = loss.scale * self.teacher.cosine(step.clouds[0].unit)
        return {"ts": loss.adaptation * distillation(student, teacher, loss.temperature)}
