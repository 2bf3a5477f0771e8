"""Chamfer distance between clouds, with a threshold, differentiable through the chosen pairs.

Each point of one cloud is paired with the nearest point of the other. Pairs further apart than the threshold are noise
and are dropped; the threshold is a length and is compared with lengths, squared distance or not (paper 4 compares its
threshold of 30 mm with a square in eq. 7, which we read as the length). What remains is averaged.
"""

from __future__ import annotations

import torch

from facelib.errors import BadInput
from facelib.geometry.neighbours import nearest
from facelib.geometry.point_clouds import check_clouds


def chamfer(
    first: torch.Tensor,
    second: torch.Tensor,
    threshold: float | None = None,
    *,
    squared: bool = False,
    one_sided: bool = False,
    require_pairs: bool = False,
) -> torch.Tensor:
    """Mean distance, or squared distance, from each cloud to the other, both ways added.

    Differentiable to both clouds; the choice of pairs is held fixed. The distance that is not squared has no gradient
    where two points coincide; it is zero there.

    Args:
        first: (B, N, 3), mm; landmarks, where one side is asked for.
        second: (B, M, 3), mm.
        threshold: pairs further apart than this, in mm, are dropped; None keeps all.
        squared: whether distances are squared.
        one_sided: only from `first` to `second`.
        require_pairs: refuse a cloud all of whose pairs are dropped, as an evaluation should. Otherwise its mean is
            zero with zero gradient, so that training goes on.

    Returns:
        (B,), mm or mm^2.

    Raises:
        BadInput: on wrong shapes, an empty cloud, non-finite coordinates, two dtypes or devices, a threshold that is
            not positive, or no pairs where they are required.
    """
    check_clouds({"first": first, "second": second}, dimensions=3)
    if threshold is not None and not threshold > 0:
        raise BadInput(f"threshold is {threshold}: expected a positive length in mm, or None to keep all pairs")
    ways = [(first, second)] if one_sided else [(first, second), (second, first)]
    return torch.stack([_one_way(*way, threshold, require_pairs, squared) for way in ways]).sum(dim=0)


def _one_way(
    points: torch.Tensor, others: torch.Tensor, threshold: float | None, require_pairs: bool, squared: bool
) -> torch.Tensor:
    distance, index = nearest(points, others)
    kept = torch.ones_like(index, dtype=torch.bool) if threshold is None else distance <= threshold
    if require_pairs and not kept.any(dim=1).all():
        cloud = int((~kept.any(dim=1)).nonzero()[0])
        raise BadInput(
            f"cloud {cloud} has no pair within {threshold} mm, the nearest is {float(distance[cloud].min()):.4g} mm "
            "apart: align the clouds first, check their unit, or widen the threshold"
        )
    partner = others.gather(1, index[..., None].expand(-1, -1, 3))
    square = ((points - partner) ** 2).sum(-1)
    # The root has no gradient at zero: a zero is replaced before the root, not after.
    apart = square > 0
    error = square if squared else torch.where(apart, square.where(apart, 1).sqrt(), 0)
    return (error * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
