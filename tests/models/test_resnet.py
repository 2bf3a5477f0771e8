import pytest
import torch
from made_input import BAD_IMAGES, assert_embeds, assert_refuses_images, images, parameters
from torch import nn

from facelib.errors import BadInput
from facelib.models.resnet import ResidualBlock, ResNet, ResNetBody, ResNetSettings, basic, bottleneck

SIZES = [
    ResNetSettings(depth=18, image_size=32, small_stem=True, width=0.125, embedding=16, dropout=0.0),
    ResNetSettings(depth=50, image_size=40, small_stem=False, width=0.125, embedding=16, dropout=0.0),
]


@pytest.mark.parametrize("settings", SIZES)
def test_embeds_images(settings):
    assert_embeds(ResNet(settings)(images(size=settings.image_size)), 3, 16)


@pytest.mark.parametrize(("pictures", "message"), BAD_IMAGES)
def test_refuses_bad_images(pictures, message):
    assert_refuses_images(ResNet(SIZES[0]), pictures, message)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ResNetSettings(depth=34), "one of 18, 50, 101"),
        (ResNetSettings(image_size=0), "at least 32"),
        (ResNetSettings(width=-1.0), "width -1.0"),
    ],
)
def test_refuses_sizes_that_cannot_be_built(settings, message):
    with pytest.raises(BadInput, match=message):
        ResNet(settings)


@pytest.mark.parametrize(("depth", "channels", "expected"), [(18, 512, 11_689_512), (50, 2048, 25_557_032)])
def test_published_classifier_on_the_same_body(depth, channels, expected):
    with torch.device("meta"):
        body = ResNetBody(depth)
        classifier = nn.Linear(channels, 1000)
        z = body(torch.empty(2, 3, 224, 224))
        assert z.shape == (2, channels, 7, 7)
        assert classifier(z.mean(dim=(2, 3))).shape == (2, 1000)
    assert parameters(body) + parameters(classifier) == expected


@pytest.mark.parametrize(
    ("depth", "image_size", "small_stem", "expected"),
    [
        (18, 224, False, 24_023_104),
        (18, 112, True, 24_015_424),
        (50, 224, False, 74_892_864),
        (50, 112, True, 74_885_184),
    ],
)
def test_parameters_as_a_recogniser(depth, image_size, small_stem, expected):
    with torch.device("meta"):
        network = ResNet(ResNetSettings(depth=depth, image_size=image_size, small_stem=small_stem))
    assert parameters(network) == expected


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize(
    ("image_size", "small_stem", "size"), [(33, False, 2), (112, False, 4), (33, True, 3), (112, True, 7)]
)
def test_map_is_a_32nd_or_a_16th_of_the_image_rounded_up(depth, image_size, small_stem, size):
    with torch.device("meta"):
        network = ResNet(ResNetSettings(depth, image_size, small_stem, width=0.125)).eval()
        pictures = torch.empty(2, 3, image_size, image_size)
        assert network.features(pictures).shape == (2, network.body.channels, size, size)
        assert network(pictures).unit.shape == (2, 512)


@pytest.mark.parametrize(("make", "inputs", "channels"), [(basic, 8, 8), (bottleneck, 8, 2)])
def test_without_residual_a_block_is_the_relu_of_its_input(make, inputs, channels):
    block = ResidualBlock(make(inputs, channels, 1), inputs, inputs, 1)
    nn.init.zeros_(block.residual[-1].weight)
    x = torch.randn(2, inputs, 5, 5)
    assert torch.equal(block(x), x.clamp_min(0))


@pytest.mark.parametrize(("make", "expansion"), [(basic, 1), (bottleneck, 4)])
def test_a_block_with_stride_projects_its_input(make, expansion):
    block = ResidualBlock(make(6, 4, 2), 6, 4 * expansion, 2).eval()
    x = torch.randn(2, 6, 5, 5)
    projection, norm = block.shortcut
    sampled = torch.einsum("oi,bihw->bohw", projection.weight[:, :, 0, 0], x[:, :, ::2, ::2])
    expected = (norm(sampled) + block.residual(x)).clamp_min(0)
    assert torch.allclose(block(x), expected, atol=1e-6)


@pytest.mark.parametrize("settings", SIZES)
def test_a_batch_equals_its_images_one_by_one_and_itself_again(settings):
    pictures = images(size=settings.image_size)
    network = ResNet(settings)
    network(pictures)  # moves the running statistics
    network.eval()
    singly = torch.cat([network(image[None]).unit for image in pictures])
    assert torch.allclose(network(pictures).unit, singly, atol=1e-5)
    assert torch.equal(network(pictures).unit, network(pictures).unit)


@pytest.mark.parametrize("settings", SIZES)
def test_images_in_another_memory_layout_are_the_same_images(settings):
    """Convolved as they lie, they would crash some backward passes of torch 2.13."""
    pictures = images(size=settings.image_size)
    body = ResNetBody(settings.depth, settings.small_stem, settings.width)
    turned = pictures.contiguous(memory_format=torch.channels_last)
    body.eval()
    assert torch.allclose(body(turned), body(pictures), atol=1e-5)
    for found, expected in zip(body.stage_maps(turned), body.stage_maps(pictures), strict=True):
        assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("settings", SIZES)
def test_gradient_reaches_every_parameter(settings):
    network = ResNet(settings)
    unit, norm = network(images(batch=4, size=settings.image_size))
    (unit[:, 0].sum() + norm.square().sum()).backward()
    without = [name for name, p in network.named_parameters() if not p.grad.abs().sum() > 0]
    assert without == []
