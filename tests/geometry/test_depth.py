from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, DegenerateInput
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.depth import (
    camera_about,
    camera_to_face_axes,
    check_millimetres,
    crop_about,
    crop_depth,
    depth_to_positions,
    positions_to_depth,
)

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


KINECT = PerspectiveCamera(575.8, 320.0, 240.0, focal_v=570.0)


@settings(max_examples=30)
@given(st.floats(-150, 150), st.floats(-100, 100), st.floats(600, 1500), st.sampled_from([64, 160]))
def test_a_square_crop_has_the_intrinsics_that_move_its_pixels(x, y, z, size):
    """A known mesh falls on the same places, moved and scaled by hand, to a hundredth of a pixel."""
    mesh = torch.tensor([x, y, z]) + 100 * torch.randn(1, 500, 3, generator=torch.Generator().manual_seed(0))
    camera = camera_about(KINECT, torch.tensor([[x, y, z]]), 300.0, size)
    found = camera.project(mesh)[0].double()
    points, middle = mesh[0].double(), (575.8 * x / z + 320, 570.0 * y / z + 240)
    for axis, focal, center in ((0, 575.8, 320.0), (1, 570.0, 240.0)):
        pixel = focal * points[:, axis] / points[:, 2] + center
        side = focal * 300 / z
        expected = (pixel - (middle[axis] - side / 2)) * size / side
        assert (found[:, axis] - expected).abs().max() < 0.01


def test_a_square_crop_takes_the_pixels_that_its_own_fall_on():
    """By hand: 4 x 4 pixels about column 6, row 5 of the image, each of which the crop shows twice along each axis."""
    depth = torch.arange(12 * 14, dtype=torch.float32).view(1, 12, 14) + 1000
    camera = PerspectiveCamera(100.0, 7.0, 6.0)
    middle = torch.tensor([[-10.0, -10.0, 1000.0]])  # seen at u = 6, v = 5
    cropped, its = crop_about(depth, camera, middle, 40.0, 8)
    assert torch.equal(cropped[0], depth[0, 3:7, 4:8].repeat_interleave(2, 0).repeat_interleave(2, 1))
    values = (its.focal, its.focal_v, its.center_u, its.center_v)
    assert [float(value) for value in values] == pytest.approx([200, 200, 6, 6])


def test_a_square_crop_sees_the_same_surface_within_half_a_pixel():
    v, u = torch.meshgrid(torch.arange(480) + 0.5, torch.arange(640) + 0.5, indexing="ij")
    plane = 900 / (1 - 0.4 * (u - 320) / 575.8 + 0.2 * (v - 240) / 570.0)  # z = 900 + 0.4 x - 0.2 y
    cropped, camera = crop_about(plane[None], KINECT, torch.tensor([[20.0, -30.0, 914.0]]), 250.0, 120)
    x, y, z = depth_to_positions(cropped, camera)[0]
    off = (z - (900 + 0.4 * x - 0.2 * y)).abs()
    assert off.max() < (0.4 + 0.2) * 0.5 * 950 / 570 * 1.1


def test_each_image_is_cropped_in_its_own_place():
    depth = 900 + torch.rand(2, 480, 640, generator=torch.Generator().manual_seed(0))
    middle = torch.tensor([[30.0, 10.0, 900.0], [-60.0, 20.0, 1200.0]])
    together, camera = crop_about(depth, KINECT, middle, 300.0, 32)
    for i in range(2):
        alone, own = crop_about(depth[i, None], KINECT, middle[i, None], 300.0, 32)
        assert torch.equal(together[i], alone[0])
        assert float(camera.center_u[i]) == pytest.approx(float(own.center_u), rel=1e-5)


def test_what_lies_beyond_the_border_is_a_hole():
    depth = torch.full((1, 480, 640), 1000.0)
    cropped, _ = crop_about(depth, KINECT, torch.tensor([[-540.0, 0.0, 1000.0]]), 300.0, 100)  # at u = 9
    assert (cropped[0, :, :44] == 0).all()
    assert (cropped[0, :, 46:] == 1000).all()


@pytest.mark.parametrize(
    ("middle", "reach", "size", "message"),
    [
        ((-600.0, 0.0, 1000.0), 300.0, 32, "cut by its border"),
        ((0.0, 0.0, 200.0), 300.0, 32, r"covers 864 pixels, the image has 480 x 640"),
        ((0.0, 0.0, -5.0), 300.0, 32, "expected it in front"),
        ((0.0, math.nan, 900.0), 300.0, 32, "non-finite"),
        ((0.0, 0.0, 900.0), 0.0, 32, "positive"),
        ((0.0, 0.0, 900.0), 300.0, 0, "positive"),
    ],
)
def test_impossible_square_crops_are_refused(middle, reach, size, message):
    with pytest.raises(BadInput, match=message):
        crop_about(torch.full((1, 480, 640), 900.0), KINECT, torch.tensor([middle]), reach, size)


def frame_of_a_person() -> torch.Tensor:
    frame = torch.full((1, 60, 80), 2500.0)
    frame[0, 20:50, 30:50], frame[0, :, :10] = 850.0, 0
    return frame


def test_other_units_than_millimetres_are_said():
    check_millimetres(frame_of_a_person())
    check_millimetres(frame_of_a_person().where(frame_of_a_person() > 0, torch.nan))
    with pytest.raises(BadInput, match=r"begins at 0.85: .*may be metres; multiply by 1000"):
        check_millimetres(frame_of_a_person() / 1000)
    with pytest.raises(BadInput, match=r"begins at 8500: .*tenths of them.*divide by 10"):
        check_millimetres(frame_of_a_person() * 10)
    for empty in (0.0, math.nan):
        with pytest.raises(DegenerateInput, match="depth image 1 is all holes"):
            check_millimetres(torch.cat((frame_of_a_person(), torch.full((1, 60, 80), empty))))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu():
    depth = depth_images()
    found = camera_to_face_axes(depth_to_positions(depth.cuda(), CAMERA)).cpu()
    torch.testing.assert_close(found, camera_to_face_axes(depth_to_positions(depth, CAMERA)))
