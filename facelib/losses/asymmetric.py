"""A squared error that costs more where a coefficient is underestimated, so that faces do not shrink to the mean.

Coefficients of a face model are deviations from the mean face, and a network in doubt that learns by plain squared
errors answers too close to zero. With gamma+ = |gamma|, the estimate gamma_p+ = sign(gamma) gamma_p and gamma_max the
greater of both, the loss is

    lambda_1 |gamma+ - gamma_max|^2  (overestimates)  +  lambda_2 |gamma_p+ - gamma_max|^2  (underestimates)

of which in each coefficient one term is zero and the other a weight times its squared error.

Source: Tran et al., "Regressing Robust and Discriminative 3D Morphable Models", CVPR 2017, section 3.2, where lambda_1
is 1 and lambda_2 is 3; the shape network of ExpNet, which paper 2 (section 2.2) reconstructs with, learns by it.
"""

from __future__ import annotations

import torch

from facelib.errors import BadInput, check_alike, check_finite, check_shape

OVER, UNDER = 1.0, 3.0


def asymmetric_loss(
    predicted: torch.Tensor, true: torch.Tensor, over: float = OVER, under: float = UNDER
) -> torch.Tensor:
    """Squared errors of coefficients, weighted by whether they are too far from zero or too close to it.

    An estimate of the other sign is an underestimate; any estimate of a coefficient that is zero an overestimate.

    Args:
        predicted: gamma_p, (B, K) standard deviations.
        true: gamma, of the same shape.
        over, under: lambda_1 and lambda_2.

    Returns:
        A scalar, the sum over coefficients, mean over photographs.

    Raises:
        BadInput: on wrong shapes, different dtypes, NaN, or a negative weight.
    """
    check_shape("predicted", predicted, (None, None))
    check_shape("true", true, tuple(predicted.shape))
    check_alike(predicted=predicted, true=true)
    check_finite("predicted", predicted)
    check_finite("true", true)
    if not min(over, under) >= 0:
        raise BadInput(f"weights over {over} and under {under}: expected numbers of at least 0")
    short = true.sign() * predicted < true.abs()
    squares = (predicted - true).square()
    return torch.where(short, under * squares, over * squares).sum(dim=1).mean()
