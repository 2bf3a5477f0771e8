from __future__ import annotations

import pytest
import torch
from made_input import BAD_IMAGES, images, parameters
from torch import nn

from facelib.errors import BadInput
from facelib.losses.asymmetric import asymmetric_loss
from facelib.models.expnet import ExpNet
from facelib.models.reconstructor_settings import PooledResNetSettings

SMALL = PooledResNetSettings(depth=18, image_size=32, small_stem=True, width=0.0625)


def small() -> ExpNet:
    torch.manual_seed(0)
    return ExpNet(SMALL, identities=5, expressions=4)


def test_starts_at_the_mean_face() -> None:
    read = small()(images())
    assert (read.identity.shape, read.expression.shape) == ((3, 5), (3, 4))
    assert not read.identity.any()
    assert not read.expression.any()


def test_the_two_networks_share_nothing() -> None:
    """Each loss reaches all parameters of its own network, once its head has left zero, and none of the other's."""
    network = small()
    for head in (network.identity[1], network.expression[1]):
        nn.init.normal_(head.weight)
    read = network(images())
    asymmetric_loss(read.identity, torch.ones(3, 5)).backward()
    assert all(each.grad.any() for each in network.identity.parameters())
    assert all(each.grad is None for each in network.expression.parameters())
    read.expression.square().sum().backward()
    assert all(each.grad.any() for each in network.expression.parameters())


def test_parameters_at_full_size() -> None:
    with torch.device("meta"):
        network = ExpNet(PooledResNetSettings())
    assert parameters(network) == 2 * 42_500_160 + 2048 * 99 + 99 + 2048 * 29 + 29 == 85_262_592


@pytest.mark.parametrize(("pictures", "message"), BAD_IMAGES)
def test_refuses_bad_images(pictures: torch.Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        small()(pictures)


@pytest.mark.parametrize(("identities", "expressions"), [(0, 4), (5, 0)])
def test_refuses_nothing_to_read(identities: int, expressions: int) -> None:
    with pytest.raises(BadInput, match="at least one of each"):
        ExpNet(SMALL, identities, expressions)
