"""What a network of paper 3 minimises: the losses of eq. 24, in one of two normalisations, stage by stage.

The paper prints sums and no units, so the ratios between its losses are unknown. We know two readings. The first takes
each loss as a mean: over the region weights, of lengths over the side of the image and over a face of 200 mm. The
second has the units of the published code, where the deformation weighs 47 times as much against the mesh's normals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from facelib.data.posed_faces import PosedFaces
from facelib.geometry.alignment import lengths
from facelib.losses.position_maps import attention_loss, edge_length_loss, normal_loss, weighted_distance
from facelib.models.face_encoder import FACE_MM
from facelib.models.sadrnet import FaceMaps
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.settings import LossSettings, ScheduleSettings
from facelib.runs.phases import Phase, Stage

DEFORMATION, JOINT, ALL = "deformation", "joint", "all"  # phases


@dataclass(frozen=True)
class Normalisation:
    """What a loss of 1 means.

    Args:
        shape_mm: of deformations and edges.
        image_sides: of positions in the image, sides of the image.
        weighs: whether distances are multiplied by region weights of mean 1, or by the weights as they are.
        cosines: of a triangle, that the normal loss is the mean of; 1 for their sum.
        neck: whether the mesh losses reach over the texels of the neck, which no other loss sees.
    """

    shape_mm: float
    image_sides: float
    weighs: bool
    cosines: int
    neck: bool


NORMALISATIONS = {
    "printed": Normalisation(FACE_MM, 1.0, False, 1, True),
    "published": Normalisation(200 / 3, 280 / 256, True, 3, False),  # 1.5e-5 on micrometres; pixels of 256 over 280
}


class Objective:
    """The terms of the loss.

    Args:
        mapper: of the maps.
        loss: weights beta, and the normalisation.
    """

    def __init__(self, mapper: FaceMapper, loss: LossSettings) -> None:
        self.beta, self.unit = loss, NORMALISATIONS[loss.normalisation]
        face = torch.ones_like(mapper.evaluated) if self.unit.neck else mapper.evaluated
        on_face = face[mapper.template.mask]
        self.edges = mapper.edges[on_face[mapper.edges].all(dim=1)]
        self.triangles = mapper.triangles[on_face[mapper.triangles].all(dim=1)]
        self.region_weight = float(mapper.weights[mapper.evaluated].mean()) if self.unit.weighs else 1.0

    def terms(self, maps: FaceMaps, faces: PosedFaces, mapper: FaceMapper, phase: str) -> dict[str, torch.Tensor]:
        """Those of a phase, weighted (eq. 24).

        Args:
            maps: as predicted for these photographs.
            faces: the photographs.
            mapper: draws the truth; on their device.
            phase: DEFORMATION, where the shape alone is learnt if there is one; JOINT, without the losses on the mesh;
                or ALL.
        """
        true, unit, beta = mapper(faces), self.unit, self.beta

        def distance(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
            return self.region_weight * weighted_distance(found, expected, mapper.weights)

        side, terms = unit.image_sides * faces.images.shape[-1], dict[str, torch.Tensor]()
        in_image = phase != DEFORMATION or maps.shape is None
        if maps.shape is not None:
            terms["deformation"] = beta.deformation * distance(maps.shape, true.shape) / unit.shape_mm  # L_D
        if maps.first_landmarks is not None:
            missed = lengths(maps.first_landmarks - mapper.template.landmarks_of(true.geometry)).mean()
            terms["first_landmarks"] = beta.pose_dependent * self.region_weight * missed / side
        if maps.pose_dependent is not None and in_image:
            terms["pose_dependent"] = beta.pose_dependent * distance(maps.pose_dependent, true.geometry) / side  # L_P
        if maps.shape is not None and in_image:
            # Where only one face in the image is predicted, it is learnt with the weight of P.
            weight = beta.pose_dependent if maps.pose_dependent is None else beta.geometry
            terms["geometry"] = weight * distance(maps.geometry, true.geometry) / side  # L_G
        if maps.shape is not None and phase == ALL:
            terms |= self._on_mesh(mapper.points_of(maps.shape), mapper.points_of(true.shape))
        if maps.attention is not None:
            terms["attention"] = beta.attention * attention_loss(maps.attention, faces.skin)  # L_A
        return terms

    def _on_mesh(self, found: torch.Tensor, expected: torch.Tensor) -> dict[str, torch.Tensor]:
        beta, device = self.beta, found.device
        losses: dict[str, Callable[[], torch.Tensor]] = {
            "edge": lambda: edge_length_loss(found, expected, self.edges.to(device)) / self.unit.shape_mm,  # L_E
            "normal": lambda: normal_loss(found, expected, self.triangles.to(device)) / self.unit.cosines,  # L_V
        }
        weights = {"edge": beta.edge, "normal": beta.normal}
        return {name: weight * losses[name]() for name, weight in weights.items() if weight}


def stages(schedule: ScheduleSettings) -> tuple[Stage, ...]:
    """The phases of a training, in their order; the last takes what is left of its epochs."""
    lengths = ((DEFORMATION, schedule.deformation), (JOINT, schedule.joint))
    first = tuple(Stage((Phase(name),), epochs) for name, epochs in lengths if epochs)
    return (*first, Stage((Phase(ALL),)))
