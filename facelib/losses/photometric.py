"""How well a rendered face agrees with its photograph: colours, an identity embedding, and even skin (paper 5).

Source: section 4.1, 4.2 and 4.4, eqs. 15, 16 and 19; what the equations leave open is as in the base method's published
code (Deng et al., CVPRW 2019).
"""

from __future__ import annotations

import torch
from torch.nn import functional

from facelib.errors import check_alike, check_shape

LEAST_SQUARE = 1e-10  # beside the square under a root, whose gradient stays finite where colours agree


def photometric_loss(rendered: torch.Tensor, photograph: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean distance of colours, L_pho (eq. 15).

    sum_i A_i ||I_i - I^r_i||_2 / sum_i A_i over the pixels of each photograph, then the mean over photographs.

    Args:
        rendered: I^r, (B, 3, H, W) RGB.
        photograph: I, of the same shape, RGB in [0, 1].
        weights: (B, H, W), 0 or more: A inside the drawn face M, such as `rendering.mask * skin`. No gradient flows to
            them. A photograph of which no pixel counts has the loss 0.

    Returns:
        A scalar, in units of colour.

    Raises:
        BadInput: on wrong or different shapes.
    """
    check_shape("rendered", rendered, (None, 3, None, None))
    check_shape("photograph", photograph, tuple(rendered.shape))
    check_shape("weights", weights, (len(rendered), *rendered.shape[2:]))
    check_alike(rendered=rendered, photograph=photograph)
    counted = weights.detach().to(rendered)  # A_i inside M
    distance = ((photograph - rendered).square().sum(dim=1) + LEAST_SQUARE).sqrt()  # ||I - I^r||_2
    total = counted.sum(dim=(1, 2))
    return ((counted * distance).sum(dim=(1, 2)) / torch.where(total == 0, 1, total)).mean()


def perceptual_loss(rendered: torch.Tensor, photograph: torch.Tensor) -> torch.Tensor:
    """One minus the cosine between the embeddings of a rendered face and of its photograph, L_per (eq. 16).

    Args:
        rendered: Gamma(I^r), (B, D), of any length.
        photograph: Gamma(I), of the same shape.

    Returns:
        A scalar from 0 to 2, the mean over the batch; an embedding of length zero counts 1.

    Raises:
        BadInput: on wrong or different shapes.
    """
    check_shape("rendered", rendered, (None, None))
    check_shape("photograph", photograph, tuple(rendered.shape))
    check_alike(rendered=rendered, photograph=photograph)
    return (1 - functional.cosine_similarity(photograph, rendered, dim=1)).mean()


def reflectance_loss(albedo: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    """The variance of the texture over a region of skin, which favours one colour of skin, L_refl (eq. 19).

    sum (M (T - mean T))^2 / sum M, the mean T over the region for each face and channel; the sum above is over vertices
    and channels, that below over vertices.

    Args:
        albedo: T, (B, V, 3) RGB of the vertices.
        region: M, (V,) 1 for vertices of skin that the loss looks at, else 0.

    Returns:
        A scalar, the mean over faces.

    Raises:
        BadInput: on wrong shapes; for a region without vertices it is 0.
    """
    check_shape("albedo", albedo, (None, None, 3))
    check_shape("region", region, (albedo.shape[1],))
    inside = region.to(albedo)[:, None]  # M, (V, 1)
    total = inside.sum().clamp(min=1)
    mean = (inside * albedo).sum(dim=1, keepdim=True) / total  # T bar
    return ((inside * (albedo - mean)).square().sum(dim=(1, 2)) / total).mean()
