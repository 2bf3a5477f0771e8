from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.augmentation import NO_AUGMENTATION, AugmentationSettings, augmented, moved_in_plane
from facelib.data.posed_faces import PosedFaces
from facelib.errors import BadInput
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix

SIZE = 128
PAPER = AugmentationSettings()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def faces(count: int = 4, height: int = SIZE, width: int = SIZE, seed: int = 0) -> PosedFaces:
    """Noise with a square of skin, and heads of any pose whose origin is seen near the middle."""
    draw = generator(seed)
    skin = torch.zeros(count, height, width)
    skin[:, height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 1
    middle = torch.tensor([width / 2, height / 2, 0.0])
    return PosedFaces(
        images=torch.rand(count, 3, height, width, generator=draw),
        skin=skin,
        shape=torch.randn(count, 5, generator=draw),
        expression=torch.rand(count, 3, generator=draw),
        scale=0.5 + torch.rand(count, generator=draw),
        rotation=torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*torch.randn(3, count, generator=draw) / 2),
        translation=middle + 3 * torch.randn(count, 3, generator=draw) * torch.tensor([1.0, 1.0, 0.0]),
    )


def dot(place: torch.Tensor, height: int, width: int, spread: float = 2.0) -> torch.Tensor:
    """A round white spot (height, width) about a place (column and row)."""
    u, v = torch.arange(width) + 0.5 - place[0], torch.arange(height)[:, None] + 0.5 - place[1]
    return torch.exp(-(u**2 + v**2) / (2 * spread**2))


def centre_of_mass(picture: torch.Tensor) -> torch.Tensor:
    """Column and row (2,) of a picture (height, width)."""
    picture = picture.double()
    places = [torch.arange(count).double() + 0.5 for count in picture.shape]
    return torch.stack((picture.sum(0) @ places[1], picture.sum(1) @ places[0])) / picture.sum()


def moved(before: PosedFaces, angle: float, shift: tuple[float, float], scale: float) -> PosedFaces:
    """All photographs by the same motion."""
    count = len(before)
    return moved_in_plane(
        before, torch.full((count,), angle), torch.tensor(shift).repeat(count, 1), torch.full((count,), scale)
    )


# ---- the image, the mask and the pose move together ----


@given(
    angle=st.floats(-math.pi, math.pi),
    shift=st.tuples(st.floats(-13, 13), st.floats(-13, 13)),
    scale=st.floats(0.8, 1.2),
    point=st.tuples(*[st.floats(-15, 15)] * 3),
    size=st.sampled_from([(128, 128), (128, 160), (144, 128)]),
)
@settings(max_examples=40)
def test_a_dot_on_the_face_is_found_where_the_new_pose_sees_it(angle, shift, scale, point, size):
    """To a twentieth of a pixel, by its centre of mass."""
    before = faces(2, *size)
    points = torch.tensor(point).expand(2, 1, 3)
    images = torch.zeros_like(before.images)
    images[0] = dot(before.pose.apply(points)[0, 0], *size)  # the other, which fills the first's margins, stays black
    after = moved(replace(before, images=images), angle, shift, scale)
    expected = after.pose.apply(points)[0, 0, :2]
    assert (centre_of_mass(after.images[0, 0]) - expected).abs().max() < 0.05


