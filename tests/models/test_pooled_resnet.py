from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from made_input import BAD_IMAGES, images, parameters
from torch import nn

from facelib.errors import BadInput
from facelib.models.pooled_resnet import PooledResNet
from facelib.models.reconstructor_settings import PooledResNetSettings
from facelib.models.resnet import ResNetBody

SMALL = PooledResNetSettings(depth=18, image_size=32, small_stem=True, width=0.0625)


@pytest.mark.parametrize(("depth", "expected"), [(18, 11_689_512), (50, 25_557_032), (101, 44_549_160)])
def test_published_classifier_on_the_same_body(depth: int, expected: int) -> None:
    with torch.device("meta"):
        body = ResNetBody(depth, small_stem=False, width=1.0)
        classifier = nn.Linear(body.channels, 1000)
        assert classifier(body(torch.empty(2, 3, 224, 224)).mean(dim=(2, 3))).shape == (2, 1000)
    assert parameters(body) + parameters(classifier) == expected


def test_101_layers_give_a_map_after_each_stage() -> None:
    """One convolution, three in each of 3 + 4 + 23 + 3 blocks, and the classifier."""
    with torch.device("meta"):
        body = ResNetBody(101, small_stem=False, width=0.25)
        maps = body.stage_maps(torch.empty(2, 3, 64, 64))
        last = body(torch.empty(2, 3, 64, 64))
    convolutions = [each for each in body.modules() if isinstance(each, nn.Conv2d) and each.kernel_size != (1, 1)]

    assert 1 + 3 * sum(body.blocks_of) + 1 == 101
    assert len(convolutions) == 1 + sum(body.blocks_of)
    assert [tuple(each.shape[1:]) for each in maps] == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]
    assert maps[-1].shape == last.shape


@pytest.mark.parametrize("depth", [18, 50, 101])
def test_features_are_the_mean_of_the_last_map(depth: int) -> None:
    torch.manual_seed(0)
    network = PooledResNet(replace(SMALL, depth=depth))
    pictures = images()
    network(pictures)  # moves the running statistics
    network.eval()
    found = network(pictures)

    assert found.shape == (3, network.features)
    torch.testing.assert_close(found, network.body(2 * pictures - 1).flatten(2).mean(dim=2))
    torch.testing.assert_close(found, torch.cat([network(each[None]) for each in pictures]), rtol=1e-4, atol=1e-5)


def test_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    network = PooledResNet(replace(SMALL, depth=101))
    network(images()).square().sum().backward()
    assert [name for name, each in network.named_parameters() if not each.grad.any()] == []


@pytest.mark.parametrize(("pictures", "message"), [*BAD_IMAGES, (images() * torch.nan, "non-finite")])
def test_refuses_bad_images(pictures: torch.Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        PooledResNet(SMALL)(pictures)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (replace(SMALL, depth=34), "depth 34: expected one of 18, 50, 101"),
        (replace(SMALL, image_size=16), "at least 32"),
        (replace(SMALL, width=0.0), "width 0.0"),
    ],
)
def test_refuses_what_cannot_be_built(settings: PooledResNetSettings, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        PooledResNet(settings)
