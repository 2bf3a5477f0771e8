"""Images and clouds for tests of networks, and what all recognisers promise of their embeddings."""

from __future__ import annotations

import torch
from torch import nn

from facelib.models.blocks import Embedding


def images(batch: int = 3, size: int = 32) -> torch.Tensor:
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(1))


def clouds(batch: int = 3, count: int = 64) -> torch.Tensor:
    """Points on the unit sphere."""
    generator = torch.Generator().manual_seed(5)
    return nn.functional.normalize(torch.randn(batch, count, 3, generator=generator), dim=2)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def assert_embeds(embedding: Embedding, batch: int, dimension: int) -> None:
    unit, norm = embedding
    assert unit.shape == (batch, dimension)
    assert norm.shape == (batch, 1)
    assert torch.allclose(unit.norm(dim=1), torch.ones(batch), atol=1e-6)


BAD_IMAGES = (  # of a recogniser in training mode for images of 32 pixels, with what its error says
    (images()[:0], "no size zero"),
    (images()[:, :1], "expected"),
    (images(size=64), "32"),
    (images(batch=1), "batch of one"),
)
