from __future__ import annotations

import pytest
import torch
from made_input import parameters
from torch import nn
from torch.nn import functional

from facelib.models.map_layers import (
    FIRST_SPREAD,
    AttentionBranch,
    EvenConv,
    EvenTransposedConv,
    ResidualBottleneck,
    decoder,
    high_level_features,
    initialise,
    low_level_features,
    map_head,
    open_head,
    start_smooth,
)


def full_size_parts() -> dict[str, torch.nn.Module]:
    low, channels = low_level_features(1.0)
    high, features = high_level_features(channels, 1.0)
    body, last = decoder(features, 1.0)
    return {
        "low": low,
        "high": high,
        "attention": AttentionBranch(channels, 1.0),
        "decoder": body,
        "head": map_head(last, 1.0),
    }


def test_parameters_are_those_of_the_published_layer_table():
    """Counted by hand: 15,487,044 in all (notes on paper 3)."""
    count = {name: parameters(part) for name, part in full_size_parts().items()}
    assert count["low"] + count["high"] == 3_588_832
    assert count["attention"] == 2_069_760
    assert count["decoder"] == 9_703_040
    assert count["head"] == 62_706
    assert sum(count.values()) + count["head"] == 15_487_044


def test_sizes_are_those_of_section_3e():
    parts = {name: part.eval() for name, part in full_size_parts().items()}
    with torch.no_grad():
        low = parts["low"](torch.zeros(1, 3, 256, 256))
        high = parts["high"](low)
        decoded = parts["decoder"](high)
        assert low.shape == (1, 128, 32, 32)
        assert parts["attention"](low).shape == (1, 1, 32, 32)
        assert high.shape == (1, 512, 8, 8)
        assert decoded.shape == (1, 64, 64, 64)
        assert parts["head"](decoded).shape == (1, 3, 256, 256)


