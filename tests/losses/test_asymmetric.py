from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.losses.asymmetric import asymmetric_loss


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("predicted", "true", "expected"),
    [
        (3.0, 2.0, 1.0),  # too far
        (1.0, 2.0, 3.0),  # too close to zero
        (-3.0, -2.0, 1.0),
        (-1.0, -2.0, 3.0),
        (-1.0, 2.0, 27.0),  # on the other side
        (2.0, 2.0, 0.0),
        (0.5, 0.0, 0.25),
        (-0.5, 0.0, 0.25),
    ],
)
def test_one_coefficient_by_hand(predicted: float, true: float, expected: float) -> None:
    assert asymmetric_loss(torch.tensor([[predicted]]), torch.tensor([[true]])).item() == pytest.approx(expected)


def test_coefficients_are_added_and_photographs_averaged() -> None:
    predicted = torch.tensor([[3.0, 1.0], [2.0, 2.0]])
    true = torch.full((2, 2), 2.0)
    assert asymmetric_loss(predicted, true).item() == pytest.approx((1 + 3) / 2)
    assert asymmetric_loss(predicted, true, over=10.0, under=0.0).item() == pytest.approx(5)


def test_it_is_the_published_formula() -> None:
    predicted, true = drawn(5, 7), drawn(5, 7, seed=1)
    magnitude, estimate = true.abs(), true.sign() * predicted
    greater = torch.maximum(magnitude, estimate)
    expected = (magnitude - greater).square().sum(dim=1) + 3 * (estimate - greater).square().sum(dim=1)
    torch.testing.assert_close(asymmetric_loss(predicted, true), expected.mean())


@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0))
def test_bounds_and_symmetry(over: float, under: float) -> None:
    predicted, true = drawn(4, 3), drawn(4, 3, seed=1)
    loss = asymmetric_loss(predicted, true, over, under)
    square = (predicted - true).square().sum(dim=1).mean()

    assert min(over, under) * square - 1e-9 <= loss <= max(over, under) * square + 1e-9
    torch.testing.assert_close(asymmetric_loss(-predicted, -true, over, under), loss)


def test_gradcheck() -> None:
    predicted, true = drawn(3, 4).requires_grad_(), drawn(3, 4, seed=1)
    assert torch.autograd.gradcheck(lambda p: asymmetric_loss(p, true), (predicted,))
    touching = true.clone().requires_grad_()  # where both terms meet the slope is zero from either side
    asymmetric_loss(touching, true).backward()
    assert not touching.grad.any()


@pytest.mark.parametrize(
    ("predicted", "true", "options", "message"),
    [
        (drawn(0, 3), drawn(0, 3), {}, "no size zero"),
        (drawn(2, 3), drawn(2, 4), {}, "true has shape"),
        (drawn(3), drawn(3), {}, "predicted has shape"),
        (drawn(2, 3), drawn(2, 3).float(), {}, "one dtype"),
        (drawn(2, 3) * torch.nan, drawn(2, 3), {}, "predicted holds 6 non-finite"),
        (drawn(2, 3), drawn(2, 3) * torch.inf, {}, "true holds 6 non-finite"),
        (drawn(2, 3), drawn(2, 3), {"under": -1.0}, "under -1.0"),
        (drawn(2, 3), drawn(2, 3), {"over": torch.nan}, "over nan"),
    ],
)
def test_refuses_bad_input(predicted, true, options, message) -> None:
    with pytest.raises(BadInput, match=message):
        asymmetric_loss(predicted, true, **options)
