import pytest
import torch
from made_input import BAD_IMAGES, assert_all_weights_learn, assert_embeds, assert_refuses_images, images, parameters
from torch import nn

from facelib.errors import BadInput
from facelib.models.ghostfacenet import (
    LAYERS,
    GhostBottleneck,
    GhostFaceNet,
    GhostFaceNetSettings,
    GhostModule,
    GlobalDepthwiseHead,
    SqueezeExcitation,
    multiple_of_four,
)

SMALL = GhostFaceNetSettings(image_size=32, width=0.25, embedding=16)


def test_embeds_images():
    assert_embeds(GhostFaceNet(SMALL)(images()), 3, 16)


@pytest.mark.parametrize(("pictures", "message"), BAD_IMAGES)
def test_refuses_bad_images(pictures, message):
    assert_refuses_images(GhostFaceNet(SMALL), pictures, message)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (GhostFaceNetSettings(image_size=16), "at least 32"),
        (GhostFaceNetSettings(stem_stride=3), "1 or 2"),
        (GhostFaceNetSettings(width=float("nan")), "width nan"),
    ],
)
def test_refuses_sizes_that_cannot_be_built(settings, message):
    with pytest.raises(BadInput, match=message):
        GhostFaceNet(settings)


@pytest.mark.parametrize(("stem_stride", "expected"), [(1, 4_059_748), (2, 4_037_836)])
def test_parameters_at_the_published_width(stem_stride, expected):
    with torch.device("meta"):
        network = GhostFaceNet(GhostFaceNetSettings(stem_stride=stem_stride))
    assert parameters(network) == expected


def test_running_statistics_of_the_published_network():
    with torch.device("meta"):
        network = GhostFaceNet()
    statistics = sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)
    assert parameters(network) + statistics == 4_088_300


def test_channels_at_the_published_width():
    channels = [multiple_of_four(layer.channels, 1.3) for layer in LAYERS]
    hidden = [multiple_of_four(layer.hidden, 1.3) for layer in LAYERS]
    assert channels == [20, 32, 32, 52, 52, *([104] * 4), 144, 144, *([208] * 5)]
    assert hidden == [20, 64, 92, 92, 156, 312, 260, 240, 240, 624, 872, 872, 1248, 1248, 1248, 664]


def test_channels_are_rounded_to_fours_but_lose_no_more_than_a_tenth():
    assert [multiple_of_four(channels) for channels in (0.5, 4, 5.9, 6, 9, 17.9)] == [4, 4, 8, 8, 12, 20]


@pytest.mark.parametrize(
    ("image_size", "stem_stride", "size"), [(33, 1, 3), (112, 1, 7), (33, 2, 2), (112, 2, 4), (224, 2, 7)]
)
def test_map_is_a_16th_or_a_32nd_of_the_image_rounded_up(image_size, stem_stride, size):
    with torch.device("meta"):
        network = GhostFaceNet(GhostFaceNetSettings(image_size, stem_stride, width=0.25)).eval()
        pictures = torch.empty(2, 3, image_size, image_size)
        assert network.features(pictures).shape == (2, 128, size, size)
        assert network(pictures).unit.shape == (2, 512)


@pytest.mark.parametrize("activate", [True, False])
def test_second_half_of_a_ghost_module_comes_from_the_first(activate):
    torch.manual_seed(0)
    module = GhostModule(6, 8, activate).eval()
    out = module(torch.randn(2, 6, 5, 5))
    assert out.shape == (2, 8, 5, 5)
    kernel = module.cheap[0][0].weight  # (4, 1, 3, 3)
    padded = nn.functional.pad(out[:, :4], (1, 1, 1, 1))
    expected = torch.zeros_like(out[:, 4:])
    for row in range(3):
        for column in range(3):
            expected += kernel[:, :, row, column, None] * padded[:, :, row : row + 5, column : column + 5]
    expected = expected / (1 + 1e-5) ** 0.5  # batch norm before any training
    if activate:
        expected = torch.where(expected > 0, expected, 0.25 * expected)
    assert torch.allclose(out[:, 4:], expected, atol=1e-5)


def test_squeeze_and_excitation_scales_whole_channels_by_gates_in_0_1():
    x = torch.rand(2, 8, 3, 3) + 0.5
    gates = SqueezeExcitation(8)(x) / x
    assert gates.min() >= 0
    assert gates.max() <= 1
    assert torch.allclose(gates, gates.mean(dim=(2, 3), keepdim=True).expand_as(gates), atol=1e-6)


def test_a_bottleneck_keeps_its_input_where_shapes_agree_and_projects_it_elsewhere():
    same = GhostBottleneck(8, 16, 8, kernel=3, stride=1, squeezes=True).eval()
    for half in (same.residual[-1].primary, same.residual[-1].cheap):
        nn.init.zeros_(half[0][1].weight)
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(same(x), x)
    halving = GhostBottleneck(8, 16, 12, kernel=5, stride=2, squeezes=False)
    assert halving(x).shape == (2, 12, 3, 3)


def test_head_weighs_each_position_of_the_map():
    head = GlobalDepthwiseHead(channels=3, size=2, embedding=4).eval()
    z = torch.randn(2, 3, 2, 2)
    descriptor = torch.zeros(2, 3)
    for channel in range(3):
        for row in range(2):
            for column in range(2):
                descriptor[:, channel] += head.whole_map.weight[channel, 0, row, column] * z[:, channel, row, column]
    expected = descriptor @ head.linear.weight.T / (1 + 1e-5)  # both batch norms before any training
    unit, norm = head(z)
    assert torch.allclose(unit * norm, expected, atol=1e-6)


def test_a_batch_equals_its_images_one_by_one_and_itself_again():
    network = GhostFaceNet(SMALL)
    network(images())  # moves the running statistics
    network.eval()
    singly = torch.cat([network(image[None]).unit for image in images()])
    assert torch.allclose(network(images()).unit, singly, atol=1e-5)
    assert torch.equal(network(images()).unit, network(images()).unit)


def test_gradient_reaches_every_weight():
    torch.manual_seed(0)
    assert_all_weights_learn(GhostFaceNet(SMALL), images(batch=4))
