from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from made_input import BAD_IMAGES, images, parameters
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput
from facelib.models.msma import MSMA, DepthwiseConv2d, FaceCoefficients, LargeKernelAttention, MultiScaleFusion
from facelib.models.msma_settings import MSMASettings

SMALL = MSMASettings(image_size=32, small_stem=True, width=0.0625)
PARTS = ("fusion", "attention", "multi_attribute")
BASE = replace(SMALL, **dict.fromkeys(PARTS, False))
SIZES = {"identity": 5, "expression": 4, "albedo": 3, "angles": 3, "translation": 3, "light": 27}


def small(settings: MSMASettings = SMALL) -> MSMA:
    torch.manual_seed(0)
    return MSMA(settings, 5, 4, 3)


ABLATION = [SMALL, BASE, *(replace(SMALL, **{part: False}) for part in PARTS)]


@pytest.mark.parametrize("settings", ABLATION, ids=str)
def test_every_row_of_the_ablation_starts_at_the_mean_face_and_learns_all_its_parameters(settings) -> None:
    network = small(settings)
    read = network(images(size=32))

    assert {name: value.shape for name, value in read._asdict().items()} == {k: (3, n) for k, n in SIZES.items()}
    assert not any(value.any() for value in read)
    # The heads, and the scales of the attention, start at zero, so that what lies before them learns from the next
    # step on.
    for name, each in network.named_parameters():
        if name.startswith("heads") or name.endswith("scale"):
            nn.init.normal_(each)
    sum(value.square().sum() for value in network(images(size=32))).backward()
    silent = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()]
    assert silent == []


def test_attributes_come_off_the_maps_that_the_paper_names() -> None:
    """Eq. 11: light and translation off the largest map, angles and texture off the middle, the rest off the last."""
    network = small(replace(SMALL, fusion=False, attention=False)).eval()
    sizes = dict(zip(("large", "middle", "small"), network.body.stage_channels[1:], strict=True))
    inputs = {name: head.in_features for name, head in network.heads.items()}

    assert inputs == {
        "light": sizes["large"],
        "translation": sizes["large"],
        "angles": sizes["middle"],
        "albedo": sizes["middle"],
        "identity": sizes["small"],
        "expression": sizes["small"],
    }
    nn.init.ones_(network.heads["angles"].weight)
    pictures = images(size=32)
    middle = network.body.stage_maps(2 * pictures - 1)[2]
    torch.testing.assert_close(network(pictures).angles[:, 0], middle.mean(dim=(2, 3)).sum(dim=1))


def test_without_its_parts_it_is_the_base_method() -> None:
    """One pooled feature of the ResNet's last map, and one linear layer for all numbers."""
    network = small(BASE).eval()
    for head in network.heads.values():
        nn.init.normal_(head.weight), nn.init.normal_(head.bias)
    weight = torch.cat([network.heads[name].weight for name in FaceCoefficients._fields])
    bias = torch.cat([network.heads[name].bias for name in FaceCoefficients._fields])
    pictures = images(size=32)

    pooled = network.body(2 * pictures - 1).mean(dim=(2, 3))
    torch.testing.assert_close(torch.cat(network(pictures), dim=1), functional.linear(pooled, weight, bias))


def test_fusion_adds_every_map_in_the_size_of_each() -> None:
    """Eq. 7 by hand, with alignments that hand on one channel: a convolution that takes the middle, means above."""
    fusion = MultiScaleFusion((1, 1, 1, 1), targets=3).eval()
    for each in fusion.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.dirac_(each.weight)
        if isinstance(each, nn.BatchNorm2d):
            each.eps = 0.0
    maps = [
        torch.full((1, 1, 2**k, 2**k), value)
        for k, value in zip((4, 3, 2, 1), (1.0, 20.0, 300.0, -4000.0), strict=True)
    ]
    fused = fusion(maps)

    assert [tuple(each.shape[2:]) for each in fused] == [(8, 8), (4, 4), (2, 2)]
    assert all((each == 0).all() for each in fused)  # ReLU of 321 - 4000
    maps[3] = -maps[3]
    assert all((each == 4321).all() for each in fusion(maps))


def test_fusion_lets_every_map_be_seen_in_every_target() -> None:
    fusion = MultiScaleFusion((4, 8, 16, 32), targets=2)
    maps = [torch.rand(2, 4 * 2**k, 2 ** (4 - k), 2 ** (4 - k), requires_grad=True) for k in range(4)]
    for target in fusion(maps):
        gradients = torch.autograd.grad(target.square().sum(), maps, retain_graph=True)
        assert all(each.any() for each in gradients)


@pytest.mark.parametrize("channels", [3, 8, 512])
def test_attention_is_the_identity_at_first(channels: int) -> None:
    block = LargeKernelAttention(channels)
    x = torch.rand(2, channels, 5, 5)

    assert sum(block.groups) == channels
    torch.testing.assert_close(block(x), x)


