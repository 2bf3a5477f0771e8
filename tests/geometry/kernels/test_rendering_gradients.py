"""The numba backward passes against autograd through the references."""

from __future__ import annotations

import pytest
import torch

from facelib.geometry.differentiable_rendering import surface_torch
from facelib.geometry.kernels.rendering_gradients import Interpolation, Surface
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rasterizer_reference import interpolate_torch

PERSPECTIVE = pytest.mark.parametrize("perspective", [True, False])


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def scene(perspective: bool):
    """Large triangles over two images of 12 x 16, some pixels empty, and what is seen of them."""
    screen = random(2, 12, 3, seed=0) * torch.tensor([16.0, 12.0, 40.0]) + torch.tensor([0.0, 0.0, 30.0])
    triangles = torch.arange(12).view(4, 3)
    seen = rasterize(screen, triangles, 12, 16, perspective=perspective)
    assert 0.1 < seen.mask.float().mean() < 0.9
    return screen, triangles, seen


@pytest.fixture(params=[1, 2])
def threads(request):
    usual = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(usual)


@pytest.mark.parametrize("images", [1, 2])
def test_interpolation_has_the_gradients_of_the_reference(threads, images):
    _, triangles, seen = scene(perspective=True)
    upstream = random(2, 12, 16, 4, seed=1)
    found, expected = [], []
    for blend, gradients in ((Interpolation.apply, found), (interpolate_torch, expected)):
        attributes = random(images, 12, 4, seed=2).requires_grad_()
        barycentric = seen.barycentric.clone().requires_grad_()
        value = blend(attributes, triangles, seen.triangle, barycentric)
        gradients += [value, *torch.autograd.grad(value, (attributes, barycentric), upstream)]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@PERSPECTIVE
def test_the_surface_has_the_gradients_of_the_reference(threads, perspective):
    """The reference in float64, as small triangles make large sums of large terms."""
    screen, triangles, seen = scene(perspective)
    to_barycentric, to_depth = random(2, 12, 16, 3, seed=3), random(2, 12, 16, seed=4)
    results = []
    for recompute, dtype in ((Surface.apply, torch.float32), (surface_torch, torch.float64)):
        points = screen.to(dtype).requires_grad_()
        values = recompute(points, triangles, seen.triangle, seen.barycentric, seen.depth, perspective)
        gradient = torch.autograd.grad(values, points, (to_barycentric.to(dtype), to_depth.to(dtype)))
        results.append([*values, *gradient])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=2e-4, atol=2e-4)


@PERSPECTIVE
@pytest.mark.parametrize("output", [0, 1])
def test_a_gradient_of_one_output_alone_is_that_with_zeros_for_the_other(perspective, output):
    screen, triangles, seen = scene(perspective)
    points = screen.requires_grad_()
    values = Surface.apply(points, triangles, seen.triangle, seen.barycentric, seen.depth, perspective)
    upstream = [random(2, 12, 16, 3, seed=3), random(2, 12, 16, seed=4)]
    (alone,) = torch.autograd.grad(values[output], points, upstream[output], retain_graph=True)
    upstream[1 - output].zero_()
    (both,) = torch.autograd.grad(values, points, upstream)
    torch.testing.assert_close(alone, both)
    assert alone.any()
