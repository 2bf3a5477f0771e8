"""Iterative closest points with isotropic scale, to points or to planes, on trimmed pairs.

Each step pairs every source point with the nearest target point, drops the pairs that are too far or among the worst,
and moves the source to fit the rest: in closed form to the points (Umeyama), or to the planes through them by one step
of linearised least squares. Deterministic; no gradient flows through it. Sums are taken in float64.
Sources: Besl and McKay, "A method for registration of 3-D shapes", PAMI 1992; Chen and Medioni, "Object modelling by
registration of multiple range images", IVC 1992; Chetverikov et al., "The trimmed iterative closest point algorithm",
ICPR 2002 (the share of pairs).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from facelib.errors import BadInput, DegenerateInput, check_finite, check_shape
from facelib.geometry.alignment import Similarity, least_spread
from facelib.geometry.kernels.icp import Follower, sum_pairs
from facelib.geometry.kernels.search_tree import build_tree
from facelib.geometry.neighbours import nearest
from facelib.geometry.point_clouds import check_clouds, has_kernel
from facelib.geometry.point_to_plane import step_to_planes
from facelib.geometry.procrustes import nearest_rotation

_LEAST_PAIRS = 3
_LEAST_SCALE = 1e-6


@dataclass(frozen=True)
class IcpResult:
    """Where ICP arrived and how.

    Args:
        transform: from source to target, without batch dimension, in the dtype of the source.
        residuals: (iterations + 1,) float64, mm: root mean square over the pairs kept, of their distance or, with
            normals, their distance along the normal; first at the start, last at `transform`.
        iterations: steps done.
        converged: whether the residual changed by less than the tolerance in the last step.
    """

    transform: Similarity
    residuals: torch.Tensor
    iterations: int
    converged: bool


@torch.no_grad()
def icp(
    source: torch.Tensor,
    target: torch.Tensor,
    *,
    target_normals: torch.Tensor | None = None,
    start: Similarity | None = None,
    scale: bool = True,
    keep: float = 1.0,
    max_distance: float = math.inf,
    iterations: int = 30,
    tolerance: float = 1e-5,
) -> IcpResult:
    """The similarity, or rigid motion, that brings the source onto the target.

    Args:
        source: (N, 3), mm.
        target: (M, 3), mm.
        target_normals: (M, 3) of any length: fits distances along these instead of distances. Pairs whose normal is
            zero are dropped. Motions that the planes leave open, such as sliding on a plane, are not made.
        start: first guess, without batch dimension; None leaves the source where it is.
        scale: whether to fit the scale, too; else that of the start stays.
        keep: share of the pairs within `max_distance` that is fitted, the nearest of them, over 0 to 1. Pairs exactly
            as far as the last one kept are kept, too.
        max_distance: pairs further apart than this, in mm, are dropped.
        iterations: steps at most, at least 1.
        tolerance: mm; stops once the residual changes by less in a step; 0 never stops early.

    Raises:
        BadInput: on wrong shapes, empty clouds, two dtypes or devices, or settings out of range.
        DegenerateInput: on non-finite values, fewer than 3 pairs left in a step, a start without size, or, with scale,
            source points in one place or a source that shrank to a point.
    """
    _check_settings(keep, max_distance, iterations, tolerance)
    for name, points in (("source", source), ("target", target)):
        check_shape(name, points, (None, 3))
    check_clouds({"source": source[None], "target": target[None]})
    if scale and not ((source - source.mean(dim=0)).abs().max() > least_spread(source[None])):
        raise DegenerateInput("the source has all its points in one place: give at least two, or fit without scale")
    transform = _checked_start(start, source)
    normals = None if target_normals is None else _unit_normals(target_normals, target)
    # About the centre of the target the coordinates are smallest, and so is what rounding takes from them.
    centre = _shift(target.double().mean(dim=0))
    points, aim = centre.inverse().apply(source.double()), centre.inverse().apply(target.double())
    transform = centre.inverse().compose(transform).compose(centre)
    match = _matcher(points, aim, target.dtype)

    residuals: list[float] = []
    while True:
        moved, distances, indices = match(transform)
        error = distances.double() if normals is None else ((aim[indices] - moved) * normals[indices]).sum(-1)
        kept = _kept_pairs(distances, keep, max_distance, None if normals is None else normals[indices].any(-1))
        residuals.append(float((error**2 * kept).sum() / kept.sum()) ** 0.5)
        converged = len(residuals) > 1 and abs(residuals[-1] - residuals[-2]) < tolerance
        if converged or len(residuals) > iterations:
            break
        if normals is None:
            step = _step_to_points(moved, aim, indices, kept, scale)
        else:
            step = step_to_planes(moved, error, normals[indices], kept, scale)
        transform = step.compose(transform)
        if not _LEAST_SCALE <= transform.scale < math.inf:
            what = "shrank to a point" if transform.scale < _LEAST_SCALE else "grew beyond all bounds"
            raise DegenerateInput(f"the source {what}: start closer to the target, lower keep, or fit without scale")
    transform = centre.compose(transform).compose(centre.inverse())
    return IcpResult(
        _cast(transform, source.dtype), torch.tensor(residuals, dtype=torch.float64), len(residuals) - 1, converged
    )


def _matcher(
    source: torch.Tensor, target: torch.Tensor, dtype: torch.dtype
) -> Callable[[Similarity], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """What moves the source (N, 3) and finds distances and indices (N,) of the nearest target points, in this dtype."""
    target = target.to(dtype)
    if not has_kernel(target):

        def search(transform: Similarity) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            moved = transform.apply(source)
            found = nearest(moved[None].to(dtype), target[None])
            return moved, found.distances[0], found.indices[0]

        return search

    # Neighbours in space side by side in memory: one search after the other finds what it needs in the cache.
    order = build_tree(source[None].numpy()).order[0]
    follower = Follower(source.numpy()[order], target.numpy())

    def follow(transform: Similarity) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found = follower.match((transform.scale * transform.rotation).numpy(), transform.translation.numpy())
        moved, distances, indices = (torch.from_numpy(array) for array in found)
        return moved, distances, indices

    return follow


def _kept_pairs(distance: torch.Tensor, keep: float, max_distance: float, usable: torch.Tensor | None) -> torch.Tensor:
    """(N,) bool."""
    kept = distance <= max_distance
    if usable is not None:
        kept &= usable
    count = int(kept.sum())
    if keep < 1 and count:
        worst = distance[kept].kthvalue(math.ceil(keep * count)).values
        kept &= distance <= worst
        count = int(kept.sum())
    if count < _LEAST_PAIRS:
        raise DegenerateInput(
            f"{count} pairs within {max_distance} mm are left of {len(distance)}: expected at least {_LEAST_PAIRS}; "
            "start closer to the target, or raise max_distance or keep"
        )
    return kept


def _step_to_points(
    moved: torch.Tensor, aim: torch.Tensor, indices: torch.Tensor, kept: torch.Tensor, scale: bool
) -> Similarity:
    """Umeyama's closed form, from sums over the pairs (x, y)."""
    sums, squares = (_sum_pairs_numba if has_kernel(moved) else _sum_pairs_torch)(moved, aim, indices, kept)
    means = sums / sums[3, 3]
    x, y = means[:3, 3], means[3, :3]
    covariance = means[:3, :3].mT - torch.outer(y, x)
    rotation = nearest_rotation(covariance)
    growth = (rotation * covariance).sum() / (squares / sums[3, 3] - x @ x) if scale else torch.ones_like(squares)
    return Similarity(growth, rotation, y - growth * rotation @ x)


