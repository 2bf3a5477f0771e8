from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera, WeakPerspectiveCamera, face_to_camera
from facelib.geometry.rotations import euler_to_matrix

CAMERAS = [
    PerspectiveCamera(700.0, 112.0, 100.0),
    WeakPerspectiveCamera(1.2, 112.0, 100.0),
    PerspectiveCamera(700.0, 112.0, 100.0, focal_v=650.0),
]


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_axis_falls_on_the_principal_point(camera):
    assert camera.project(torch.tensor([[[0.0, 0.0, 600.0]]])).tolist() == [[[112.0, 100.0, 600.0]]]


@pytest.mark.parametrize("camera", CAMERAS)
def test_another_shape_is_refused(camera):
    with pytest.raises(BadInput, match="points has shape"):
        camera.project(torch.zeros(4, 3))
    with pytest.raises(BadInput, match="screen has shape"):
        camera.unproject(torch.zeros(4, 3))


def test_camera_values_of_another_batch_are_refused():
    with pytest.raises(BadInput, match="focal"):
        PerspectiveCamera(torch.ones(3), 0.0, 0.0).project(torch.ones(2, 4, 3))
    with pytest.raises(BadInput, match="batch sizes"):
        face_to_camera(torch.ones(2, 4, 3), torch.eye(3)[None], torch.zeros(3, 3))


@pytest.mark.parametrize("camera", CAMERAS)
def test_gradcheck(camera):
    points = (torch.rand(2, 3, 3, dtype=torch.float64) + 1).requires_grad_()
    assert torch.autograd.gradcheck(camera.project, points)
    assert torch.autograd.gradcheck(camera.unproject, points)


@pytest.mark.parametrize("camera", CAMERAS)
def test_unprojecting_undoes_projecting(camera):
    points = 200 * torch.rand(2, 9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 1
    torch.testing.assert_close(camera.unproject(camera.project(points)), points)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, torch.tensor([700.0, 0.0])])
def test_lengths_that_are_not_positive_are_refused(value):
    for name, make in (
        ("focal", lambda: PerspectiveCamera(value, 1.0, 1.0)),
        ("focal_v", lambda: PerspectiveCamera(700.0, 1.0, 1.0, value)),
        ("scale", lambda: WeakPerspectiveCamera(value, 1.0, 1.0)),
        ("factor_v", lambda: CAMERAS[0].rescale(value, 1.0)),
        ("factor_u", lambda: CAMERAS[0].rescale(1.0, value)),
    ):
        with pytest.raises(BadInput, match=f"^{name} is"):
            make()


@settings(max_examples=30)
@given(
    st.integers(-50, 200), st.integers(-50, 200), st.floats(0.1, 4), st.floats(0.1, 4), st.sampled_from([None, 650.0])
)
def test_a_cropped_and_rescaled_camera_hits_the_same_pixel_moved_and_scaled(top, left, factor_v, factor_u, focal_v):
    camera = PerspectiveCamera(700.0, torch.tensor([112.0, 90.0]), 100.0, focal_v)
    points = torch.rand(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 200 + 400
    u, v, depth = camera.project(points).unbind(-1)
    found = camera.crop(top, left).rescale(factor_v, factor_u).project(points)
    torch.testing.assert_close(found, torch.stack(((u - left) * factor_u, (v - top) * factor_v, depth), dim=-1))


def test_hand_computed_values():
    point = torch.tensor([[[30.0, -60.0, 600.0]]])
    assert CAMERAS[0].project(point).tolist() == [[[147.0, 30.0, 600.0]]]
    assert CAMERAS[1].project(point)[0, 0].tolist() == pytest.approx([148.0, 28.0, 600.0])
    assert CAMERAS[2].project(point).tolist() == [[[147.0, 35.0, 600.0]]]


@pytest.mark.parametrize("kind", [PerspectiveCamera, WeakPerspectiveCamera])
def test_a_batch_of_cameras_equals_one_by_one(kind):
    values = torch.tensor([[700.0, 1.0, 2.0], [800.0, 3.0, 4.0]])
    points = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(0)) + 1
    together = kind(*values.T).project(points)
    alone = [kind(*row.tolist()).project(points[i : i + 1]) for i, row in enumerate(values)]
    assert torch.equal(together, torch.cat(alone))


def test_a_frontal_face_is_upright_in_the_image():
    """The subject's left ear is right in the image, the crown above, the nose nearer than the centre."""
    left_ear, crown, nose = torch.eye(3)
    seen = face_to_camera(torch.stack((left_ear, crown, nose))[None], torch.eye(3)[None], torch.tensor([[0, 0, 600.0]]))
    assert seen[0].tolist() == [[1, 0, 600], [0, -1, 600], [0, 0, 599]]


def test_positive_yaw_moves_the_nose_right_in_the_image():
    turn = euler_to_matrix(torch.tensor([math.pi / 6]), torch.zeros(1), torch.zeros(1))
    nose = face_to_camera(torch.tensor([[[0.0, 0.0, 100.0]]]), turn, torch.tensor([[0.0, 0.0, 600.0]]))
    assert CAMERAS[0].project(nose)[0, 0, 0] > 112 + 50
