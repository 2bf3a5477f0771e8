from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.data.occlusion import LIGHT, OcclusionSettings, _boxes, _Draw, _outlines, _polygon, occluded
from facelib.errors import BadInput

SIZE = 64
ALWAYS = OcclusionSettings(probability=1.0)
OPAQUE = OcclusionSettings(probability=1.0, shadows=0.0)
SHADOWS = OcclusionSettings(probability=1.0, shadows=1.0)
COLOURS = OcclusionSettings(probability=1.0, shadows=0.0, textures=0.0, shapes=1)


def photographs(count: int = 8, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def face(count: int = 8) -> torch.Tensor:
    """A face in columns 20 to 43 and rows 10 to 49."""
    skin = torch.zeros(count, SIZE, SIZE)
    skin[:, 10:50, 20:44] = 1
    return skin


def run(images: torch.Tensor, skin: torch.Tensor, options: OcclusionSettings, seed: int = 0):
    return occluded(images, skin, torch.Generator().manual_seed(seed), options)


# ---- what is hidden, and what is not ----


def test_the_mask_loses_what_opaque_shapes_change_and_nothing_else():
    """But for the outline, where a pixel is a blend: less than half covered it still counts as skin."""
    images, skin = photographs(32), face(32)
    shown, seen = run(images, skin, OPAQUE)
    untouched = ((shown - images).abs() < 1e-6).all(dim=1)
    kept, lost = seen == skin, seen < skin
    assert not (lost & untouched).any()
    assert (kept | lost).all()
    blended = kept & ~untouched & (skin == 1)
    assert blended.sum() < 0.2 * lost.sum()
    assert 0.05 < (1 - seen.sum() / skin.sum()) < 0.5


def test_a_shadow_darkens_and_hides_no_skin():
    images, skin = photographs(), face()
    shown, seen = run(images, skin, SHADOWS)
    assert torch.equal(seen, skin)
    assert (shown <= images + 1e-6).all()
    assert (shown < 0.9 * images).flatten(1).any(dim=1).all()
    assert (shown >= images * LIGHT[0] ** SHADOWS.shapes - 1e-6).all()
    ratio = (shown / images)[images.amin(dim=1, keepdim=True).expand_as(images) > 0.1]
    assert ratio.min() > 0  # a shadow multiplies: textures stay


def test_one_colour_fills_one_shape():
    shown, seen = run(torch.zeros(8, 3, SIZE, SIZE), torch.ones(8, SIZE, SIZE), COLOURS)
    for picture, mask in zip(shown, seen, strict=True):
        colours = picture.flatten(1).T.unique(dim=0)
        full = colours[colours.sum(dim=1).argmax()]
        share = picture.sum(dim=0) / full.sum()  # of a pixel that the shape covers
        assert torch.allclose(picture, share * full[:, None, None], atol=1e-5)
        assert torch.equal(mask == 0, share >= 0.5)


def test_a_piece_of_another_photograph_comes_from_the_one_before():
    """Photograph i is black but for channel i."""
    images = torch.diag(torch.ones(3))[:, :, None, None].repeat(1, 1, SIZE, SIZE)
    pieces = OcclusionSettings(probability=1.0, shadows=0.0, textures=1.0, shapes=1)
    found = False
    for seed in range(20):
        shown, seen = run(images, torch.ones(3, SIZE, SIZE), pieces, seed)
        for i in range(3):
            hidden = shown[i][:, seen[i] == 0]
            before = torch.eye(3)[i - 1]
            found |= hidden.shape[1] > 20 and ((hidden - before[:, None]).abs().mean(dim=1) < 0.2).all().item()
    assert found


@given(st.integers(0, 2**31))
@settings(max_examples=20)
def test_images_stay_in_range_and_skin_only_shrinks(seed):
    images, skin = photographs(4, seed), face(4)
    shown, seen = run(images, skin, ALWAYS, seed)
    assert shown.isfinite().all()
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert ((seen == 0) | (seen == 1)).all()
    assert (seen <= skin).all()


# ---- how often, where, how large ----


def test_half_of_the_photographs_stay_as_they_are():
    images, skin = photographs(400)[:, :, :16, :16], torch.ones(400, 16, 16)
    shown, _ = run(images, skin, OcclusionSettings(probability=0.5))
    changed = (shown != images).flatten(1).any(dim=1).float().mean()
    assert 0.4 < changed < 0.6


def test_probability_zero_changes_nothing():
    images, skin = photographs(), face()
    shown, seen = run(images, skin, OcclusionSettings(probability=0.0))
    assert torch.equal(shown, images)
    assert torch.equal(seen, skin)


@pytest.mark.parametrize("size", [0.5, 1.0])
def test_shapes_lie_on_the_face_and_have_the_size_asked_for(size):
    """Their middle lies in the box of the face, so on average at its middle; areas are near those of discs."""
    count = 300
    images, skin = torch.zeros(count, 3, SIZE, SIZE), torch.zeros(count, SIZE, SIZE)
    skin[:, 22:42, 22:42] = 1  # 20 pixels a side, far enough from the image's sides
    shown, _ = run(images, skin, OcclusionSettings(1.0, shapes=1, size=(size, size), shadows=0.0, textures=0.0))
    covered = (shown > 0).any(dim=1)
    area = covered.float().sum(dim=(1, 2))
    assert 0.6 < (area.mean() / (math.pi * (size * 20 / 2) ** 2)) < 1.6
    row, column = (covered.float().sum(dim=axis) @ (torch.arange(SIZE) + 0.5) / area.clamp(min=1) for axis in (2, 1))
    for place in (row[area > 0], column[area > 0]):
        assert place.min() > 22 - 3
        assert place.max() < 42 + 3
        assert place.mean().item() == pytest.approx(32, abs=1.5)
        assert place.std().item() == pytest.approx(20 / math.sqrt(12), rel=0.25)


def test_boxes_of_the_skin():
    skin = face(3)
    skin[1] = 0
    skin[2] = 0
    skin[2, 5, 7] = 1
    assert _boxes(skin).tolist() == [[20, 10, 44, 50], [0, 0, SIZE, SIZE], [7, 5, 8, 6]]


def test_a_face_out_of_sight_is_no_error():
    shown, seen = run(photographs(), torch.zeros(8, SIZE, SIZE), ALWAYS)
    assert (shown != photographs()).any()
    assert not seen.any()


# ---- outlines ----


def test_a_polygon_by_hand():
    """Four sides at distances 2, 1, 3 and 1, from the right counter-clockwise: a rectangle."""
    directions = torch.tensor([[0.0, math.pi / 2, math.pi, math.atan2(1, 2), math.pi / 4]])
    reach = _polygon(directions, 4, torch.tensor([[2.0, 1.0, 3.0, 1.0]]))
    assert reach[0].tolist() == pytest.approx([2, 1, 3, math.sqrt(5), math.sqrt(2)], rel=1e-5)


def test_outlines_are_bounded_positive_and_of_about_unit_size():
    draw = _Draw(torch.Generator().manual_seed(0), torch.zeros(1))
    outlines = _outlines(2000, draw)
    assert outlines.min() > 0.05
    assert outlines.max() < 4
    assert 0.8 < outlines.mean() < 1.2
    steps = (outlines - outlines.roll(1, 1)).abs().amax()
    assert steps < 0.2  # closed: the first direction follows the last


# ---- randomness and bad input ----


def test_the_generator_decides():
    images, skin = photographs(), face()
    first, again, other = (run(images, skin, ALWAYS, seed) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_what_was_given_stays_as_it_was():
    images, skin = photographs(), face()
    run(images, skin, ALWAYS)
    assert torch.equal(images, photographs())
    assert torch.equal(skin, face())


@pytest.mark.parametrize(
    ("images", "skin", "message"),
    [
        (torch.zeros(2, 1, 8, 8), torch.zeros(2, 8, 8), "images has shape"),
        (torch.zeros(0, 3, 8, 8), torch.zeros(0, 8, 8), "images has shape"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 4, 8), "skin has shape"),
    ],
)
def test_bad_input_is_refused(images, skin, message):
    with pytest.raises(BadInput, match=message):
        run(images, skin, ALWAYS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probability": 1.5}, r"probability is 1\.5"),
        ({"shadows": -0.1}, r"shadows is -0\.1"),
        ({"textures": float("nan")}, "textures is nan"),
        ({"shapes": 0}, "set probability to 0"),
        ({"size": (0.5, 0.2)}, "the lower first"),
        ({"size": (0.0, 0.2)}, "two positive numbers"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(BadInput, match=message):
        OcclusionSettings(**options)
