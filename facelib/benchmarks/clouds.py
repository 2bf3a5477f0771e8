"""The clouds of the benchmarks: points at random places of a surface as large and as uneven as a head."""

from __future__ import annotations

import torch


def head_cloud(count: int, seed: int) -> torch.Tensor:
    """(count, 3) float32, mm: an ellipsoid with bumps, a nose towards z, and fewer points where it bulges."""
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(count, 3, generator=generator)
    direction = direction / direction.norm(dim=-1, keepdim=True)
    x, y, z = direction.unbind(-1)
    bumps = 0.04 * torch.sin(7 * torch.acos(y.clamp(-1, 1))) * torch.cos(9 * torch.atan2(x, z))
    nose = 0.3 * torch.exp(-((1 - z) / 0.01))
    return direction * (1 + bumps + nose)[:, None] * torch.tensor([75.0, 100.0, 95.0])
