"""A face fitted to a photograph, and its surface as pictures and mesh files show it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

from facelib.data.photographs import FaceBox, FaceCrop, Photograph
from facelib.errors import DegenerateInput, check_finite
from facelib.faces.coloured_mesh import coloured_mesh
from facelib.faces.scene import GAMMA
from facelib.faces.subdivision import subdivision_operator
from facelib.geometry.lighting import coefficients_from_gamma, shade
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rotations import euler_to_matrix
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import DISTANCE_MM, FaceRenderer
from facelib.papers.msma.networks import face_renderer
from facelib.papers.sadrnet.reconstruction import seen_points

if TYPE_CHECKING:
    import trimesh

FINER = 2  # times that each triangle is split into four, as the photograph is finer than the face model
EDGE = (0.08, 0.06)  # widths along the sides, and above and below, of the face rolled out: cut off, as they are ragged
GRAZING, CLEAR = 0.3, 0.6  # cosines towards the viewer, from which the photograph's colours begin to count, and do so
BLACK = 0.05  # brightest colour of a face that is not seen

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surface:
    """A face finer than its model's triangles.

    Args:
        vertices: (N, 3) mm in the face frame.
        points: (N, 3) column, row and depth in pixels of the crop, depth growing away from the viewer.
        normals: (N, 3) as the camera sees them: x right, y up, z towards it.
        albedo: T, (N, 3) linear RGB.
        triangles: (T, 3), counter-clockwise seen from outside.
    """

    vertices: torch.Tensor
    points: torch.Tensor
    normals: torch.Tensor
    albedo: torch.Tensor
    triangles: torch.Tensor

    def lit(self, light: torch.Tensor) -> torch.Tensor:
        """Colours (N, 3) in [0, 1], as a camera encodes them, in a light (9, 3) as `shade` takes it."""
        return encoded(shade(self.albedo[None], self.normals[None], light[None])[0])


def encoded(linear: torch.Tensor) -> torch.Tensor:
    """Linear colours as cameras and screens encode them, in [0, 1]."""
    return linear.clamp(0, 1) ** (1 / GAMMA)


@dataclass(frozen=True)
class FittedFace:
    """A face of the model, as it lies in a photograph.

    Args:
        coefficients: of this one face.
        crop: what was read; the renderer's pictures show the same square.
        box: of the face in pixels, as it was given or found.
        photograph: of the face.
        origin: what made the coefficients, for whoever reads them later.

    Raises:
        DegenerateInput: coefficients that are not finite, or a face that does not lie before the camera.
    """

    coefficients: FaceCoefficients
    crop: FaceCrop
    box: FaceBox
    photograph: Photograph
    origin: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name, value in self.coefficients._asdict().items():
            check_finite(f"the {name} that was read", value)
        nearest = float(self.renderer.in_camera(self.vertices[None], self.coefficients)[..., 2].min())
        if nearest < DISTANCE_MM / 10:
            raise DegenerateInput(
                f"the face lies {nearest:.0f} mm before the camera: expected about {DISTANCE_MM:g} mm; look at "
                "the box, and at the network's weights"
            )
        if float(self.surface.lit(self.light).max()) < BLACK:
            _log.warning("the light that was found leaves the face black: its shape may be right, its albedo is not")

    @property
    def renderer(self) -> FaceRenderer:
        """Which draws such coefficients on the crop."""
        return face_renderer(self.crop.image.shape[-1])

    @property
    def light(self) -> torch.Tensor:
        """That was found, (9, 3)."""
        return coefficients_from_gamma(self.coefficients.light)[0]

    @property
    def vertices(self) -> torch.Tensor:
        """S, (V, 3) mm in the face frame."""
        return self.renderer.shape_of(self.coefficients)[0]

    @property
    def triangles(self) -> torch.Tensor:
        """(T, 3) between the vertices, counter-clockwise seen from outside."""
        return self.renderer.triangles

    @property
    def landmarks(self) -> torch.Tensor:
        """p', (68, 2) pixels of the photograph."""
        return self.crop.to_photograph(self.renderer.landmarks_of(self.coefficients)[0])

    @property
    def angles(self) -> dict[str, float]:
        """Yaw, pitch and roll of the head in degrees."""
        return dict(zip(("yaw", "pitch", "roll"), self.coefficients.angles[0].rad2deg().tolist(), strict=True))

    @cached_property
    def surface(self) -> Surface:
        """The face, finer."""
        renderer, found = self.renderer, self.coefficients
        fine, triangles = _finer(renderer)
        coarse = torch.cat((self.vertices, renderer.albedo_of(found)[0]), dim=1)
        vertices, albedo = torch.from_numpy(fine @ coarse.numpy()).split(3, dim=1)
        screen = renderer.camera.project(renderer.in_camera(vertices[None], found))[0]
        depth = (screen[:, 2:] - DISTANCE_MM) * (renderer.camera.focal / DISTANCE_MM)  # mm as pixels
        normals = vertex_normals(vertices[None], triangles)[0] @ euler_to_matrix(*found.angles[0]).T
        return Surface(vertices, torch.cat((screen[:, :2], depth), dim=1), normals, albedo, triangles)

    @cached_property
    def colours(self) -> torch.Tensor:
        """Of the surface, (N, 3) RGB in [0, 1].

        The photograph's where it shows the face well, and the model's albedo in their tone where it does not.
        """
        surface, size = self.surface, self.renderer.size
        taken = self.photograph.colours_at(self.crop.to_photograph(surface.points)[:, :2])
        share = ((surface.normals[:, 2:] - GRAZING) / (CLEAR - GRAZING)).clamp(0, 1)
        share = share * seen_points(surface.points, surface.triangles, size)[:, None] * ~taken.isnan()
        taken = taken.nan_to_num()
        clear = share[:, 0] == 1
        tone = (taken[clear] ** GAMMA / surface.albedo[clear]).median(dim=0).values if clear.any() else torch.ones(3)
        return share * taken + (1 - share) * encoded(tone * surface.albedo)

    @property
    def albedo(self) -> torch.Tensor:
        """Of the surface as a screen shows it, (N, 3) in [0, 1]."""
        return encoded(self.surface.albedo)

    def to_trimesh(self) -> trimesh.Trimesh:
        """The surface in mm with its colours."""
        return coloured_mesh(self.surface.vertices, self.surface.triangles, self.colours)


@lru_cache(maxsize=4)
def _finer(renderer: FaceRenderer) -> tuple[sparse.csr_matrix, torch.Tensor]:
    """From the renderer's vertices to those of a finer mesh, (N, V), and its triangles (T, 3), without the edge."""
    whole, triangles = sparse.identity(len(renderer.mean)), renderer.triangles.numpy()
    for _ in range(FINER):
        step, triangles = subdivision_operator(triangles, whole.shape[0])
        whole = step @ whole
    place = whole @ renderer.place.numpy()
    inside = ((place > EDGE) & (place < 1 - np.array(EDGE))).all(axis=1)
    used, triangles = np.unique(triangles[inside[triangles].all(axis=1)], return_inverse=True)
    return whole[used].astype(np.float32), torch.from_numpy(triangles.reshape(-1, 3))
