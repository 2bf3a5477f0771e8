"""The counterpart of web photographs, for the pretraining of papers 1 and 2.

Many people, others than FaceScape's, in uncontrolled pose, light, expression, blur and background; no clouds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import (
    OnImages,
    expressive_heads,
    generator_of,
    open_generated,
    photograph,
    spread,
)
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import People, sample_people
from facelib.faces.scene import SceneSettings


@dataclass(frozen=True)
class WebFacesSettings:
    """The counterpart of web photographs.

    Args:
        identities: number of people, others than FaceScape's.
        images: photographs of each.
        seed: of people and scenes.
        yaw_spread, pitch_spread, roll_spread: standard deviations in degrees; yaw stays within 90.
        scene: camera, light and sensor.
    """

    archive: ClassVar[str] = "embedded_web_faces"
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    identities: int = 1000
    images: int = 40
    seed: int = 2
    yaw_spread: float = 28.0
    pitch_spread: float = 10.0
    roll_spread: float = 6.0
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            image_size=112, background="structured", light_variation=1.0, noise=0.03, blur=1.2, crop_jitter=0.04
        )
    )

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * self.images


def open_web_faces(settings: WebFacesSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of web photographs from the cache, generated where it is missing.

    Args:
        settings: which one.
        on_images: told the number of images after each identity, for a progress bar.

    Raises:
        BadInput: on fewer than one identity or image.
    """
    if settings.identities < 1 or settings.images < 1:
        raise BadInput(f"{settings.identities} identities and {settings.images} images: expected at least one of each")
    model = load_face_model("coarse")
    people = cache(lambda: sample_people(model, settings.identities, settings.seed))
    return open_generated(
        settings,
        settings.identities,
        lambda number: _web_identity(model, people(), settings, number),
        lambda: on_images(settings.images),
    )


def _web_identity(
    model: MorphableModel, people: People, settings: WebFacesSettings, number: int
) -> dict[str, np.ndarray]:
    """All photographs of one identity, each with an expression of its own at some strength."""
    generator = generator_of(settings.seed, number)
    count = settings.images
    heads, expression = expressive_heads(model, people.identity[number : number + 1], count, 1.0, generator)
    spreads = (settings.yaw_spread, settings.pitch_spread, settings.roll_spread)
    yaw, pitch, roll = spread(count, spreads, 2.5, generator)
    pose = torch.deg2rad(torch.stack((yaw.clamp(-90, 90), pitch, roll), dim=1))
    albedo = model.albedo(people.texture[number : number + 1])
    images, angle = photograph(model, heads, albedo, pose, settings.scene, generator)
    return {
        "images": images,
        "identity": np.full(count, number, np.int32),
        "expression": expression.numpy().astype(np.int16),
        "angle": angle,
        "pose": pose.numpy(),
        "cloud": np.full(count, -1, np.int32),
    }
