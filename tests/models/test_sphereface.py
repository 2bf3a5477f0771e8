from __future__ import annotations

import pytest
import torch
from made_input import assert_all_weights_learn, assert_embeds, images, parameters
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput
from facelib.models.sphereface import ResidualUnit, Sphere20, Sphere20Settings, one_channel

SMALL = Sphere20Settings(image_size=32, width=0.0625, embedding=8)
BRANCH = Sphere20Settings(image_size=32, channels=1, width=0.0625, embedding=8)
COMPONENT = 2 * images()[:, :1] - 1


def small(settings: Sphere20Settings = SMALL) -> Sphere20:
    torch.manual_seed(0)
    return Sphere20(settings)


def test_embeds_photographs_and_normal_components() -> None:
    assert_embeds(small()(images()), 3, 8)
    assert_embeds(small(BRANCH)(COMPONENT), 3, 8)
    assert_embeds(small()(images(batch=1)), 1, 8)  # no batch norm: one image can be learnt from


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Sphere20Settings(), 24_501_952),
        (Sphere20Settings(channels=1), 24_500_800),
        (Sphere20Settings(image_size=96), 24_501_952 - 512 * 512 * (49 - 36)),
        (Sphere20Settings(image_size=97), 24_501_952),  # 7 x 7 positions, rounded up
    ],
)
def test_parameters(settings: Sphere20Settings, expected: int) -> None:
    with torch.device("meta"):
        network = Sphere20(settings)
        pictures = torch.empty(2, settings.channels, settings.image_size, settings.image_size)
        assert network.head(network.body(pictures).flatten(1)).shape == (2, 512)
    assert parameters(network) == expected


def test_three_branches_fit_into_the_published_memory() -> None:
    """Paper 2, section 5: 375 MB. Weights, and what every layer gives for one image, as if nothing were freed."""
    with torch.device("meta"):
        network = Sphere20(Sphere20Settings(channels=1))
        given: list[int] = []
        for each in network.body.modules():
            each.register_forward_hook(lambda module, inputs, output: given.append(output.numel()))
        network.body(torch.empty(1, 1, 112, 112))
    assert len(given) == 1 + 4 * 2 + 8 * 6  # the whole, stems, and units of four layers
    assert 3 * 4 * (parameters(network) + sum(given)) < 375e6


def test_twenty_layers_one_by_one() -> None:
    """The same features from the weights alone, with the input as published."""
    network, pictures = small().double(), images().double()
    weights = iter(network.parameters())
    x = (255 * pictures - 127.5) / 128
    convolutions = 0
    for units in (1, 2, 4, 1):
        kernel, bias, slope = (next(weights) for _ in range(3))
        x = functional.prelu(functional.conv2d(x, kernel, bias, stride=2, padding=1), slope)
        for _ in range(units):
            inner = x
            for _ in range(2):
                kernel, slope = next(weights), next(weights)
                inner = functional.prelu(functional.conv2d(inner, kernel, padding=1), slope)
            x = x + inner
        convolutions += 1 + 2 * units
    features = functional.linear(x.flatten(1), next(weights), next(weights))
    unit, norm = network(pictures)

    assert convolutions == 20
    assert list(weights) == []
    torch.testing.assert_close(unit * norm, features)


def test_a_normal_component_is_seen_as_a_grey_photograph() -> None:
    network = small()
    branch = one_channel(network)
    unit, norm = branch(COMPONENT)
    grey = network(((COMPONENT + 1) / 2).expand(-1, 3, -1, -1))

    torch.testing.assert_close(unit * norm, grey.unit * grey.norm)
    assert parameters(branch) == parameters(network) - 2 * 9 * 4
    assert branch.settings == BRANCH
    small(BRANCH).load_state_dict(branch.state_dict())  # of the shapes of a fresh branch
    with torch.no_grad():
        branch.head.bias.add_(1)
    again = network(((COMPONENT + 1) / 2).expand(-1, 3, -1, -1))
    assert torch.equal(again.unit, grey.unit)  # the original is another network


def test_weights_at_the_start() -> None:
    network = small(Sphere20Settings(image_size=32, width=0.25))
    for name, weight in network.named_parameters():
        if name.endswith("bias"):
            assert not weight.any()
        elif weight.dim() == 1:
            assert (weight == 0.25).all()
        elif "residual" in name:
            assert weight.std().item() == pytest.approx(0.01, rel=0.1)
        else:  # uniform, of variance 1 / numbers that one output sees
            deviation = weight[0].numel() ** -0.5
            assert weight.std().item() == pytest.approx(deviation, rel=0.1)
            assert weight.abs().max() <= 3**0.5 * deviation


def test_a_unit_adds_to_its_input() -> None:
    unit = ResidualUnit(3)
    nn.init.zeros_(unit.residual[2].weight)
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(unit(x), x)


def test_gradient_reaches_all_weights() -> None:
    assert_all_weights_learn(small(), images())
    assert_all_weights_learn(small(BRANCH), COMPONENT)


@pytest.mark.parametrize(
    ("settings", "pictures", "message"),
    [
        (SMALL, images()[:0], "no size zero"),
        (SMALL, COMPONENT, r"expected \(\*, 3, 32, 32\)"),
        (BRANCH, images(), r"expected \(\*, 1, 32, 32\)"),
        (SMALL, images(size=64), "32"),
        (BRANCH, COMPONENT * torch.nan, "non-finite"),
        (SMALL, None, "images is of type NoneType"),
    ],
)
def test_refuses_bad_images(settings: Sphere20Settings, pictures: torch.Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        small(settings)(pictures)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Sphere20(Sphere20Settings(image_size=16)), "at least 32"),
        (lambda: Sphere20(Sphere20Settings(width=0.0)), "width 0.0"),
        (lambda: Sphere20(Sphere20Settings(channels=2)), "channels 2: expected 3 for photographs or 1"),
        (lambda: one_channel(small(BRANCH)), "of one channel: expected one of photographs, of 3"),
    ],
)
def test_refuses_what_cannot_be_built(build, message) -> None:
    with pytest.raises(BadInput, match=message):
        build()
