"""Errors by yaw against means by hand; differences are paired."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from facelib.report.msma import yaw_data as module
from facelib.report.msma.yaw_data import AFLW, yaw_data
from facelib.report.yaw_errors import draw_yaw


def made(shift: float) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    return {"aflw": generator.uniform(0.02, 0.2, 40) + shift, "aflw_identity": np.arange(40) // 2}


def test_means_by_range_and_paired_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESAMPLES", 50)
    yaw = np.deg2rad(np.linspace(-55, 55, 40))
    data = yaw_data({"a": made(0.0), "b": made(0.01)}, yaw).set_index(["method", "yaw"])

    assert list(dict.fromkeys(data.index.get_level_values("yaw"))) == ["0-30", "30-60", "all"]
    chosen = np.abs(np.rad2deg(yaw)) < 30
    assert data.loc[("a", "0-30"), "error"] == pytest.approx(made(0.0)["aflw"][chosen].mean())
    assert data.loc[("b", "all"), ["difference", "low", "high"]].tolist() == pytest.approx([0.01] * 3)
    assert data["reference"].unique().tolist() == ["a"]
    figure = draw_yaw(data.reset_index(), AFLW)
    assert len(figure.axes) == 1
    plt.close(figure)


def test_no_scores_give_no_line() -> None:
    assert yaw_data({}, np.zeros(3)).empty
