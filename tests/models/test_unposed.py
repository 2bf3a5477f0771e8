"""The image on the mean face: by its definition, and that neither pose nor light is left in it."""

from __future__ import annotations

import math

import pytest
import torch
from made_input import images

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.alignment import Similarity
from facelib.geometry.rotations import euler_to_matrix
from facelib.models.face_template import FaceTemplate
from facelib.models.sadrnet import SADRNet
from facelib.models.unposed import GRAZING, UnposedEncoder

SIZE = 64


@pytest.fixture(scope="module")
def template(face_model: MorphableModel) -> FaceTemplate:
    return FaceTemplate(face_layout(face_model, SIZE), face_model.mean, face_model.landmarks)


@pytest.fixture
def encoder(template: FaceTemplate) -> UnposedEncoder:
    torch.manual_seed(0)
    return UnposedEncoder(template, 0.25, 4)


def posed(yaw: float = 0.0, count: int = 1) -> Similarity:
    """A face of 40 pixels in the middle of the image."""
    rotation = torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*torch.tensor([yaw, 0.0, 0.0]))
    middle = torch.tensor([SIZE / 2, SIZE / 2, 0.0])
    return Similarity(torch.full((count,), 0.2), rotation.expand(count, 3, 3), middle.expand(count, 3))


def ramp() -> torch.Tensor:
    """Red grows by columns and green by rows; a pixel's value is the position of its middle."""
    middles = torch.arange(SIZE) / SIZE + 0.5 / SIZE
    return torch.stack((middles.expand(SIZE, SIZE), middles[:, None].expand(SIZE, SIZE), torch.zeros(SIZE, SIZE)))[None]


def test_a_texel_shows_the_pixel_where_it_lies(encoder: UnposedEncoder, template: FaceTemplate) -> None:
    pose = posed(0.4)
    shown = encoder.unposed(ramp(), pose)[0].flatten(1)
    places = pose.apply(template.mean_map[:, ::2, ::2].flatten(1).mT[None])[0]
    seen = shown[3] > GRAZING

    assert 0.2 < float(seen.float().mean()) < 0.8
    for colour in (0, 1):
        position = places[seen, colour]
        expected = (position - position.mean()) / (position.std(correction=0) + 0.05 * SIZE)
        assert shown[colour, seen] == pytest.approx(expected, abs=1e-4)
    assert not shown[:3, ~seen].any()


def test_how_much_a_texel_faces_the_viewer(encoder: UnposedEncoder, template: FaceTemplate) -> None:
    """A frontal face shows z of its normals; one turned by 90 degrees shows x, on the side that is seen."""
    normals = template.normal_map[:, ::2, ::2]
    assert normals.norm(dim=0)[template.mask[::2, ::2]] == pytest.approx(1.0, abs=1e-4)
    assert encoder.unposed(ramp(), posed())[0, 3] == pytest.approx(normals[2], abs=1e-5)
    turned = encoder.unposed(ramp(), posed(math.pi / 2))[0, 3]
    assert turned.abs() == pytest.approx(normals[0].abs(), abs=1e-5)


def test_a_turn_of_the_photograph_changes_nothing(encoder: UnposedEncoder) -> None:
    """Photograph and pose turned by 90 degrees about the middle of the image."""
    photographs, pose = images(2, SIZE), posed(0.3, 2)
    quarter = torch.tensor([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # of (column, row, depth)
    rotation, centre = quarter @ pose.rotation, pose.translation - pose.translation @ quarter.mT
    moved = Similarity(pose.scale, rotation, pose.translation @ quarter.mT + centre)
    turned = photographs.rot90(1, (2, 3))

    assert encoder.unposed(turned, moved) == pytest.approx(encoder.unposed(photographs, pose), abs=1e-3)


def test_light_does_not_matter(encoder: UnposedEncoder) -> None:
    """Colours differ by a factor alone, from the least contrast that is divided by."""
    photographs, pose = 0.5 + 0.5 * images(2, SIZE), posed(count=2)
    tinted = torch.tensor([0.9, 0.6, 0.7])[:, None, None] * photographs + 0.05
    plain, other = (encoder.unposed(each, pose)[:, :3].flatten(2) for each in (photographs, tinted))
    ratio = other.norm(dim=2, keepdim=True) / plain.norm(dim=2, keepdim=True)
    assert other == pytest.approx(ratio * plain, abs=1e-4)
    assert ratio.flatten() == pytest.approx(1.0, abs=0.25)


def test_the_shape_does_not_teach_the_pose(template: FaceTemplate) -> None:
    torch.manual_seed(0)
    network = SADRNet(template, width=1 / 16, shared_layers=0, unposes=True)
    shape = network(images(2, SIZE)).shape
    assert shape is not None
    gradients = torch.autograd.grad(shape.square().sum(), list(network.parameters()), allow_unused=True)
    taught = {
        name.split(".")[0]
        for (name, _), each in zip(network.named_parameters(), gradients, strict=True)
        if each is not None
    }
    assert taught == {"low", "attention", "high", "hidden", "unposed", "unposed_code", "shape_codes", "shape_head"}


def test_only_for_a_self_aligned_geometry(template: FaceTemplate) -> None:
    with pytest.raises(
        BadInput, match="an image is unposed for a self-aligned geometry, not for geometry 'regressed_pose'"
    ):
        SADRNet(template, width=1 / 16, geometry="regressed_pose", unposes=True)