def test_the_norm_sees_each_pixel_alone() -> None:
    norm, x = LargeKernelAttention(6).norm, torch.randn(2, 6, 3, 4)
    alone = torch.stack([norm(x[:, :, row : row + 1, 1:2]) for row in range(3)], dim=2)[..., 0, 0]

    torch.testing.assert_close(norm(x)[..., 1], alone)
    assert norm(x).mean(dim=1).abs().max() < 1e-6


def test_attention_by_hand() -> None:
    """Three channels of one position: every depthwise kernel shows its middle only."""
    block = LargeKernelAttention(3).double()
    x = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64).view(1, 3, 1, 1)
    torch.manual_seed(1)
    for each in block.parameters():
        nn.init.normal_(each)

    def middle(layer: nn.Conv2d, value: torch.Tensor) -> torch.Tensor:
        kernel = layer.weight[0, 0]
        return kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] * value + layer.bias[0]

    flat = x.flatten()
    normed = (flat - flat.mean()) / (flat.var(correction=0) + 1e-6).sqrt()
    normed = normed * block.norm.weight + block.norm.bias
    both = block.expand.weight[:, :, 0, 0] @ normed + block.expand.bias
    gates = []
    for look, near, value in zip(block.looks, block.near, both[:3], strict=True):
        seen = value
        for layer in look:
            seen = middle(layer, seen)
        gates.append(seen * middle(near, value))
    projected = block.project.weight[:, :, 0, 0] @ (torch.stack(gates) * both[3:]) + block.project.bias
    torch.testing.assert_close(block(x).flatten(), flat + block.scale.flatten() * projected)


@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (5, 2), (7, 3), (9, 4)])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4, 6), (8, 8), (13, 5), (40, 40)])
def test_taps_that_do_not_reach_the_map_are_left_out_without_a_difference(kernel, dilation, size) -> None:
    torch.manual_seed(0)
    layer = DepthwiseConv2d(3, 3, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=3).double()
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    whole = torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=layer.padding, dilation=dilation, groups=3)
    torch.testing.assert_close(layer(x), whole)
    for ours, theirs in zip(
        torch.autograd.grad(layer(x).square().sum(), (x, layer.weight)),
        torch.autograd.grad(whole.square().sum(), (x, layer.weight)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_how_far_attention_sees() -> None:
    """5 x 5, dilated by 3, after a 7-wide kernel and so on: 3 + 4 * 2, 5 + 6 * 3 and 7 + 8 * 4 pixels."""
    block = LargeKernelAttention(3)
    nn.init.ones_(block.scale)
    for look, width in zip(block.looks, (11, 23, 39), strict=True):
        x = torch.zeros(1, 1, 61, 61, requires_grad=True)
        for layer in look:
            nn.init.ones_(layer.weight)
        look(x)[0, 0, 30, 30].backward()
        seen = x.grad[0, 0].abs().sum(dim=0).nonzero().flatten()
        assert int(seen[-1] - seen[0]) + 1 == width


def test_parameters_at_full_size() -> None:
    """ResNet-50 without classifier 23,508,032; counted by hand in the module's parts."""
    with torch.device("meta"):
        network = MSMA(MSMASettings(), 80, 64, 80)
    channels = (256, 512, 1024, 2048)

    assert parameters(network.body) == 23_508_032
    up = sum(channels[j] * channels[i] + 2 * channels[i] for i in (1, 2) for j in range(i + 1, 4))
    down = 0
    for i in (1, 2, 3):
        for j in range(i):
            steps = [channels[j]] * (i - j) + [channels[i]]
            down += sum(9 * a * b + 2 * b for a, b in pairwise(steps))
    assert parameters(network.fusion) == up + down
    for block, width in zip(network.attention, channels[1:], strict=True):
        third = width // 3
        gate = 0
        for size, (k, d) in zip((width - 2 * third, third, third), ((3, 5), (5, 7), (7, 9)), strict=True):
            gate += size * (2 * k * k + d * d + size) + 4 * size
        assert parameters(block) == gate + 3 * width * width + 3 * width + 2 * width + width
    read = 1024 * 83 + 83 + 2048 * 144 + 144 + 512 * 30 + 30
    assert parameters(network.heads) == read


@pytest.mark.parametrize(("pictures", "message"), BAD_IMAGES)
def test_refuses_bad_images(pictures, message) -> None:
    with pytest.raises(BadInput, match=message):
        small()(pictures)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MSMA(replace(SMALL, image_size=16), 1, 1, 1), "at least 32"),
        (lambda: MSMA(replace(SMALL, depth=34), 1, 1, 1), "one of 18, 50, 101"),
        (lambda: MSMA(SMALL, 0, 1, 1), "at least one of each"),
        (lambda: LargeKernelAttention(2), "one for each kernel"),
    ],
)
def test_refuses_what_cannot_be_built(build, message) -> None:
    with pytest.raises(BadInput, match=message):
        build()