@pytest.mark.parametrize("stride", [1, 2])
def test_even_convolution_looks_where_it_says(stride):
    """Against a slow sum over the kernel: one pixel back and two ahead at stride 1, one each way at stride 2."""
    torch.manual_seed(0)
    convolution, image = EvenConv(2, 3, stride).double(), torch.rand(1, 2, 6, 6, dtype=torch.float64)
    expected = torch.zeros(1, 3, 6 // stride, 6 // stride, dtype=torch.float64)
    for row in range(6 // stride):
        for column in range(6 // stride):
            for i in range(4):
                for j in range(4):
                    y, x = stride * row + i - 1, stride * column + j - 1
                    if 0 <= y < 6 and 0 <= x < 6:
                        expected[0, :, row, column] += convolution.weight[:, :, i, j] @ image[0, :, y, x]
    assert torch.allclose(convolution(image), expected, atol=1e-12)


@pytest.mark.parametrize(("stride", "size"), [(1, 6), (2, 12)])
def test_transposed_convolution_puts_where_it_says(stride, size):
    torch.manual_seed(0)
    convolution, image = EvenTransposedConv(2, 3, stride).double(), torch.rand(1, 2, 6, 6, dtype=torch.float64)
    expected = torch.zeros(1, 3, size, size, dtype=torch.float64)
    for row in range(6):
        for column in range(6):
            for i in range(4):
                for j in range(4):
                    y, x = stride * row + i - 1, stride * column + j - 1
                    if 0 <= y < size and 0 <= x < size:
                        expected[0, :, y, x] += convolution.weight[:, :, i, j].T @ image[0, :, row, column]
    assert torch.allclose(convolution(image), expected, atol=1e-12)


def test_half_pixels_of_both_cancel():
    """A blob that passes a symmetric convolution and a symmetric transposed one stays where it was."""
    down, up = EvenConv(1, 1), EvenTransposedConv(1, 1)
    kernel = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
    for convolution in (down, up):
        convolution.weight.data = kernel[None, None].clone()
    image = torch.zeros(1, 1, 21, 21)
    image[0, 0, 8, 11] = 1.0
    result = up(down(image))[0, 0].detach()
    place = torch.arange(21.0)
    assert float((result.sum(1) * place).sum() / result.sum()) == pytest.approx(8, abs=1e-4)
    assert float((result.sum(0) * place).sum() / result.sum()) == pytest.approx(11, abs=1e-4)


@pytest.mark.parametrize(("channels", "stride"), [((4, 8), 2), ((8, 8), 1)])
def test_a_block_adds_its_branch_to_its_shortcut(channels, stride):
    torch.manual_seed(0)
    block = ResidualBottleneck(*channels, stride).eval()
    x = torch.rand(2, channels[0], 8, 8)
    assert block(x).shape == (2, channels[1], 8 // stride, 8 // stride)
    assert torch.equal(block(x), block.norm(block.branch(x) + block.shortcut(x)).clamp(min=0))
    assert isinstance(block.shortcut, torch.nn.Identity) == (stride == 1)


def test_width_scales_channels():
    low, channels = low_level_features(0.25)
    assert channels == 32
    assert low(torch.zeros(2, 3, 32, 32)).shape == (2, 32, 4, 4)


def test_coordinates_pass_an_open_head():
    """What comes out is what the head's wide part gives, normalised: the last two layers change nothing but scale."""
    torch.manual_seed(0)
    head = map_head(6, 0.25)
    initialise(head)
    open_head(head)
    given = torch.randn(4, 6, 8, 8)
    before = head[:14](given)  # five layers, the last one without its ReLU
    normalised = (before - before.mean(dim=(0, 2, 3), keepdim=True)) / before.std(dim=(0, 2, 3), keepdim=True)
    out = head(given)
    assert out.std(dim=(0, 2, 3)).allclose(torch.full((3,), FIRST_SPREAD), rtol=1e-2)
    both = torch.stack((out.flatten(), normalised.flatten()))
    assert torch.corrcoef(both)[0, 1] > 0.99


def test_a_block_starts_as_its_shortcut():
    block = ResidualBottleneck(8, 16, 2)
    initialise(block)
    given = torch.randn(4, 8, 8, 8)
    assert torch.allclose(block(given), torch.relu(block.norm(block.shortcut(given))), atol=1e-6)


def test_a_smooth_start_draws_smooth_maps():
    """Neighbouring texels of what a decoder draws at first differ little, by random kernels as much as they vary."""

    def roughness(smooth: bool) -> float:
        torch.manual_seed(0)
        layers = nn.Sequential(*decoder(16, 1 / 8)[0], *map_head(8, 1 / 8))
        initialise(layers)
        if smooth:
            start_smooth(layers)
        with torch.no_grad():
            drawn = layers(torch.randn(8, 16, 2, 2))
        return float((drawn.diff(dim=3).square().mean() / drawn.var()).sqrt())

    assert roughness(smooth=True) < 0.5 * roughness(smooth=False)


def test_a_smooth_kernel_enlarges_as_bilinear_interpolation_does():
    torch.manual_seed(0)
    layer = EvenTransposedConv(1, 1, 2)
    start_smooth(layer)
    x = torch.rand(1, 1, 6, 6)
    factor = layer.weight[0, 0, 1, 1] / 0.75**2
    expected = factor * functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    noise = 0.1 * (2 / 16) ** 0.5  # of a weight; four of them meet in a texel
    assert (layer(x)[inside] - expected[inside]).abs().max() < 8 * noise


def test_part_of_a_decoder_fits_the_rest():
    first, channels = decoder(16, 1 / 8, layers=slice(4))
    rest, last = decoder(16, 1 / 8, layers=slice(4, None))
    whole, also = decoder(16, 1 / 8)
    assert last == also
    assert rest[0].in_channels == channels == first[-3].out_channels
    assert len(first) + len(rest) == len(whole)
    assert rest(first(torch.rand(2, 16, 2, 2))).shape == whole(torch.rand(2, 16, 2, 2)).shape
    assert len(decoder(16, 1 / 8, layers=slice(10, None))[0]) == 0
    assert decoder(16, 1 / 8, layers=slice(0))[1] == 16
