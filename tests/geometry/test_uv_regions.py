from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.conventions import LANDMARK_GROUPS
from facelib.errors import BadInput
from facelib.geometry.cylindrical_uv import cylindrical_layout
from facelib.geometry.uv_maps import UVLayout
from facelib.geometry.uv_regions import _inside_polygon, region_weight_map

SIZE = 128


@pytest.fixture(scope="module")
def layout(face_model) -> UVLayout:
    hidden = sum(face_model.regions[name] for name in ("ears", "cavities", "tongue"))
    return cylindrical_layout(face_model.mean, face_model.triangles, SIZE, bottom=-110.0, top=100.0, kept=hidden < 0.5)


@pytest.fixture(scope="module")
def weights(layout, face_model) -> torch.Tensor:
    return region_weight_map(layout, face_model.landmarks)


def texel(layout: UVLayout, mean: torch.Tensor, point: torch.Tensor) -> tuple[int, int]:
    """Row and column of the texel of the mean face's vertex next to a point."""
    distance = (point - mean).norm(dim=1).where(layout.shown, torch.inf)
    row, column = layout.nearest_texels(distance.argmin()[None])[0].tolist()
    return row, column


def test_landmarks_have_sixteen_and_nothing_else_has(weights, layout, face_model):
    texels = layout.nearest_texels(face_model.landmarks)
    assert (weights[texels[:, 0], texels[:, 1]] == 16).all()
    assert int((weights == 16).sum()) == len(texels.unique(dim=0))


def test_places_of_the_face_have_their_region(weights, layout, face_model):
    """Named by hand on the mean face, in mm."""
    points = face_model.mean[face_model.landmarks]
    eye, nose, mouth = points[36:42].mean(dim=0), points[27:36].mean(dim=0), points[48:68].mean(dim=0)
    chin = points[8]
    down, up, aside = torch.tensor([[0.0, -15, 0], [0, 12, 0], [25, -25, -5]])
    for point, expected in (
        (eye, 12),
        (points[42:48].mean(dim=0), 12),
        (nose, 12),
        (mouth + torch.tensor([3.0, 4, 2]), 12),
        (chin + up, 3),
        (eye + 3 * up + up, 3),  # forehead
        (nose + aside, 3),  # cheek
        (chin + down - torch.tensor([0, 0, 25.0]), 0),  # throat
    ):
        row, column = texel(layout, face_model.mean, point)
        near = weights[row - 1 : row + 2, column - 1 : column + 2]
        assert (near == expected).sum() >= 5, (point, near)


def test_regions_are_on_the_face_only_and_of_plausible_size(weights, layout):
    assert weights.dtype == torch.float32
    assert not weights[~layout.mask].any()
    share = {value: float((weights[layout.mask] == value).float().mean()) for value in (16, 12, 3, 0)}
    assert sum(share.values()) == pytest.approx(1)
    assert 0.03 < share[12] < 0.2
    assert 0.3 < share[3] < 0.8
    assert 0.1 < share[0] < 0.5


def test_left_and_right_have_about_the_same_weights(weights):
    assert (weights.flip(1) - weights).abs().gt(0).float().mean() < 0.05


def test_weights_are_the_callers(layout, face_model, weights):
    other = region_weight_map(layout, face_model.landmarks, (4.0, 3.0, 2.0, 1.0))
    for ours, theirs in ((16, 4), (12, 3), (3, 2)):
        assert torch.equal(weights == ours, other == theirs)
    assert torch.equal((weights == 0) & layout.mask, other == 1)


def test_bad_landmarks_and_weights_are_refused(layout, face_model):
    with pytest.raises(BadInput, match="landmarks has shape"):
        region_weight_map(layout, face_model.landmarks[:5])
    with pytest.raises(BadInput, match="0 or more"):
        region_weight_map(layout, face_model.landmarks, (16, 12, 3, -1))
    hidden = face_model.landmarks.clone()
    hidden[LANDMARK_GROUPS["jaw"][0]] = int((~layout.shown).nonzero()[0])
    with pytest.raises(BadInput, match="does not show"):
        region_weight_map(layout, hidden)


def test_inside_of_a_polygon_by_hand():
    """An L: its arms are inside, its notch is not."""
    polygon = np.array([[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4]], float)
    points = np.array([[0.5, 0.5], [3.5, 0.5], [0.5, 3.5], [2, 2], [-1, 0.5], [5, 0.5]])
    assert _inside_polygon(points, polygon).tolist() == [True, True, True, False, False, False]
