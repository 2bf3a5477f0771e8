"""The reversed gradient, and a classifier of domains that features learn to confuse."""

from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.losses.domain_invariance import DomainInvariance, reverse_gradient


def test_the_gradient_changes_its_sign_and_the_value_does_not() -> None:
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(4, 3, dtype=torch.float64)
    y = reverse_gradient(x)
    (y * weights).sum().backward()

    assert torch.equal(y, x)
    assert x.grad is not None
    assert torch.equal(x.grad, -weights)


def test_the_loss_is_the_cross_entropy_of_telling_the_domains() -> None:
    torch.manual_seed(0)
    loss = DomainInvariance(3).double()
    first, second = torch.randn(4, 3, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64)
    says_second = torch.sigmoid(loss.classifier(torch.cat((first, second))))[:, 0]
    expected = -(torch.log(1 - says_second[:4]).sum() + torch.log(says_second[4:]).sum()) / 10

    torch.testing.assert_close(loss(first, second), expected)


def test_a_classifier_that_cannot_tell_loses_ln_2() -> None:
    loss = DomainInvariance(3)
    torch.nn.init.zeros_(loss.classifier[2].weight)
    torch.nn.init.zeros_(loss.classifier[2].bias)

    assert loss(torch.randn(5, 3), torch.randn(5, 3)).item() == pytest.approx(math.log(2))


def test_features_and_classifier_pull_in_opposite_directions() -> None:
    torch.manual_seed(0)
    loss = DomainInvariance(2, hidden=8)
    first = torch.randn(20, 2).requires_grad_()
    second = (torch.randn(20, 2) + 3).requires_grad_()
    before = loss(first, second)
    before.backward()
    with torch.no_grad():  # a step of the features alone makes the domains harder to tell
        moved = loss(first - 0.5 * first.grad, second - 0.5 * second.grad)
        for parameter in loss.parameters():  # a step of the classifier alone makes them easier
            parameter -= 0.5 * parameter.grad
        taught = loss(first, second)

    assert moved.item() > before.item() > taught.item()


@pytest.mark.parametrize(("first", "second"), [((0, 3), (2, 3)), ((2, 3), (2, 4)), ((2,), (2, 3))])
def test_wrong_shapes_are_refused(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="expected"):
        DomainInvariance(3)(torch.zeros(first), torch.zeros(second))
