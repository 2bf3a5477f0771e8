"""A face laid onto clouds of known heads, and a face model fitted to them."""

from __future__ import annotations

import pytest
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.cloud_fit import CloudFit, face_normals, head_cloud, lay
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.skin_surface import SkinSurface, skin_surface
from facelib.geometry.alignment import Similarity
from facelib.geometry.rotations import euler_to_matrix, geodesic_distance


@pytest.fixture(scope="module")
def surface(face_model: MorphableModel) -> SkinSurface:
    return skin_surface(face_model)


def someone(surface: SkinSurface, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    identity = torch.randn(1, 20, generator=generator)
    return surface.heads(surface.displacements(identity, torch.zeros(1, len(surface.basis) - surface.identities)))[0]


def turned(yaw: float) -> Similarity:
    angles = torch.deg2rad(torch.tensor([yaw, 8.0, -5.0]))
    return Similarity(torch.tensor(1.0), euler_to_matrix(*angles), torch.tensor([4.0, -6.0, 9.0]))


def test_the_surface_is_a_part_of_the_model(face_model: MorphableModel, surface: SkinSurface) -> None:
    identity, action = torch.randn(2, 5), torch.rand(2, len(face_model.expression_basis))
    whole = face_model.vertices(identity, action)
    heads = surface.heads(surface.displacements(identity, action))
    torch.testing.assert_close(heads[:, surface.landmarks], whole[:, face_model.landmarks], atol=1e-3, rtol=0)
    assert 1500 < len(surface.face) < len(surface.mean) < len(face_model.mean)
    assert surface.face_triangles.unique().tolist() == list(range(len(surface.face)))
    height = surface.mean[surface.face, 1]
    assert height.min() > surface.mean[surface.landmarks[8], 1] - 6  # no neck


def test_the_cloud_of_a_frame_is_what_is_near_its_middle_in_the_axes_of_the_face() -> None:
    positions = torch.full((3, 20, 20), torch.nan)
    positions[:, :10] = torch.tensor([1.0, 2.0, 3.0])[:, None, None]
    positions[:, 10, 0] = torch.tensor([0.0, 0.0, 200.0])
    cloud = head_cloud(positions)
    assert cloud.shape == (200, 3)
    torch.testing.assert_close(cloud[0], torch.tensor(FACE_TO_CAMERA) @ torch.tensor([1.0, 2.0, 3.0]))
    with pytest.raises(DegenerateInput, match="0 points within 130 mm"):
        head_cloud(torch.full((3, 4, 4), torch.nan))
    with pytest.raises(BadInput, match="positions"):
        head_cloud(positions[None])


@pytest.mark.parametrize("yaw", [0.0, 12.0])
def test_icp_finds_where_a_head_is_whatever_else_is_in_the_cloud(surface: SkinSurface, yaw: float) -> None:
    place = turned(yaw)
    hair = 30 * torch.nn.functional.normalize(torch.randn(500, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    cloud = torch.cat((place.apply(surface.mean[surface.face]), place.apply(hair + torch.tensor([0.0, 120.0, 0.0]))))
    found = lay(cloud, surface.mean, surface, scale=False).transform.inverse()
    assert torch.rad2deg(geodesic_distance(found.rotation[None], place.rotation[None])) < 0.5
    assert (found.translation - place.translation).norm() < 1
    larger = lay(1.05 * cloud, surface.mean, surface, scale=True).transform
    assert 1 / larger.scale == pytest.approx(1.05, abs=0.005)


def test_only_the_face_has_normals(surface: SkinSurface) -> None:
    lengths = face_normals(surface.mean, surface).norm(dim=1)
    assert (lengths > 0.5).nonzero()[:, 0].tolist() == surface.face.tolist()


def test_a_fitted_model_is_nearer_than_the_mean(surface: SkinSurface) -> None:
    """Clouds with a millimetre of noise, in a pose that is not known."""
    fit = CloudFit(surface, 40, 6, 0.5, 10.0)
    true, face = someone(surface), surface.face
    noise = torch.randn(len(face), 3, generator=torch.Generator().manual_seed(1))
    head = fit(turned(10.0).apply(true[face]) + noise)
    centred = [each[face] - each[face].mean(dim=0) for each in (head, surface.mean, true)]
    ours, mean = ((each - centred[2]).norm(dim=1).mean() for each in centred[:2])
    assert ours < 0.6 * mean


def test_a_cloud_far_from_any_face_is_refused(surface: SkinSurface) -> None:
    with pytest.raises(DegenerateInput):
        CloudFit(surface, 5, 1, 0.5, 10.0)(torch.full((200, 3), 500.0) + torch.rand(200, 3))
