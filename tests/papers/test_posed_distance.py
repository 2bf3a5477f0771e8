"""Chamfer distances of posed faces: what is aligned and what is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_predictions import knowing, shaken, tiny_archive, tiny_mapper

from facelib.papers.sadrnet.posed_distance import posed_distance
from facelib.papers.sadrnet.protocol import evaluate_alignment

GENERATOR = torch.Generator().manual_seed(4)
TRUE = 10 * torch.randn(2, 30, 3, generator=GENERATOR)
SCALE = torch.tensor([0.5, 2.0])


def test_another_size_about_its_middle_and_another_depth_cost_nothing() -> None:
    middle = TRUE.mean(dim=1, keepdim=True)
    grown = 1.7 * (TRUE - middle) + middle + torch.tensor([0.0, 0.0, 25.0])
    assert posed_distance(grown, TRUE, SCALE).tolist() == pytest.approx([0, 0], abs=1e-4)


def test_a_shift_in_the_image_and_a_turn_cost() -> None:
    shifted = posed_distance(TRUE + torch.tensor([1.0, 0.0, 0.0]), TRUE, SCALE)
    assert (shifted > 0.3).all()
    assert (shifted <= 1 / SCALE + 1e-5).all()  # a pixel in mm; some point may be nearer than the shifted one
    turned = TRUE @ torch.tensor([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    assert (posed_distance(turned, TRUE, SCALE) > 1).all()


def test_against_a_slow_reference() -> None:
    found = TRUE + torch.randn(TRUE.shape, generator=GENERATOR)
    for row in range(2):
        points, expected = found[row].numpy(), TRUE[row].numpy() / SCALE[row].item()
        middle, centre = points.mean(axis=0), expected.mean(axis=0)
        flat, goal = (points - middle)[:, :2], (expected - centre)[:, :2]
        factor = np.linalg.lstsq(flat.reshape(-1, 1), goal.ravel(), rcond=None)[0][0]
        laid = factor * (points - middle)
        laid[:, :2] += middle[:2] / SCALE[row].item()
        laid[:, 2] += centre[2]
        pairs = np.linalg.norm(laid[:, None] - expected[None], axis=2)
        slow = (pairs.min(axis=0).mean() + pairs.min(axis=1).mean()) / 2
        assert posed_distance(found, TRUE, SCALE)[row].item() == pytest.approx(slow, rel=1e-4)


def test_the_truth_is_at_no_distance() -> None:
    def told(change):
        network = knowing(change)
        return evaluate_alignment(
            lambda faces, true: network(faces.images), tiny_mapper(), tiny_archive(), np.arange(12)
        )["posed_mm"]

    assert told(lambda points: points).tolist() == pytest.approx([0] * 12, abs=1e-3)
    assert (told(shaken(1.0)) > 0.3).all()
