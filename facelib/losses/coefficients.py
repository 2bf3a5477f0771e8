"""What keeps the coefficients of a face in place: landmarks, and the prior of the face model (paper 5).

Source: sections 4.3 and 4.4, eqs. 17 and 18; the term that eq. 14 drops is the base method's (Deng et al., CVPRW 2019,
published code).
"""

from __future__ import annotations

import torch

from facelib.conventions import LANDMARK_COUNT
from facelib.errors import check_alike, check_floating, check_shape, unknown_name

HEAVY = 20.0  # omega_n of the landmarks that count most
INNER_MOUTH, NOSE_BRIDGE = range(60, 68), range(28, 31)
WEIGHTED = {  # which landmarks count twenty times: the paper's text, and the base method's code
    "printed": (*INNER_MOUTH,),
    "published": (*NOSE_BRIDGE, *INNER_MOUTH),
}


def landmark_weights(name: str) -> torch.Tensor:
    """omega_n of eq. 17, (68,).

    Args:
        name: "printed", 20 for the inner mouth; "published", for the bridge and tip of the nose as well.

    Raises:
        UnknownName: for another name.
    """
    if name not in WEIGHTED:
        raise unknown_name("weighting of landmarks", name, WEIGHTED)
    weights = torch.ones(LANDMARK_COUNT)
    weights[list(WEIGHTED[name])] = HEAVY
    return weights


def landmark_loss(projected: torch.Tensor, detected: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean square distance of landmarks in the image, L_lmk (eq. 17).

    Args:
        projected: p', (B, 68, 2) pixels, of the reconstructed face.
        detected: p, of the same shape, as a detector found them.
        weights: omega, (68,), or (B, 68) where landmarks of single photographs do not count.

    Returns:
        A scalar in square pixels: the sum over landmarks divided by their number N = 68, mean over photographs.

    Raises:
        BadInput: on wrong or different shapes.
    """
    check_shape("projected", projected, (None, LANDMARK_COUNT, 2))
    check_shape("detected", detected, tuple(projected.shape))
    check_alike(projected=projected, detected=detected)
    check_shape("weights", weights, (..., LANDMARK_COUNT))
    return (weights.to(projected) * (detected - projected).square().sum(dim=-1)).mean()


def coefficient_loss(
    identity: torch.Tensor, expression: torch.Tensor, albedo: torch.Tensor, weights: tuple[float, float, float]
) -> torch.Tensor:
    """Squares of the coefficients, the prior that draws towards the mean face, L_3DMM (eq. 18).

    Args:
        identity: alpha, (B, K) standard deviations.
        expression: beta, (B, E) standard deviations.
        albedo: gamma, (B, A) standard deviations.
        weights: lambda_alpha, lambda_beta and lambda_gamma, printed 1.0, 0.8 and 0.017.

    Returns:
        A scalar, the mean over photographs.

    Raises:
        BadInput: on wrong shapes or batch sizes.
    """
    parts = {"identity": identity, "expression": expression, "albedo": albedo}
    check_shape("identity", identity, (None, None))
    for name, value in parts.items():
        check_shape(name, value, (len(identity), None))
    check_alike(**parts)
    squares = (weight * value.square().sum(dim=1) for weight, value in zip(weights, parts.values(), strict=True))
    return torch.stack(list(squares)).sum(dim=0).mean()


def monochrome_loss(light: torch.Tensor) -> torch.Tensor:
    """How far the colour channels of a light differ, the base method's term that eq. 14 leaves out.

    Args:
        light: delta, (B, 27), nine for red, nine for green, nine for blue.

    Returns:
        A scalar, the mean square of each number minus its mean over the channels.

    Raises:
        BadInput: on another shape.
    """
    check_shape("light", light, (None, 27))
    check_floating(light=light)
    channels = light.unflatten(1, (3, 9))
    return (channels - channels.mean(dim=1, keepdim=True)).square().mean()
