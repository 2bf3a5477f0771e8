"""From samples to pixels: a picture rasterized at a multiple of its size, averaged over each pixel's samples.

One pass over the fragments blends vertex attributes, counts covered samples and averages depth, without ever holding
the enlarged picture. The torch reference blends at full size and pools.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from torch.nn import functional

from facelib.errors import BadInput
from facelib.geometry.rasterizer import Fragments, check_attributes, interpolate
from facelib.geometry.threads import share_among_threads


@dataclass(frozen=True)
class Pixels:
    """Averages over the samples of each pixel.

    Args:
        value: (B, C, H, W) attributes, empty samples counting as zero.
        cover: (B, H, W) share of samples that show a triangle, 0 to 1.
        depth: (B, H, W) mean depth of the covered samples in mm, 0 where there is none.
    """

    value: torch.Tensor
    cover: torch.Tensor
    depth: torch.Tensor


def average_samples(attributes: torch.Tensor, triangles: torch.Tensor, fragments: Fragments, samples: int) -> Pixels:
    """Vertex attributes, cover and depth of pixels that consist of samples x samples fragments.

    On the CPU in float32, where no gradient is asked for, a numba kernel computes the same as the torch code.

    Args:
        attributes: (B or 1, V, C) one row a vertex.
        triangles: (T, 3) vertex ids, those that were rasterized.
        fragments: of B images of (samples H) x (samples W).
        samples: of a pixel along each axis.

    Raises:
        BadInput: on wrong shapes, other triangles, two devices, or a size that `samples` does not divide.
    """
    height, width = fragments.triangle.shape[1:]
    if samples < 1 or height % samples or width % samples:
        raise BadInput(f"{height} x {width} fragments, {samples} samples a pixel: expected a whole number of pixels")
    check_attributes(attributes, triangles, fragments)
    requires_grad = attributes.requires_grad or fragments.barycentric.requires_grad
    wants_gradient = requires_grad and torch.is_grad_enabled()
    on_kernel = attributes.device.type == "cpu" and attributes.dtype == torch.float32 and not wants_gradient
    average = _average_numba if on_kernel else _average_torch
    return average(attributes, triangles, fragments, samples)


def _average_torch(attributes: torch.Tensor, triangles: torch.Tensor, fragments: Fragments, samples: int) -> Pixels:
    value = interpolate(attributes, triangles, fragments).permute(0, 3, 1, 2)  # (B, C, sH, sW)
    seen = fragments.mask[:, None]
    cover = functional.avg_pool2d(seen.to(value.dtype), samples)
    depth = functional.avg_pool2d(fragments.depth.to(value.dtype)[:, None].where(seen, 0.0), samples)
    depth = torch.where(cover > 0, depth / cover.clamp(min=0.5 / samples**2), 0.0)
    return Pixels(functional.avg_pool2d(value, samples), cover[:, 0], depth[:, 0])


def _average_numba(attributes: torch.Tensor, triangles: torch.Tensor, fragments: Fragments, samples: int) -> Pixels:
    batch, height, width = fragments.triangle.shape
    rows, columns = height // samples, width // samples
    value = torch.empty(batch, attributes.shape[-1], rows, columns)
    cover, depth = torch.empty(batch, rows, columns), torch.empty(batch, rows, columns)
    share_among_threads(
        _average_rows,
        batch * rows,
        attributes.detach().contiguous().numpy(),
        triangles.to(torch.int32).contiguous().numpy(),
        fragments.triangle.contiguous().numpy(),
        fragments.barycentric.detach().contiguous().numpy(),
        fragments.depth.contiguous().numpy(),
        samples,
        value.numpy(),
        cover.numpy(),
        depth.numpy(),
    )
    return Pixels(value, cover, depth)


@njit(cache=True, nogil=True)
def _average_rows(  # type: ignore[no-untyped-def]
    first, last, attributes, triangles, triangle, barycentric, sample_depth, samples, value, cover, depth
):
    channels, height, width = value.shape[1:]
    for row in range(first, last):
        image, i = row // height, row % height
        corners = attributes[image % len(attributes)]
        value[image, :, i] = 0
        for j in range(width):
            seen, distance = 0, np.float32(0)
            for y in range(i * samples, (i + 1) * samples):
                for x in range(j * samples, (j + 1) * samples):
                    t = triangle[image, y, x]
                    if t < 0:
                        continue
                    seen += 1
                    distance += sample_depth[image, y, x]
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    weights = barycentric[image, y, x]
                    for k in range(channels):
                        value[image, k, i, j] += (
                            weights[0] * corners[a, k] + weights[1] * corners[b, k] + weights[2] * corners[c, k]
                        )
            count = np.float32(samples * samples)
            for k in range(channels):
                value[image, k, i, j] /= count
            cover[image, i, j] = np.float32(seen) / count
            depth[image, i, j] = distance / np.float32(max(seen, 1))
