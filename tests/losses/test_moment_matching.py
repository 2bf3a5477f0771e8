from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.losses.moment_matching import coral, mmd


def features(count: int, seed: int = 0, dimension: int = 5) -> torch.Tensor:
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow_mmd(first: torch.Tensor, second: torch.Tensor) -> float:
    """The definition, a pair at a time."""
    rows = [*first, *second]
    distances = [float(((a - b) ** 2).sum()) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
    mean = sum(distances) / len(distances)

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return sum(math.exp(-float(((a - b) ** 2).sum()) / (mean * width)) for width in (0.25, 0.5, 1, 2, 4))

    def average(left: torch.Tensor, right: torch.Tensor) -> float:
        return sum(kernel(a, b) for a in left for b in right) / (len(left) * len(right))

    return average(first, first) + average(second, second) - 2 * average(first, second)


@pytest.mark.parametrize(("m", "n"), [(4, 4), (3, 6), (1, 2)])
def test_mmd_is_the_definition(m: int, n: int) -> None:
    first, second = features(m, 1), features(n, 2) + 0.5
    assert mmd(first, second).item() == pytest.approx(slow_mmd(first, second), abs=1e-12)


def test_mmd_of_identical_batches_is_zero_and_grows_with_the_shift() -> None:
    first = features(20)
    assert mmd(first, first).item() == pytest.approx(0, abs=1e-12)
    near, far = (mmd(first, features(20, 1) + shift).item() for shift in (0.5, 3.0))
    assert 0 < near < far


def test_mmd_of_coinciding_rows_is_zero_with_a_finite_gradient() -> None:
    first = torch.ones(3, 4, requires_grad=True)
    loss = mmd(first, torch.ones(2, 4))
    loss.backward()
    assert loss.item() == 0
    assert first.grad is not None
    assert not first.grad.any()


def test_coral_by_hand() -> None:
    """Covariances 2 and 8 in one dimension: (2 - 8)^2 / 4."""
    first, second = torch.tensor([[-1.0], [1.0]]), torch.tensor([[3.0], [7.0]])
    assert coral(first, second).item() == 9


def test_coral_sees_covariances_only() -> None:
    first, second = features(12), features(9, 1)
    expected = (torch.cov(first.T) - torch.cov(second.T)).square().sum() / (4 * 25)
    assert coral(first, second).item() == pytest.approx(expected.item())
    assert coral(first, first + 7).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [mmd, coral])
def test_gradients(loss) -> None:
    """Of the mean distance in MMD no gradient is asked, so numeric ones would see it move: coral only is checked so."""
    first, second = features(4, 1, 3).requires_grad_(), (features(5, 2, 3) + 0.5).requires_grad_()
    if loss is coral:
        assert torch.autograd.gradcheck(loss, (first, second))
    loss(first, second).backward()
    assert first.grad is not None
    with torch.no_grad():
        assert loss(first - 0.01 * first.grad, second) < loss(first, second)


@pytest.mark.parametrize(
    ("loss", "first", "second", "message"),
    [
        (mmd, torch.zeros(0, 4), torch.zeros(2, 4), "first has shape"),
        (mmd, torch.zeros(2, 4), torch.zeros(2, 5), "second has shape"),
        (coral, torch.zeros(1, 4), torch.zeros(2, 4), "expected at least 2"),
        (lambda a, b: mmd(a, b, kernels=0), torch.zeros(2, 4), torch.zeros(2, 4), "0 kernels"),
        (lambda a, b: mmd(a, b, ratio=0), torch.zeros(2, 4), torch.zeros(2, 4), "ratio 0"),
    ],
)
def test_bad_input_is_refused(loss, first: torch.Tensor, second: torch.Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        loss(first, second)
