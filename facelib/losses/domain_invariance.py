"""Features that do not tell their modality: a classifier of domains behind a reversed gradient.

Source: Ganin and Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML 2015, section 3. The loss that
paper 1's RST-inspired rows use for domain invariance is not described there; this is the common one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput, check_shape


class _ReversedGradient(torch.autograd.Function):
    """The identity, whose gradient has the opposite sign."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return -gradients[0]


def reverse_gradient(x: torch.Tensor) -> torch.Tensor:
    """x itself; a gradient that flows back through it changes its sign."""
    return _ReversedGradient.apply(x)  # type: ignore[no-untyped-call]


class DomainInvariance(nn.Module):
    """A classifier learns to tell two domains; through the reversed gradient the features unlearn what it uses.

    Args:
        features: dimension D.
        hidden: units of the classifier's hidden layer.
    """

    def __init__(self, features: int, hidden: int = 128) -> None:
        super().__init__()
        self.classifier = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Binary cross-entropy of telling the rows of `first` (M, D) from those of `second` (N, D); a scalar.

        It is ln 2 where the classifier cannot tell.

        Raises:
            BadInput: on wrong shapes or an empty batch.
        """
        check_shape("first", first, (None, None))
        check_shape("second", second, (None, first.shape[1]))
        if min(len(first), len(second)) == 0:
            raise BadInput(f"batches of {len(first)} and {len(second)}: expected at least one row in each")
        logits = self.classifier(reverse_gradient(torch.cat((first, second))))[:, 0]
        domain = torch.zeros(len(logits), device=logits.device, dtype=logits.dtype)
        domain[len(first) :] = 1
        return functional.binary_cross_entropy_with_logits(logits, domain)
