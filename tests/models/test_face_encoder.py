"""The face encoder: what it reads at the start, and that light and white balance do not matter."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.models.face_encoder import FACE_MM, FaceCode, FaceEncoder, pose_of, standardised
from facelib.models.sadrnet import SADRNet
from facelib.models.trunks import TRUNKS, Trunk
from facelib.papers.sadrnet.networks import face_template


def images(count: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_at_the_start_it_reads_a_frontal_mean_face_in_the_middle() -> None:
    found = FaceEncoder(64, 0.125, 7, 5)(images())

    assert found.landmarks.shape == (2, 68, 3)
    assert found.landmarks.unique().tolist() == [0.0, 32.0]
    assert not any(part.any() for part in (found.visible, found.identity, found.expression))
    assert (found.identity.shape, found.expression.shape) == ((2, 7), (2, 5))
    assert torch.equal(found.rotation, torch.tensor(FACE_TO_CAMERA).expand(2, 3, 3))
    assert found.scale.tolist() == pytest.approx([64 / FACE_MM] * 2)
    assert found.translation.tolist() == [[32.0, 32.0, 0.0]] * 2


@pytest.mark.parametrize(
    ("trunk", "shape"), [("printed", (64, 2, 2)), ("printed_4", (64, 4, 4)), ("plain", (96, 4, 4))]
)
def test_the_features_that_are_left(trunk: str, shape: tuple[int, int, int]) -> None:
    network = FaceEncoder(64, 0.125, 3, 3, TRUNKS[trunk])
    low = network.low(standardised(images()))
    assert low.shape[2:] == (8, 8)
    assert network.high(low).shape == (2, *shape)
    assert network(images()).identity.shape == (2, 3)


@pytest.mark.parametrize("trunk", TRUNKS.values(), ids=TRUNKS)
def test_its_features_are_those_of_sadrnet(face_model: MorphableModel, trunk: Trunk) -> None:
    def names_of(network: nn.Module) -> set[str]:
        return {name for name, _ in network.named_parameters() if name.startswith(("low", "high"))}

    network = SADRNet(face_template(64), width=0.125, trunk=trunk)
    assert names_of(FaceEncoder(64, 0.125, 3, 3, trunk)) == names_of(network)
    assert network(images()).geometry.shape == (2, 3, 64, 64)


def test_light_and_white_balance_do_not_matter() -> None:
    given = images()
    gain, offset = torch.tensor([0.5, 0.9, 0.7]).view(3, 1, 1), torch.tensor([0.2, 0.0, 0.1]).view(3, 1, 1)

    assert standardised(given).mean(dim=(2, 3)) == pytest.approx(torch.zeros(2, 3), abs=1e-6)
    torch.testing.assert_close(standardised(given * gain + offset), standardised(given), rtol=0, atol=0.3)
    assert standardised(torch.full((1, 3, 8, 8), 0.4)).abs().max() < 1e-5  # a blank image


def test_no_unit_of_the_code_dies() -> None:
    """Half of them fire on each image, wherever the weights have gone; here all of them have gone far down."""
    code = FaceCode(3)
    code.start()
    with torch.no_grad():
        code[2].weight.sub_(1.0)
    found = code(torch.rand(32, 3, 4, 4, generator=torch.Generator().manual_seed(0)))

    assert found.shape == (32, 512)
    assert (found > 0).any(dim=0).all()
    assert float((found > 0).float().mean()) == pytest.approx(0.5, abs=0.05)


def test_a_pose_from_numbers() -> None:
    """A quarter turn about y, twice the usual size, a tenth of the image to the right."""
    half = math.sqrt(0.5)
    numbers = torch.tensor([[0.0, half, 0.0, half - 1, math.log(2), 0.1, 0.0]])
    found = pose_of(numbers, 100)

    turn = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    torch.testing.assert_close(found.rotation[0], torch.tensor(FACE_TO_CAMERA) @ turn)
    torch.testing.assert_close(found.scale, torch.tensor([2 * 100 / FACE_MM]))
    torch.testing.assert_close(found.translation, torch.tensor([[60.0, 50.0, 0.0]]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((60, 0.125, 3, 3), "multiple of 32"),
        ((64, 0.0, 3, 3), "expected a positive factor"),
        ((64, 0.125, 0, 3), "0 identities and 3 expressions"),
    ],
)
def test_bad_sizes_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        FaceEncoder(*arguments)


def test_bad_images_are_refused() -> None:
    network = FaceEncoder(64, 0.125, 3, 3)
    with pytest.raises(BadInput, match="images"):
        network(images(size=32))
    with pytest.raises(BadInput, match="batch"):
        network(images(1))
