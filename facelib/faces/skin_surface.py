"""The skin of a face model as a surface of its own, and the part of it that is the face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch

from facelib.conventions import NOSE_TIP
from facelib.faces.morphable_model import ByIdentity, MorphableModel

CHIN = 8  # landmark
REACH, BELOW = 95.0, 5.0  # mm around the tip of the nose, and below the chin


@dataclass(frozen=True)
class SkinSurface:
    """The skin of the face model, V of its vertices, as a linear model in the face frame.

    Args:
        mean: (V, 3) mm.
        basis: (K + E, V, 3) mm, of identities and then of facial actions.
        identities: K.
        triangles: (T, 3).
        landmarks: (68,) vertices.
        face: (F,) vertices of the face, without neck and ears.
        face_triangles: (T', 3) of these, into `face`.
        face_edges: (N, 2) neighbours in it, each pair both ways.
    """

    mean: torch.Tensor
    basis: torch.Tensor
    identities: int
    triangles: torch.Tensor
    landmarks: torch.Tensor
    face: torch.Tensor
    face_triangles: torch.Tensor
    face_edges: torch.Tensor

    def displacements(self, identity: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        """From the mean, (B, 3 V) mm, of identities (B, up to K) and actions (B, E)."""
        used = torch.cat((self.basis[: identity.shape[1]], self.basis[self.identities :]))
        return torch.cat((identity, action), dim=1) @ used.flatten(1)

    def heads(self, displacements: torch.Tensor) -> torch.Tensor:
        """(B, V, 3) mm of displacements (B, 3 V)."""
        return self.mean + displacements.unflatten(1, (-1, 3))


def skin_surface(model: MorphableModel) -> SkinSurface:
    """The skin of a face model, made once."""
    return _surface(ByIdentity(model))


@lru_cache(maxsize=4)
def _surface(key: ByIdentity) -> SkinSurface:
    model: MorphableModel = key.model
    skin, face = model.regions["skin"] > 0.5, face_region(model)
    whole, triangles = (model.triangles[mask[model.triangles].all(dim=1)] for mask in (face, skin))
    used = torch.unique(torch.cat((triangles.flatten(), model.landmarks)))
    region = torch.unique(whole)
    numbers, in_region = (torch.full((len(model.mean),), -1) for _ in range(2))
    numbers[used], in_region[region] = torch.arange(len(used)), torch.arange(len(region))
    return SkinSurface(
        mean=model.mean[used],
        basis=torch.cat((model.identity_basis, model.expression_basis))[:, used],
        identities=len(model.identity_basis),
        triangles=numbers[triangles],
        landmarks=numbers[model.landmarks],
        face=numbers[region],
        face_triangles=in_region[whole],
        face_edges=edges_of(in_region[whole]),
    )


def face_region(model: MorphableModel) -> torch.Tensor:
    """(V,) bool, which vertices of a model are skin of the face, without neck and ears."""
    tip, chin = model.mean[model.landmarks[[NOSE_TIP, CHIN]]]
    face = (model.regions["skin"] > 0.5) & (model.regions["ears"] < 0.5) & ((model.mean - tip).norm(dim=1) < REACH)
    return face & (model.mean[:, 1] > chin[1] - BELOW)


def edges_of(triangles: torch.Tensor) -> torch.Tensor:
    """Neighbours (N, 2) in triangles (T, 3), each pair once in each direction."""
    ends = torch.cat([triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2))])
    count = int(triangles.max()) + 1
    single = torch.unique(ends[:, 0] * count + ends[:, 1])  # of numbers, which is far faster than of rows
    return torch.stack((single // count, single % count), dim=1)
