"""Scans of heads: what a scanner's rays from all around meet, in no order and no mesh of the face model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch

from facelib.conventions import NOSE_TIP
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.scanners import IN_MOUTH, triangles_without
from facelib.geometry.rasterizer import interpolate, rasterize

RAY_ANGLE, RAY_STEP = math.radians(0.6), 0.9  # between a scanner's rays: about the head, and along its height in mm
HALF_ANGLE = math.radians(100)  # that the scanner sees to either side


class ScanSettings(Protocol):
    """What a scan is like, as `FlorenceSettings` says it."""

    @property
    def points(self) -> int: ...
    @property
    def reach(self) -> float: ...
    @property
    def scan_noise(self) -> float: ...


def own_scans(
    model: MorphableModel,
    photographs: Mapping[str, np.ndarray],
    first: int,
    settings: ScanSettings,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """A scan of each photograph's head with its expression, of which what is seen in an open mouth is left out.

    Args:
        model: the face model.
        photographs: shape (N, K) and action (N, E) of each.
        first: number of the first scan.
        settings: of the scans.
        generator: of all randomness.

    Returns:
        scan (N,), numbers from `first` up, and the arrays of `scans_of`.

    Raises:
        BadInput: as `scan_of`.
    """
    shape, action = (torch.from_numpy(photographs[name]) for name in ("shape", "action"))
    numbers = first + np.arange(len(shape), dtype=np.int32)
    heads = model.vertices(shape, action)
    return {"scan": numbers} | scans_of(model, heads, settings, generator, without=IN_MOUTH)


def scans_of(
    model: MorphableModel,
    heads: torch.Tensor,
    settings: ScanSettings,
    generator: torch.Generator,
    *,
    without: tuple[str, ...] = (),
) -> dict[str, np.ndarray]:
    """A scan of each head (N, V, 3): scans (N, points, 3), mm in the face frame, and scan_landmarks (N, 68, 3).

    Raises:
        BadInput: as `scan_of`.
    """
    scans = [scan_of(model, head[None], settings, generator, without=without) for head in heads]
    return {"scans": torch.stack(scans).numpy(), "scan_landmarks": heads[:, model.landmarks].numpy()}


def scan_of(
    model: MorphableModel,
    head: torch.Tensor,
    settings: ScanSettings,
    generator: torch.Generator,
    *,
    without: tuple[str, ...] = (),
) -> torch.Tensor:
    """Points (points, 3) in mm of a head (1, V, 3), some of those within reach of the nose's tip.

    Args:
        model: the face model.
        head: mm, face frame.
        settings: of the scan.
        generator: of its noise, and of the choice of points.
        without: regions that the scanner does not see.

    Raises:
        BadInput: for more points than the scanner sees there.
    """
    tip = head[0, model.landmarks[NOSE_TIP]]
    points = _scanned(head, triangles_without(model, without), float(tip[1]), settings.reach)
    radially = points * torch.tensor([1.0, 0.0, 1.0])
    radially = radially / radially.norm(dim=1, keepdim=True)
    points = points + settings.scan_noise * torch.randn(len(points), 1, generator=generator) * radially
    points = points[(points - tip).norm(dim=1) < settings.reach]
    if len(points) < settings.points:
        raise BadInput(
            f"a scan has {len(points)} points within {settings.reach:g} mm of the nose, {settings.points} are asked "
            "for: lower points or raise reach"
        )
    return points[torch.randperm(len(points), generator=generator)[: settings.points]]


def _scanned(head: torch.Tensor, triangles: torch.Tensor, height: float, reach: float) -> torch.Tensor:
    """Where rays towards the y axis first meet a head (1, V, 3): (M, 3) mm, from `reach` below `height` to above.

    The rays' grid is an image of the unrolled head, in which the farthest from the axis is the nearest.
    """
    x, y, z = head.unbind(-1)
    rows, columns = math.ceil(2 * reach / RAY_STEP), math.ceil(2 * HALF_ANGLE / RAY_ANGLE)
    angle = torch.atan2(x, z)
    screen = torch.stack(
        ((angle + HALF_ANGLE) / RAY_ANGLE, (height + reach - y) / RAY_STEP, -torch.hypot(x, z)), dim=-1
    )
    turn = angle[0, triangles]
    drawn = triangles[turn.amax(dim=1) - turn.amin(dim=1) < math.pi]  # without those that cross the seam at the back
    seen = rasterize(screen, drawn, rows, columns, perspective=False)
    return interpolate(head, drawn, seen)[seen.mask]
