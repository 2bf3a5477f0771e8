"""From coefficients to a picture: the face that they make, posed, lit and drawn, differentiable to all of them.

The camera is the base method's (Deng et al., CVPRW 2019): focal length 1015 pixels and centre 112 on 224 x 224 pixels,
10 decimetres before the face. Paper 5, eqs. 1 to 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from facelib.faces.face_layout import face_layout
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.scene import GAMMA
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.differentiable_rendering import render
from facelib.geometry.lighting import coefficients_from_gamma
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rotations import euler_to_matrix
from facelib.geometry.uv_maps import UVLayout
from facelib.models.msma import FaceCoefficients

FOCAL, FULL_SIZE = 1015.0, 224  # pixels
DISTANCE_MM, DECIMETRE = 1000.0, 100.0  # mm
MAP = 16  # texels of the layout that says what the face is; its limits on the head are the same at every size
EYE_FRONT = 0.5  # cosine to the viewing direction from which on an eyeball may be seen between its lids
DARKEST = 1e-4  # linear light below which encoding has no gradient, which would grow without bounds towards black


@dataclass(frozen=True)
class DrawnFace:
    """What coefficients look like.

    Args:
        image: I^r, (B, 3, S, S) RGB as a camera encodes it, on the background that was given.
        mask: M, (B, S, S) bool, where the face is seen.
        landmarks: p', (B, 68, 2) pixels.
        albedo: T, (B, V, 3) linear RGB of the vertices that are drawn.
    """

    image: torch.Tensor
    mask: torch.Tensor
    landmarks: torch.Tensor
    albedo: torch.Tensor


class FaceRenderer(nn.Module):
    """Draws faces of a model, from hairline to throat and without ears, as face models of scans have them.

    Args:
        model: the face model.
        size: S, pixels a side of the pictures.

    Attributes:
        skin: (V,) 1 for the drawn vertices that are skin, where the reflectance loss looks.
        place: (V, 2) of the drawn vertices on the face rolled out, from the upper left (0, 0) to (1, 1).
    """

    skin: torch.Tensor
    place: torch.Tensor
    triangles: torch.Tensor
    landmarks: torch.Tensor
    middle: torch.Tensor
    mean: torch.Tensor
    identity_basis: torch.Tensor
    expression_basis: torch.Tensor
    texture_mean: torch.Tensor
    texture_basis: torch.Tensor

    def __init__(self, model: MorphableModel, size: int) -> None:
        super().__init__()
        self.size = size
        layout = face_layout(model, MAP)
        triangles = _face_triangles(model, layout)
        used = torch.unique(torch.cat((triangles.flatten(), model.landmarks)))
        numbers = torch.full((len(model.mean),), -1)
        numbers[used] = torch.arange(len(used))
        values = {
            "triangles": numbers[triangles],
            "landmarks": numbers[model.landmarks],
            "place": layout.place[used] / MAP,
            # The origin of the face frame lies inside the head; what is in the middle of the picture is the face.
            "middle": _middle(model),
            "mean": model.mean[used],
            "identity_basis": model.identity_basis[:, used],
            # Eq. 18 squares coefficients, and so takes them in standard deviations, as bases of scans have them;
            # strengths as they are would cost a hundredth of that, and take up what landmarks are off by: direct fits
            # were worse than the mean face.
            "expression_basis": EXPRESSION_SPREAD * model.expression_basis[:, used],
            "texture_mean": model.texture_mean[used],
            "texture_basis": model.texture_basis[:, used],
            "skin": (model.regions["skin"][used] > 0.5).float(),
        }
        for name, value in values.items():
            self.register_buffer(name, value, persistent=False)

    @property
    def camera(self) -> PerspectiveCamera:
        """Of the pictures."""
        return PerspectiveCamera(FOCAL * self.size / FULL_SIZE, self.size / 2, self.size / 2)

    def forward(self, coefficients: FaceCoefficients, background: torch.Tensor) -> DrawnFace:
        """Draw faces.

        Args:
            coefficients: of B faces.
            background: (B or 1, 3, S, S) RGB.
        """
        shape = self.shape_of(coefficients)
        points = self.in_camera(shape, coefficients)
        albedo = self.albedo_of(coefficients)
        rotation = euler_to_matrix(*coefficients.angles.unbind(1))
        normals = vertex_normals(shape, self.triangles) @ rotation.mT  # n, x right, y up, z towards the camera
        light = coefficients_from_gamma(coefficients.light)
        drawn = render(points, self.triangles, self.camera, albedo, normals, light, background, cull_back_faces=True)
        encoded = drawn.image.clamp(min=DARKEST) ** (1 / GAMMA)
        image = torch.where(drawn.mask[:, None], encoded, background)
        return DrawnFace(image, drawn.mask, self._projected(points[:, self.landmarks]), albedo)

    def shape_of(self, coefficients: FaceCoefficients) -> torch.Tensor:
        """S, (B, V, 3) mm in the face frame, eq. 1."""
        identity, expression = coefficients.identity, coefficients.expression
        return _combined(self.mean, (identity, self.identity_basis), (expression, self.expression_basis))

    def albedo_of(self, coefficients: FaceCoefficients) -> torch.Tensor:
        """T(gamma), (B, V, 3) linear RGB, eq. 3."""
        return _combined(self.texture_mean, (coefficients.albedo, self.texture_basis)).clamp(0.01, 1.0)

    def landmarks_of(self, coefficients: FaceCoefficients) -> torch.Tensor:
        """p', (B, 68, 2) pixels, without drawing anything."""
        points = self.shape_of(coefficients)[:, self.landmarks]
        return self._projected(self.in_camera(points, coefficients))

    def _projected(self, points: torch.Tensor) -> torch.Tensor:
        return self.camera.project(points)[..., :2]

    def in_camera(self, points: torch.Tensor, coefficients: FaceCoefficients) -> torch.Tensor:
        """Points of the face frame (B, N, 3) in the camera frame, mm: R S + t, eq. 2."""
        away = points.new_tensor([0.0, 0.0, DISTANCE_MM])
        rotation = euler_to_matrix(*coefficients.angles.unbind(1))
        return face_to_camera(points - self.middle, rotation, DECIMETRE * coefficients.translation + away)


def _face_triangles(model: MorphableModel, layout: UVLayout) -> torch.Tensor:
    """The triangles (T, 3) of the face as the position maps of paper 3 have it, without the backs of the eyeballs.

    These are never seen, and a scan has none of them.
    """
    inside = ((layout.place > 0) & (layout.place < layout.size)).all(dim=1)
    triangles = layout.triangles[inside[layout.triangles].all(dim=1)]
    behind = vertex_normals(model.mean[None], model.triangles)[0, :, 2] < EYE_FRONT
    return triangles[~(behind & (model.regions["eyeballs"] > 0.5))[triangles].all(dim=1)]


def _middle(model: MorphableModel) -> torch.Tensor:
    """The middle of the landmarks' box on the mean face."""
    landmarks = model.mean[model.landmarks]
    return (landmarks.amin(dim=0) + landmarks.amax(dim=0)) / 2


def _combined(mean: torch.Tensor, *parts: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """mean + sum of coefficients (B, up to K) @ basis (K, V, 3), as (B, V, 3)."""
    flat = mean.flatten()
    for values, basis in parts:
        flat = torch.addmm(flat, values, basis[: values.shape[1]].flatten(1))
    return flat.unflatten(1, mean.shape)
