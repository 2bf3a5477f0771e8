"""The 68 landmarks: one vertex each, in iBUG order, mirrored in pairs, where the head's geometry says they must lie."""

from __future__ import annotations

import numpy as np
import pytest

from facelib.conventions import LANDMARK_COUNT, LANDMARK_GROUPS, OUTER_EYE_CORNERS
from facelib.faces.landmarks import ANNY_VERTICES, MIRRORED
from facelib.faces.morphable_model import MorphableModel


@pytest.fixture
def points(face_model: MorphableModel) -> np.ndarray:
    return face_model.mean[face_model.landmarks].double().numpy()


def test_68_distinct_vertices(face_model: MorphableModel) -> None:
    assert len(set(ANNY_VERTICES)) == LANDMARK_COUNT
    assert face_model.landmarks.tolist() == list(ANNY_VERTICES)


def test_mirroring_twice_changes_nothing() -> None:
    table = np.array(MIRRORED)
    np.testing.assert_array_equal(table[table], np.arange(LANDMARK_COUNT))
    for right, left in (("right_brow", "left_brow"), ("right_eye", "left_eye")):
        assert set(table[list(LANDMARK_GROUPS[right])]) == set(LANDMARK_GROUPS[left])


def test_mirrored_landmarks_lie_at_mirrored_places(points: np.ndarray) -> None:
    distance = np.linalg.norm(points[list(MIRRORED)] * [-1, 1, 1] - points, axis=1)
    assert distance.max() < 0.5  # mm


def test_right_is_the_subjects_right(points: np.ndarray) -> None:
    x = points[:, 0]
    for right in ("right_brow", "right_eye"):
        assert (x[list(LANDMARK_GROUPS[right])] < 0).all()
    for name in ("right_brow", "left_brow", "nostrils"):
        assert (np.diff(x[list(LANDMARK_GROUPS[name])]) > 0).all(), name
    assert x[36] < x[37] < x[38] < x[39] < 0 < x[42] < x[43] < x[44] < x[45]
    assert x[39] > x[40] > x[41] > x[36]
    assert x[0] < -50 < 50 < x[16]  # mm


def test_jaw_runs_down_to_the_chin_and_up_again(points: np.ndarray) -> None:
    jaw = points[list(LANDMARK_GROUPS["jaw"])]
    assert jaw[:, 1].argmin() == 8
    assert (np.diff(jaw[:9, 1]) < 0).all()
    assert (np.diff(jaw[8:, 1]) > 0).all()
    assert (np.diff(jaw[2:15, 0]) > 0).all()
    assert points[:, 1].argmin() == 8


def test_heights_of_the_features(points: np.ndarray) -> None:
    y = points[:, 1]
    assert y[17:22].min() > y[36:42].max()  # brows above eyes
    assert y[36:48].min() > y[31:36].max()
    assert y[31:36].min() > y[48:68].max()  # nostrils above lips
    assert y[48:68].min() > y[8]
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert y[upper] > y[lower]
    assert (np.diff(y[27:31]) < 0).all()


def test_lips_from_the_outside_in(points: np.ndarray) -> None:
    x, y = points[:, 0], points[:, 1]
    assert (np.diff(x[48:55]) > 0).all()  # over the upper lip to the subject's left
    assert (np.diff(x[54:60]) < 0).all()  # and back below
    assert (np.diff(x[60:65]) > 0).all()
    assert (np.diff(x[64:68]) < 0).all()
    assert x[48] < x[60] < x[64] < x[54]
    for column in ((50, 61, 67, 58), (51, 62, 66, 57), (52, 63, 65, 56)):
        assert y[column[0]] > y[column[1]] > y[column[2]] > y[column[3]]


def test_the_tip_of_the_nose_is_foremost(points: np.ndarray) -> None:
    assert points[:, 2].argmax() == 30
    assert (np.diff(points[27:31, 2]) > 0).all()


def test_mean_face_has_human_size(points: np.ndarray) -> None:
    right, left = points[list(OUTER_EYE_CORNERS)]
    assert 80 < np.linalg.norm(right - left) < 100  # mm, between the outer corners of adults' eyes
