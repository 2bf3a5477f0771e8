"""The Florence counterpart (paper 3, section IV.A): faces to be reconstructed, and a scan of each.

Each person is photographed in 20 poses with a neutral expression. The scan is no mesh of the face model: it holds the
points at which a structured-light scanner's rays from all around meet the finer head, a little noisy, in no order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import ClassVar

import numpy as np
import torch

from facelib.conventions import OUTER_EYE_CORNERS
from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import OnImages, Person, check_counts, open_people
from facelib.data.embedded.posed_photographs import check_camera, posed_photographs
from facelib.data.embedded.scans import scan_of
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import EXPRESSIONS
from facelib.faces.scene import SceneSettings


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
