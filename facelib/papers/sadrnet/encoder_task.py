"""What the face encoder is given: batches of a stream of people, and the losses of all that it reads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from facelib.data.posed_faces import PosedFaces
from facelib.faces.model_fit import aligned_root
from facelib.geometry.alignment import lengths
from facelib.geometry.visibility import facing_visibility
from facelib.metrics.landmark_error import nme
from facelib.models.face_encoder import FaceReading
from facelib.models.sadrnet import FaceMaps
from facelib.papers.photograph_task import Photographs, PhotographTask
from facelib.papers.sadrnet.encoded_face import EncodedFace
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.settings import EncoderLossSettings
from facelib.papers.sadrnet.tasks import watched_errors
from facelib.runs.tasks import Monitor


class EncoderTask(PhotographTask[PosedFaces]):
    """Reading faces off photographs of people who are new in every batch.

    Args:
        network: gives readings.
        mapper: draws the true maps.
        photographs: that it learns from.
        held_out: photographs of other people, by whom training is watched.
        loss: weights of the terms.
        fingerprint: of all that decides the result besides the training settings.
    """

    monitor = Monitor("sparse_2d", "lowest")

    def __init__(
        self,
        network: nn.Module,
        mapper: FaceMapper,
        photographs: Photographs[PosedFaces],
        held_out: Sequence[PosedFaces],
        loss: EncoderLossSettings,
        fingerprint: str,
    ) -> None:
        super().__init__(network, photographs, held_out, fingerprint)
        self.mapper = mapper
        self.loss, self.root = loss, coefficient_root(mapper)

    def losses(self, batch: PosedFaces, phase: str) -> dict[str, torch.Tensor]:
        """Landmarks and pose count in sides of the image, coefficients by how far they move the face."""
        mapper = self.mapper.to(batch.images.device)
        found: FaceReading = self.modules["network"](batch.images)
        landmarks, seen = true_landmarks(mapper, batch)
        mean = mapper.template.mean_landmarks
        placed, expected = (pose.apply(mean.expand(len(batch), -1, -1)) for pose in (found.pose, batch.pose))
        side, weights = batch.images.shape[-1], self.loss
        return {
            "landmarks": weights.landmarks * lengths(found.landmarks - landmarks, dim=2).mean() / side,
            "visible": weights.visible * functional.binary_cross_entropy_with_logits(found.visible, seen),
            "pose": weights.pose * lengths(placed - expected, dim=2).mean() / side,
            "shape": weights.shape * self.shape_error(found, batch),
        }

    def shape_error(self, found: FaceReading, batch: PosedFaces) -> torch.Tensor:
        """Mean square in mm^2 of the distances between the faces that the coefficients make, but for a similarity."""
        missing = batch.shape.shape[1] - found.identity.shape[1]
        read = torch.cat((functional.pad(found.identity, (0, missing)), found.expression), dim=1)
        true = torch.cat((batch.shape, batch.expression), dim=1)
        return ((read - true) @ self.root.to(read)).square().sum(dim=1).mean()

    def validate(self) -> dict[str, float]:
        """Errors of the landmarks on held-out people, and those of the face that coefficients and pose make.

        `code_alive` is the share of the code's units that any of these photographs makes fire: what is read has no more
        dimensions than these.
        """
        mapper = self.mapper.cpu()
        encoded, readings = EncodedFace(self.network, mapper), list[FaceReading]()

        def predict(faces: PosedFaces, landmarks: torch.Tensor) -> FaceMaps:
            readings.append(self.network(faces.images.to(self.device)))
            return encoded.drawn(readings[-1])

        made = watched_errors(predict, self.held_out, mapper)
        found = torch.cat([reading.landmarks.cpu() for reading in readings])
        expected = torch.cat([true_landmarks(mapper, faces)[0] for faces in self.held_out])
        error = nme(found[..., :2], expected[..., :2], normaliser="box", points="all")
        alive = (torch.cat([reading.code for reading in readings]) > 0).any(dim=0).float().mean()
        others = {"made_sparse_2d": made["sparse_2d"], "code_alive": float(alive)}
        return {**made, "sparse_2d": float(error.mean()), **others}


def true_landmarks(mapper: FaceMapper, faces: PosedFaces) -> tuple[torch.Tensor, torch.Tensor]:
    """Landmarks (B, 68, 3) in pixels, and whether each faces the viewer and lies on skin that is seen (B, 68)."""
    geometry, template = mapper(faces).geometry, mapper.template
    landmarks = template.landmarks_of(geometry)
    normals = -template.landmark_normals(geometry)  # our z runs away from the viewer
    return landmarks, facing_visibility(normals, landmarks[..., :2], faces.skin)


def coefficient_root(mapper: FaceMapper) -> torch.Tensor:
    """`aligned_root` of identity and expression at the evaluated texels."""
    return aligned_root(mapper.evaluated_basis, mapper.template.mean_map[:, mapper.evaluated].T)
