from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.metrics.landmark_error import nme, nme_by_yaw, yaw_bin_masks


def faces(seed: int = 0, batch: int = 2, count: int = 68, dimension: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    true = 50 * generator.normal(size=(batch, count, dimension))
    return true + generator.normal(size=true.shape), true


def test_hand_computed_box():
    """Errors 5 and 0 in a box 4 high and 9 wide; the third point is not evaluated."""
    true = np.array([[[0.0, 0.0], [9.0, 4.0], [100.0, 100.0]]])
    predicted = true + np.array([[[3.0, 4.0], [0.0, 0.0], [7.0, 7.0]]])
    assert nme(predicted, true, normaliser="box", points=[0, 1]).tolist() == [2.5 / 6]
    visible = np.array([[True, True, False]])
    assert nme(predicted, true, normaliser="box", points="all", visible=visible).tolist() == [2.5 / 6]


def test_hand_computed_eye_distance():
    predicted, true = faces()
    true[:, 36], true[:, 45] = (10.0, 0, 0), (13.0, 4, 12)
    predicted[:] = true
    predicted[1, 7] += (0, 0, 26)
    found = nme(predicted, true, normaliser="outer_interocular_3d", points="all")
    assert found.tolist() == [0, 26 / 13 / 68]
    flat = nme(predicted[..., :2], true[..., :2], normaliser="outer_interocular_2d", points="all")
    assert flat.tolist() == [0, 0]
    assert nme(predicted, true, normaliser="outer_interocular_2d", points=[7]).tolist() == [0, 26 / 5]


def test_depth_is_part_of_the_error_and_not_of_the_box():
    true = np.array([[[0.0, 0.0, 0.0], [4.0, 4.0, 99.0]]])
    assert nme(true + np.array([0, 0, 2.0]), true, normaliser="box", points="all").tolist() == [0.5]


def test_mean_depth_is_taken_from_the_visible_points_only():
    _, true = faces()
    predicted = true + np.array([0.0, 0, 25])
    predicted[:, 0, 2] = 1e6
    visible = np.ones(true.shape[:2], bool)
    visible[:, 0] = False
    arguments = {"normaliser": "box", "points": "all", "visible": visible}
    assert (nme(predicted, true, **arguments) > 0.01).all()
    assert nme(predicted, true, **arguments, subtract_mean_depth=True) == pytest.approx([0, 0], abs=1e-12)
    assert predicted[0, 0, 2] == 1e6


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_moving_both_faces_changes_nothing_in_3d(seed):
    generator = np.random.default_rng(seed)
    predicted, true = faces(seed)
    rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    offset, scale = 100 * generator.normal(size=3), 2.0 ** generator.integers(-8, 8)
    moved = [scale * points @ rotation.T + offset for points in (predicted, true)]
    arguments = {"normaliser": "outer_interocular_3d", "points": "all"}
    assert nme(*moved, **arguments) == pytest.approx(nme(predicted, true, **arguments), rel=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_shift_and_scale_change_nothing_by_the_box(seed):
    generator = np.random.default_rng(seed)
    predicted, true = faces(seed, dimension=2)
    offset, scale = 100 * generator.normal(size=2), generator.uniform(0.1, 10)
    arguments = {"normaliser": "box", "points": generator.permutation(68)[:20]}
    moved = nme(scale * predicted + offset, scale * true + offset, **arguments)
    assert moved == pytest.approx(nme(predicted, true, **arguments), rel=1e-9)


@pytest.mark.parametrize("normaliser", ["box", "outer_interocular_3d"])
def test_equals_slow_loops(normaliser):
    predicted, true = faces(3, batch=4)
    visible = np.random.default_rng(3).random((4, 68)) < 0.5
    points = np.arange(17, 68)
    found = nme(torch.from_numpy(predicted), true, normaliser=normaliser, points=points, visible=visible)
    for image in range(4):
        chosen = [k for k in points if visible[image, k]]
        errors = [np.sqrt(((predicted[image, k] - true[image, k]) ** 2).sum()) for k in chosen]
        x, y = true[image, chosen, 0], true[image, chosen, 1]
        size = np.sqrt((x.max() - x.min()) * (y.max() - y.min()))
        if normaliser != "box":
            size = np.sqrt(((true[image, 36] - true[image, 45]) ** 2).sum())
        assert found[image] == pytest.approx(np.mean(errors) / size, rel=1e-12)


PREDICTED, TRUE = faces()
FLAT = TRUE * np.array([1.0, 0.0, 1.0])
ONE_EYE = np.where(np.arange(68)[:, None] == 36, TRUE[:, 45:46], TRUE)
HIDDEN = np.ones((2, 68), bool)
HIDDEN[1] = False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"true": TRUE[:0]}, "true has shape"),
        ({"true": TRUE[0]}, "true has shape"),
        ({"true": TRUE[..., :1]}, "1 coordinates"),
        ({"predicted": PREDICTED[:, :60]}, "predicted has shape"),
        ({"predicted": PREDICTED * np.nan}, "predicted holds 408 non-finite"),
        ({"true": np.where(TRUE[1, 2, 0] == TRUE, np.inf, TRUE)}, r"index \(1, 2, 0\)"),
        ({"visible": HIDDEN}, "sample 1 has no visible point"),
        ({"visible": HIDDEN[:1]}, "visible is bool"),
        ({"visible": HIDDEN.astype(float)}, "visible is float64"),
        ({"points": []}, "not empty"),
        ({"points": [0.5]}, "indices"),
        ({"points": [-1]}, "from 0 to 67"),
        ({"points": [68]}, "from 0 to 67"),
        ({"points": [3, 3]}, "different indices"),
        ({"true": FLAT}, "sample 0 has no size by 'box'"),
        ({"points": [4]}, "sample 0 has no size by 'box'"),
        ({"true": ONE_EYE, "normaliser": "outer_interocular_3d"}, "sample 0 has no size"),
        ({"true": TRUE[:, :30], "predicted": TRUE[:, :30], "normaliser": "outer_interocular_2d"}, "30 points"),
        ({"true": TRUE[..., :2], "normaliser": "outer_interocular_3d"}, "2 coordinates"),
        ({"true": TRUE[..., :2], "subtract_mean_depth": True}, "2 coordinates"),
    ],
)
def test_bad_input_is_named(changes, message):
    arguments = {"predicted": PREDICTED, "true": TRUE, "normaliser": "box", "points": "all"} | changes
    with pytest.raises(BadInput, match=message):
        nme(arguments.pop("predicted"), arguments.pop("true"), **arguments)


