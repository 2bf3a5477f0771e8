"""Figure 8: angles in both orders agree with scipy's, and cases are those that SADRNet-fix leaves out."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from made_predictions import knowing, pictures_in, texts_of, tiny_archive, tiny_evaluator
from scipy.spatial.transform import Rotation

from facelib.errors import BadInput
from facelib.geometry.rotations import euler_to_matrix
from facelib.metrics.pose_error import aflw2000_angles
from facelib.report.sadrnet.gimbal_lock import (
    ORDERS,
    YAW_FIRST,
    YAW_MIDDLE,
    cases_of,
    draw_lock,
    lock_data,
)
from facelib.report.sadrnet.predictions import Evaluator


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def pose() -> np.ndarray:
    """Yaw, pitch and roll of the photographs, (12, 3) radians."""
    return np.array(tiny_archive().arrays["pose"])


def turned_by(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Evaluator:
    """Of a network that turns every head by so many degrees before its pose."""
    turn = euler_to_matrix(*torch.deg2rad(torch.tensor([yaw, pitch, roll])))
    return tiny_evaluator(turned=knowing(turn=turn))


def test_errors_in_the_order_of_aflw2000_are_those_that_the_run_noted() -> None:
    evaluator = turned_by(pitch=10)
    noted = np.arange(36.0).reshape(12, 3)
    scores = {"aflw_angle_error": np.deg2rad(noted), "geodesic": np.deg2rad(np.arange(12.0) + 50)}
    data = lock_data(replace(evaluator, scores={"turned": scores}))
    first, middle = (data[data["order"] == order] for order in (YAW_FIRST, YAW_MIDDLE))

    np.testing.assert_allclose(middle[["yaw", "pitch", "roll"]], noted)
    assert middle["case"].tolist() == [False] * 12  # yaw is off by as much
    np.testing.assert_allclose(first["geodesic"], np.arange(12) + 50.0)
    assert first["pitch"].median() < 15  # of the predicted rotations


def test_errors_are_of_the_turn_between_both_poses(pose: np.ndarray) -> None:
    data = lock_data(turned_by(yaw=-4, pitch=24))
    turn = Rotation.from_matrix(euler_to_matrix(*torch.deg2rad(torch.tensor([-4.0, 24.0, 0.0]))).numpy())
    true = Rotation.from_matrix(euler_to_matrix(*torch.from_numpy(pose.T)).numpy())
    difference = np.abs((true * turn).as_euler("XYZ", degrees=True) - true.as_euler("XYZ", degrees=True))
    middle = data[data["order"] == YAW_MIDDLE].set_index("row").sort_index()

    assert len(data) == 2 * len(pose)
    np.testing.assert_allclose(data["geodesic"], np.rad2deg(turn.magnitude()), atol=0.02)
    np.testing.assert_allclose(middle["true_yaw"], np.rad2deg(pose[:, 0]), rtol=1e-6)
    short = np.minimum(difference, 360 - difference)
    np.testing.assert_allclose(middle[["pitch", "yaw", "roll"]], short, atol=0.01)
    case = (short[:, [0, 2]].max(axis=1) > 20) & (short[:, 1] < 5)
    assert middle["case"].tolist() == case.tolist()
    assert 0 < case.sum() < len(pose)
    assert len(lock_data(turned_by(), most=4)) == 2 * 4


def test_cases_come_with_the_nearest_poses_first() -> None:
    evaluator = turned_by(pitch=24)
    data = lock_data(evaluator)
    data["geodesic"] = -data["row"].astype(float)
    chosen = data[(data["order"] == YAW_MIDDLE) & data["case"]]["row"].sort_values(ascending=False)

    assert cases_of(data, evaluator, most=2).rows.tolist() == chosen.tolist()[:2]
    assert cases_of(lock_data(turned_by()), evaluator) is None


def test_cases_are_shown_below_the_errors_of_all(pose: np.ndarray) -> None:
    evaluator = turned_by(pitch=24)
    data = lock_data(evaluator)
    cases = cases_of(data, evaluator, most=3)
    figure = draw_lock(data, cases)
    texts = texts_of(figure)

    assert pictures_in(figure) == 3 * len(cases.rows)
    assert {*ORDERS.values(), "photograph", "true", "predicted", "24.0° apart"} <= set(texts)
    true = np.rad2deg(aflw2000_angles(euler_to_matrix(*torch.from_numpy(pose[cases.rows].T))))
    assert " ".join(f"{round(angle):+d}°" for angle in true[0]) in texts
    for axis, order in zip(figure.axes, ORDERS, strict=False):
        own = data[data["order"] == order]
        count = int(own["case"].sum())
        legend = [text.get_text() for text in axis.get_legend().get_texts()]
        assert legend == [f"{count} cases", f"{len(own) - count} others"]
        shown = np.concatenate([points.get_offsets()[:, 1] for points in axis.collections])
        np.testing.assert_allclose(np.sort(shown), np.sort(own[["pitch", "roll"]].max(axis=1)))


def test_without_cases_this_is_said() -> None:
    data = lock_data(turned_by())
    figure = draw_lock(data, None)

    assert not data["case"].any()
    assert data[["yaw", "pitch", "roll", "geodesic"]].to_numpy().max() < 0.2
    assert pictures_in(figure) == 0
    assert any("no photograph has a pitch or roll error above 20°" in text for text in texts_of(figure))


def test_poses_of_one_network_are_asked_for() -> None:
    with pytest.raises(BadInput, match="poses of a, b: expected one network"):
        lock_data(tiny_evaluator(a=knowing(), b=knowing()))