@given(angle=st.floats(-1.6, 1.6), scale=st.floats(0.9, 1.1), seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_the_mask_is_that_of_the_face_drawn_in_the_new_pose(face_model, angle, scale, seed):
    def drawn(given: PosedFaces) -> torch.Tensor:
        screen = given.pose.apply(face_model.mean[None].expand(1, -1, -1))
        return rasterize(screen, face_model.triangles, SIZE, SIZE, perspective=False).mask.float()

    before = replace(faces(1, seed=seed), scale=torch.tensor([0.3]))  # all of the head within the image, and the turned
    after = moved(replace(before, skin=drawn(before)), angle, (5.5, -7.0), scale)
    both, either = (after.skin * drawn(after)).sum(), (after.skin + drawn(after)).clamp(max=1).sum()
    assert either > 1000
    assert both / either > 0.97


def test_a_quarter_turn_and_whole_shifts_move_pixels_without_change():
    before = faces()
    turned = moved(before, math.pi / 2, (0.0, 0.0), 1.0)
    assert torch.allclose(turned.images, before.images.rot90(-1, (2, 3)), atol=1e-4)  # clockwise
    assert torch.equal(turned.skin, before.skin.rot90(-1, (1, 2)))
    shifted = moved(before, 0.0, (3.0, -5.0), 1.0)  # right and up
    assert torch.allclose(shifted.images[:, :, :-5, 3:], before.images[:, :, 5:, :-3], atol=1e-4)
    assert torch.equal(shifted.skin[:, :-5, 3:], before.skin[:, 5:, :-3])
    assert torch.allclose(shifted.translation - before.translation, torch.tensor([3.0, -5, 0]), atol=1e-4)


def test_what_comes_in_is_the_photograph_before_and_no_skin():
    before = replace(faces(), skin=torch.ones(4, SIZE, SIZE))
    after = moved(before, 0.0, (8.0, 0.0), 1.0)
    assert torch.equal(after.images[:, :, :, :8], before.images.roll(1, 0)[:, :, :, :8])
    assert torch.allclose(after.images[:, :, :, 8:], before.images[:, :, :, :-8], atol=1e-4)  # not darker at the seam
    assert not after.skin[:, :, :8].any()
    assert after.skin[:, :, 8:].all()


def test_depth_scales_with_the_face():
    before = faces()
    points = torch.tensor([[[0.0, 0, 0], [0, 0, 30]]]).expand(4, 2, 3)
    depth = [given.pose.apply(points)[:, :, 2].diff(dim=1) for given in (before, moved(before, 0.7, (2.0, 3.0), 1.1))]
    assert torch.allclose(depth[1], 1.1 * depth[0], atol=1e-4)


@given(st.integers(0, 2**31))
@settings(max_examples=20)
def test_augmented_faces_are_valid_ones(seed):
    before = faces(seed=seed % 100)
    after = augmented(before, generator(seed), PAPER)
    identity = torch.eye(3).expand(4, 3, 3)
    assert torch.allclose(after.rotation @ after.rotation.mT, identity, atol=1e-5)
    assert torch.allclose(torch.linalg.det(after.rotation), torch.ones(4), atol=1e-5)
    assert after.images.shape == before.images.shape
    assert after.images.min() >= 0
    assert after.images.max() <= 1
    assert ((after.skin == 0) | (after.skin == 1)).all()
    assert torch.equal(after.translation[:, 2], before.translation[:, 2])
    assert after.shape is before.shape
    assert after.expression is before.expression


# ---- how far ----


def test_all_ranges_are_those_of_the_paper_and_are_used_whole():
    count = 1000
    before = replace(
        faces(count, 16, 32),
        images=torch.full((count, 3, 16, 32), 0.5),
        scale=torch.ones(count),
        rotation=torch.eye(3).repeat(count, 1, 1),
        translation=torch.tensor([16.0, 8.0, 0.0]).repeat(count, 1),  # the centre, which turns about itself
    )
    after = augmented(before, generator(), PAPER)
    angle = torch.atan2(after.rotation[:, 1, 0], after.rotation[:, 0, 0]).rad2deg()
    shift = (after.translation - before.translation)[:, :2] / torch.tensor([32, 16])
    colour = after.images[:, :, 8, 16] / 0.5
    drawn = ((angle, -90, 90), (shift, -0.1, 0.1), (after.scale, 0.9, 1.1), (colour, 0.6, 1.4))
    for values, low, high in drawn:
        assert low - 1e-4 <= values.min() <= low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) <= values.max() <= high + 1e-4
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
    assert torch.corrcoef(colour.T).fill_diagonal_(0).abs().max() < 0.15  # drawn separately


def test_colours_stop_at_white():
    white = replace(faces(), images=torch.ones(4, 3, SIZE, SIZE))
    after = augmented(white, generator(), AugmentationSettings(0.0, 0.0, (1.0, 1.0), (1.2, 1.4)))
    assert torch.equal(after.images, white.images)


def test_nothing_asked_for_nothing_changed():
    before = faces()
    after = augmented(before, generator(), NO_AUGMENTATION)
    for name in ("images", "skin", "shape", "expression", "scale", "rotation", "translation"):
        assert torch.equal(getattr(after, name), getattr(before, name))


@pytest.mark.parametrize("part", ["rotation", "shift", "scale", "colour"])
def test_each_part_can_be_asked_for_alone(part):
    before = faces()
    after = augmented(before, generator(), replace(NO_AUGMENTATION, **{part: getattr(PAPER, part)}))
    turned = after.pose.compose(before.pose.inverse())
    changes = {
        "rotation": not torch.allclose(turned.rotation, torch.eye(3).expand(4, 3, 3), atol=1e-5),
        "scale": not torch.allclose(turned.scale, torch.ones(4)),
    }
    assert [name for name, changed in changes.items() if changed] == ([part] if part in changes else [])
    assert torch.equal(after.translation, before.translation) == (part == "colour")
    assert torch.equal(after.skin, before.skin) == (part == "colour")
    assert not torch.equal(after.images, before.images)


def test_the_generator_decides_and_the_input_stays():
    before = faces()
    first, again, other = (augmented(before, generator(seed), PAPER) for seed in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.translation, again.translation)
    assert not torch.equal(first.rotation, other.rotation)
    assert torch.equal(before.images, faces().images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotation": -1.0}, r"rotation is -1\.0"),
        ({"shift": float("nan")}, "shift is nan"),
        ({"scale": (1.1, 0.9)}, "the lower first"),
        ({"scale": (0.0, 1.0)}, "two positive numbers"),
        ({"colour": (-1.0, 1.0)}, "colour is"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(BadInput, match=message):
        AugmentationSettings(**options)
