from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.geometry.lighting import ambient_and_directional, coefficients_from_gamma, sh_basis, shade


def sphere_grid(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Directions (N, 3) and their solid angles (N,) by the midpoint rule."""
    theta = (torch.arange(count, dtype=torch.float64) + 0.5) * math.pi / count
    phi = (torch.arange(2 * count, dtype=torch.float64) + 0.5) * math.pi / count
    theta, phi = (grid.flatten() for grid in torch.meshgrid(theta, phi, indexing="ij"))
    directions = torch.stack((theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos()), dim=-1)
    return directions, theta.sin() * (math.pi / count) ** 2


def unit(*values: float) -> torch.Tensor:
    vector = torch.tensor(values, dtype=torch.float64)
    return vector / vector.norm()


def test_even_light_shades_every_normal_alike():
    ambient = torch.tensor([0.2, 0.5, 0.9])
    light = ambient_and_directional(ambient, torch.tensor([0.0, 0.0, 1.0]), 0.0, torch.ones(3))
    normals = sphere_grid(4)[0].float()[None]
    torch.testing.assert_close(shade(torch.ones_like(normals), normals, light[None]), ambient.expand_as(normals))


def test_many_lights_are_each_as_alone():
    generator = torch.Generator().manual_seed(0)
    ambient, direction, colour = torch.rand(3, 6, 3, generator=generator) + 0.1
    intensity = torch.rand(6, generator=generator)
    together = ambient_and_directional(ambient, direction, intensity, colour)
    alone = [ambient_and_directional(*light) for light in zip(ambient, direction, intensity, colour, strict=True)]
    assert torch.equal(together, torch.stack(alone))


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match=r"direction \[0.0, 0.0, 0.0\]"):
        ambient_and_directional(torch.zeros(2, 3), torch.tensor([[1.0, 0, 0], [0, 0, 0]]), 1.0, torch.ones(2, 3))
    with pytest.raises(BadInput, match="colour"):
        ambient_and_directional(torch.zeros(2, 3), torch.ones(2, 3), 1.0, torch.ones(3))
    with pytest.raises(BadInput, match="normals"):
        sh_basis(torch.zeros(4, 2))
    with pytest.raises(BadInput, match="direction"):
        ambient_and_directional(torch.zeros(3), torch.zeros(3), 1.0, torch.ones(3))
    with pytest.raises(BadInput, match="batch sizes"):
        shade(torch.ones(2, 4, 3), torch.ones(2, 4, 3), torch.ones(3, 9, 3))
    with pytest.raises(BadInput, match="coefficients"):
        shade(torch.ones(2, 4, 3), torch.ones(2, 4, 3), torch.ones(2, 3, 9))


def test_gradcheck():
    generator = torch.Generator().manual_seed(0)
    shapes = ((1, 4, 3), (2, 4, 3), (2, 9, 3))
    values = [torch.rand(s, dtype=torch.float64, generator=generator).requires_grad_() for s in shapes]
    assert torch.autograd.gradcheck(shade, values)


def test_basis_is_orthonormal_on_the_sphere():
    directions, solid_angles = sphere_grid(100)
    harmonics = sh_basis(directions)
    gram = harmonics.T @ (solid_angles[:, None] * harmonics)
    torch.testing.assert_close(gram, torch.eye(9, dtype=torch.float64), rtol=0, atol=1e-3)


def test_constants_and_order_by_hand():
    x, y, z = 0.48, 0.6, 0.64
    expected = [
        0.282095,
        0.488603 * y,
        0.488603 * z,
        0.488603 * x,
        1.092548 * x * y,
        1.092548 * y * z,
        0.315392 * (3 * z * z - 1),
        1.092548 * x * z,
        0.546274 * (x * x - y * y),
    ]
    assert sh_basis(torch.tensor([x, y, z], dtype=torch.float64)).tolist() == pytest.approx(expected, abs=1e-6)


def test_directional_light_is_the_projection_of_the_clamped_cosine():
    """Each coefficient equals the integral of max(0, n . d) Y(n) over the sphere, found numerically."""
    direction, colour = unit(0.3, -0.5, 0.8), torch.tensor([1.0, 0.5, 0.25], dtype=torch.float64)
    normals, solid_angles = sphere_grid(200)
    cosine = (normals @ direction).clamp(min=0)
    integral = ((solid_angles * cosine)[:, None] * sh_basis(normals)).sum(0)
    found = ambient_and_directional(torch.zeros(3, dtype=torch.float64), 5 * direction, 2.0, colour)
    torch.testing.assert_close(found, 2 * integral[:, None] * colour, rtol=0, atol=2e-4)


def test_facing_the_light_is_brightest():
    direction = unit(1, 2, 3)
    light = ambient_and_directional(torch.full((3,), 0.1, dtype=torch.float64), direction, 0.8, torch.ones(3))
    normals = torch.stack((direction, -direction))[None]
    bright, dark = shade(torch.ones_like(normals), normals, light[None].double())[0, :, 0]
    assert float(bright) == pytest.approx(0.1 + 0.8 * (0.25 + 0.5 + 5 / 16))  # A_l (2 l + 1) / 4 pi for l = 0, 1, 2
    assert float(dark) == pytest.approx(0.1 + 0.8 * (0.25 - 0.5 + 5 / 16))


def slow_base_shading(gamma: list[float], normal: tuple[float, float, float]) -> list[float]:
    """The base method's light at one normal, from its own constants a_l and c_l, number by number."""
    a = (math.pi, 2 * math.pi / 3**0.5, 2 * math.pi / 8**0.5)
    c = (1 / (4 * math.pi) ** 0.5, 3**0.5 / (4 * math.pi) ** 0.5, 3 * 5**0.5 / (12 * math.pi) ** 0.5)
    x, y, z = normal
    harmonics = [
        a[0] * c[0],
        -a[1] * c[1] * y,
        a[1] * c[1] * z,
        -a[1] * c[1] * x,
        a[2] * c[2] * x * y,
        -a[2] * c[2] * y * z,
        a[2] * c[2] * 0.5 / 3**0.5 * (3 * z * z - 1),
        -a[2] * c[2] * x * z,
        a[2] * c[2] * 0.5 * (x * x - y * y),
    ]
    light = []
    for channel in range(3):
        total = 0.0
        for k in range(9):
            total += (gamma[9 * channel + k] + (0.8 if k == 0 else 0.0)) * harmonics[k]
        light.append(total)
    return light


def test_zero_gamma_is_even_light_by_hand():
    coefficients = coefficients_from_gamma(torch.zeros(2, 27, dtype=torch.float64))
    assert coefficients.shape == (2, 9, 3)
    normals = sphere_grid(3)[0][None]
    lit = shade(torch.ones_like(normals), normals, coefficients[:1])
    assert lit.flatten().tolist() == pytest.approx([0.708982] * lit.numel(), abs=1e-6)  # 0.8 pi / sqrt(4 pi)


def test_gamma_gives_the_light_of_the_base_method():
    generator = torch.Generator().manual_seed(0)
    gamma = torch.randn(2, 27, dtype=torch.float64, generator=generator)
    normals = torch.nn.functional.normalize(torch.randn(2, 5, 3, dtype=torch.float64, generator=generator), dim=-1)
    lit = shade(torch.ones_like(normals), normals, coefficients_from_gamma(gamma))
    for image in range(2):
        for point in range(5):
            expected = slow_base_shading(gamma[image].tolist(), tuple(normals[image, point].tolist()))
            assert lit[image, point].tolist() == pytest.approx(expected, abs=1e-12)


def test_gamma_is_differentiable_and_checked():
    gamma = torch.randn(2, 27, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(coefficients_from_gamma, gamma)
    with pytest.raises(BadInput, match="gamma"):
        coefficients_from_gamma(torch.zeros(2, 9))
