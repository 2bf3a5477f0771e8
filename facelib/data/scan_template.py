"""The face that scans are laid on: the mean of our face model, and how it varies between people and expressions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch

from facelib.conventions import NOSE_TIP
from facelib.faces.morphable_model import ByIdentity, MorphableModel
from facelib.geometry.normals import vertex_normals

NOSE_BASE = 33  # landmark
REACH, BELOW = 95.0, 12.0  # mm around the tip of the nose, and below its base: what is scanned there finds its pair
IDENTITIES = 60  # components; the others move what lies above the base of the nose by less than scanners are exact
ACTION_SPREAD, LEAST_MOVE = 0.3, 0.5  # of an action's strength; mm (root mean square) that one moves that part by


@dataclass(frozen=True)
class ScanTemplate:
    """A linear model of the face from a little below the nose up, in front of the ears, in float64.

    Args:
        mean: (M, 3) mm, face frame.
        normals: (M, 3) of the mean face.
        triangles: (T, 3).
        basis: (C, M, 3) mm: identities, and actions that move the face above the base of the nose.
        spread: (C,) the standard deviation of each coefficient.
        nose_tip: number of a vertex.
        nose_base: y in mm, below which expressions move the face most.
        area: of the whole mean face seen from the front, mm^2.
    """

    mean: torch.Tensor
    normals: torch.Tensor
    triangles: torch.Tensor
    basis: torch.Tensor
    spread: torch.Tensor
    nose_tip: int
    nose_base: float
    area: float

    @property
    def tip(self) -> torch.Tensor:
        """(3,) mm, the tip of the mean face's nose."""
        return self.mean[self.nose_tip]

    def shape(self, coefficients: torch.Tensor) -> torch.Tensor:
        """The face (M, 3) with these coefficients (C,)."""
        return self.mean + (coefficients @ self.basis.flatten(1)).view_as(self.mean)


def scan_template(model: MorphableModel) -> ScanTemplate:
    """The template of a face model, made once."""
    return _template(ByIdentity(model))


@lru_cache(maxsize=4)
def _template(key: ByIdentity) -> ScanTemplate:
    model = key.model
    base = model.mean[model.landmarks[NOSE_BASE]]
    face = scanned_skin(model)
    kept = face & (model.mean[:, 1] > base[1] - BELOW)
    moved = model.expression_basis[:, face & (model.mean[:, 1] > base[1])].norm(dim=2).square().mean(dim=1).sqrt()
    identities, actions = model.identity_basis[:IDENTITIES], model.expression_basis[moved > LEAST_MOVE]
    spread = torch.cat((torch.ones(len(identities)), torch.full((len(actions),), ACTION_SPREAD)))
    numbers = kept.cumsum(dim=0) - 1
    return ScanTemplate(
        mean=model.mean[kept].double(),
        normals=vertex_normals(model.mean[None].double(), model.triangles)[0, kept],
        triangles=numbers[model.triangles[kept[model.triangles].all(dim=1)]],
        basis=torch.cat((identities, actions))[:, kept].double(),
        spread=spread.double(),
        nose_tip=int(numbers[model.landmarks[NOSE_TIP]]),
        nose_base=float(base[1]),
        area=_area_from_the_front(model.mean, model.triangles[face[model.triangles].all(dim=1)]),
    )


def scanned_skin(model: MorphableModel) -> torch.Tensor:
    """Which vertices (V,) of a face model are skin that scans from the front show, without the ears."""
    skin = (model.regions["skin"] > 0.5) & (model.regions["ears"] < 0.5)
    tip = model.mean[model.landmarks[NOSE_TIP]]
    return skin & ((model.mean - tip).norm(dim=1) < REACH) & (model.mean[:, 2] > 0)


def _area_from_the_front(vertices: torch.Tensor, triangles: torch.Tensor) -> float:
    first, second = vertices.double()[triangles].diff(dim=1).unbind(1)  # edges (T, 3)
    return float(torch.linalg.cross(first, second)[:, 2].clamp(min=0).sum() / 2)
