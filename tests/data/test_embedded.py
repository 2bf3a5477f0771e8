"""The generated counterparts: the same bytes each time, and what paper 1 needs of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.spatial import cKDTree
from tiny_runs import use_private_cache

from facelib.conventions import NOSE_TIP
from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    FaceScapeSettings,
    WebFacesSettings,
    fingerprint_of,
    open_facescape,
    open_web_faces,
)
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scene import SceneSettings

SCENE = SceneSettings(image_size=32, background="removed")
FACESCAPE = FaceScapeSettings(identities=2, views=5, scene=SCENE)
WEB = WebFacesSettings(
    identities=2, images=30, scene=dataclasses.replace(SCENE, background="structured", light_variation=1.0)
)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def facescape() -> FaceArchive:
    return open_facescape(FACESCAPE)


@pytest.fixture(scope="module")
def web() -> FaceArchive:
    return open_web_faces(WEB)


def test_every_expression_and_view_of_every_identity(facescape: FaceArchive) -> None:
    assert len(facescape) == 2 * 20 * 5
    assert facescape.arrays["images"].shape == (200, 3, 32, 32)
    pairs, counts = np.unique(
        np.stack([facescape.arrays["identity"], facescape.arrays["expression"]]), axis=1, return_counts=True
    )
    assert pairs.shape == (2, 40)
    assert set(counts.tolist()) == {5}
    samples = facescape.samples(np.arange(3))
    assert 0 <= float(samples.images.min()) < float(samples.images.max()) <= 1


def test_the_same_settings_give_the_same_bytes(
    facescape: FaceArchive, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("other_cache"))
        again = open_facescape(FACESCAPE)

    assert again.fingerprint == facescape.fingerprint
    for name, array in facescape.arrays.items():
        assert array.filename != again.arrays[name].filename  # type: ignore[attr-defined]
        np.testing.assert_array_equal(array, again.arrays[name], name)


def test_more_identities_begin_with_the_same_people(facescape: FaceArchive) -> None:
    one = open_facescape(dataclasses.replace(FACESCAPE, identities=1))

    np.testing.assert_array_equal(one.arrays["images"], facescape.arrays["images"][:100])


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(FACESCAPE, seed=9),
        dataclasses.replace(FACESCAPE, views=6),
        dataclasses.replace(FACESCAPE, fixed_albedo=True),
        dataclasses.replace(FACESCAPE, scene=dataclasses.replace(SCENE, noise=0.02)),
    ],
)
def test_other_settings_have_another_fingerprint(facescape: FaceArchive, changed: FaceScapeSettings) -> None:
    assert fingerprint_of(changed) != facescape.fingerprint


def test_another_seed_shows_other_people_and_poses(facescape: FaceArchive) -> None:
    other = open_facescape(dataclasses.replace(FACESCAPE, identities=1, seed=9))

    difference = other.arrays["clouds"][0] - facescape.arrays["clouds"][0]
    assert np.abs(difference).max() > 1  # mm
    assert np.abs(other.arrays["angle"] - facescape.arrays["angle"][:100]).max() > 0.1


def test_angles_cover_frontal_to_profile_and_beyond(facescape: FaceArchive) -> None:
    yaw, pitch, roll = np.rad2deg(facescape.arrays["pose"]).T
    degrees = np.rad2deg(facescape.arrays["angle"])

    assert yaw.min() < -100
    assert yaw.max() > 100
    assert np.abs(yaw).max() <= 105
    assert np.abs(pitch).max() <= 2.5 * 6 + 1e-3
    assert np.abs(roll).max() <= 2.5 * 3 + 1e-3
    # The angle between the face's axis and the camera's: cos = cos(yaw) cos(pitch); roll does not count.
    expected = np.rad2deg(np.arccos(np.cos(np.deg2rad(yaw)) * np.cos(np.deg2rad(pitch))))
    np.testing.assert_allclose(degrees, expected, atol=0.05)
    counts, _ = np.histogram(degrees, [0, 30, 60, 90, 180])
    assert counts.min() >= 10
    # One fifth lies within 15 degrees on top of the even spread: 0.2 + 0.8 * 30 / 210.
    assert np.mean(np.abs(yaw) < 15) == pytest.approx(0.2 + 0.8 / 7, abs=0.03)


def test_each_photograph_has_the_cloud_of_its_identity_and_expression(facescape: FaceArchive) -> None:
    arrays = facescape.arrays

    np.testing.assert_array_equal(arrays["cloud"], arrays["identity"] * 20 + arrays["expression"])
    assert len(arrays["clouds"]) == 40


def test_clouds_are_distinct_points_of_a_face_in_millimetres(facescape: FaceArchive) -> None:
    clouds = facescape.arrays["clouds"]

    assert clouds.shape == (40, 1024, 3)
    assert all(len(np.unique(cloud, axis=0)) == 1024 for cloud in clouds)
    extent = np.ptp(clouds, axis=1)
    assert (extent > [90, 120, 50]).all()
    assert (extent < [190, 280, 180]).all()
    assert clouds[..., 2].min() > 0  # nothing of the back of the head


def test_the_first_point_is_the_tip_of_the_nose(facescape: FaceArchive, face_model: MorphableModel) -> None:
    people = sample_people(face_model, 2, FACESCAPE.seed)
    for identity in range(2):
        head = face_model.vertices(people.identity[[identity]], expression_coefficients(face_model, ["neutral"]))
        tip = head[0, face_model.landmarks[NOSE_TIP]].numpy()
        np.testing.assert_allclose(facescape.arrays["clouds"][20 * identity, 0], tip, atol=1e-3)  # mm


def test_each_cloud_lies_on_the_head_with_its_expression(facescape: FaceArchive, face_model: MorphableModel) -> None:
    identity = sample_people(face_model, 1, FACESCAPE.seed).identity.expand(2, -1)
    heads = face_model.vertices(identity, expression_coefficients(face_model, ["neutral", "mouth_stretch"]))
    stretched = facescape.arrays["clouds"][list(EXPRESSIONS).index("mouth_stretch")]
    to_neutral, to_stretched = (cKDTree(head.numpy()).query(stretched)[0].mean() for head in heads)

    assert to_stretched < 0.9 * to_neutral


def test_the_background_is_removed(facescape: FaceArchive) -> None:
    images = facescape.arrays["images"]
    corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]

    assert np.mean((corners == 0).all(axis=1)) > 0.6  # hair and neck reach some corners
    black = (images == 0).all(axis=1).mean()
    assert 0.1 < black < 0.6


def test_web_photographs_have_a_background_and_mostly_frontal_poses(web: FaceArchive) -> None:
    assert len(web) == 60
    assert (web.arrays["images"] == 0).all(axis=1).mean() < 0.02
    degrees = np.rad2deg(web.arrays["angle"])
    assert 10 < np.median(degrees) < 40
    assert len(np.unique(web.arrays["expression"])) > 10
    assert (web.arrays["cloud"] == -1).all()
    with pytest.raises(BadInput, match="no point clouds"):
        web.clouds()


def test_web_people_are_not_the_evaluated_ones(face_model: MorphableModel) -> None:
    ours = sample_people(face_model, 50, FaceScapeSettings().seed).identity
    theirs = sample_people(face_model, 50, WebFacesSettings().seed).identity
    distances = (ours[:, None] - theirs[None]).abs().amax(dim=-1)

    assert float(distances.min()) > 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"identities": 0}, "0 identities"), ({"views": 0}, "0 views"), ({"frontal_share": 1.0}, "frontal_share is 1.0")],
)
def test_impossible_facescape_settings_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_facescape(dataclasses.replace(FACESCAPE, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["identities", "images"])
def test_impossible_web_settings_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match=f"0 {name}"):
        open_web_faces(dataclasses.replace(WEB, **{name: 0}))  # type: ignore[arg-type]
