"""What the training loop is given: photographs, augmented anew each epoch, and the losses of eq. 24."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.augmentation import AugmentationSettings, augmented
from facelib.data.occlusion import OcclusionSettings, occluded
from facelib.data.posed_faces import PosedFaces, posed_faces
from facelib.errors import BadInput
from facelib.losses.position_maps import attention_loss, edge_length_loss, normal_loss, weighted_distance
from facelib.models.face_encoder import FACE_MM
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.protocol import evaluate_alignment
from facelib.papers.sadrnet.settings import LossSettings, PhotographAugmentation
from facelib.runs.phases import DEFAULT_SCHEDULE
from facelib.runs.tasks import Monitor


class ReconstructionTask:
    """Reconstruction of faces from photographs.

    Args:
        network: gives maps.
        mapper: draws the true maps.
        archive: what it learns from.
        training, validation: rows to learn from, and to choose the epoch by.
        batch_size: photographs a step.
        loss: weights of the terms.
        augmentation: of the photographs.
        fingerprint: of all that decides the result besides the training settings.
    """

    monitor = Monitor("sparse_2d", "lowest")
    schedule = DEFAULT_SCHEDULE

    def __init__(
        self,
        network: nn.Module,
        mapper: FaceMapper,
        archive: FaceArchive,
        training: np.ndarray,
        validation: np.ndarray,
        batch_size: int,
        loss: LossSettings,
        augmentation: PhotographAugmentation,
        fingerprint: str,
    ) -> None:
        self.network, self.mapper, self.archive = network, mapper, archive  # `modules` holds Fabric's wrapper
        self.modules: dict[str, nn.Module] = {"network": network}
        self.training, self.validation, self.batch_size = training, validation, batch_size
        self.loss, self.fingerprint = loss, fingerprint
        self.augmentation = AugmentationSettings(
            augmentation.rotation, augmentation.shift, augmentation.scale, augmentation.colour
        )
        self.occlusion = OcclusionSettings(probability=augmentation.occlusion)
        self.batch_count = len(training) // batch_size  # the last incomplete batch is left out
        if self.batch_count == 0:
            raise BadInput(f"{len(training)} training photographs: fewer than one batch of {batch_size}")

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[PosedFaces]:
        order = self.training[torch.randperm(len(self.training), generator=generator).numpy()]
        for shuffled in order[: self.batch_count * self.batch_size].reshape(self.batch_count, -1):
            faces = augmented(posed_faces(self.archive, np.sort(shuffled)), generator, self.augmentation)
            images, skin = occluded(faces.images, faces.skin, generator, self.occlusion)
            yield replace(faces, images=images, skin=skin)

    def losses(self, batch: PosedFaces, phase: str) -> dict[str, torch.Tensor]:
        """The terms of eq. 24; lengths count in sides of the image, and in faces of 200 mm."""
        mapper = self.mapper.to(batch.images.device)
        true, maps, beta = mapper(batch), self.modules["network"](batch.images), self.loss
        side, terms = batch.images.shape[-1], {}
        # Where only one face in the image is predicted, it is learnt with the weight of P.
        of_geometry = beta.pose_dependent if maps.pose_dependent is None else beta.geometry
        if maps.pose_dependent is not None:
            distance = weighted_distance(maps.pose_dependent, true.geometry, mapper.weights)
            terms["pose_dependent"] = beta.pose_dependent * distance / side  # L_P
        if maps.shape is not None:
            distance = weighted_distance(maps.geometry, true.geometry, mapper.weights)
            terms["geometry"] = of_geometry * distance / side  # L_G
            distance = weighted_distance(maps.shape, true.shape, mapper.weights)
            terms["deformation"] = beta.deformation * distance / FACE_MM  # L_D: the mean face cancels
            found, expected = mapper.points_of(maps.shape), mapper.points_of(true.shape)
            if beta.edge:
                terms["edge"] = beta.edge * edge_length_loss(found, expected, mapper.edges) / FACE_MM  # L_E
            if beta.normal:
                terms["normal"] = beta.normal * normal_loss(found, expected, mapper.triangles)  # L_V
        if maps.attention is not None:
            terms["attention"] = beta.attention * attention_loss(maps.attention, batch.skin)  # L_A
        return terms

    def watch(self) -> dict[str, float]:
        return {}

    def validate(self) -> dict[str, float]:
        device = next(self.network.parameters()).device
        self.mapper.cpu()
        errors = evaluate_alignment(
            lambda faces, true: self.network(faces.images.to(device)), self.mapper, self.archive, self.validation
        )
        return {name: float(errors[name].mean()) for name in ("sparse_2d", "dense_3d", "reconstruction")}
