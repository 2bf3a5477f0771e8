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
from facelib.geometry.lighting import coefficients_from_gamma, sh_basis
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
SMOOTHED = 6  # times that the border is
DIM = 0.1  # least strength of a light
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

    def received(self, light: torch.Tensor) -> torch.Tensor:
        """Red, green and blue (N, 3) that each point gets of a light (9, 3), as `shade` takes it."""
        return sh_basis(self.normals) @ light

    def lit(self, light: torch.Tensor, albedo: torch.Tensor | None = None) -> torch.Tensor:
        """Colours (N, 3) in [0, 1], as a camera encodes them, in such a light, of its albedo or another one."""
        return encoded((self.albedo if albedo is None else albedo) * self.received(light))


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
        fine, triangles = finer_mesh(renderer)
        coarse = torch.cat((self.vertices, renderer.albedo_of(found)[0]), dim=1)
        vertices, albedo = torch.from_numpy(fine @ coarse.numpy()).split(3, dim=1)
        screen = renderer.camera.project(renderer.in_camera(vertices[None], found))[0]
        depth = (screen[:, 2:] - DISTANCE_MM) * (renderer.camera.focal / DISTANCE_MM)  # mm as pixels
        normals = vertex_normals(vertices[None], triangles)[0] @ euler_to_matrix(*found.angles[0]).T
        return Surface(vertices, torch.cat((screen[:, :2], depth), dim=1), normals, albedo, triangles)

    @cached_property
    def taken(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The photograph's colours on the surface (N, 3), and how well each point is seen, (N, 1) in [0, 1]."""
        surface = self.surface
        taken = self.photograph.colours_at(self.crop.to_photograph(surface.points)[:, :2])
        share = ((surface.normals[:, 2:] - GRAZING) / (CLEAR - GRAZING)).clamp(0, 1)
        seen = seen_points(surface.points, surface.triangles, self.renderer.size)[:, None] & ~taken.isnan()
        return taken.nan_to_num(), share * seen

    @cached_property
    def colours(self) -> torch.Tensor:
        """Of the surface, (N, 3) RGB in [0, 1].

        The photograph's where it shows the face well, and the model's albedo in their tone where it does not.
        """
        (taken, share), albedo = self.taken, self.surface.albedo
        clear = share[:, 0] == 1
        tone = (taken[clear] ** GAMMA / albedo[clear]).median(dim=0).values if clear.any() else torch.ones(3)
        return share * taken + (1 - share) * encoded(tone * albedo)

    @property
    def strength(self) -> torch.Tensor:
        """Of the light that was found, (3,): its median over the surface."""
        return self.surface.received(self.light).median(dim=0).values.clamp(min=DIM)

    @property
    def reflectance(self) -> torch.Tensor:
        """Of the surface, (N, 3) linear RGB: the photograph's colours with the light that was found taken off them, and
        the model's albedo where the photograph does not show the face well."""
        taken, share = self.taken
        light = self.surface.received(self.light).maximum(self.strength / 3)
        return share * taken**GAMMA / light + (1 - share) * self.surface.albedo

    @property
    def albedo(self) -> torch.Tensor:
        """Of the surface as a screen shows it, (N, 3) in [0, 1]."""
        return encoded(self.surface.albedo)

    def to_trimesh(self) -> trimesh.Trimesh:
        """The surface in mm with its colours."""
        return coloured_mesh(self.surface.vertices, self.surface.triangles, self.colours)


@lru_cache(maxsize=4)
def finer_mesh(renderer: FaceRenderer, times: int = FINER) -> tuple[sparse.csr_matrix, torch.Tensor]:
    """From the renderer's vertices to those of a mesh finer so many times, (N, V), and its triangles (T, 3), without
    the edge."""
    whole, triangles = sparse.identity(len(renderer.mean)), renderer.triangles.numpy()
    for _ in range(times):
        step, triangles = subdivision_operator(triangles, whole.shape[0])
        whole = step @ whole
    place = whole @ renderer.place.numpy()
    inside = ((place > EDGE) & (place < 1 - np.array(EDGE))).all(axis=1)
    used, triangles = np.unique(triangles[inside[triangles].all(axis=1)], return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    whole = _smoother(triangles, len(used)) @ whole[used]
    return whole.astype(np.float32), torch.from_numpy(triangles)


def _smoother(triangles: np.ndarray, count: int) -> sparse.csr_matrix:
    """What makes border lines straight that were cut along triangles: means of neighbours on them, over and over."""
    sides = np.sort(np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1)
    sides, uses = np.unique(sides, axis=0, return_counts=True)
    first, second = sides[uses == 1].T
    joined = sparse.coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count)).tocsr()
    joined = joined + joined.T
    neighbours = np.asarray(joined.sum(axis=1)).ravel()
    once = sparse.diags(np.where(neighbours > 0, 0.5, 1.0)) + sparse.diags(0.5 / np.maximum(neighbours, 1)) @ joined
    return sparse.linalg.matrix_power(once.tocsr(), SMOOTHED)
