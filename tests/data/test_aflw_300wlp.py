"""The counterparts of 300W-LP and AFLW2000-3D: who is turned where, what is worn, and that pose and image agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_runs import use_private_cache
from torch.nn.functional import grid_sample

from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    Aflw2000Settings,
    ArlVtfSettings,
    FaceScapeSettings,
    FlorenceSettings,
    W300LpSettings,
    WebFacesSettings,
    open_aflw2000,
    open_w300lp,
)
from facelib.data.embedded.aflw_300wlp import largest_remainder
from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scene import SceneSettings
from facelib.faces.visible_skin_mask import visible_skin_mask
from facelib.geometry.rasterizer import interpolate, rasterize

SMALL = SceneSettings(image_size=32, camera="weak_perspective", background="structured", crop=1.6, light_variation=1.0)
W300LP = W300LpSettings(identities=4, images=26, scene=SMALL)
AFLW2000 = Aflw2000Settings(identities=10, images=5, scene=SMALL)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def told() -> list[int]:
    return []


@pytest.fixture(scope="module")
def w300lp(told: list[int]) -> FaceArchive:
    return open_w300lp(W300LP, told.append)


@pytest.fixture(scope="module")
def aflw2000() -> FaceArchive:
    return open_aflw2000(AFLW2000)


@pytest.fixture(scope="module")
def large() -> FaceArchive:
    """Two photographs of one person at the paper's size, the second with something worn."""
    scene = replace(SMALL, image_size=256)
    return open_aflw2000(Aflw2000Settings(identities=1, images=2, worn_share=0.5, yaw_shares=(1, 1, 0), scene=scene))


def degrees(archive: FaceArchive) -> np.ndarray:
    return np.rad2deg(archive.arrays["pose"].astype(float))


def test_arrays_of_every_photograph(w300lp: FaceArchive, aflw2000: FaceArchive, told: list[int]) -> None:
    assert told == [26] * 4
    for archive, count, people in ((w300lp, 104, 4), (aflw2000, 50, 10)):
        found = {name: (array.shape, array.dtype.name) for name, array in archive.arrays.items()}
        assert found == {
            "images": ((count, 3, 32, 32), "uint8"),
            "skin": ((count, 32, 32), "uint8"),
            "landmarks_2d": ((count, 68, 2), "float32"),
            "identity": ((count,), "int32"),
            "expression": ((count,), "int16"),
            "angle": ((count,), "float32"),
            "pose": ((count, 3), "float32"),
            "cloud": ((count,), "int32"),
            "shape": ((count, 199), "float32"),
            "action": ((count, 52), "float32"),
            "scale": ((count,), "float32"),
            "center": ((count, 2), "float32"),
            "occluder": ((count,), "int16"),
        }
        assert (archive.arrays["identity"] == np.repeat(np.arange(people), count // people)).all()
        assert (archive.arrays["cloud"] == -1).all()
        assert set(np.unique(archive.arrays["skin"])) == {0, 1}
        yaw, pitch, _ = archive.arrays["pose"].T
        np.testing.assert_allclose(np.cos(archive.arrays["angle"]), np.cos(yaw) * np.cos(pitch), atol=1e-5)


def test_shape_and_actions_are_those_of_the_person(w300lp: FaceArchive, face_model: MorphableModel) -> None:
    people = sample_people(face_model, 4, W300LP.seed).identity.numpy()
    np.testing.assert_array_equal(w300lp.arrays["shape"], people[w300lp.arrays["identity"]])
    names = [list(EXPRESSIONS)[number] for number in w300lp.arrays["expression"]]
    full = expression_coefficients(face_model, names).numpy()
    action = w300lp.arrays["action"]
    strength = action.max(axis=1) / np.maximum(full.max(axis=1), 1e-9)

    np.testing.assert_allclose(action, full * strength[:, None], atol=1e-6)
    assert strength.max() <= 1
    assert np.ptp(strength[full.any(axis=1)]) > 0.8


def test_training_yaw_is_even_and_some_lies_beyond_the_profile(w300lp: FaceArchive) -> None:
    yaw, pitch, roll = degrees(w300lp).T
    beyond = np.abs(yaw) > 90

    # 5,000 of 127,450 are 1.02 of a person's 26, half to each side.
    assert 3 <= beyond.sum() <= 8
    assert np.abs(yaw).max() <= 105
    for one in yaw.reshape(4, 26):
        # One in each stratum: counts of the twelve parts of 15 degrees differ by little.
        assert np.histogram(one, np.linspace(-90, 90, 7))[0].min() >= 3
        assert np.histogram(one, np.linspace(-90, 90, 7))[0].max() <= 6
        assert not (np.diff(one) > 0).all()  # in random order
    assert np.abs(pitch).max() <= 30 + 1e-4
    assert np.abs(roll).max() <= 25 + 1e-4
    assert pitch.std() == pytest.approx(12, rel=0.3)


def test_nobody_wears_anything_in_training_unless_asked(w300lp: FaceArchive) -> None:
    assert (w300lp.arrays["occluder"] == Occluder.NOTHING).all()
    worn = open_w300lp(replace(W300LP, identities=1, images=8, worn_share=1.0))
    assert set(worn.arrays["occluder"]) == {Occluder.GLASSES, Occluder.SUNGLASSES, Occluder.MASK}


def test_counts_of_the_test_set_are_exact(aflw2000: FaceArchive) -> None:
    yaw = np.abs(degrees(aflw2000)[:, 0])
    # 50 times 1306, 462 and 232 over 2000: 32.65, 11.55 and 5.8.
    assert np.histogram(yaw, [0, 30, 60, 90])[0].tolist() == [33, 11, 6]
    assert np.bincount(aflw2000.arrays["occluder"]).tolist() == [35, 5, 5, 5]  # 30 % of 50 are 15
    large = yaw.reshape(10, 5) > 30
    assert set(large.sum(axis=1)) <= {1, 2}  # spread over people
    assert not (large == large[0]).all()
    assert set((aflw2000.arrays["occluder"].reshape(10, 5) > 0).sum(axis=1)) <= {1, 2}
    sides = degrees(aflw2000)[:, 0] > 0
    assert 15 < sides.sum() < 35


def test_the_papers_own_number_of_photographs_has_the_papers_counts() -> None:
    assert largest_remainder((1306, 462, 232), 2000).tolist() == [1306, 462, 232]


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=5).filter(any), st.integers(0, 3000))
def test_largest_remainders_add_up_and_stay_within_one(shares: list[int], total: int) -> None:
    counts = largest_remainder(tuple(shares), total)

    assert counts.sum() == total
    assert (np.abs(counts - np.array(shares) * (total / sum(shares))) < 1 + 1e-9).all()
    assert counts.min() >= 0


