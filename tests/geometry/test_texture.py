from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.geometry.texture import sample_texture


def slow_sample(texture: torch.Tensor, u: float, v: float) -> list[float]:
    """The four texels around (u, v), indices clamped to the image, weighted by hand."""
    channels, height, width = texture.shape
    x, y = u * width - 0.5, (1 - v) * height - 0.5
    column, row = math.floor(x), math.floor(y)
    value = [0.0] * channels
    for i, weight_i in ((row, row + 1 - y), (row + 1, y - row)):
        for j, weight_j in ((column, column + 1 - x), (column + 1, x - column)):
            texel = texture[:, min(max(i, 0), height - 1), min(max(j, 0), width - 1)]
            value = [
                whole + weight_i * weight_j * float(part) for whole, part in zip(value, texel.tolist(), strict=True)
            ]
    return value


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_corners_of_the_unit_square_are_corners_of_the_image():
    texture = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])  # upper row 1 2, lower row 3 4
    lower_left_first = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5], [0.25, 0.5]]])
    assert sample_texture(texture, lower_left_first)[0, :, 0].tolist() == [3, 4, 1, 2, 2.5, 2]


def test_a_texel_centre_has_its_own_colour():
    texture = random(1, 3, 4, 6)
    v, u = torch.meshgrid(1 - (torch.arange(4) + 0.5) / 4, (torch.arange(6) + 0.5) / 6, indexing="ij")
    found = sample_texture(texture, torch.stack((u, v), dim=-1)[None].double())  # (1, 4, 6, 3)
    torch.testing.assert_close(found, texture.permute(0, 2, 3, 1))


@pytest.mark.parametrize("textures", [1, 2])
def test_equals_a_slow_lookup_inside_and_outside(textures):
    texture, coordinates = random(textures, 3, 5, 7), 3 * random(2, 40, 2, seed=1) - 1
    found = sample_texture(texture, coordinates)
    for image in range(2):
        for point in range(40):
            expected = slow_sample(texture[image % textures], *coordinates[image, point].tolist())
            assert found[image, point].tolist() == pytest.approx(expected, abs=1e-12)


def test_gradcheck():
    texture, coordinates = random(1, 2, 3, 4).requires_grad_(), (1.4 * random(2, 5, 2, seed=2) - 0.2).requires_grad_()
    assert torch.autograd.gradcheck(sample_texture, (texture, coordinates))


@pytest.mark.parametrize(
    ("texture", "coordinates", "message"),
    [
        (torch.zeros(3, 4, 4), torch.zeros(1, 5, 2), "texture has shape"),
        (torch.zeros(1, 3, 4, 4), torch.zeros(1, 5, 3), "coordinates have shape"),
        (torch.zeros(1, 3, 4, 4), torch.zeros(1, 0, 2), "no size zero"),
        (torch.zeros(3, 3, 4, 4), torch.zeros(2, 5, 2), "3 textures for 2 images"),
        (torch.zeros(1, 3, 4, 4), torch.zeros(1, 5, 2).double(), "one dtype"),
    ],
)
def test_bad_input_is_refused(texture, coordinates, message):
    with pytest.raises(BadInput, match=message):
        sample_texture(texture, coordinates)
