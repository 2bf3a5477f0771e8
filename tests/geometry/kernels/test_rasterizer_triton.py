"""The Triton kernels against the torch reference: on CUDA where there is a GPU, and in Triton's interpreter.

The interpreter must be chosen before Triton is imported, so it has a process of its own, which runs this file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from facelib.geometry.rasterizer_reference import rasterize_torch

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="needs triton, which comes with torch for CUDA")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def triangles_with_ties(seed: int, images: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random triangles around a 12 x 16 image, half their corners on pixel centres and edges.

    Among them a non-finite vertex, one before the near plane, one far outside and a triangle without area; before
    them a square whose corners are pixel centres.
    """
    generator = torch.Generator().manual_seed(seed)
    screen = torch.rand(images, 30, 3, generator=generator) * torch.tensor([24.0, 20.0, 4.0])
    screen += torch.tensor([-4.0, -4.0, 30.0])
    rounded = torch.rand(images, 30, 1, generator=generator) < 0.5
    screen = torch.where(rounded, (screen * 2).round() / 2, screen)
    screen[:, 0, 1], screen[:, 1, 2], screen[:, 2, 0] = torch.nan, -1.0, 1e12
    triangles = torch.randint(30, (count, 3), generator=generator, dtype=torch.int32)
    triangles[1] = triangles[0]
    triangles[2] = triangles[2, 0]
    square = torch.tensor([[2.5, 3.5, 20], [2.5, 8.5, 20], [7.5, 8.5, 20], [7.5, 3.5, 20]])
    halves = torch.tensor([[30, 31, 32], [32, 33, 30]], dtype=torch.int32)
    return torch.cat((screen, square.expand(images, -1, -1)), dim=1), torch.cat((triangles, halves))


def assert_equals_reference(device: str, count: int) -> None:
    from facelib.geometry.kernels.rasterizer_triton import rasterize_triton

    for seed, perspective, cull in ((0, True, False), (1, True, True), (2, False, False)):
        screen, triangles = triangles_with_ties(seed, images=2, count=count)
        plain = rasterize_torch(screen, triangles, 12, 16, perspective, cull)
        found = [
            value.cpu()
            for value in rasterize_triton(screen.to(device), triangles.to(device), 12, 16, perspective, cull)
        ]
        assert (plain[0] >= 0).any()
        assert torch.equal(found[0], plain[0])
        torch.testing.assert_close(found[1], plain[1], rtol=3e-7, atol=1e-12)
        torch.testing.assert_close(found[2], plain[2], rtol=3e-7, atol=0)


@needs_triton
def test_the_kernels_equal_the_reference_in_the_interpreter():
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    command = [sys.executable, str(Path(__file__))]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr


@needs_triton
@needs_cuda
def test_the_kernels_equal_the_reference_on_cuda():
    assert_equals_reference("cuda", count=500)


@needs_triton
@needs_cuda
def test_large_triangles_on_cuda():
    """Thousands of pixels a triangle, which one program draws in many blocks."""
    from facelib.geometry.rasterizer import rasterize

    generator = torch.Generator().manual_seed(3)
    screen = torch.rand(2, 90, 3, generator=generator) * torch.tensor([500.0, 400.0, 9.0]) + 1
    triangles = torch.arange(90).view(30, 3)
    plain = rasterize(screen, triangles, 400, 500, perspective=True, backend="torch")
    found = rasterize(screen.cuda(), triangles.cuda(), 400, 500, perspective=True, backend="triton")
    assert torch.equal(found.triangle.cpu(), plain.triangle)
    torch.testing.assert_close(found.depth.cpu(), plain.depth, rtol=3e-7, atol=0)


if __name__ == "__main__":
    assert_equals_reference("cpu", count=25)
