"""Depth frames with labels and without: what training is given has no place for one."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import (
    DepthFrames,
    LabelledDepth,
    UnlabelledDepth,
    labelled_depth,
    stored_depth,
    without_labels,
)
from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.depth import crop_about

LABELS = {"shape", "action", "expression", "pose", "rotation", "translation", "identity", "sequence"}


def archive() -> FaceArchive:
    generator = np.random.default_rng(0)
    arrays = {
        "depth": generator.integers(8000, 11000, (4, 6, 6)).astype(np.uint16),
        "focal": np.array([[100.0, 110.0]] * 4, np.float32),
        "center": np.array([[3.0, 2.5]] * 4, np.float32),
        "shape": generator.normal(size=(4, 5)).astype(np.float32),
        "action": generator.random((4, 3)).astype(np.float32),
        "pose": generator.normal(0, 0.3, (4, 3)).astype(np.float32),
        "translation": np.array([[0.0, 0.0, 900.0]] * 4, np.float32),
        "identity": np.array([0, 0, 1, 1], np.int32),
        "sequence": np.array([1, 1, 2, 2], np.int16),
    }
    arrays["depth"][0, 2, 3] = 0
    return FaceArchive("made", "0", arrays)


def test_what_training_is_given_has_no_place_for_a_label() -> None:
    """By its type, and by everything that can be reached from an instance of it."""
    assert {each.name for each in fields(UnlabelledDepth)} == {"depth", "focal", "center"}
    assert {each.name for each in fields(DepthFrames)} == {"depth", "focal", "center"}
    whole = archive()
    given = without_labels(whole)
    frames = given.frames(np.array([2, 0]))
    for each in (given, frames):
        assert not LABELS & set(dir(each))
        assert all(isinstance(value, np.ndarray | torch.Tensor) for value in vars(each).values())
        with pytest.raises(AttributeError):
            each.archive = whole  # type: ignore[union-attr]
    with pytest.raises(TypeError):
        DepthFrames(frames.depth, frames.focal, frames.center, pose=frames.focal)  # type: ignore[call-arg]
    assert LABELS - {"expression"} <= set(dir(labelled_depth(whole, np.arange(4))))


def test_frames_are_in_mm_with_their_intrinsics() -> None:
    whole = archive()
    frames = without_labels(whole).frames(np.array([2, 0]))
    torch.testing.assert_close(frames.depth, torch.from_numpy(whole.arrays["depth"][[2, 0]] / 10).float())
    x, y, z = frames.positions()[0, :, 4, 1].tolist()
    depth = float(frames.depth[0, 4, 1])
    assert (x, y, z) == pytest.approx(((1.5 - 3) * depth / 100, (4.5 - 2.5) * depth / 110, depth))
    assert frames.positions()[1, :, 2, 3].isnan().all()
    assert len(frames) == 2
    assert torch.equal(frames.part(slice(1, 2)).depth, frames.depth[1:])


def test_labels_belong_to_their_frames() -> None:
    whole = archive()
    known = labelled_depth(whole, np.array([3, 1]))
    assert isinstance(known, LabelledDepth)
    assert known.identity.tolist() == [1, 0]
    assert known.sequence.tolist() == [2, 1]
    torch.testing.assert_close(known.shape, torch.from_numpy(whole.arrays["shape"][[3, 1]]))
    torch.testing.assert_close(known.frames.depth, without_labels(whole).frames(np.array([3, 1])).depth)
    origin = known.placed(torch.zeros(2, 1, 3))
    torch.testing.assert_close(origin[:, 0], known.translation)
    torch.testing.assert_close(known.rotation.mT @ known.rotation, torch.eye(3).expand(2, -1, -1), atol=1e-6, rtol=0)


def test_depth_is_stored_in_tenths_and_what_is_beyond_reach_is_a_hole() -> None:
    depth = torch.tensor([[[0.0, 812.34, 6553.5, 6553.6, 9000.0]]])
    assert stored_depth(depth).tolist() == [[[0, 8123, 65535, 0, 0]]]


def test_frames_of_a_camera() -> None:
    frames = DepthFrames.seen_by(torch.ones(2, 4, 4), PerspectiveCamera(torch.tensor([5.0, 6.0]), 2.0, 1.0))
    assert frames.focal.tolist() == [[5, 5], [6, 6]]
    assert frames.center.tolist() == [[2, 1], [2, 1]]


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadInput, match="empty batch"):
        without_labels(archive()).frames(np.array([], int))
    with pytest.raises(BadInput, match="data set made has no focal, center"):
        without_labels(FaceArchive("made", "0", {"depth": np.ones((1, 2, 2))}))
    arrays = {name: values for name, values in archive().arrays.items() if name != "pose"}
    with pytest.raises(BadInput, match="has no pose"):
        labelled_depth(FaceArchive("made", "0", arrays), np.arange(1))
    with pytest.raises(BadInput, match="center has shape"):
        DepthFrames(torch.ones(2, 4, 4), torch.ones(2, 2), torch.ones(1, 2))


def test_middles_are_those_that_were_cropped_around() -> None:
    whole = PerspectiveCamera(500.0, 320.0, 240.0, 510.0)
    middle = torch.tensor([[40.0, -30.0, 900.0], [0.0, 10.0, 700.0]])
    crop, camera = crop_about(torch.ones(2, 480, 640), whole, middle, 300.0, 64)
    torch.testing.assert_close(DepthFrames.seen_by(crop, camera).middles(300.0), middle, atol=1e-2, rtol=0)
