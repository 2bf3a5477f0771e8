from __future__ import annotations

import pytest
import torch

from facelib.errors import BadInput
from facelib.geometry.rasterizer import Fragments, rasterize
from facelib.geometry.supersampling import _average_torch, average_samples

TRIANGLES = torch.tensor([[0, 2, 1], [1, 2, 3]])


def picture(batch: int = 3, size: int = 24, seed: int = 0) -> tuple[torch.Tensor, Fragments]:
    """Random quads and colours, and what the rasterizer sees of them."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.tensor([[2.0, 2.0, 50.0], [20.0, 3.0, 60.0], [4.0, 21.0, 70.0], [22.0, 19.0, 80.0]])
    screen = corners + 2 * torch.rand(batch, 4, 3, generator=generator)
    colours = torch.rand(batch, 4, 3, generator=generator)
    return colours, rasterize(screen, TRIANGLES, size, size, perspective=True)


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("shared", [False, True])
def test_the_kernel_averages_as_the_reference(samples: int, shared: bool) -> None:
    colours, fragments = picture()
    colours = colours[:1] if shared else colours
    ours, reference = (f(colours, TRIANGLES, fragments, samples) for f in (average_samples, _average_torch))
    for name in ("value", "cover", "depth"):
        torch.testing.assert_close(getattr(ours, name), getattr(reference, name), atol=1e-6, rtol=1e-6)


def test_a_pixel_is_the_mean_of_its_samples_by_hand() -> None:
    fragments = Fragments(
        triangle=torch.tensor([[[0, -1], [0, -1]]], dtype=torch.int32),
        barycentric=torch.tensor([[[[1.0, 0, 0], [0, 0, 0]], [[0.5, 0.5, 0], [0, 0, 0]]]]),
        depth=torch.tensor([[[10.0, torch.inf], [20.0, torch.inf]]]),
    )
    pixels = average_samples(torch.tensor([[[4.0], [8.0], [0.0]]]), torch.tensor([[0, 1, 2]]), fragments, 2)
    assert pixels.value.item() == (4 + 6) / 4
    assert pixels.cover.item() == 0.5
    assert pixels.depth.item() == 15


def test_an_empty_pixel_is_zero_everywhere() -> None:
    colours, fragments = picture()
    pixels = average_samples(colours, TRIANGLES, fragments, 2)
    empty = pixels.cover == 0
    assert empty.any()
    assert not pixels.depth[empty].any()
    assert not pixels.value.permute(0, 2, 3, 1)[empty].any()


def test_gradients_reach_the_attributes() -> None:
    colours, fragments = picture(batch=1)
    colours = colours.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda c: average_samples(c, TRIANGLES, fragments, 2).value, colours)


@pytest.mark.parametrize(
    ("samples", "attributes", "triangles", "message"),
    [
        (0, torch.zeros(3, 4, 3), TRIANGLES, "0 samples a pixel"),
        (5, torch.zeros(3, 4, 3), TRIANGLES, "24 x 24 fragments, 5 samples"),
        (2, torch.zeros(2, 4, 3), TRIANGLES, "attributes are for 2 images"),
        (2, torch.zeros(3, 3, 3), TRIANGLES, "ids in 0 to 2"),
        (2, torch.zeros(3, 4, 3), TRIANGLES[:1], "there are 1"),
        (2, torch.zeros(3, 4), TRIANGLES, "attributes has shape"),
    ],
)
def test_bad_input_is_refused(samples: int, attributes: torch.Tensor, triangles: torch.Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        average_samples(attributes, triangles, picture()[1], samples)
