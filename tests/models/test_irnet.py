import pytest
import torch
from made_input import assert_embeds, parameters

from facelib.errors import BadInput
from facelib.models.blocks import map_size
from facelib.models.irnet import IRNet18, IRNetBody, IRNetSettings, halvings

SMALL = IRNetSettings(image_size=32, width=0.125, embedding=16)


def test_embeds_images():
    assert_embeds(IRNet18(SMALL).eval()(torch.rand(3, 3, 32, 32)), 3, 16)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(0, 3, 32, 32), "no size zero"),
        (torch.rand(2, 1, 32, 32), "expected"),
        (torch.rand(2, 3, 64, 64), "32"),
        (torch.full((2, 3, 32, 32), float("nan")), "non-finite"),
        (torch.rand(1, 3, 32, 32), "batch of one"),
    ],
)
def test_refuses_bad_images(images, message):
    with pytest.raises(BadInput, match=message):
        IRNet18(SMALL)(images)


@pytest.mark.parametrize("stages", [0, 5])
def test_refuses_stages_that_do_not_exist(stages):
    with pytest.raises(BadInput, match="stages"):
        IRNetBody(stages=stages)


@pytest.mark.parametrize(("image_size", "expected"), [(112, 24_020_352), (224, 62_555_520)])
def test_published_parameter_counts(image_size, expected):
    assert parameters(IRNet18(IRNetSettings(image_size=image_size))) == expected


@pytest.mark.parametrize(("stages", "channels"), [(1, 8), (2, 16), (3, 32), (4, 64)])
@pytest.mark.parametrize("image_size", [112, 50])
def test_each_stage_halves_the_map(stages, channels, image_size):
    body = IRNetBody(width=0.125, stages=stages).eval()
    size = map_size(image_size, stages)
    assert body(torch.rand(1, 3, image_size, image_size)).shape == (1, channels, size, size)
    assert body.channels == channels


@pytest.mark.parametrize(("stages", "size"), [(4, 6), (3, 6), (2, 12)])
def test_a_final_stride_of_1_keeps_the_third_stages_map(stages, size):
    body = IRNetBody(0.125, stages, final_stride=1).eval()
    assert body(torch.rand(1, 3, 48, 48)).shape[2:] == (size, size)
    assert map_size(48, halvings(stages, 1)) == size
    with pytest.raises(BadInput, match="final_stride 3: expected 1 or 2"):
        IRNetBody(final_stride=3)


def test_published_map_sizes():
    assert [map_size(112, stage) for stage in (1, 2, 3, 4)] == [56, 28, 14, 7]
    assert [map_size(224, stage) for stage in (1, 2, 3, 4)] == [112, 56, 28, 14]


def test_truncated_body_computes_the_first_stages_of_the_whole():
    whole, truncated = IRNetBody(0.125).eval(), IRNetBody(0.125, stages=2).eval()
    truncated.load_state_dict({name: whole.state_dict()[name] for name in truncated.state_dict()})
    images = torch.rand(2, 3, 32, 32)
    expected = whole.stages[1](whole.stages[0](whole.stem(2 * images - 1)))
    assert torch.equal(truncated(images), expected)


def test_a_batch_equals_its_images_one_by_one():
    network = IRNet18(SMALL).eval()
    images = torch.rand(4, 3, 32, 32)
    singly = torch.cat([network(image[None]).unit for image in images])
    assert torch.allclose(network(images).unit, singly, atol=1e-5)


def test_no_activation_follows_the_sum():
    torch.manual_seed(0)
    features = IRNetBody(0.125, stages=1).eval()(torch.rand(2, 3, 32, 32))
    assert (features < 0).float().mean() > 0.2


def test_gradient_reaches_every_parameter():
    network = IRNet18(SMALL)
    unit, norm = network(torch.rand(4, 3, 32, 32))
    (unit[:, 0].sum() + norm.square().sum()).backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []
