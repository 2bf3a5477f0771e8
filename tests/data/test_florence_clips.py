from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from facelib.data.archive import FaceArchive
from facelib.data.embedded import FlorenceClipsSettings, FlorenceSettings, open_florence_clips
from facelib.data.embedded.florence_clips import CONDITIONS
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.population import sample_people
from facelib.faces.scene import SceneSettings

SMALL = SceneSettings(image_size=32, background="structured", crop=1.6)
SETTINGS = FlorenceClipsSettings(identities=2, frames=6, points=2000, scene=SMALL)


@pytest.fixture(scope="module")
def archive() -> FaceArchive:
    return open_florence_clips(SETTINGS)


def test_every_person_is_filmed_in_every_condition(archive: FaceArchive) -> None:
    assert SETTINGS.image_count == len(archive) == 36
    for person in (0, 1):
        own = archive.arrays["identity"] == person
        assert np.bincount(archive.arrays["condition"][own]).tolist() == [6, 6, 6]
    assert archive.arrays["landmarks_2d"].shape == (36, 68, 2)


def test_conditions_are_of_increasing_difficulty() -> None:
    names = list(CONDITIONS)
    assert names == ["cooperative", "indoor", "outdoor"]
    for before, after in pairwise(names):
        first, second = CONDITIONS[before], CONDITIONS[after]
        assert (first.yaw, first.pitch, first.roll, first.expression) < (
            second.yaw, second.pitch, second.roll, second.expression
        )  # fmt: skip
        assert first.scene["light_variation"] < second.scene["light_variation"]


def test_the_people_are_those_of_the_twenty_poses(archive: FaceArchive) -> None:
    model = load_face_model("fine")
    people = sample_people(model, 2, FlorenceSettings().seed)
    heads = model.vertices(people.identity)
    np.testing.assert_allclose(archive.arrays["scan_landmarks"], heads[:, model.landmarks].numpy(), atol=1e-3)
    for scan, head in zip(archive.arrays["scans"], heads.numpy(), strict=True):
        assert cKDTree(head).query(scan)[0].max() < 6
    torch.testing.assert_close(torch.from_numpy(np.array(archive.arrays["shape"][[0, 18]])), people.identity)


def test_faces_look_at_the_camera_within_the_conditions_limits(archive: FaceArchive) -> None:
    degrees = np.abs(np.rad2deg(archive.arrays["pose"]))
    for number, condition in enumerate(CONDITIONS.values()):
        own = degrees[archive.arrays["condition"] == number]
        assert (own <= 2.5 * np.array([condition.yaw, condition.pitch, condition.roll]) + 1e-3).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identities": 0}, "0 identities"),
        ({"frames": 0}, "0 frames"),
        ({"points": 60000, "identities": 1, "frames": 1}, "60000 are asked for"),
    ],
)
def test_impossible_settings(changes: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_florence_clips(replace(SETTINGS, **changes))  # type: ignore[arg-type]
