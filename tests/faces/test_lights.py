"""Light that is drawn: for photographs of all kinds, and from the side."""

from __future__ import annotations

import torch

from facelib.faces.lights import sample_light, side_light
from facelib.geometry.lighting import shade


def test_light_without_variation_by_hand() -> None:
    light = sample_light(3, 0.0, torch.Generator().manual_seed(0))
    assert torch.equal(light[0], light[1])
    towards = torch.tensor([0.0, 0.25, 1.0]) / 1.0625**0.5
    # A lamp of strength s shades a white point that faces it with 17/16 s when projected on nine harmonics.
    facing = shade(torch.ones(1, 1, 3), towards.view(1, 1, 3), light[:1])
    torch.testing.assert_close(facing, torch.full((1, 1, 3), 0.30 + 0.95 * 17 / 16), atol=1e-4, rtol=0)


def test_light_varies() -> None:
    light = sample_light(50, 1.0, torch.Generator().manual_seed(0))
    assert light.isfinite().all()
    assert light[:, 3].std() > 0.2  # the x harmonic: lamps from the left and from the right
    assert (light[:, 0, 0] - light[:, 0, 2]).abs().max() > 0.02  # tinted
    half = sample_light(50, 0.5, torch.Generator().manual_seed(0))
    assert half[:, 3].std() < light[:, 3].std()


def test_light_from_the_side_by_hand() -> None:
    light = side_light(200, torch.Generator().manual_seed(3))
    right, left = light[:, 3, 0] < 0, light[:, 3, 0] > 0  # the harmonic of x
    assert 70 < int(right.sum()) < 130
    assert bool((right ^ left).all())
    cheeks = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]).expand(200, 2, 3)
    radiance = shade(torch.ones(200, 2, 3), cheeks, light).clamp(min=0)[..., 0]
    bright, dark = radiance.amax(dim=1), radiance.amin(dim=1)
    # 17/16 of a lamp of 1.2 faces it, 1/16 faces away, both beside 0.08; lamps stand 30 degrees aside at most.
    assert float(bright.max()) <= 0.08 + 1.2 * 17 / 16 + 1e-4
    assert float(bright.min()) > 1.0
    assert float(dark.max()) < 0.2
    assert torch.equal(radiance.argmax(dim=1) == 0, left)
