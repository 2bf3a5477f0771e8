from __future__ import annotations

import pytest
import torch

from facelib.errors import BadInput, UnknownName
from facelib.losses.coefficients import coefficient_loss, landmark_loss, landmark_weights, monochrome_loss

PRINTED = (1.0, 0.8, 0.017)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_which_landmarks_weigh_twenty_times() -> None:
    """8 of the inner mouth as printed; 3 of the nose besides as the base method publishes."""
    assert landmark_weights("printed").sum() == 60 + 8 * 20
    assert landmark_weights("published").sum() == 57 + 11 * 20
    assert (landmark_weights("printed")[60:] == 20).all()
    assert landmark_weights("published")[28:31].tolist() == [20, 20, 20]
    with pytest.raises(UnknownName, match="expected one of printed, published"):
        landmark_weights("print")


def test_landmarks_by_hand() -> None:
    """One of the outline 3 and 4 pixels off, one of the inner mouth 1 pixel: (25 + 20) / 68."""
    detected = torch.zeros(1, 68, 2)
    projected = detected.clone()
    projected[0, 5] = torch.tensor([3.0, 4.0])
    projected[0, 62, 0] = -1.0
    weights = landmark_weights("printed")

    assert landmark_loss(projected, detected, weights).item() == pytest.approx(45 / 68)
    twice = projected.repeat(2, 1, 1), detected.repeat(2, 1, 1)
    counted = weights.repeat(2, 1)
    counted[1] = 0  # of the second photograph none counts
    assert landmark_loss(*twice, counted).item() == pytest.approx(45 / 68 / 2)


def test_coefficients_by_hand() -> None:
    identity, expression, albedo = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.ones(2, 3), torch.full((2, 1), 10.0)

    expected = ((5 + 1) / 2) * 1.0 + 3 * 0.8 + 100 * 0.017
    assert coefficient_loss(identity, expression, albedo, PRINTED).item() == pytest.approx(expected)


def test_white_light_costs_nothing() -> None:
    white = drawn(2, 9).repeat(1, 3)
    assert monochrome_loss(white).item() == pytest.approx(0, abs=1e-12)
    red = white.clone()
    red[:, 0] += 3  # 2, -1, -1 from the mean of the channels in one of 27 numbers each
    assert monochrome_loss(red).item() == pytest.approx(6 / 27)


def test_gradients_in_float64() -> None:
    weights = landmark_weights("published").double()
    detected = drawn(2, 68, 2, seed=1)

    assert torch.autograd.gradcheck(
        lambda projected: landmark_loss(projected, detected, weights), drawn(2, 68, 2).requires_grad_()
    )
    parts = [drawn(2, size, seed=size).requires_grad_() for size in (4, 3, 2)]
    assert torch.autograd.gradcheck(lambda *each: coefficient_loss(*each, PRINTED), parts)
    assert torch.autograd.gradcheck(monochrome_loss, drawn(2, 27).requires_grad_())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: landmark_loss(drawn(1, 68, 3), drawn(1, 68, 2), drawn(68)), "projected has shape"),
        (lambda: landmark_loss(drawn(1, 68, 2), drawn(2, 68, 2), drawn(68)), "detected has shape"),
        (lambda: landmark_loss(drawn(1, 68, 2), drawn(1, 68, 2), drawn(51)), "weights has shape"),
        (lambda: coefficient_loss(drawn(2, 4), drawn(3, 4), drawn(2, 4), PRINTED), "expression has shape"),
        (lambda: monochrome_loss(drawn(2, 9)), "light has shape"),
    ],
)
def test_refuses_shapes_that_do_not_fit(call, message) -> None:
    with pytest.raises(BadInput, match=message):
        call()
