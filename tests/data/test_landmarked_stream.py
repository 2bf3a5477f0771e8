from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from facelib.data.detected_landmarks import box_root
from facelib.data.embedded import LandmarkedStream, PeopleStream, PeopleStreamSettings, landmarked_faces_of
from facelib.data.embedded.people_stream import STREAM_SCENE
from facelib.data.landmarked_faces import LandmarkedFaces, five_points, standard_place
from facelib.data.posed_faces import faces_of
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel

SIZE = 48
SETTINGS = PeopleStreamSettings(skins=4, yaw_spread=20.0, scene=replace(STREAM_SCENE, image_size=SIZE))
STANDARD_SPAN = 0.62 * SIZE


@pytest.fixture(scope="module")
def standard(face_model: MorphableModel) -> torch.Tensor:
    """The mean face's landmarks, seen from the front, in the middle of the image."""
    points = face_model.mean[face_model.landmarks][:, :2] * torch.tensor([1.0, -1.0])
    low, high = points.amin(dim=0), points.amax(dim=0)
    return (points - (low + high) / 2) * STANDARD_SPAN / (high - low).max() + SIZE / 2


@pytest.fixture(scope="module")
def stream(standard: torch.Tensor) -> LandmarkedStream:
    return LandmarkedStream.open(SETTINGS, standard)


def test_nothing_but_images_landmarks_and_skin_is_left(stream: LandmarkedStream) -> None:
    arrays = stream.batch(0, 5)
    assert set(arrays) == {"images", "landmarks", "skin"} == {each.name for each in fields(LandmarkedFaces)}
    faces = landmarked_faces_of(arrays)
    assert faces.images.shape == (5, 3, SIZE, SIZE)
    assert faces.images.max() <= 1
    assert set(faces.skin.unique().tolist()) == {0.0, 1.0}


def test_the_crop_is_the_standard_one(stream: LandmarkedStream, standard: torch.Tensor) -> None:
    faces = landmarked_faces_of(stream.batch(1, 8))
    scale, shift = standard_place(faces.landmarks, standard)
    torch.testing.assert_close(scale, torch.ones(8), atol=1e-4, rtol=0)
    torch.testing.assert_close(shift, torch.zeros(8, 2), atol=1e-3, rtol=0)
    assert (five_points(faces.landmarks).mean(dim=1) - five_points(standard[None]).mean(dim=1)).abs().max() < 1e-3


def test_landmarks_are_off_as_the_detectors_are_and_no_more(stream: LandmarkedStream, standard: torch.Tensor) -> None:
    count = 64
    people = stream.people.batch(2, count)
    true = torch.from_numpy(people["landmarks_2d"])
    found = landmarked_faces_of(stream.batch(2, count)).landmarks
    # The crop is a scale and a shift: undone by least squares over all landmarks.
    middle, other = true - true.mean(dim=1, keepdim=True), found - found.mean(dim=1, keepdim=True)
    size = (middle * other).sum(dim=(1, 2)) / middle.square().sum(dim=(1, 2))
    off = (other / size[:, None, None] - middle).norm(dim=2).mean(dim=1) / box_root(true)
    assert 0.01 < off.median() < 0.06


def test_landmarks_are_those_of_the_head(face_model: MorphableModel, stream: LandmarkedStream) -> None:
    arrays = stream.people.batch(3, 4)
    faces = faces_of(arrays)
    heads = face_model.vertices(faces.shape, faces.expression)
    expected = faces.pose.apply(heads)[:, face_model.landmarks, :2]
    torch.testing.assert_close(torch.from_numpy(arrays["landmarks_2d"]), expected, atol=1e-3, rtol=0)


def test_a_camera_with_perspective_sees_them_too(standard: torch.Tensor) -> None:
    scene = replace(SETTINGS.scene, camera="perspective", distance=(1e6, 1e6))
    near, far, flat = (
        LandmarkedStream.open(replace(SETTINGS, scene=each), standard).batch(0, 12)["landmarks"]
        for each in (replace(scene, distance=(700.0, 700.0)), scene, SETTINGS.scene)
    )
    spans = [float(np.ptp(each[:, :, 0], axis=1).mean()) for each in (near, far, flat)]
    assert spans[1] == pytest.approx(spans[2], rel=1e-2)
    assert spans[0] < 0.98 * spans[1]  # the jaw is farther from a near camera than the eyes, nose and mouth


def test_the_same_number_gives_the_same_batch(stream: LandmarkedStream) -> None:
    first, again, other = stream.batch(4, 3), stream.batch(4, 3), stream.batch(5, 3)
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
    assert (first["landmarks"] != other["landmarks"]).any()


def test_yaw_is_spread_as_asked() -> None:
    yaw = np.rad2deg(PeopleStream.open(SETTINGS).batch(0, 400)["pose"][:, 0])
    assert 17 < yaw.std() < 22
    assert np.abs(yaw).max() <= 50


@pytest.mark.parametrize("spread", [-1.0, 40.0, float("nan")])
def test_an_impossible_spread_of_the_yaw(spread: float) -> None:
    with pytest.raises(BadInput, match="yaw_spread"):
        replace(SETTINGS, yaw_spread=spread)
