"""The RST-inspired network: shapes, the identity at the start of its residual, and what it refuses."""

from __future__ import annotations

import pytest
import torch

from facelib.errors import BadInput
from facelib.models.irnet import IRNetSettings
from facelib.models.residual_transform import ResidualTransform, ResidualTransformNetwork

SETTINGS = IRNetSettings(image_size=32, width=0.125, embedding=16)


@pytest.mark.parametrize(("stages", "side"), [(4, 2), (3, 4), (1, 16)])
def test_the_map_has_512_channels_wherever_the_backbone_is_cut(stages: int, side: int) -> None:
    network = ResidualTransformNetwork(SETTINGS, stages).eval()
    images = torch.rand(2, 3, 32, 32)

    assert network.features(images).shape == (2, 64, side, side)  # 512 channels at an eighth of the width
    embedding = network(images)
    assert embedding.unit.shape == (2, 16)
    torch.testing.assert_close(embedding.unit.norm(dim=1), torch.ones(2))


def test_the_transform_adds_to_its_input() -> None:
    transform = ResidualTransform(4).eval()
    torch.nn.init.zeros_(transform.residual[4].weight)  # of the last batch norm
    z = torch.randn(2, 4, 3, 3)

    torch.testing.assert_close(transform(z), z)


def test_every_weight_learns() -> None:
    torch.manual_seed(0)
    network = ResidualTransformNetwork(SETTINGS)
    (network(torch.rand(4, 3, 32, 32)).unit * torch.randn(4, 16)).sum().backward()

    assert [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_wrong_images_are_refused() -> None:
    network = ResidualTransformNetwork(SETTINGS).eval()
    with pytest.raises(BadInput, match="images"):
        network(torch.rand(2, 3, 48, 48))
    with pytest.raises(BadInput, match="non-finite"):
        network(torch.full((2, 3, 32, 32), float("nan")))
    with pytest.raises(BadInput, match="batch of one in training mode"):
        network.train()(torch.rand(1, 3, 32, 32))
