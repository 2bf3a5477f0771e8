"""Paper 4 on heads of another face model, and before another sensor: which frames are read for what; known errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import labelled_depth
from facelib.data.embedded.depth_targets import NEAR_FRONTAL
from facelib.data.embedded.ict_depth import IctDepthSettings, open_ict_depth
from facelib.data.embedded.ict_faces import imported_heads
from facelib.errors import MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.skin_surface import skin_surface
from facelib.papers.depth_adaptation import ict, other_sensor
from facelib.papers.depth_adaptation.methods import METHODS
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.papers.depth_adaptation.run_settings import TIERS, DepthRunSettings
from facelib.runs.settings import override

SETTINGS = override(DepthRunSettings(), TIERS["smoke"])
NEAR = [0, 1, 4, 5]  # the first half of each person's four frames


@pytest.fixture(scope="module")
def archive(heads: MorphableModel) -> FaceArchive:
    sizes = IctDepthSettings(heads=imported_heads(), identities=2)
    return open_ict_depth(replace(sizes, scene=replace(sizes.scene, image_size=SETTINGS.network.image_size)))


def test_half_of_the_frames_are_near_frontal(archive: FaceArchive) -> None:
    near = archive.arrays["near_frontal"]
    assert np.flatnonzero(near).tolist() == NEAR
    degrees = np.abs(np.rad2deg(archive.arrays["pose"]))
    assert (degrees[near] <= np.array(NEAR_FRONTAL) + 1e-3).all()
    assert (degrees[~near] > np.array(NEAR_FRONTAL)).any(axis=1).all()


def test_shapes_are_read_off_near_frontal_frames_alone(archive: FaceArchive, heads: MorphableModel) -> None:
    """The true heads, which have our topology here, have no error; the mean face is a tenth too short for all."""
    surface = skin_surface(heads)
    known = labelled_depth(archive, np.arange(len(archive)))
    true = surface.heads(surface.displacements(known.shape, known.action))

    def read(frames):  # type: ignore[no-untyped-def]
        return true[[int((known.frames.depth - one).abs().flatten(1).sum(dim=1).argmin()) for one in frames.depth]]

    right = ict.evaluate_heads("ict", read, archive, np.array(NEAR[1:3]), face_surface())
    assert right["ict_identity"].tolist() == [0, 1]
    assert right["ict_plane"].max() < 0.05
    metrics, scores = ict.evaluate(METHODS["mean_face"], SETTINGS, torch.nn.Identity(), archive)
    assert scores["ict_identity"].tolist() == [0, 0, 1, 1]
    assert scores["ict_plane"].min() > 1
    assert metrics["ict_plane"]["value"] == pytest.approx(scores["ict_plane"].mean())


def test_poses_are_read_off_the_others(archive: FaceArchive) -> None:
    metrics, scores = ict.evaluate(METHODS["frontal"], SETTINGS, torch.nn.Identity(), archive)
    rows = [row for row in range(8) if row not in NEAR]
    np.testing.assert_allclose(scores["ict_true"], labelled_depth(archive, np.array(rows)).rotation)
    expected = np.abs(np.rad2deg(archive.arrays["pose"][rows])).mean()
    assert metrics["ict_mae"]["value"] == pytest.approx(expected, abs=1e-3)


def test_icp_lays_single_frames_from_the_front(archive: FaceArchive) -> None:
    """It is told no pose: frames of a nearly frontal head are laid within some degrees, as if they were the others."""
    near = replace(archive, arrays=dict(archive.arrays) | {"near_frontal": ~archive.arrays["near_frontal"]})
    errors = {
        name: ict.evaluate(METHODS[name], SETTINGS, torch.nn.Identity(), near)[0]["ict_mae"]["value"]
        for name in ("frontal", "icp_tracking")
    }
    assert errors["icp_tracking"] < 0.7 * errors["frontal"]


def test_the_other_sensor_sees_the_same_heads(archive: FaceArchive) -> None:
    """Of the same people, from another place each: shapes and labels are alike, the frames are not."""
    pytest.importorskip("embreex")
    sizes = replace(other_sensor.data_set(SETTINGS), identities=2)
    other = other_sensor.open_archive(sizes, lambda count: None)
    np.testing.assert_array_equal(other.arrays["shape"], archive.arrays["shape"])
    np.testing.assert_array_equal(other.arrays["action"], archive.arrays["action"])
    assert other.arrays["focal"].mean() == pytest.approx(archive.arrays["focal"].mean(), rel=0.05)  # crops are alike
    assert not np.array_equal(other.arrays["depth"], archive.arrays["depth"])
    middle = slice(SETTINGS.network.image_size // 2 - 4, SETTINGS.network.image_size // 2 + 4)
    known = labelled_depth(other, np.arange(len(other)))
    behind = known.translation[:, 2] - known.frames.depth[:, middle, middle].flatten(1).median(dim=1).values
    assert ((behind > 20) & (behind < 150)).all()  # the face is before the middle of the head
    for method, metrics in (("mean_face", {"flight_plane"}), ("frontal", {"flight_mae", "flight_fitted"})):
        found, scores = other_sensor.evaluate(METHODS[method], SETTINGS, torch.nn.Identity(), other)
        assert metrics <= set(found)
        assert scores["flight_identity"].tolist() == [0, 0, 1, 1]


def test_the_other_sensor_needs_embreex(monkeypatch: pytest.MonkeyPatch, archive: FaceArchive) -> None:
    def missing() -> None:
        raise MissingPart("pip install embreex")

    monkeypatch.setattr(other_sensor, "check_embree", missing)
    with pytest.raises(MissingPart, match="embreex"):
        other_sensor.data_set(SETTINGS)
