from __future__ import annotations

import pytest
import torch

from facelib.errors import BadInput
from facelib.faces.face_layout import face_layout
from facelib.geometry.cylindrical_uv import cylindrical_layout
from facelib.geometry.normals import vertex_normals
from facelib.models.face_template import FaceTemplate

SIZE = 64


@pytest.fixture(scope="module")
def template(face_model) -> FaceTemplate:
    return FaceTemplate(face_layout(face_model, SIZE), face_model.mean, face_model.landmarks)


def test_landmarks_lie_where_the_mean_face_has_them(template, face_model):
    """Within two texels' height: a landmark is its nearest texel."""
    found = template.landmarks_of(template.mean_map[None])[0]
    expected = face_model.mean[face_model.landmarks]
    assert (found - expected).norm(dim=1).max() < 8.0
    assert (found - expected).norm(dim=1).mean() < 2.5


def test_normals_equal_those_of_the_whole_grid(template, face_model):
    layout = face_layout(face_model, SIZE)
    maps = template.mean_map[None] + torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    whole = vertex_normals(layout.texel_points(maps).contiguous(), layout.grid_triangles)
    number = torch.zeros(SIZE, SIZE, dtype=torch.int64)
    number[layout.mask] = torch.arange(int(layout.mask.sum()))
    rows, columns = template.texels.unbind(1)
    assert torch.allclose(template.landmark_normals(maps), whole[:, number[rows, columns]], atol=1e-5)


def test_normals_of_the_mean_face_point_outwards(template):
    normals = template.landmark_normals(template.mean_map[None])[0]
    nose_tip, right_jaw, left_jaw, chin = normals[30], normals[0], normals[16], normals[8]
    assert nose_tip[2] > 0.7
    assert right_jaw[0] < -0.7
    assert left_jaw[0] > 0.7
    assert chin[1] < 0.2


def test_nothing_of_it_is_saved_with_weights(template):
    assert not template.state_dict()


def test_a_map_of_another_size_is_refused(template):
    with pytest.raises(BadInput, match=r"\(1, 3, 32, 32\)"):
        template.landmarks_of(torch.zeros(1, 3, 32, 32))


def test_landmarks_without_a_surface_around_are_refused():
    """Three vertices far apart: texels between them are too far from each other to be joined."""
    vertices = torch.tensor([[-50.0, 0.0, 60.0], [50.0, 0.0, 60.0], [0.0, 400.0, 60.0]])
    layout = cylindrical_layout(vertices, torch.tensor([[0, 1, 2]]), 4)
    if layout.grid_triangles.numel():
        layout = type(layout)(
            layout.triangles, layout.triangle, layout.barycentric, layout.place, torch.ones(3, dtype=torch.bool),
            layout.grid_triangles[:0],
        )  # fmt: skip
    shown = layout.shown.nonzero()[:1, 0]
    with pytest.raises(BadInput, match="no triangle around"):
        FaceTemplate(layout, vertices, shown)
