"""What the losses of paper 5 weigh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class WeakLossSettings:
    """Weights of the losses (eqs. 14, 18 and 20). The first three are the base method's, as paper 5 prints none.

    Args:
        photometric, perceptual, landmarks: lambda_pho, lambda_per and lambda_lmk; landmarks in pixels of 224.
        coefficients, reflectance: lambda_3dmm and lambda_refl.
        identity, expression, albedo: lambda_alpha, lambda_beta and lambda_gamma.
        light: of the term that eq. 14 drops, which keeps light white; 10 in the base method.
        weighting: which landmarks count twenty times, of `facelib.losses.coefficients`.
    """

    photometric: float = 1.92
    perceptual: float = 0.2
    landmarks: float = 1.6e-3
    coefficients: float = 3e-4
    reflectance: float = 5.0
    identity: float = 1.0
    expression: float = 0.8
    albedo: float = 1.7e-2
    light: float = 0.0
    weighting: Literal["printed", "published"] = "printed"
