from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.posed_faces import PosedFaces
from facelib.faces.face_layout import face_layout
from facelib.geometry.rotations import euler_to_matrix
from facelib.papers.sadrnet.maps import FaceMapper

SIZE = 64
REGIONS = (16.0, 12.0, 3.0, 0.0)


def made_faces(count: int, size: int = SIZE, seed: int = 0, components: int = 199, actions: int = 52) -> PosedFaces:
    """Faces of random shape in random poses, without a picture."""
    generator = torch.Generator().manual_seed(seed)
    angles = 0.6 * torch.randn(count, 3, generator=generator)
    return PosedFaces(
        images=torch.rand(count, 3, size, size, generator=generator),
        skin=torch.ones(count, size, size),
        shape=torch.randn(count, components, generator=generator).clamp(-2, 2),
        expression=0.5 * torch.rand(count, actions, generator=generator),
        scale=size / 220 * (1 + 0.1 * torch.rand(count, generator=generator)),
        rotation=torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*angles.unbind(1)),
        translation=torch.cat((size / 2 + torch.randn(count, 2, generator=generator), torch.zeros(count, 1)), dim=1),
    )


@pytest.fixture(scope="module")
def mapper(face_model) -> FaceMapper:
    return FaceMapper(face_model, SIZE, REGIONS)


def test_maps_are_those_of_the_vertices(mapper, face_model):
    """Through the vertices of the whole head, as the layout draws them."""
    faces = made_faces(3)
    layout = face_layout(face_model, SIZE)
    heads = face_model.vertices(faces.shape, faces.expression)
    true = mapper(faces)
    assert torch.allclose(true.shape, layout.position_map(heads), atol=1e-3)
    posed = layout.position_map(faces.pose.apply(heads))
    assert torch.allclose(true.geometry, posed.where(layout.mask, 0), atol=1e-3)
    assert not true.geometry[..., ~layout.mask].any()


def test_points_and_maps_are_one_to_one(mapper):
    maps = mapper(made_faces(2)).shape
    assert torch.equal(mapper.map_of(mapper.points_of(maps)), maps)


def test_the_neck_is_not_evaluated(mapper):
    inside, neck = mapper.evaluated, mapper.template.mask & ~mapper.evaluated
    height = mapper.template.mean_map[1]
    assert neck.any()
    assert inside.any()
    assert height[neck].mean() < height[inside].mean() - 40
    assert not mapper.weights[neck].any()
    rows, columns = mapper.template.texels.unbind(1)
    assert inside[rows, columns].all()
    assert np.isclose(float(mapper.weights.max()), 16)
