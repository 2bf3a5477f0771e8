from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera, WeakPerspectiveCamera, face_to_camera
from facelib.geometry.rotations import euler_to_matrix

CAMERAS = [PerspectiveCamera(700.0, 112.0, 100.0), WeakPerspectiveCamera(1.2, 112.0, 100.0)]


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_axis_falls_on_the_principal_point(camera):
    assert camera.project(torch.tensor([[[0.0, 0.0, 600.0]]])).tolist() == [[[112.0, 100.0, 600.0]]]


@pytest.mark.parametrize("camera", CAMERAS)
def test_another_shape_is_refused(camera):
    with pytest.raises(BadInput, match="points has shape"):
        camera.project(torch.zeros(4, 3))


def test_camera_values_of_another_batch_are_refused():
    with pytest.raises(BadInput, match="focal"):
        PerspectiveCamera(torch.ones(3), 0.0, 0.0).project(torch.ones(2, 4, 3))
    with pytest.raises(BadInput, match="batch sizes"):
        face_to_camera(torch.ones(2, 4, 3), torch.eye(3)[None], torch.zeros(3, 3))


@pytest.mark.parametrize("camera", CAMERAS)
def test_gradcheck(camera):
    points = (torch.rand(2, 3, 3, dtype=torch.float64) + 1).requires_grad_()
    assert torch.autograd.gradcheck(camera.project, points)


def test_hand_computed_values():
    point = torch.tensor([[[30.0, -60.0, 600.0]]])
    assert CAMERAS[0].project(point).tolist() == [[[147.0, 30.0, 600.0]]]
    assert CAMERAS[1].project(point)[0, 0].tolist() == pytest.approx([148.0, 28.0, 600.0])


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
