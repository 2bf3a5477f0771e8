"""Two clouds of features drawn towards one distribution: maximum mean discrepancy and correlation alignment.

Paper 1 compares its joint entropy with both as regularisers between image and point-cloud features (table I).
"""

from __future__ import annotations

import torch

from facelib.errors import BadInput, check_floating, check_shape

KERNELS = 5
RATIO = 2.0


def mmd(first: torch.Tensor, second: torch.Tensor, kernels: int = KERNELS, ratio: float = RATIO) -> torch.Tensor:
    """Squared maximum mean discrepancy under a sum of Gaussian kernels exp(-d^2 / b).

    The middle kernel's b is the mean squared distance between different rows of both batches together (no gradient
    flows through it); each other one is `ratio` times its neighbour. The mean runs over all pairs, so the value is
    never negative, and zero for identical batches.

    Source: Gretton et al., "A kernel two-sample test", JMLR 2012, eq. 5 (the biased estimate).

    Args:
        first: (M, D) features.
        second: (N, D), of the other modality.
        kernels: of different width.
        ratio: between neighbouring widths.

    Returns:
        A scalar; zero where all rows coincide.

    Raises:
        BadInput: on wrong shapes, no kernel, or a ratio that is not above 0.
    """
    _check_features(first, second, least=1)
    if kernels < 1 or not ratio > 0:
        raise BadInput(f"{kernels} kernels at ratio {ratio}: expected at least one, and a positive ratio")
    rows = torch.cat((first, second))
    squared = (rows[:, None] - rows[None]).square().sum(-1)  # (M + N, M + N)
    mean = squared.detach().sum() / (len(rows) * (len(rows) - 1))
    mean = torch.where(mean > 0, mean, torch.ones_like(mean))
    exponents = torch.arange(kernels, device=rows.device, dtype=rows.dtype) - kernels // 2
    similarity = torch.exp(-squared / (mean * ratio**exponents)[:, None, None]).sum(0)
    within_first, within_second = similarity[: len(first), : len(first)], similarity[len(first) :, len(first) :]
    across = similarity[: len(first), len(first) :]
    return within_first.mean() + within_second.mean() - 2 * across.mean()


def coral(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Distance between the covariances of two batches, ||C_s - C_t||_F^2 / (4 d^2).

    Source: Sun and Saenko, "Deep CORAL", ECCV workshops 2016, eqs. 1-3, covariances over n - 1.

    Args:
        first: (M, D) features, M at least 2.
        second: (N, D), of the other modality, N at least 2.

    Returns:
        A scalar.

    Raises:
        BadInput: on wrong shapes or a batch of one, which has no covariance.
    """
    _check_features(first, second, least=2)
    difference = _covariance(first) - _covariance(second)
    return difference.square().sum() / (4 * first.shape[1] ** 2)


def _covariance(features: torch.Tensor) -> torch.Tensor:
    centred = features - features.mean(dim=0)
    return centred.T @ centred / (len(features) - 1)


def _check_features(first: torch.Tensor, second: torch.Tensor, least: int) -> None:
    check_shape("first", first, (None, None))
    check_shape("second", second, (None, first.shape[1]))
    check_floating(first=first, second=second)
    if min(len(first), len(second)) < least:
        raise BadInput(f"batches of {len(first)} and {len(second)}: expected at least {least} in each")
