"""The ARL-VTF counterpart: gallery, frontal and pose probes of other people, and people to train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.embedded import ArlVtfSettings, FaceScapeSettings, WebFacesSettings, fingerprint_of, open_arl_vtf
from facelib.data.protocol import Role, roles_of
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people

PEOPLE, TRAINING_PEOPLE = 6, 2
SETTINGS = ArlVtfSettings(identities=PEOPLE, training_identities=TRAINING_PEOPLE, training_images=3)
SETTINGS = replace(SETTINGS, scene=replace(SETTINGS.scene, image_size=32))


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def told() -> list[int]:
    return []


@pytest.fixture(scope="module")
def archive(told: list[int]) -> FaceArchive:
    return open_arl_vtf(SETTINGS, told.append)


def test_roles_of_every_identity_as_in_the_paper(archive: FaceArchive) -> None:
    counts = {
        identity: np.bincount(archive.arrays["role"][archive.arrays["identity"] == identity], minlength=4).tolist()
        for identity in archive.identities.tolist()
    }

    assert counts == {i: [6, 5, 5, 0] for i in range(6)} | {i: [0, 0, 0, 3] for i in (6, 7)}
    assert archive.arrays["role"].dtype == np.int16
    assert archive.arrays["images"].shape == (6 * 16 + 2 * 3, 3, 32, 32)
    assert len(archive.samples(np.arange(3)).pose) == 3


def test_images_are_counted(archive: FaceArchive, told: list[int]) -> None:
    assert told == [16] * 6 + [3] * 2


def test_pose_probes_are_turned_to_both_sides_and_all_others_are_frontal(archive: FaceArchive) -> None:
    turned = archive.arrays["role"] == Role.POSE_PROBE
    yaw, pitch, roll = np.rad2deg(archive.arrays["pose"]).T

    assert np.abs(yaw[~turned]).max() <= 2.5 * 4 + 1e-3
    assert np.abs(yaw[turned]).min() >= 40
    assert np.abs(yaw[turned]).max() <= 90
    assert np.abs(pitch).max() <= 2.5 * 4 + 1e-3
    assert np.abs(roll).max() <= 2.5 * 2.5 + 1e-3
    for one in yaw[turned].reshape(PEOPLE, 5):
        # One of five in each ten degrees, and two or three to a side.
        assert np.histogram(np.abs(one), [40, 50, 60, 70, 80, 90])[0].tolist() == [1] * 5
        assert (one > 0).sum() in (2, 3)
    assert (yaw[turned] > 0).sum() == PEOPLE * 5 / 2


def test_angle_and_pose_tell_one_story(archive: FaceArchive) -> None:
    yaw, pitch, _ = archive.arrays["pose"].T

    np.testing.assert_allclose(np.cos(archive.arrays["angle"]), np.cos(yaw) * np.cos(pitch), atol=1e-5)


def test_the_background_is_visible_and_the_same_everywhere(archive: FaceArchive) -> None:
    frontal = archive.arrays["images"][archive.arrays["role"] != Role.POSE_PROBE]
    corners = frontal[:, :, 0, [0, -1]].mean(axis=(0, 2)) / 255  # beside the head, above the ears
    backdrop = np.array([0.30, 0.32, 0.35]) ** (1 / 2.2)

    np.testing.assert_allclose(corners, backdrop, atol=0.02)
    assert (archive.arrays["images"] == 0).all(axis=1).mean() < 0.01
    assert (frontal[:, :, 0, [0, -1]].std(axis=(0, 2)) / 255).max() < 0.03  # sensor noise


def test_there_are_no_clouds(archive: FaceArchive) -> None:
    assert (archive.arrays["cloud"] == -1).all()
    with pytest.raises(BadInput, match="data set embedded_arl_vtf has no point clouds"):
        archive.clouds()


def test_nobody_appears_in_another_data_set(face_model: MorphableModel) -> None:
    ours = sample_people(face_model, 50, ArlVtfSettings().seed).identity
    for settings in (FaceScapeSettings(), WebFacesSettings()):
        theirs = sample_people(face_model, 50, settings.seed).identity
        assert float((ours[:, None] - theirs[None]).abs().amax(dim=-1).min()) > 0.5


def test_training_people_can_be_left_out_without_changing_those_judged(archive: FaceArchive) -> None:
    without = open_arl_vtf(replace(SETTINGS, training_identities=0))

    evaluated = archive.arrays["role"] != Role.TRAINING
    for name, array in without.arrays.items():
        np.testing.assert_array_equal(array, archive.arrays[name][evaluated], name)
    assert without.fingerprint == fingerprint_of(replace(SETTINGS, training_identities=0))
    assert without.fingerprint != archive.fingerprint
    with pytest.raises(BadInput, match="no photograph with the role TRAINING"):
        roles_of(without, Role.TRAINING)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identities": 0}, "0 identities"),
        ({"gallery": 0}, "0 gallery images"),
        ({"probes": 0}, "0 probes"),
        ({"training_identities": -1}, "-1 training identities"),
        ({"training_images": 0}, "0 training images"),
        ({"profile_yaw": (90.0, 40.0)}, r"profile_yaw is \(90.0, 40.0\)"),
        ({"profile_yaw": (float("nan"), 40.0)}, "profile_yaw is"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_arl_vtf(replace(SETTINGS, **changes))
