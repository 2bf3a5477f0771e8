from __future__ import annotations

import pytest
import torch
from made_input import images

from facelib.errors import BadInput
from facelib.models.landmark_reader import LandmarkReader

SIZE = 64


@pytest.fixture
def reader() -> LandmarkReader:
    torch.manual_seed(0)
    return LandmarkReader(SIZE, 1 / 16)


def test_starts_in_the_middle_of_the_image(reader):
    """As its linear layer starts at zero; a weight of 1/64 then moves a coordinate by a pixel a unit of its feature."""
    middle = torch.tensor([32.0, 32.0, 0.0])
    assert torch.equal(reader(images(2, SIZE)), middle.expand(2, 68, 3))

    with torch.no_grad():
        features = reader.high(reader.low(2 * images(2, SIZE) - 1)).flatten(1)
        one = int(features.sum(dim=0).argmax())
        reader.linear.weight[3 * 5 + 1, one] = 1 / SIZE  # row of landmark 5
        moved = reader(images(2, SIZE)) - middle
    assert features[:, one].max() > 0.1
    assert torch.allclose(moved[:, 5, 1], features[:, one], atol=1e-5)
    assert torch.count_nonzero(moved[:, :5]) == torch.count_nonzero(moved[:, 6:]) == 0


def test_every_parameter_learns(reader):
    torch.nn.init.normal_(reader.linear.weight)
    for block in (*reader.low, *reader.high):  # whose branches start at zero
        if hasattr(block, "branch"):
            torch.nn.init.normal_(block.branch[-1].weight)
    reader(images(2, SIZE)).square().mean().backward()
    for name, parameter in reader.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(2, 3, 32, 32), "images"),
        (torch.zeros(0, 3, SIZE, SIZE), "no size zero"),
        (torch.zeros(1, 3, SIZE, SIZE), "one"),
    ],
)
def test_bad_batches_are_refused(reader, given, message):
    with pytest.raises(BadInput, match=message):
        reader(given)


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(BadInput, match="multiple of 32"):
        LandmarkReader(80)
