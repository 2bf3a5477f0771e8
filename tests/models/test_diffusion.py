from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.models.diffusion import Velocity, clean_and_noise, cosine_schedule, ddim, q_sample

LAST = 1000


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_schedule_by_hand() -> None:
    alpha, sigma = cosine_schedule(torch.tensor([0, 1, 500, 999, 1000]))
    squares = [math.cos(math.pi / 2 * (t / 1000 + 0.008) / 1.008) ** 2 for t in (0, 1, 500, 999, 1000)]
    expected = [each / squares[0] for each in squares]

    assert alpha.dtype == sigma.dtype == torch.float64
    assert alpha.square().tolist() == pytest.approx(expected, abs=1e-14)
    assert (alpha[0].item(), sigma[0].item()) == (1, 0)
    assert alpha[1].square().item() == pytest.approx(1 - 4.1284e-5, abs=1e-9)
    assert alpha[2].square().item() == pytest.approx((math.cos(0.7916315) / math.cos(0.0124666)) ** 2, abs=1e-6)
    assert (alpha[4].item(), sigma[4].item()) == pytest.approx((0, 1), abs=1e-15)


def test_schedule_falls_and_keeps_the_variance() -> None:
    alpha, sigma = cosine_schedule(torch.arange(LAST + 1))
    assert (alpha.diff() < 0).all()
    assert (sigma.diff() > 0).all()
    torch.testing.assert_close(alpha.square() + sigma.square(), torch.ones(LAST + 1, dtype=torch.float64))


@given(st.integers(0, LAST), st.integers(0, 99))
def test_velocity_clean_vector_and_noise_are_one_another(time: int, seed: int) -> None:
    clean, noise = drawn(seed, 2, 5), drawn(seed + 1, 2, 5)
    times = torch.full((2,), time)
    noised, velocity = q_sample(clean, noise, times)
    alpha, sigma = (each.item() for each in cosine_schedule(times[0]))

    torch.testing.assert_close(noised, alpha * clean + sigma * noise)
    torch.testing.assert_close(velocity, alpha * noise - sigma * clean)
    for found, expected in zip(clean_and_noise(noised, velocity, times), (clean, noise), strict=True):
        torch.testing.assert_close(found, expected)


def test_noised_vectors_have_the_variance_of_unit_ones() -> None:
    clean, noise = drawn(0, 4000, 1), drawn(1, 4000, 1)
    for time in (1, 300, 700, 1000):
        for each in q_sample(clean, noise, torch.full((4000,), time)):
            assert each.std().item() == pytest.approx(1, abs=0.05)


def of_gaussian(mean: torch.Tensor, deviation: float) -> Velocity:
    """The best velocity for vectors of a normal distribution, by its conditional mean."""

    def velocity(noised: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        alpha, sigma = (each[:, None] for each in cosine_schedule(times))
        share = alpha * deviation**2 / (alpha**2 * deviation**2 + sigma**2)
        clean = mean + share * (noised - alpha * mean)
        return (alpha * noised - clean) / sigma

    return velocity


@pytest.mark.parametrize(("steps", "tolerance"), [(1000, 0.003), (50, 0.06)])
@pytest.mark.parametrize("deviation", [0.3, 1.0, 2.0])
def test_ddim_makes_of_noise_the_known_distribution(steps: int, tolerance: float, deviation: float) -> None:
    """Without noise in its steps DDIM is a map of the noise: to mean + deviation * noise, as steps grow short."""
    noise, mean = drawn(0, 6, 3), torch.tensor([[0.5, -2.0, 1.0]], dtype=torch.float64)
    found = ddim(of_gaussian(mean, deviation), noise, steps)
    scale = (found - mean) / noise

    torch.testing.assert_close(scale, scale[:1, :1].expand(6, 3), atol=1e-9, rtol=0)  # the mean is exact
    assert scale[0, 0].item() == pytest.approx(deviation, rel=tolerance)


def test_ddim_finds_a_single_vector_in_one_step() -> None:
    mean = drawn(1, 1, 3)
    torch.testing.assert_close(ddim(of_gaussian(mean, 0.0), drawn(0, 2, 3), steps=1), mean.expand(2, 3))


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_ddim_walks_evenly_from_noise_to_clean(steps: int) -> None:
    asked: list[list[int]] = []

    def velocity(noised: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        asked.append(times.tolist())
        return torch.zeros_like(noised)

    ddim(velocity, drawn(0, 2, 3), steps)
    assert asked == [2 * [round(LAST * (1 - step / steps))] for step in range(steps)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cosine_schedule(torch.tensor([0, 1001])), "time 1001: expected 0"),
        (lambda: cosine_schedule(torch.tensor([-1])), "time -1"),
        (lambda: cosine_schedule(torch.tensor([torch.nan])), "non-finite"),
        (lambda: cosine_schedule(torch.tensor([0]), 0), "training_steps 0"),
        (lambda: q_sample(drawn(0, 2, 3), drawn(0, 2, 4), torch.tensor([1, 1])), "noise has shape"),
        (lambda: q_sample(drawn(0, 2, 3), drawn(0, 2, 3).float(), torch.tensor([1, 1])), "one dtype"),
        (lambda: q_sample(drawn(0, 2, 3), drawn(0, 2, 3), torch.tensor([1])), "times has shape"),
        (lambda: q_sample(drawn(0, 0, 3), drawn(0, 0, 3), torch.tensor([1])), "no size zero"),
        (lambda: q_sample(torch.nan * drawn(0, 1, 3), drawn(0, 1, 3), torch.tensor([1])), "clean holds 3 non-finite"),
        (lambda: clean_and_noise(drawn(0, 2, 3), drawn(0, 2, 4), torch.tensor([1, 1])), "velocity has shape"),
        (lambda: ddim(of_gaussian(torch.zeros(1), 1.0), drawn(0, 2, 3), 0), "steps 0: expected 1 to 1000"),
        (lambda: ddim(of_gaussian(torch.zeros(1), 1.0), drawn(0, 2, 3), 1001), "steps 1001"),
        (lambda: ddim(of_gaussian(torch.zeros(1), 1.0), drawn(0, 3), 5), "noise has shape"),
        (lambda: ddim(of_gaussian(torch.zeros(1), 1.0), torch.nan * drawn(0, 1, 3), 5), "noise holds 3 non-finite"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        call()