def test_a_part_can_be_made_alone(w300lp: FaceArchive) -> None:
    one = open_w300lp(replace(W300LP, identities=1))
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, w300lp.arrays[name][:26], name)


def test_nobody_appears_in_another_data_set(face_model: MorphableModel) -> None:
    kinds = (FaceScapeSettings, WebFacesSettings, ArlVtfSettings, W300LpSettings, Aflw2000Settings, FlorenceSettings)
    people = torch.stack([sample_people(face_model, 12, kind().seed).identity for kind in kinds])
    apart = torch.cdist(people.flatten(0, 1), people.flatten(0, 1)) + 99 * torch.eye(12 * len(kinds))

    assert apart.min() > 5  # standard deviations


def test_the_head_is_seen_where_its_pose_says(large: FaceArchive, face_model: MorphableModel) -> None:
    """Each pixel of the face, looked up on the position map of the posed head, is found at its own centre."""
    faces = posed_faces(large, np.arange(2))
    layout = face_layout(face_model, 256)
    posed = faces.pose.apply(face_model.vertices(faces.shape, faces.expression))  # pixels
    fragments = rasterize(posed, face_model.triangles, 256, 256, perspective=False, cull_back_faces=True)
    bare = visible_skin_mask(face_model, face_model.triangles, fragments, 1)
    skin = faces.skin > 0

    # What the archive calls skin is the projected face, less what is worn and the hair on the forehead.
    assert set(large.arrays["occluder"] > 0) == {False, True}
    assert (bare & skin).sum() > 0.995 * skin.sum()
    nothing = torch.from_numpy(large.arrays["occluder"] == 0)
    assert (bare & skin)[nothing].sum() > 0.7 * (bare | skin)[nothing].sum()

    place = interpolate(layout.place[None], face_model.triangles, fragments) / 128 - 1
    held = grid_sample(layout.mask.float().expand(2, 1, 256, 256), place, align_corners=False)
    found = grid_sample(layout.position_map(posed), place, align_corners=False) / held.clamp(min=1e-6)
    centre = torch.arange(256) + 0.5
    error = torch.stack((found[:, 0] - centre, found[:, 1] - centre[:, None]), dim=-1).norm(dim=-1)[bare & skin]
    # The rest are folds of lips, lids and nostrils, which the map cannot show.
    assert error.median() < 0.01
    assert (error < 0.5).float().mean() > 0.99


def test_depth_grows_away_from_the_viewer(large: FaceArchive, face_model: MorphableModel) -> None:
    faces = posed_faces(large, np.arange(1))
    head = faces.pose.apply(face_model.vertices(faces.shape, faces.expression))[0]

    assert torch.linalg.det(faces.rotation[0]) == pytest.approx(1, abs=1e-5)
    nose, ears = head[face_model.landmarks[30]], head[face_model.regions["ears"] > 0.5]
    assert nose[2] < ears[:, 2].min()


def test_landmarks_of_bare_frontal_faces_lie_on_the_skin(aflw2000: FaceArchive, face_model: MorphableModel) -> None:
    frontal = np.flatnonzero((np.abs(degrees(aflw2000)[:, 0]) < 25) & (aflw2000.arrays["occluder"] == 0))
    faces = posed_faces(aflw2000, frontal)
    landmarks = faces.pose.apply(face_model.vertices(faces.shape, faces.expression)[:, face_model.landmarks])
    column, row = landmarks[:, 17:60, :2].floor().long().clamp(0, 31).unbind(-1)  # brows to outer lips

    assert faces.skin[torch.arange(len(frontal))[:, None], row, column].mean() > 0.9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identities": 0}, "0 identities"),
        ({"images": 0}, "0 images"),
        ({"worn_share": 1.5}, "worn_share is 1.5"),
        ({"worn_share": float("nan")}, "worn_share is nan"),
        ({"scene": replace(SMALL, camera="perspective")}, "scene.camera is 'perspective'"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_w300lp(replace(W300LP, **changes))
    with pytest.raises(BadInput, match=message):
        open_aflw2000(replace(AFLW2000, **changes))


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_an_impossible_share_beyond_the_profile_is_refused(share: float) -> None:
    with pytest.raises(BadInput, match="beyond_share is"):
        open_w300lp(replace(W300LP, beyond_share=share))


@pytest.mark.parametrize("shares", [(0, 0, 0), (1, 2, -1), (1, 2), (1, 2, 3, 4)])
def test_impossible_shares_of_yaw_are_refused(shares: Any) -> None:
    with pytest.raises(BadInput, match="yaw_shares are"):
        open_aflw2000(replace(AFLW2000, yaw_shares=shares))
