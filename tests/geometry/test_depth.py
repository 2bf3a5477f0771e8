from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.depth import camera_to_face_axes, crop_depth, depth_to_positions, positions_to_depth

CAMERA = PerspectiveCamera(700.0, 4.0, 3.0, focal_v=650.0)


def depth_images(height: int = 6, width: int = 8, dtype=torch.float64) -> torch.Tensor:
    return 500 + 300 * torch.rand(2, height, width, dtype=dtype, generator=torch.Generator().manual_seed(0))


def test_positions_by_hand():
    """The pixel in row 2, column 5 has its centre at u = 5.5, v = 2.5."""
    depth = torch.full((1, 6, 8), 650.0)
    x, y, z = depth_to_positions(depth, CAMERA)[0, :, 2, 5].tolist()
    assert (x, y, z) == pytest.approx((1.5 * 650 / 700, -0.5, 650))


def test_positions_project_onto_their_pixel_centres():
    depth = depth_images()
    screen = CAMERA.project(depth_to_positions(depth, CAMERA).flatten(2).mT)
    for row in range(6):
        for column in range(8):
            expected = torch.stack(
                (torch.full((2,), column + 0.5), torch.full((2,), row + 0.5), depth[:, row, column]), 1
            )
            torch.testing.assert_close(screen[:, row * 8 + column], expected.double())


def test_positions_hold_the_depth_again():
    depth = depth_images()
    depth[0, :2] = 0
    assert torch.equal(positions_to_depth(depth_to_positions(depth, CAMERA)), depth)


@pytest.mark.parametrize("invalid", [0.0, -5.0, math.nan, math.inf])
def test_invalid_depth_is_a_hole(invalid):
    depth = depth_images()
    depth[1, 3, 4] = invalid
    positions = depth_to_positions(depth, CAMERA)
    assert positions[1, :, 3, 4].isnan().all()
    assert positions.isnan().sum() == 3
    assert positions_to_depth(positions)[1, 3, 4] == 0


def test_positions_that_are_not_in_front_of_the_camera_are_holes():
    positions = depth_to_positions(depth_images(), CAMERA)
    positions[0, :, 0, 0], positions[0, 0, 1, 1], positions[1, :, 2, 2] = -1, math.nan, 0
    depth = positions_to_depth(positions)
    assert (depth == 0).nonzero().tolist() == [[0, 0, 0], [0, 1, 1], [1, 2, 2]]


def test_an_image_of_holes_stays_one():
    assert depth_to_positions(torch.zeros(1, 4, 4), CAMERA).isnan().all()


def test_each_image_has_its_own_camera():
    depth = depth_images()
    focal, center = torch.tensor([700.0, 400.0]), torch.tensor([4.0, 1.0])
    together = depth_to_positions(depth, PerspectiveCamera(focal, center, 3.0))
    for i in range(2):
        camera = PerspectiveCamera(float(focal[i]), float(center[i]), 3.0)
        torch.testing.assert_close(together[i], depth_to_positions(depth[i : i + 1], camera)[0])


def test_gradcheck_and_no_gradient_at_holes():
    depth = depth_images(3, 4)
    depth[0, 1, 1], depth[1, 0, 0] = 0, math.nan
    focal = torch.tensor(700.0, dtype=torch.float64, requires_grad=True)

    def seen(values: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
        return depth_to_positions(values, PerspectiveCamera(f, 1.0, 2.0)).nan_to_num()

    assert torch.autograd.gradcheck(lambda f: seen(depth, f), focal)
    depth.requires_grad_()
    by_depth, by_focal = torch.autograd.grad(seen(depth, focal).sum(), (depth, focal))
    assert by_focal.isfinite()
    assert by_depth.isfinite().all()
    assert by_depth[0, 1, 1] == by_depth[1, 0, 0] == 0
    whole = depth_images(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: depth_to_positions(values, CAMERA), whole)


def test_the_axes_of_camera_and_face_are_half_a_turn_about_x_apart():
    """The same turn that `face_to_camera` makes, and its own inverse."""
    positions = torch.rand(2, 3, 4, 5)
    turned = camera_to_face_axes(positions)
    expected = face_to_camera(positions.flatten(2).mT, torch.eye(3)[None], torch.zeros(1, 3))
    torch.testing.assert_close(turned.flatten(2).mT, expected)
    assert torch.equal(camera_to_face_axes(turned), positions)


@settings(max_examples=30)
@given(st.integers(0, 5), st.integers(0, 7), st.data())
def test_a_crop_sees_the_same_positions(top, left, data):
    height, width = data.draw(st.integers(1, 6 - top)), data.draw(st.integers(1, 8 - left))
    depth = depth_images()
    cropped = depth_to_positions(*crop_depth(depth, CAMERA, top, left, height, width))
    whole = depth_to_positions(depth, CAMERA)
    torch.testing.assert_close(cropped, whole[:, :, top : top + height, left : left + width])


@pytest.mark.parametrize(
    "rectangle", [(-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 2), (0, 0, 2, 0), (5, 0, 2, 2), (0, 7, 2, 2)]
)
def test_a_crop_outside_the_image_is_refused(rectangle):
    with pytest.raises(BadInput, match="within 6 x 8 pixels"):
        crop_depth(depth_images(), CAMERA, *rectangle)


def test_bad_shapes_and_types_are_refused():
    for call in (
        lambda: depth_to_positions(torch.ones(4, 4), CAMERA),
        lambda: depth_to_positions(torch.ones(1, 0, 4), CAMERA),
        lambda: depth_to_positions(torch.ones(1, 4, 4, dtype=torch.int32), CAMERA),
        lambda: depth_to_positions(torch.ones(2, 4, 4), PerspectiveCamera(torch.ones(3), 0.0, 0.0)),
        lambda: positions_to_depth(torch.ones(1, 4, 4)),
        lambda: camera_to_face_axes(torch.ones(1, 4, 4, 3)),
        lambda: crop_depth(torch.ones(4, 4), CAMERA, 0, 0, 1, 1),
    ):
        with pytest.raises(BadInput, match="expected"):
            call()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu():
    depth = depth_images()
    found = camera_to_face_axes(depth_to_positions(depth.cuda(), CAMERA)).cpu()
    torch.testing.assert_close(found, camera_to_face_axes(depth_to_positions(depth, CAMERA)))