def _sum_pairs_numba(
    moved: torch.Tensor, aim: torch.Tensor, indices: torch.Tensor, kept: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    sums, squares = sum_pairs(moved.numpy(), aim.numpy(), indices.numpy(), kept.numpy())
    return torch.from_numpy(sums), torch.tensor(squares, dtype=torch.float64)


def _sum_pairs_torch(
    moved: torch.Tensor, aim: torch.Tensor, indices: torch.Tensor, kept: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The reference: the rows of (x, 1) times (y, 1), and of x . x."""
    x, y = (torch.nn.functional.pad(points[kept], (0, 1), value=1.0) for points in (moved, aim[indices]))
    return x.mT @ y, (x[:, :3] ** 2).sum()


def _unit_normals(normals: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    check_shape("target_normals", normals, tuple(target.shape))
    check_finite("target_normals", normals)
    if normals.device != target.device:
        raise BadInput(f"target_normals are on {normals.device}, the target on {target.device}: move one of them")
    return torch.nn.functional.normalize(normals.double(), dim=-1)


def _checked_start(start: Similarity | None, source: torch.Tensor) -> Similarity:
    if start is None:
        return _shift(source.new_zeros(3, dtype=torch.float64))
    for name, value, shape in (
        ("scale", start.scale, ()),
        ("rotation", start.rotation, (3, 3)),
        ("translation", start.translation, (3,)),
    ):
        check_shape(f"start.{name}", value, shape)
        check_finite(f"start.{name}", value)
        if value.device != source.device:
            raise BadInput(f"start.{name} is on {value.device}, the source on {source.device}: move one of them")
    if not start.scale > _LEAST_SCALE:
        raise DegenerateInput(f"start.scale is {float(start.scale):g}: expected more than {_LEAST_SCALE:g}")
    return _cast(start, torch.float64)


def _shift(translation: torch.Tensor) -> Similarity:
    eye = torch.eye(3, dtype=translation.dtype, device=translation.device)
    return Similarity(eye[0, 0], eye, translation)


def _cast(transform: Similarity, dtype: torch.dtype) -> Similarity:
    return Similarity(transform.scale.to(dtype), transform.rotation.to(dtype), transform.translation.to(dtype))


def _check_settings(keep: float, max_distance: float, iterations: int, tolerance: float) -> None:
    if not 0 < keep <= 1:
        raise BadInput(f"keep is {keep}: expected a share over 0 and up to 1")
    if not max_distance > 0:
        raise BadInput(f"max_distance is {max_distance}: expected a positive length in mm, or infinity")
    if iterations < 1:
        raise BadInput(f"iterations are {iterations}: expected at least 1")
    if not tolerance >= 0:
        raise BadInput(f"tolerance is {tolerance}: expected zero or a positive length in mm")
