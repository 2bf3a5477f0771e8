"""Diffusion of vectors with predicted velocities: how noise is added, what is predicted, and how it is taken away.

A clean vector x_0 is noised to x_t = alpha x_0 + sigma epsilon, with alpha^2 + sigma^2 = 1 and the cosine schedule

    alpha = cos(a(t)) / cos(a(0)),  a(t) = pi / 2 (t / T + 0.008) / 1.008,  t = 0 (clean) to T (noise alone).

The velocity v = alpha epsilon - sigma x_0 turns back into both, x_0 = alpha x_t - sigma v and epsilon = sigma x_t +
alpha v, also at t = T, where the noise alone says nothing of x_0: no step has to be clipped.

Sources: Nichol and Dhariwal, ICML 2021, eq. 17 (schedule); Salimans and Ho, ICLR 2022, section 4 and appendix D
(velocity, and DDIM in it); Song et al., "DDIM", ICLR 2021, eq. 12 without noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch

from facelib.errors import BadInput, check_alike, check_finite, check_shape
from facelib.models.reconstructor_settings import TRAINING_STEPS

OFFSET = 0.008  # so that the first steps are not too small

Velocity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # noised (B, D) and times (B,) -> v (B, D)


def cosine_schedule(times: torch.Tensor, training_steps: int = TRAINING_STEPS) -> tuple[torch.Tensor, torch.Tensor]:
    """How much of a vector is left at a time, and how much noise there is.

    Args:
        times: t, of any shape, 0 to training_steps.
        training_steps: T.

    Returns:
        alpha and sigma, in float64, of the shape of the times.

    Raises:
        BadInput: for T below 1, or times outside of 0 to T.
    """
    if training_steps < 1:
        raise BadInput(f"training_steps {training_steps}: expected at least 1")
    check_finite("times", times)
    outside = times[(times < 0) | (times > training_steps)]
    if len(outside):
        raise BadInput(f"time {outside[0].item()}: expected 0 (clean) to {training_steps} (noise alone)")
    angle = math.pi / 2 * (times.double() / training_steps + OFFSET) / (1 + OFFSET)
    alpha = angle.cos() / math.cos(math.pi / 2 * OFFSET / (1 + OFFSET))
    return alpha, (1 - alpha.square()).clamp_min(0).sqrt()


def q_sample(
    clean: torch.Tensor, noise: torch.Tensor, times: torch.Tensor, training_steps: int = TRAINING_STEPS
) -> tuple[torch.Tensor, torch.Tensor]:
    """Noised vectors and their velocities, what a network is given and what it is to say.

    Args:
        clean: x_0, (B, D).
        noise: epsilon, of the same shape, standard normal.
        times: t, (B,), 0 to training_steps.
        training_steps: T.

    Returns:
        x_t and v, (B, D) each.

    Raises:
        BadInput: on wrong shapes, different dtypes, NaN, or as `cosine_schedule`.
    """
    check_shape("clean", clean, (None, None))
    check_shape("noise", noise, tuple(clean.shape))
    check_alike(clean=clean, noise=noise)
    check_finite("clean", clean)
    alpha, sigma = _factors(clean, times, training_steps)
    return alpha * clean + sigma * noise, alpha * noise - sigma * clean


def clean_and_noise(
    noised: torch.Tensor, velocity: torch.Tensor, times: torch.Tensor, training_steps: int = TRAINING_STEPS
) -> tuple[torch.Tensor, torch.Tensor]:
    """x_0 and epsilon that a velocity stands for.

    Args:
        noised: x_t, (B, D).
        velocity: v, of the same shape.
        times: t, (B,).
        training_steps: T.

    Raises:
        BadInput: on wrong shapes, different dtypes, or as `cosine_schedule`.
    """
    check_shape("noised", noised, (None, None))
    check_shape("velocity", velocity, tuple(noised.shape))
    check_alike(noised=noised, velocity=velocity)
    alpha, sigma = _factors(noised, times, training_steps)
    return alpha * noised - sigma * velocity, sigma * noised + alpha * velocity


def ddim(velocity: Velocity, noise: torch.Tensor, steps: int, training_steps: int = TRAINING_STEPS) -> torch.Tensor:
    """A clean vector from noise alone, by a few steps of DDIM, none of which adds noise.

    Args:
        velocity: what v is at x_t (B, D) and t (B,).
        noise: x_T, (B, D), standard normal.
        steps: of time, evenly spaced from T to 0, each one call of `velocity`.
        training_steps: T.

    Returns:
        x_0, (B, D).

    Raises:
        BadInput: for no step, more than T, or noise that is no batch of vectors or not finite.
    """
    if not 1 <= steps <= training_steps:
        raise BadInput(f"steps {steps}: expected 1 to {training_steps}, the steps of training")
    check_shape("noise", noise, (None, None))
    check_finite("noise", noise)
    x = noise
    grid = torch.linspace(training_steps, 0, steps + 1, dtype=torch.float64).round().long().to(noise.device)
    for now, later in pairwise(grid[:, None].expand(-1, len(x))):
        clean, remaining = clean_and_noise(x, velocity(x, now), now, training_steps)
        alpha, sigma = _factors(x, later, training_steps)
        x = alpha * clean + sigma * remaining
    return x


def _factors(like: torch.Tensor, times: torch.Tensor, training_steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """alpha and sigma, (B, 1), for vectors (B, D)."""
    check_shape("times", times, (len(like),))
    alpha, sigma = cosine_schedule(times, training_steps)
    return alpha[:, None].to(like), sigma[:, None].to(like)
