"""The clips of the Florence counterpart (paper 5, section 5.2): three conditions of increasing difficulty, and a scan.

The people are those of the twenty poses (paper 3). Frames of a clip are photographs of one person in one condition,
each with its own pose, light and expression; people wear their hair otherwise in each.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.florence import FlorenceSettings
from facelib.data.embedded.generation import (
    OnImages,
    Person,
    check_counts,
    open_people,
    sample_expressions,
    sample_pose,
)
from facelib.data.embedded.posed_photographs import posed_photographs
from facelib.data.embedded.scans import scans_of
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.scene import SceneSettings


@dataclass(frozen=True)
class Condition:
    """How difficult a clip is.

    Args:
        yaw, pitch, roll: standard deviations in degrees, cut at 2.5 of them.
        expression: the strongest.
        scene: what is other than in the settings' scene.
    """

    yaw: float
    pitch: float
    roll: float
    expression: float
    scene: dict[str, Any]


CONDITIONS: dict[str, Condition] = {
    "cooperative": Condition(10.0, 6.0, 4.0, 0.2, {"background": "backdrop", "light_variation": 0.3}),
    "indoor": Condition(16.0, 9.0, 6.0, 0.5, {"light_variation": 0.7, "noise": 0.02, "blur": 0.8}),
    "outdoor": Condition(20.0, 12.0, 8.0, 0.7, {"light_variation": 1.0, "noise": 0.03, "blur": 1.2, "exposure": 0.4}),
}


@dataclass(frozen=True)
class FlorenceClipsSettings:
    """The clips.

    Args:
        identities: number of people.
        frames: of each person in each condition.
        points, reach, scan_noise: of the scans, as `FlorenceSettings` has them.
        seed: of the people, who are those of the twenty poses.
        scene: camera, light and sensor, of which each condition changes some.
    """

    archive: ClassVar[str] = "embedded_florence_clips"
    version: ClassVar[int] = 1  # raise it when the generation changes: older data are then passed over

    identities: int = 53
    frames: int = 5
    points: int = FlorenceSettings.points
    reach: float = FlorenceSettings.reach
    scan_noise: float = FlorenceSettings.scan_noise
    seed: int = FlorenceSettings.seed
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(image_size=128, background="structured", crop=1.6, crop_jitter=0.04)
    )

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * self.frames * len(CONDITIONS)


def open_florence_clips(settings: FlorenceClipsSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The clips from the cache, generated where they are missing.

    Besides the arrays of `posed_photographs` there are condition (N,), the number of each in `CONDITIONS`; scan (N,),
    the number of the person's scan; scans (I, points, 3), mm in the face frame, and scan_landmarks (I, 68, 3).

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on no identity, frame or point, or more points than the scanner sees within reach.
    """
    check_counts(identities=settings.identities, frames=settings.frames, points=settings.points)
    images = [settings.frames * len(CONDITIONS)] * settings.identities
    return open_people(settings, settings.seed, images, partial(_film_person, settings), on_images, resolution="fine")


def _film_person(
    settings: FlorenceClipsSettings, model: MorphableModel, person: Person, number: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """All clips of one identity, and the scan."""
    clips = [_clip(settings, model, person, condition, generator) for condition in CONDITIONS.values()]
    arrays = {name: np.concatenate([clip[name] for clip in clips]) for name in clips[0]}
    numbers: dict[str, np.ndarray] = {
        "condition": np.repeat(np.arange(len(CONDITIONS), dtype=np.int16), settings.frames),
        "scan": np.full(len(arrays["pose"]), number, np.int32),
    }
    return arrays | numbers | scans_of(model, model.vertices(person[0]), settings, generator)


def _clip(
    settings: FlorenceClipsSettings,
    model: MorphableModel,
    person: Person,
    condition: Condition,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    count = settings.frames
    pose = sample_pose(count, (condition.yaw, condition.pitch, condition.roll), generator)
    action, expression = sample_expressions(model, count, condition.expression, generator)
    nothing, scene = np.full(count, Occluder.NOTHING, np.int16), replace(settings.scene, **condition.scene)
    arrays = posed_photographs(model, person, action, pose, nothing, scene, generator)
    return arrays | {"expression": expression.numpy().astype(np.int16)}
