import pytest
import torch
from made_input import BAD_IMAGES, assert_embeds, assert_refuses_images, images, parameters
from torch import nn

from facelib.errors import BadInput
from facelib.models.vgg import VGG16, VGG16Settings, vgg16_body

SMALL = VGG16Settings(image_size=32, width=0.125, embedding=16, dropout=0.0)


def test_embeds_images():
    assert_embeds(VGG16(SMALL)(images()), 3, 16)


@pytest.mark.parametrize(("pictures", "message"), BAD_IMAGES)
def test_refuses_bad_images(pictures, message):
    assert_refuses_images(VGG16(SMALL), pictures, message)


@pytest.mark.parametrize(
    ("settings", "message"), [(VGG16Settings(image_size=31), "at least 32"), (VGG16Settings(width=0.0), "width 0.0")]
)
def test_refuses_sizes_that_cannot_be_built(settings, message):
    with pytest.raises(BadInput, match=message):
        VGG16(settings)


def test_published_classifier_on_the_same_body():
    with torch.device("meta"):
        body = vgg16_body()
        classifier = nn.Sequential(nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), nn.Linear(4096, 4096))
        classifier.append(nn.Linear(4096, 1000))
        assert classifier(body(torch.empty(2, 3, 224, 224))).shape == (2, 1000)
    batch_norm = sum(parameters(module) for module in body if isinstance(module, nn.BatchNorm2d))
    assert parameters(body) + parameters(classifier) == 138_365_992
    assert parameters(body) + parameters(classifier) - batch_norm == 138_357_544


@pytest.mark.parametrize(("image_size", "expected"), [(112, 17_083_968), (224, 27_569_728)])
def test_parameters_as_a_recogniser(image_size, expected):
    with torch.device("meta"):
        assert parameters(VGG16(VGG16Settings(image_size=image_size))) == expected


def test_layers_are_configuration_d():
    with torch.device("meta"):
        body = vgg16_body()
    layers = ["M" if isinstance(m, nn.MaxPool2d) else m.out_channels for m in body if hasattr(m, "stride")]
    assert layers == [64, 64, "M", 128, 128, "M", *([256] * 3), "M", *([512] * 3), "M", *([512] * 3), "M"]


@pytest.mark.parametrize(("image_size", "size"), [(32, 1), (63, 1), (112, 3), (224, 7)])
def test_map_is_a_32nd_of_the_image_rounded_down(image_size, size):
    with torch.device("meta"):
        network = VGG16(VGG16Settings(image_size=image_size, width=0.125)).eval()
        assert network.features(torch.empty(2, 3, image_size, image_size)).shape == (2, 64, size, size)
        assert network(torch.empty(2, 3, image_size, image_size)).unit.shape == (2, 512)


def test_head_sees_the_map_of_images_scaled_to_minus_one_and_one():
    network = VGG16(SMALL).eval()
    expected = network.body(2 * images() - 1)
    assert torch.equal(network.features(images()), expected)
    assert torch.equal(network(images()).unit, network.head(expected).unit)


def test_a_batch_equals_its_images_one_by_one_and_itself_again():
    network = VGG16(SMALL)
    network(images())  # moves the running statistics
    network.eval()
    singly = torch.cat([network(image[None]).unit for image in images()])
    assert torch.allclose(network(images()).unit, singly, atol=1e-5)
    assert torch.equal(network(images()).unit, network(images()).unit)


def test_gradient_reaches_every_weight():
    network = VGG16(SMALL)
    unit, norm = network(images(batch=4))
    (unit[:, 0].sum() + norm.square().sum()).backward()
    # batch norm takes the biases of the convolutions out again: they are kept for the published parameter count
    without = [name for name, p in network.named_parameters() if p.dim() > 1 and not p.grad.abs().sum() > 0]
    assert without == []
