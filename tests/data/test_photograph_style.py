from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from facelib.data.photograph_style import PLAIN, StyleSettings, dimmed, mottled, toned
from facelib.errors import BadInput
from facelib.faces.scene import GAMMA


def random_images(count: int = 6, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_a_plain_style_changes_nothing_and_draws_nothing() -> None:
    images, drawn = random_images(), generator()
    before = drawn.get_state()
    assert torch.equal(toned(images, PLAIN, drawn), images)
    assert mottled(images[..., :3], PLAIN, drawn) is not None
    assert torch.equal(drawn.get_state(), before)


def test_mottling_scales_the_colour_of_each_vertex_about_one() -> None:
    albedo = torch.rand(4000, 50, 3, generator=generator()) + 0.1
    factor = mottled(albedo, StyleSettings(mottling=0.2), generator()) / albedo
    torch.testing.assert_close(factor[..., :1].expand_as(factor), factor)
    logs = factor[..., 0].log()
    assert abs(float(logs.mean())) < 0.002
    spread = logs.std(dim=1)  # drawn evenly from 0 to 0.2 for each head
    assert float(spread.mean()) == pytest.approx(0.1, abs=0.003)
    assert float(spread.max()) < 0.27


def test_an_exponent_for_each_photograph() -> None:
    images = random_images(2000, 2) * 0.8 + 0.1
    exponents = toned(images, StyleSettings(contrast=0.3), generator()).log() / images.log()
    torch.testing.assert_close(exponents, exponents[:, :1, :1, :1].expand_as(exponents), atol=1e-3, rtol=1e-3)
    assert float(exponents[:, 0, 0, 0].log().std()) == pytest.approx(0.3, abs=0.02)


def test_grey_photographs_by_hand() -> None:
    image = torch.tensor([0.2, 0.6, 1.0]).view(1, 3, 1, 1)
    grey = toned(image, StyleSettings(grey=1.0), generator())
    torch.testing.assert_close(grey.flatten(), torch.full((3,), 0.299 * 0.2 + 0.587 * 0.6 + 0.114))
    halved = toned(image, StyleSettings(saturation=(0.5, 0.5)), generator())
    torch.testing.assert_close(halved, (grey + image) / 2)


def test_the_share_of_grey_photographs() -> None:
    images = toned(random_images(3000, 2), StyleSettings(grey=0.25), generator())
    share = (images.std(dim=1).amax(dim=(1, 2)) < 1e-6).float().mean()
    assert float(share) == pytest.approx(0.25, abs=0.03)


def test_compression_is_pillows() -> None:
    images = random_images(1)
    stored = toned(images, StyleSettings(jpeg=95), generator())
    file = io.BytesIO()
    pixels = (images[0] * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    expected = np.array(Image.open(file))
    assert stored.is_contiguous()  # channels last would crash some trainings
    assert np.array_equal((stored[0] * 255).round().byte().permute(1, 2, 0).numpy(), expected)


def test_the_lower_the_quality_the_more_is_lost() -> None:
    images = random_images(40)

    def lost(quality: int) -> float:
        return float((toned(images, StyleSettings(jpeg=quality), generator()) - images).square().mean())

    assert lost(95) < lost(50) < lost(10)


def test_the_same_seed_gives_the_same() -> None:
    style = StyleSettings(contrast=0.2, saturation=(0.3, 1.2), grey=0.1, jpeg=40)
    assert torch.equal(toned(random_images(), style, generator()), toned(random_images(), style, generator()))


@pytest.mark.parametrize(
    ("name", "value"),
    [("mottling", -0.1), ("shine", float("nan")), ("contrast", -1), ("grey", 1.5), ("jpeg", 96), ("jpeg", -1)],
)
def test_impossible_numbers(name: str, value: float) -> None:
    with pytest.raises(BadInput, match=name):
        StyleSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", [(-0.1, 1.0), (1.0, 0.5), (0.0, float("inf"))])
def test_impossible_saturation(limits: tuple[float, float]) -> None:
    with pytest.raises(BadInput, match="saturation"):
        StyleSettings(saturation=limits)


def test_a_stop_less_is_half_the_light() -> None:
    images = random_images()
    dark = dimmed(images, 1.0, 0.0, generator())
    torch.testing.assert_close(dark**GAMMA, images**GAMMA / 2)
    assert torch.equal(dimmed(images, 0.0, 0.0, generator()), images)


def test_noise_of_a_dim_photograph() -> None:
    grey = torch.full((4, 3, 64, 64), 0.5)
    noise = dimmed(grey, 0.0, 0.05, generator()) - grey
    assert float(noise.std()) == pytest.approx(0.05, abs=0.002)
    assert abs(float(noise.mean())) < 0.002
    black = dimmed(torch.zeros(1, 3, 16, 16), 2.0, 0.3, generator())
    assert (float(black.min()), float(black.max()) <= 1) == (0.0, True)


@pytest.mark.parametrize(("stops", "noise"), [(-1.0, 0.0), (0.0, -0.1), (float("nan"), 0.0), (float("inf"), 0.0)])
def test_impossible_dimming(stops: float, noise: float) -> None:
    with pytest.raises(BadInput, match="expected two numbers from 0 up"):
        dimmed(random_images(), stops, noise, generator())
