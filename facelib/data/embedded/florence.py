"""The Florence counterpart (paper 3, section IV.A): faces to be reconstructed, and a scan of each.

Each person is photographed in 20 poses with a neutral expression. The scan is no mesh of the face model: it holds the
points at which a structured-light scanner's rays from all around meet the finer head, a little noisy, in no order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import ClassVar, Protocol

import numpy as np
import torch

from facelib.conventions import OUTER_EYE_CORNERS
from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import OnImages, Person, check_counts, open_people
from facelib.data.embedded.posed_photographs import check_camera, posed_photographs
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import EXPRESSIONS
from facelib.faces.scene import SceneSettings
from facelib.geometry.rasterizer import interpolate, rasterize

NOSE_TIP = 30  # landmark
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


@dataclass(frozen=True)
class FlorenceSettings:
    """The Florence counterpart.

    Args:
        identities: number of people, others than in the other data sets.
        pitches, yaws: degrees; each person is seen in all pairs of them.
        points: points of a scan.
        reach: mm around the tip of the nose that a scan is cut to.
        scan_noise: standard deviation of a scan's depth, mm.
        seed: of people and scenes.
        scene: camera, light and sensor.
    """

    archive: ClassVar[str] = "embedded_florence"
    version: ClassVar[int] = 4  # raise it when the generation changes: older data are then passed over

    identities: int = 53
    pitches: tuple[float, ...] = (-15.0, 0.0, 20.0, 25.0)
    yaws: tuple[float, ...] = (-80.0, -40.0, 0.0, 40.0, 80.0)
    points: int = 19000
    reach: float = 95.0
    scan_noise: float = 0.15
    seed: int = 6
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            image_size=128,
            camera="weak_perspective",
            background="plain",
            crop=1.6,
            light_variation=0.4,
            crop_jitter=0.0,
        )
    )

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * len(self.pitches) * len(self.yaws)


def open_florence(settings: FlorenceSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The Florence counterpart from the cache, generated where it is missing.

    Besides the arrays that `facelib.data.posed_faces` names it has scan (N,), the number of the person's scan; scans
    (I, points, 3), mm in the face frame; and scan_corners (I, 2, 3), the outer corners of the right and left eye.

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on no identity, pose or point, more points than the scanner sees within reach, or a camera with
            perspective.
    """
    poses = len(settings.pitches) * len(settings.yaws)
    check_counts(identities=settings.identities, poses=poses, points=settings.points)
    check_camera(settings.scene)
    images = [poses] * settings.identities
    photograph_person = partial(_photograph_person, settings)
    return open_people(settings, settings.seed, images, photograph_person, on_images, resolution="fine")


def _photograph_person(
    settings: FlorenceSettings, model: MorphableModel, person: Person, number: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """All photographs of one identity, pitch by pitch, and the scan."""
    angles = [(yaw, pitch, 0.0) for pitch, yaw in product(settings.pitches, settings.yaws)]
    pose = torch.deg2rad(torch.tensor(angles))
    count = len(pose)
    neutral = torch.zeros(count, len(model.expression_basis))
    nothing = np.full(count, Occluder.NOTHING, np.int16)
    head = model.vertices(person[0])
    return posed_photographs(model, person, neutral, pose, nothing, settings.scene, generator) | {
        "expression": np.full(count, list(EXPRESSIONS).index("neutral"), np.int16),
        "scan": np.full(count, number, np.int32),
        "scans": scan_of(model, head, settings, generator)[None].numpy(),
        "scan_corners": head[:, model.landmarks[list(OUTER_EYE_CORNERS)]].numpy(),
    }


def scan_of(
    model: MorphableModel, head: torch.Tensor, settings: ScanSettings, generator: torch.Generator
) -> torch.Tensor:
    """Points (points, 3) in mm of a head (1, V, 3), some of those within reach of the nose's tip.

    Raises:
        BadInput: for more points than the scanner sees there.
    """
    tip = head[0, model.landmarks[NOSE_TIP]]
    points = _scanned(head, model.triangles, float(tip[1]), settings.reach)
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
