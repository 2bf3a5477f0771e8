"""A face laid onto a cloud of points, and a face model fitted to it, without learning.

ICP moves the cloud to the face and not the face to the cloud: hair, neck and room in the cloud find no part of the face
nearest to them, or one too far, and drop out, while a face reaches beyond what the camera sees of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import DegenerateInput, check_shape
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.skin_surface import SkinSurface
from facelib.geometry.alignment import Similarity
from facelib.geometry.icp import IcpResult, icp
from facelib.geometry.neighbours import nearest
from facelib.geometry.normals import vertex_normals

FARTHEST = 40.0  # mm between the points of a pair
HEAD = 130.0  # mm around the middle of a frame that hold a face
LEAST_POINTS = 100


def head_cloud(positions: torch.Tensor) -> torch.Tensor:
    """The points (N, 3) of a position image around its middle, in the axes of the face frame.

    Args:
        positions: (3, H, W) mm about the middle of a head, axes of the camera, NaN in holes.

    Raises:
        BadInput: on another shape.
        DegenerateInput: when less than 100 points are there.
    """
    check_shape("positions", positions, (3, None, None))
    points = positions.flatten(1).T
    points = points[points.norm(dim=1) < HEAD]  # false of NaN
    if len(points) < LEAST_POINTS:
        raise DegenerateInput(f"{len(points)} points within {HEAD:g} mm of the middle: expected a head there")
    return points @ points.new_tensor(FACE_TO_CAMERA)


def lay(
    cloud: torch.Tensor, head: torch.Tensor, surface: SkinSurface, start: Similarity | None = None, *, scale: bool
) -> IcpResult:
    """Move a cloud onto the face of a head.

    Args:
        cloud: (N, 3) mm, as `head_cloud`.
        head: (V, 3) mm, of the surface.
        surface: what is face in it.
        start: first guess; None for a frontal head in the frame's middle.
        scale: whether the cloud may change its size.

    Raises:
        DegenerateInput: as `facelib.geometry.icp.icp`.
    """
    # All pairs are kept: without the farthest fifth of them, a head turned by 12 degrees ends up 22 degrees off.
    normals = face_normals(head, surface)
    return icp(cloud, head, target_normals=normals, start=start, scale=scale, max_distance=FARTHEST)


def face_normals(head: torch.Tensor, surface: SkinSurface) -> torch.Tensor:
    """(V, 3), zero at what is not the face, whose pairs ICP drops."""
    normals = vertex_normals(head[None], surface.triangles)[0]
    on_face = torch.zeros(len(head), 1)
    on_face[surface.face] = 1
    return normals * on_face


@dataclass(frozen=True)
class CloudFit:
    """Fits a face model to clouds: its pose by ICP, and then coefficients c by the distances along normals,

    minimising mean (n . (p - c B - mean))^2 / r^2 + ||c / spread||^2, in turns.

    Args:
        surface: the model.
        identities: components of the shape that are fitted, besides all facial actions.
        rounds: of both.
        residual: r in mm, that the fit leaves rather than take a coefficient of one standard deviation.
        reach: mm between the points of pairs for coefficients.
    """

    surface: SkinSurface
    identities: int
    rounds: int
    residual: float
    reach: float

    def __call__(self, cloud: torch.Tensor) -> torch.Tensor:
        """The head (V, 3) mm of a cloud (N, 3).

        Raises:
            DegenerateInput: when the cloud does not lie near the model.
        """
        surface = self.surface
        basis = torch.cat((surface.basis[: self.identities], surface.basis[surface.identities :]))
        spread = torch.full((len(basis),), EXPRESSION_SPREAD)
        spread[: self.identities] = 1
        head, place = surface.mean, None
        for _ in range(self.rounds):
            place = lay(cloud, head, surface, place, scale=False).transform
            moved = place.apply(cloud)
            distances, pairs = (each[0] for each in nearest(moved[None], head[None]))
            normals = face_normals(head, surface)[pairs]
            near = (distances < self.reach) & normals.any(dim=1)
            if near.sum() < LEAST_POINTS:
                raise DegenerateInput(f"{int(near.sum())} points within {self.reach:g} mm of the face: is it in view?")
            pairs, normals = pairs[near], normals[near]
            rows = (basis[:, pairs] * normals).sum(dim=2)  # (C, P)
            along = ((moved[near] - surface.mean[pairs]) * normals).sum(dim=1)
            weight = len(pairs) * self.residual**2
            coefficients = torch.linalg.solve(rows @ rows.T / weight + torch.diag(spread**-2), rows @ along / weight)
            head = surface.mean + (coefficients @ basis.flatten(1)).view(-1, 3)
        return head
