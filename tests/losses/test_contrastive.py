from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.losses.contrastive import cross_modal, intra_modal, nt_xent


def views(count: int = 4, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = torch.randn(2, count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return first, second


def slow_nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> float:
    rows = [row / row.norm() for row in (*first, *second)]
    total = 0.0
    for i, row in enumerate(rows):
        others = [math.exp(float(row @ other) / temperature) for j, other in enumerate(rows) if j != i]
        partner = rows[(i + len(first)) % len(rows)]
        total -= math.log(math.exp(float(row @ partner) / temperature) / sum(others))
    return total / len(rows)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_nt_xent_is_the_definition(temperature: float) -> None:
    first, second = views()
    assert nt_xent(first, second, temperature).item() == pytest.approx(slow_nt_xent(first, second, temperature))


def test_features_that_say_nothing_cost_the_log_of_the_others() -> None:
    same = torch.ones(8, 3)
    assert nt_xent(same, same).item() == pytest.approx(math.log(15))


def test_partners_that_agree_and_differ_from_all_others_cost_nothing() -> None:
    rows = torch.eye(6)
    assert nt_xent(rows, rows, temperature=0.01).item() < 1e-12
    assert nt_xent(rows, rows.roll(1, 0), temperature=0.01).item() > 50


def test_the_length_of_features_does_not_matter() -> None:
    first, second = views()
    assert nt_xent(100 * first, second / 7).item() == pytest.approx(nt_xent(first, second).item())


def test_intra_and_cross_modal_are_nt_xent_of_clouds_and_of_their_mean() -> None:
    first, second = views()
    image, _ = views(seed=1)
    assert intra_modal(first, second) == nt_xent(first, second)
    assert cross_modal(first, second, image) == nt_xent((first + second) / 2, image)


def test_gradients() -> None:
    first, second = (view.requires_grad_() for view in views(3))
    assert torch.autograd.gradcheck(nt_xent, (first, second))


@pytest.mark.parametrize(
    ("first", "second", "temperature", "message"),
    [
        (torch.ones(1, 3), torch.ones(1, 3), 0.1, "batch of one"),
        (torch.ones(2, 3), torch.ones(3, 3), 0.1, "second has shape"),
        (torch.ones(2, 3), torch.ones(2, 3), 0.0, "temperature 0"),
    ],
)
def test_bad_input_is_refused(first: torch.Tensor, second: torch.Tensor, temperature: float, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        nt_xent(first, second, temperature)