def test_normaliser_and_points_must_be_named():
    with pytest.raises(TypeError, match="points"):
        nme(PREDICTED, TRUE, normaliser="box")
    with pytest.raises(TypeError, match="normaliser"):
        nme(PREDICTED, TRUE, points="all")
    with pytest.raises(UnknownName, match="did you mean 'box'"):
        nme(PREDICTED, TRUE, normaliser="boxx", points="all")
    with pytest.raises(UnknownName, match="choice of points"):
        nme(PREDICTED, TRUE, normaliser="box", points="inner")


def test_yaw_bins_are_half_open_and_of_either_sign():
    yaw = np.deg2rad([0, -29.999, 30, -59.999, -60, 90])
    found = nme_by_yaw([1, 2, 10, 20, 100, 500], yaw)
    assert found == {"0-30": 1.5, "30-60": 15, "60-90": 300, "balanced": 316.5 / 3, "mean": 633 / 6}
    single = nme_by_yaw(torch.tensor([1.0, 2, 10, 20, 100, 500]), torch.from_numpy(yaw).float())
    assert single == found


@pytest.mark.parametrize(
    ("errors", "degrees", "message"),
    [
        ([], [], "errors has shape"),
        ([1, 2], [0], "yaw has shape"),
        ([1, 2], [0, np.nan], "non-finite"),
        ([1, 2, 3], [10, 40, 95], r"sample 2 is 95\.000 degrees"),
        ([1, 2], [10, 70], "no sample with a yaw of 30-60"),
    ],
)
def test_bad_yaw_is_named(errors, degrees, message):
    with pytest.raises(BadInput, match=message):
        nme_by_yaw(errors, np.deg2rad(degrees))


@pytest.mark.parametrize("yaw", [None, "front", [], [0.1, np.nan], 0.1])
def test_yaws_that_fall_into_no_bin_are_refused(yaw):
    with pytest.raises(BadInput, match="yaw"):
        yaw_bin_masks(yaw)
