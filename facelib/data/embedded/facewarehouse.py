"""The FaceWarehouse counterpart (paper 5, section 5.4): expressive faces, each with a scan of the same expression.

Nine people show twenty expressions once each, nearly frontally, in a studio. In the data set, the truth is a template
mesh fitted to what a depth camera saw in many frames: the sensor's noise is averaged away, so scans have none.
Source: Deng et al., "Accurate 3D face reconstruction with weakly-supervised learning", CVPRW 2019, for the 180 faces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import OnImages, Person, check_counts, open_people, sample_pose
from facelib.data.embedded.posed_photographs import posed_photographs
from facelib.data.embedded.scans import own_scans
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import EXPRESSIONS, expression_coefficients
from facelib.faces.scene import SceneSettings


@dataclass(frozen=True)
class FaceWarehouseSettings:
    """The FaceWarehouse counterpart.

    Args:
        identities: number of people, others than in the other data sets.
        points: points of the scan of each photograph.
        reach: mm around the tip of the nose that a scan is cut to.
        scan_noise: standard deviation of a scan's depth, mm.
        seed: of people and scenes.
        yaw_spread, pitch_spread, roll_spread: standard deviations in degrees, cut at 2.5 of them.
        scene: camera, light and sensor.
    """

    archive: ClassVar[str] = "embedded_facewarehouse"
    version: ClassVar[int] = 1  # raise it when the generation changes: older data are then passed over

    identities: int = 9
    points: int = 5000
    reach: float = 95.0
    scan_noise: float = 0.0
    seed: int = 8
    yaw_spread: float = 5.0
    pitch_spread: float = 4.0
    roll_spread: float = 3.0
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            image_size=128, background="backdrop", crop=1.6, crop_jitter=0.04, light_variation=0.4, noise=0.015
        )
    )

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * len(EXPRESSIONS)


def open_facewarehouse(settings: FaceWarehouseSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The FaceWarehouse counterpart from the cache, generated where it is missing.

    Besides the arrays of `posed_photographs` there are those of `own_scans`: scan (N,), the photograph's own number;
    scans (N, points, 3), mm in the face frame, and scan_landmarks (N, 68, 3), all with the photograph's expression.

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on no identity or point, or more points than the scanner sees within reach.
    """
    check_counts(identities=settings.identities, points=settings.points)
    images = [len(EXPRESSIONS)] * settings.identities
    photograph_person = partial(_photograph_person, settings)
    return open_people(settings, settings.seed, images, photograph_person, on_images, resolution="fine")


def _photograph_person(
    settings: FaceWarehouseSettings, model: MorphableModel, person: Person, number: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """All expressions of one identity in turn, at their usual strength."""
    count = len(EXPRESSIONS)
    action = expression_coefficients(model, list(EXPRESSIONS))
    pose = sample_pose(count, (settings.yaw_spread, settings.pitch_spread, settings.roll_spread), generator)
    nothing = np.full(count, Occluder.NOTHING, np.int16)
    arrays = posed_photographs(model, person, action, pose, nothing, settings.scene, generator)
    arrays |= {"expression": np.arange(count, dtype=np.int16)}
    return arrays | own_scans(model, arrays, number * count, settings, generator)
