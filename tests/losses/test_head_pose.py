"""Eqs. 6 and 7 against values by hand and a reference that looks at one point at a time."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, DegenerateInput
from facelib.geometry.rotations import normalise_quaternion
from facelib.losses.head_pose import landmark_chamfer, pose_loss


def poses(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    quaternion = torch.randn(count, 4, generator=generator, dtype=torch.float64)
    return normalise_quaternion(quaternion), 20 * torch.randn(count, 3, generator=generator, dtype=torch.float64)


def test_pose_loss_by_hand() -> None:
    """350 times (0.6, 0, 0, -0.2) is (210, 0, 0, -70); with 2, 0.5 and 0 mm: 209.5 + 69.5 + 1.5 + 0.125."""
    quaternion, true = torch.tensor([[0.6, 0, 0, 0.8]]), torch.tensor([[0.0, 0, 0, 1]])
    translation = torch.tensor([[2.0, 0.5, 0]])
    assert pose_loss(quaternion, translation, true, torch.zeros(1, 3)).item() == pytest.approx(280.625 / 7)


@given(seed=st.integers(0, 50))
def test_a_quaternion_and_its_opposite_are_the_same(seed: int) -> None:
    (q, t), (true_q, true_t) = poses(4, seed), poses(4, seed + 1000)
    expected = pose_loss(q, t, true_q, true_t).item()
    assert pose_loss(-q, t, true_q, true_t).item() == pytest.approx(expected)
    assert pose_loss(q, t, -true_q, true_t).item() == pytest.approx(expected)
    assert pose_loss(-q, t, q, t).item() == 0


def surface(seed: int = 0, holes: bool = True) -> torch.Tensor:
    """Two bumpy position images (2, 3, 6, 5), mm."""
    generator = torch.Generator().manual_seed(seed)
    positions = 40 * torch.randn(2, 3, 6, 5, generator=generator, dtype=torch.float64)
    if holes:
        positions[0, :, 2, 3] = torch.nan
        positions[1, :, 0] = torch.nan  # the first pixels too
    return positions


def slow(landmarks: torch.Tensor, positions: torch.Tensor, threshold: float) -> tuple[float, float]:
    total, matched = 0.0, 0
    for points, image in zip(landmarks.tolist(), positions.flatten(2).mT.tolist(), strict=True):
        for point in points:
            nearest = min(math.dist(point, other) for other in image if not math.isnan(other[0]))
            if nearest <= threshold:
                total, matched = total + nearest**2, matched + 1
    return total / len(landmarks), matched / (len(landmarks) * landmarks.shape[1])


@pytest.mark.parametrize("threshold", [20.0, 30.0, 1e3])
def test_landmark_chamfer_is_the_sum_over_landmarks_within_the_threshold(threshold: float) -> None:
    landmarks = 40 * torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    found = landmark_chamfer(landmarks, surface(), threshold)
    expected = slow(landmarks, surface(), threshold)
    assert (found.loss.item(), found.matched.item()) == pytest.approx(expected)
    assert (0 < expected[1] < 1) == (threshold < 1e3)


def test_the_threshold_is_a_length() -> None:
    """20 mm are within 30 mm, though their square is not within 30."""
    positions = torch.tensor([0.0, 0.0, 20.0]).reshape(1, 3, 1, 1)
    assert landmark_chamfer(torch.zeros(1, 1, 3), positions).loss.item() == 400
    found = landmark_chamfer(torch.zeros(1, 1, 3), 2 * positions)
    assert (found.loss.item(), found.matched.item()) == (0, 0)


def test_gradients() -> None:
    landmarks = 40 * torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: landmark_chamfer(x, surface(), 30.0).loss, landmarks.requires_grad_())
    (q, t), (true_q, true_t) = poses(3, 1), poses(3, 2)
    assert torch.autograd.gradcheck(
        lambda q, t: pose_loss(q, t, true_q, true_t), (q.requires_grad_(), t.requires_grad_())
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pose_loss(torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 4), torch.ones(2, 3)), "quaternion has"),
        (lambda: pose_loss(torch.ones(2, 4), torch.ones(3, 3), torch.ones(2, 4), torch.ones(2, 3)), "translation has"),
        (lambda: landmark_chamfer(torch.zeros(2, 9), surface()), "landmarks has shape"),
        (lambda: landmark_chamfer(torch.zeros(1, 9, 3).double(), surface()), "positions has shape"),
        (lambda: landmark_chamfer(torch.zeros(2, 9, 3), surface()), "float32"),
        (lambda: landmark_chamfer(torch.zeros(2, 9, 3).double(), surface(), 0), "threshold is 0"),
    ],
)
def test_bad_input(call, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        call()


def test_what_cannot_be_matched_is_degenerate() -> None:
    landmarks = torch.zeros(2, 9, 3, dtype=torch.float64)
    with pytest.raises(DegenerateInput, match=r"frames \[1\] are all holes"):
        landmark_chamfer(landmarks, torch.stack((surface()[0], torch.full((3, 6, 5), torch.nan).double())))
    landmarks[1, 2, 0] = torch.nan
    with pytest.raises(DegenerateInput, match=r"landmarks holds 1 non-finite values, the first at index \(1, 2, 0\)"):
        landmark_chamfer(landmarks, surface())
