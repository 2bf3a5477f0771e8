"""How scans are prepared, and how images of surfaces are varied for training; known without torch."""

from __future__ import annotations

from dataclasses import dataclass

from facelib.errors import BadInput


@dataclass(frozen=True)
class PreparationSettings:
    """How scans are prepared.

    Args:
        size: rows and columns of the images.
        cell: side of a cell, mm.
        reach: mm around the tip of the nose to which a scan is cut.
        spike: mm by which a sample may be off the median of those around it.
        largest_hole: samples of a hole that is filled.
        window: side of the window that planes are fitted to, cells.
    """

    size: int = 112
    cell: float = 1.45
    reach: float = 95.0
    spike: float = 3.0
    largest_hole: int = 250
    window: int = 5


@dataclass(frozen=True)
class SurfaceVariation:
    """How far images are varied.

    Args:
        mirror: share of the faces that are mirrored.
        crop: largest shift along each axis, either way, mm.
        pose: standard deviation of each angle of a residual pose, degrees.
        noise: standard deviation of each cell's depth, mm.

    Raises:
        BadInput: for a share that is none, or a negative number.
    """

    mirror: float = 0.5
    crop: float = 8.0
    pose: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        limits = {"mirror": 1.0, "crop": 50.0, "pose": 30.0, "noise": 20.0}
        for name, most in limits.items():
            if not 0 <= getattr(self, name) <= most:
                raise BadInput(f"{name} is {getattr(self, name)}: expected 0 to {most:g}")
