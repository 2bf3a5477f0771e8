"""Curves of paper 4: errors over samples, poses over time, D and G, and how well domains are told apart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from facelib.geometry.rotations import euler_to_matrix
from facelib.papers.depth_adaptation.protocol import values_of
from facelib.report.depth_adaptation.adversarial_curves import draw_health, health_data
from facelib.report.depth_adaptation.feature_spaces import told_domains
from facelib.report.depth_adaptation.pose_sequence import TRUTH, draw_sequence, sequence_data
from facelib.report.depth_adaptation.sample_errors import SAMPLES, TESTED, draw_sample_errors, sample_data


def scores(error: float) -> dict[str, np.ndarray]:
    """100 frames, the last 40 of people of whom nothing was learnt."""
    errors = error * np.linspace(1, 2, 100)
    names = dict.fromkeys(("fitting", "flying", "plane", "vertices", "roughness"), errors)
    known = {"shape_tested": np.arange(100) >= 60, "shape_neutral": np.arange(100) % 10 == 0}
    return {**names, **known, "shape_identity": np.arange(100) // 10}


def test_thirty_samples_and_all_frames() -> None:
    data = sample_data({"one": scores(0.02), "other": scores(0.03), "far": scores(0.5)})
    one = data[data["method"] == "one"]
    drawn = one[one["frames"] == SAMPLES]
    assert len(drawn) == 30
    assert drawn["row"].max() < 60
    expected = np.nanmean(values_of(scores(0.02))["shape"]["fitting_30"])
    assert drawn["fitting"].mean() == pytest.approx(expected)
    assert one[one["frames"] == TESTED]["row"].tolist() == list(range(60, 100))
    figure = draw_sample_errors(data, ["one"])
    left, right = figure.axes
    assert len(left.lines) == 2
    assert "far: mean" in left.texts[0].get_text()
    curve = right.lines[0].get_xydata()
    assert curve[-1].tolist() == pytest.approx([scores(0.02)["fitting"][99], 100])
    plt.close(figure)


def test_one_method_alone() -> None:
    plt.close(draw_sample_errors(sample_data({"one": scores(0.02)})))
    assert sample_data({}).empty


def turns(yaw: list[float]) -> np.ndarray:
    angles = torch.deg2rad(torch.tensor([[each, 5.0, -3.0] for each in yaw]))
    return euler_to_matrix(*angles.unbind(1)).numpy()


def test_a_sequence_beside_the_truth() -> None:
    own = {
        "group_1_found": turns([1, 2, 50]),
        "group_1_true": turns([0, 10, 20]),
        "group_1_sequence": np.array([11, 11, 12]),
    }
    data = sequence_data({"one": own, "of shapes": scores(1.0)}, "group_1")
    assert list(dict.fromkeys(data["method"])) == [TRUTH, "one"]
    assert data[data["method"] == "one"]["yaw"].tolist() == pytest.approx([1, 2], abs=1e-3)
    assert data[data["method"] == TRUTH]["yaw"].tolist() == pytest.approx([0, 10], abs=1e-3)
    assert data["pitch"].tolist() == pytest.approx([5.0] * 4, abs=1e-3)
    assert sequence_data({"one": own}, "group_1", 12)["yaw"].tolist() == pytest.approx([20, 50], abs=1e-3)
    figure = draw_sequence(data)
    assert "mean errors in the order of the legend: 4.5°" in figure.axes[0].get_title(loc="left")
    plt.close(figure)
    assert sequence_data({}, "group_1").empty


def made_runs(*watched: dict[str, float]) -> Any:
    """Two starts of one method, and a method without G and D."""
    losses = {"discriminator.real": 0.5, "discriminator.drawn_source": 0.25, "discriminator.shape": 9.0,
              "discriminator.drawn_target": 0.125, "generator.adversarial": 2.0, "generator.shape": 9.0}  # fmt: skip
    history = [{"losses": losses, "watch": each} for each in watched]
    plain = [{"losses": {"shape": 1.0}, "watch": {}}]
    records = {
        "full": [SimpleNamespace(seed=seed, history=history) for seed in (0, 1)],
        "plain": [SimpleNamespace(seed=0, history=plain)],
    }
    return SimpleNamespace(records=lambda name: records[name], label=str.upper)


def test_health_of_d_and_g() -> None:
    fine = {"real": 0.8, "drawn_source": 0.7, "drawn_target": 0.6, "diversity": 0.9, "collapsed": 0.0}
    wrong = {"real": 1.0, "drawn_source": 1.0, "drawn_target": 1.0, "diversity": 0.9, "collapsed": 1.0}
    data = health_data(made_runs(fine, wrong), ("full", "plain"))
    assert data[["method", "seed", "epoch"]].to_numpy().tolist() == [["FULL", s, e] for s in (0, 1) for e in (1, 2)]
    assert data["collapsed"].tolist() == [0, 1, 0, 1]
    assert data["D"].tolist() == [0.875] * 4
    assert data["G"].tolist() == [2.0] * 4
    figure = draw_health(data)
    assert len(figure.axes[0].lines) == 2 * 3 + 1
    assert [len(panel.patches) for panel in figure.axes[:3]] == [1, 1, 1]  # the collapsed epoch
    plt.close(figure)


def test_domains_are_told_where_they_differ() -> None:
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(400, 5))
    target, person = np.arange(400) % 2 == 1, np.array([f"{each % 2} {each // 20}" for each in range(400)])
    assert told_domains(embeddings, target, person) == pytest.approx(0.5, abs=0.1)
    assert told_domains(embeddings + 8 * target[:, None], target, person) == 1.0
