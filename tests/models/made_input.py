"""Images and clouds for tests of networks, and what all recognisers promise of their embeddings."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from facelib.errors import BadInput
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


def assert_refuses_images(network: nn.Module, pictures: torch.Tensor, message: str) -> None:
    for call in (network, network.features):
        with pytest.raises(BadInput, match=message):
            call(pictures)


def assert_all_weights_learn(network: nn.Module, *inputs: torch.Tensor) -> None:
    unit, norm = network(*inputs)
    (unit[:, 0].sum() + norm.square().sum()).backward()
    without = [name for name, p in network.named_parameters() if p.dim() > 1 and not p.grad.abs().sum() > 0]
    assert without == []


def assert_batch_equals_singles(network: nn.Module) -> None:
    """A batch of clouds gives what its clouds give one by one, and the same again."""
    network, points = network.double(), clouds().double()
    network(points)  # moves the running statistics
    network.eval()
    singly = torch.cat([network(cloud[None]).unit for cloud in points])
    assert torch.allclose(network(points).unit, singly, atol=1e-9)
    assert torch.equal(network(points).unit, network(points).unit)


def assert_gpu_agrees(network: nn.Module) -> None:
    network = network.double().eval()
    expected = network(clouds().double()).unit
    found = network.cuda()(clouds().double().cuda()).unit
    assert torch.allclose(found.cpu(), expected, atol=1e-9)


BAD_IMAGES = (  # of a recogniser in training mode for images of 32 pixels, with what its error says
    (images()[:0], "no size zero"),
    (images()[:, :1], "expected"),
    (images(size=64), "32"),
    (images(batch=1), "batch of one"),
)
