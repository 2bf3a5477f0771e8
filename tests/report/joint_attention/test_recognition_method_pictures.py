"""The pictures of paper 1's method notebook, and the two small computations in them."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from facelib.errors import BadInput
from facelib.losses.margins import AdaFaceSettings
from facelib.models.pointnet2 import PointNet2Settings, group_cloud
from facelib.report.joint_attention import method_pictures as pictures

SETTINGS = PointNet2Settings(points_1=32, points_2=16, samples_1=4, samples_2=4)


def test_every_picture_smoke() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 16, 16, generator=generator)
    points = torch.nn.functional.normalize(torch.randn(2, 64, 3, generator=generator), dim=2)
    attention = torch.randn(2, 16, 16, generator=generator).softmax(dim=2)
    drawn = [
        pictures.draw_batch(images, points, ["a", "b"], "label"),
        pictures.draw_grouping(points, group_cloud(points, SETTINGS), 4, "label"),
        pictures.draw_query(images, attention, 5, ["a", "b"], "label"),
        pictures.draw_margins("label"),
        pictures.draw_histogram(attention[0], "label"),
        pictures.draw_descent({"all": [2.0, 1.0]}, {"end": attention[0]}, "label"),
    ]

    for figure in drawn:
        assert any("label" in text.get_text() for text in figure.texts)
        plt.close(figure)


def test_bad_input() -> None:
    points = torch.nn.functional.normalize(torch.randn(1, 64, 3), dim=2)
    images, attention = torch.rand(1, 3, 16, 16), torch.full((1, 16, 16), 1 / 16)

    with pytest.raises(BadInput, match="16 centres for a map of 5 x 5"):
        pictures.draw_grouping(points, group_cloud(points, SETTINGS), 5, "label")
    with pytest.raises(BadInput, match="query 16: expected a position from 0 to 15"):
        pictures.draw_query(images, attention, 16, ["a"], "label")
    with pytest.raises(BadInput, match="points"):
        pictures.draw_batch(images, points.expand(2, -1, -1), ["a"], "label")


def test_query_is_framed_at_its_row_and_column() -> None:
    figure = pictures.draw_query(torch.rand(1, 3, 16, 16), torch.full((1, 16, 16), 1 / 16), 6, ["a"], "label")
    frame = figure.axes[0].patches[0]
    plt.close(figure)

    assert frame.get_xy() == (8.0, 4.0)  # position 6 of a 4 x 4 map: row 1, column 2, four pixels each


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("official", math.cos(1.0) - 0.5), ("printed", math.cos(1.5) - 0.5)],
)
def test_target_logits_at_h_zero(rule: str, expected: float) -> None:
    logits = pictures.target_logits(torch.tensor([1.0]), 20.0, AdaFaceSettings(rule=rule))

    assert float(logits) == pytest.approx(expected, abs=1e-5)


def test_hard_histogram_against_numpy() -> None:
    values = torch.rand(500, generator=torch.Generator().manual_seed(0))
    bins = (values / values.max() * 7).round().int().numpy()

    shares = pictures.hard_histogram(values, 8)

    np.testing.assert_allclose(shares, np.bincount(bins, minlength=8) / 500, atol=1e-6)


def test_code_of_leaves_out_the_docstring_only() -> None:
    code = pictures.code_of(pictures.hard_histogram)

    assert code.startswith("def hard_histogram(")
    assert code.endswith("return counts / len(values)")
    assert "Shares (bins,)" not in code
    assert pictures.code_of(test_bad_input).startswith("def test_bad_input")
