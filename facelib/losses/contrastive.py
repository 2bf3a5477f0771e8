"""Contrastive correspondence between two views of the same people: NT-Xent, and CrossPoint's two terms of it.

Sources: Chen et al., "A simple framework for contrastive learning" (SimCLR), ICML 2020, eq. 1; Afham et al.,
"CrossPoint", CVPR 2022, sections 3.2 and 3.3, which paper 1 uses as the regularisers IMID and CMID.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_shape

TEMPERATURE = 0.1


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float = TEMPERATURE) -> torch.Tensor:
    """Cross-entropy of finding each row's partner among all other rows of both views.

    With features that say nothing the value is ln(2B - 1).

    Args:
        first: (B, D) features of one view, of any length; cosines are compared.
        second: (B, D), row i the partner of row i.
        temperature: divides the cosines.

    Returns:
        A scalar, the mean over all 2B rows.

    Raises:
        BadInput: on wrong shapes, a batch of one (which has nothing to tell apart), or a temperature that is not
            positive.
    """
    check_shape("first", first, (None, None))
    check_shape("second", second, tuple(first.shape))
    if len(first) < 2:
        raise BadInput("a batch of one pair: expected at least 2, others to tell the partner from")
    if not temperature > 0:
        raise BadInput(f"temperature {temperature}: expected a positive number")
    rows = functional.normalize(torch.cat((first, second)), dim=1)
    logits = rows @ rows.T / temperature
    itself = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    logits = logits.masked_fill(itself, -torch.inf)
    partner = torch.arange(len(rows), device=rows.device).roll(len(first))
    return functional.cross_entropy(logits, partner)


def intra_modal(first: torch.Tensor, second: torch.Tensor, temperature: float = TEMPERATURE) -> torch.Tensor:
    """IMID: NT-Xent between two augmentations of the same clouds, (B, D) each."""
    return nt_xent(first, second, temperature)


def cross_modal(
    first: torch.Tensor, second: torch.Tensor, image: torch.Tensor, temperature: float = TEMPERATURE
) -> torch.Tensor:
    """CMID: NT-Xent between the mean of two augmented clouds' features and the image's, (B, D) each."""
    check_shape("first", first, (None, None))
    check_shape("second", second, tuple(first.shape))
    check_shape("image", image, tuple(first.shape))
    return nt_xent((first + second) / 2, image, temperature)
