"""Squares cut out of an image at another size, without aliasing."""

from __future__ import annotations

import math

import torch


def resampled_square(
    pixels: torch.Tensor, left: float, top: float, side: float, size: int, *, as_border: bool = False
) -> torch.Tensor:
    """A square of an image as (C, size, size).

    Args:
        pixels: (C, H, W).
        left, top, side: of the square in pixels; corners lie at whole numbers.
        size: of the result in pixels.
        as_border: whether what lies beyond the image is as at its border, instead of 0.
    """
    (down, rows), (across, columns) = (
        _averaging(first, side, size, count, as_border)
        for first, count in zip((top, left), pixels.shape[1:], strict=True)
    )
    return down @ pixels[:, rows, columns] @ across.T


def _averaging(first: float, length: float, size: int, count: int, as_border: bool) -> tuple[torch.Tensor, slice]:
    """Pixels of a crop along one axis as means of some of the image's: weights (size, some), and which.

    Triangles as wide as the coarser of both pixels: linear when enlarging, without aliasing when reducing. The crop
    starts at `first` and is `length` long in the image, whose `count` pixels lie among zeros or repeat at its border.
    """
    step = length / size
    reach = max(step, 1.0)
    centres = first + step * (torch.arange(size, dtype=torch.float64) + 0.5)
    numbers = torch.arange(math.floor(first - reach), math.ceil(first + length + reach) + 1)
    weights = (1 - (numbers + 0.5 - centres[:, None]).abs() / reach).clamp(min=0)
    weights /= weights.sum(dim=1, keepdim=True)
    if as_border:
        nearest, column = numbers.clamp(0, count - 1).unique(return_inverse=True)
        weights = weights.new_zeros(size, len(nearest)).index_add_(1, column, weights)
        numbers = nearest
    inside = (numbers >= 0) & (numbers < count)
    start = int(numbers[inside][0]) if inside.any() else 0
    return weights[:, inside].float(), slice(start, start + int(inside.sum()))
