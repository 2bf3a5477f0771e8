from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.losses.photometric import perceptual_loss, photometric_loss, reflectance_loss


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_photometric_by_hand() -> None:
    """Two photographs of 1 x 2 pixels; the first counts one pixel of distance 0.3, the second both, 0.1 and 0.5."""
    photograph = torch.zeros(2, 3, 1, 2, dtype=torch.float64)
    rendered = photograph.clone()
    rendered[0, :, 0, 0] = torch.tensor([0.1, 0.2, 0.2])
    rendered[0, :, 0, 1] = 9.0
    rendered[1, 0, 0] = torch.tensor([0.1, 0.5])
    weights = torch.tensor([[[1.0, 0.0]], [[3.0, 1.0]]])

    expected = (0.3 + (3 * 0.1 + 0.5) / 4) / 2
    assert photometric_loss(rendered, photograph, weights).item() == pytest.approx(expected, abs=1e-8)


def test_a_photograph_without_skin_counts_nothing_and_has_no_gradient() -> None:
    rendered = drawn(2, 3, 4, 4).requires_grad_()
    weights = torch.ones(2, 4, 4)
    weights[0] = 0
    photometric_loss(rendered, drawn(2, 3, 4, 4, seed=1), weights).backward()

    assert rendered.grad is not None
    assert not rendered.grad[0].any()
    assert rendered.grad[1].isfinite().all()
    assert rendered.grad[1].any()


def test_equal_pictures_have_a_finite_gradient() -> None:
    rendered = drawn(1, 3, 4, 4).requires_grad_()
    loss = photometric_loss(rendered, rendered.detach().clone(), torch.ones(1, 4, 4))
    loss.backward()

    assert loss.item() == pytest.approx(0, abs=1e-4)
    assert rendered.grad is not None
    assert rendered.grad.isfinite().all()


@given(scale=st.floats(0.1, 50))
@settings(max_examples=20, deadline=None)
def test_the_scale_of_weights_and_of_embeddings_does_not_matter(scale: float) -> None:
    pictures, others, weights = drawn(2, 3, 5, 4), drawn(2, 3, 5, 4, seed=1), drawn(2, 5, 4, seed=2)
    first = photometric_loss(pictures, others, weights)
    assert photometric_loss(pictures, others, scale * weights).item() == pytest.approx(first.item())

    left, right = drawn(3, 6) - 0.5, drawn(3, 6, seed=1) - 0.5
    assert perceptual_loss(scale * left, right).item() == pytest.approx(perceptual_loss(left, right).item())


def test_perceptual_by_hand() -> None:
    """At 0, 60 and 180 degrees, and a row of zeros, whose cosine counts as 0."""
    rendered = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    photograph = torch.tensor([[2.0, 0.0], [0.5, math.sqrt(0.75)], [-3.0, 0.0], [1.0, 1.0]])

    assert perceptual_loss(rendered, photograph).item() == pytest.approx((0 + 0.5 + 2 + 1) / 4, abs=1e-6)


def test_reflectance_is_the_variance_inside_the_region_over_all_channels() -> None:
    albedo, region = drawn(2, 7, 3), torch.tensor([1, 0, 1, 1, 0, 1, 0])

    expected = albedo[:, region.bool()].var(dim=1, correction=0).sum(dim=1).mean()
    assert reflectance_loss(albedo, region).item() == pytest.approx(expected.item())
    # Two vertices, red 0.1 and green 0.2 from their means: 2 (0.01 + 0.04) over 2 vertices.
    apart = torch.tensor([[[0.4, 0.3, 0.5], [0.6, 0.7, 0.5]]])
    assert reflectance_loss(apart, torch.ones(2)).item() == pytest.approx(0.05)
    assert reflectance_loss(albedo, torch.zeros(7)).item() == 0


def test_gradients_in_float64() -> None:
    weights, region = drawn(2, 3, 4, seed=3), torch.tensor([1, 1, 0, 1, 1])
    photograph, other = drawn(2, 3, 3, 4, seed=1), drawn(2, 5, seed=4) - 0.5

    assert torch.autograd.gradcheck(
        lambda rendered: photometric_loss(rendered, photograph, weights), drawn(2, 3, 3, 4).requires_grad_()
    )
    assert torch.autograd.gradcheck(perceptual_loss, ((drawn(2, 5) - 0.5).requires_grad_(), other))
    assert torch.autograd.gradcheck(
        lambda albedo: reflectance_loss(albedo, region), drawn(2, 5, 3, seed=5).requires_grad_()
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: photometric_loss(drawn(1, 3, 4, 4), drawn(1, 3, 4, 5), drawn(1, 4, 4)), "photograph has shape"),
        (lambda: photometric_loss(drawn(1, 3, 4, 4), drawn(1, 3, 4, 4), drawn(4, 4)), "weights has shape"),
        (lambda: perceptual_loss(drawn(2, 5), drawn(2, 6)), "photograph has shape"),
        (lambda: reflectance_loss(drawn(2, 5, 3), drawn(4)), "region has shape"),
    ],
)
def test_refuses_shapes_that_do_not_fit(call, message) -> None:
    with pytest.raises(BadInput, match=message):
        call()
