import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.models.dream import DreamBlock, DreamRecogniser, yaw_gate
from facelib.models.resnet import ResNet, ResNetSettings

SMALL = ResNetSettings(image_size=32, small_stem=True, width=0.125, embedding=16)


def degrees(*angles: float) -> torch.Tensor:
    return torch.tensor(angles).deg2rad()


def features(rows: int = 6, channels: int = 4) -> torch.Tensor:
    return torch.randn(rows, channels, generator=torch.Generator().manual_seed(2))


def test_gate_at_known_angles():
    expected = [1 / (1 + math.exp(10)), 0.5, 1 / (1 + math.exp(-10))]
    assert torch.allclose(yaw_gate(degrees(0, 45, 90)), torch.tensor(expected), atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 180), st.floats(0, 180))
def test_gate_grows_with_the_angle_and_not_with_its_sign(first, second):
    low, high = sorted((first, second))
    gate = yaw_gate(degrees(low, high))
    assert gate[0] <= gate[1]
    assert torch.equal(gate, yaw_gate(degrees(-low, -high)))


def test_near_frontal_features_pass_almost_unchanged_and_profiles_get_the_whole_residual():
    block, f = DreamBlock(4), features()
    residual = block.residual(f)
    for angle, part in ((0, 5e-5), (20, 4e-3)):
        added = block(f, degrees(*[angle] * 6)) - f
        assert (added.abs() <= part * residual.abs() + 1e-6).all()
    assert torch.allclose(block(f, degrees(*[-90] * 6)), f + residual, atol=1e-4)


def test_with_relu_as_in_the_public_code_the_residual_is_not_negative():
    printed, published = DreamBlock(4), DreamBlock(4, "relu")
    assert (published.residual(features(64)) >= 0).all()
    assert (printed.residual(features(64)) < 0).any()
    with pytest.raises(UnknownName, match="activation of DREAM 'gelu'"):
        DreamBlock(4, "gelu")


def test_block_equals_loops_over_neurons():
    block, f, yaw = DreamBlock(3), features(2, 3), degrees(-50, 40)
    first, slope_1, second, slope_2 = block.residual

    def layer(linear, slope, x):
        out = [sum(linear.weight[o, i] * x[i] for i in range(3)) + linear.bias[o] for o in range(3)]
        return [value if value > 0 else slope.weight[o] * value for o, value in enumerate(out)]

    for row, angle in enumerate((50, 40)):
        gate = 1 / (1 + math.exp(-10 * (angle / 45 - 1)))
        r = layer(second, slope_2, layer(first, slope_1, f[row]))
        expected = torch.stack([f[row, i] + gate * r[i] for i in range(3)])
        assert torch.allclose(block(f, yaw)[row], expected, atol=1e-6)


def test_gradcheck_of_block():
    block = DreamBlock(3).double()
    f = features(4, 3).double().requires_grad_()
    yaw = degrees(5, -30, 60, 89).double().requires_grad_()
    assert torch.autograd.gradcheck(block, (f, yaw))


@pytest.mark.parametrize(
    ("yaw", "message"),
    [
        (degrees(0, 10), "yaw has shape"),
        (degrees(0)[None].expand(6, 1), "yaw has shape"),
        (torch.full((6,), 90.0), "radians"),
    ],
)
def test_refuses_a_bad_yaw(yaw, message):
    with pytest.raises(BadInput, match=message):
        DreamBlock(4)(features(), yaw)


def test_recogniser_maps_the_feature_before_normalisation():
    pictures, yaw = torch.rand(3, 3, 32, 32), degrees(0, 45, -90)
    backbone = ResNet(SMALL)
    network = DreamRecogniser(backbone, SMALL.embedding).eval()
    unit, norm = backbone(pictures)
    mapped = network.block(unit * norm, yaw)
    embedding = network(pictures, yaw)
    assert torch.allclose(embedding.unit * embedding.norm, mapped, atol=1e-5)
    assert torch.allclose(embedding.unit[0], unit[0], atol=1e-3)
    assert torch.equal(network.features(pictures), backbone.features(pictures))
    assert torch.equal(network(pictures, yaw).unit, embedding.unit)


def test_recogniser_refuses_what_its_backbone_refuses():
    network = DreamRecogniser(ResNet(SMALL), SMALL.embedding)
    with pytest.raises(BadInput, match="batch of one"):
        network(torch.rand(1, 3, 32, 32), degrees(0))
    with pytest.raises(BadInput, match="images has shape"):
        network(torch.rand(2, 3, 64, 64), degrees(0, 0))


def test_gradient_reaches_backbone_and_block():
    network = DreamRecogniser(ResNet(SMALL), SMALL.embedding)
    unit, norm = network(torch.rand(4, 3, 32, 32), degrees(0, 50, 60, 90))
    (unit[:, 0].sum() + norm.square().sum()).backward()
    without = [name for name, p in network.named_parameters() if not p.grad.abs().sum() > 0]
    assert without == []
