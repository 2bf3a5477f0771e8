"""The upper bound of paper 5's network: taught with 3D labels instead of photographs and detected landmarks (ours)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from facelib.data.embedded import LabelledFaces
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.geometry.alignment import lengths
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import DISTANCE_MM, FaceRenderer
from facelib.papers.photograph_task import Photographs, PhotographTask
from facelib.runs.tasks import Monitor, to_device


class SupervisedTask(PhotographTask[LabelledFaces]):
    """Distances in mm: of the face as it looks, of the face without its expression, and of the landmarks seen.

    Args:
        network: images -> FaceCoefficients.
        photographs, held_out, fingerprint: as `PhotographTask`.
        renderer: of the faces.
    """

    monitor = Monitor("loss", "lowest")

    def __init__(
        self,
        network: nn.Module,
        photographs: Photographs[LabelledFaces],
        held_out: Sequence[LabelledFaces],
        fingerprint: str,
        renderer: FaceRenderer,
    ) -> None:
        super().__init__(network, photographs, held_out, fingerprint)
        self.renderer = renderer

    def losses(self, batch: LabelledFaces, phase: str) -> dict[str, torch.Tensor]:
        found = self.modules["network"](batch.images)
        with torch.autocast(batch.images.device.type, enabled=False):  # bfloat16 resolves neither vertices nor pixels
            return self._distances(found, batch)

    def validate(self) -> dict[str, float]:
        parts = [to_device(faces, self.device) for faces in self.held_out]
        found = [self._distances(self.network(faces.images), faces) for faces in parts]
        share = [len(faces) / sum(map(len, parts)) for faces in parts]
        means = {
            f"held_out_{name}": sum(float(terms[name]) * each for terms, each in zip(found, share, strict=True))
            for name in found[0]
        }
        return {"loss": sum(means.values())} | means

    def _distances(self, found: FaceCoefficients, true: LabelledFaces) -> dict[str, torch.Tensor]:
        renderer = self.renderer.to(true.images.device)
        expected = found._replace(identity=true.identity, expression=true.action / EXPRESSION_SPREAD)
        pairs = {"face": (found, expected), "neutral": (_neutral(found), _neutral(expected))}
        terms = {
            name: lengths(renderer.shape_of(ours) - renderer.shape_of(theirs), dim=2).mean()
            for name, (ours, theirs) in pairs.items()
        }
        pixel = DISTANCE_MM / renderer.camera.focal  # mm in the plane of the face
        return terms | {"landmarks": pixel * lengths(renderer.landmarks_of(found) - true.landmarks, dim=2).mean()}


def _neutral(face: FaceCoefficients) -> FaceCoefficients:
    return face._replace(expression=torch.zeros_like(face.expression))
