"""The counterpart of web photographs, for the pretraining of papers 1 and 2.

Many people, others than FaceScape's, in uncontrolled pose, light, expression, blur and background; no clouds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import (
    OnImages,
    Person,
    check_counts,
    expressive_heads,
    generator_of,
    open_people,
    photograph,
    sample_expressions,
    spread,
)
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
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
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on fewer than one identity or image.
    """
    check_counts(identities=settings.identities, images=settings.images)

    def photograph_person(
        model: MorphableModel, person: Person, number: int, generator: torch.Generator
    ) -> dict[str, np.ndarray]:
        """Each photograph has an expression of its own at some strength."""
        identity, texture = person
        heads, expression = expressive_heads(model, identity, settings.images, 1.0, generator)
        spreads = (settings.yaw_spread, settings.pitch_spread, settings.roll_spread)
        yaw, pitch, roll = spread(settings.images, spreads, 2.5, generator)
        degrees = (yaw.clamp(-90, 90), pitch, roll)
        return photograph(model, heads, expression, texture, degrees, settings.scene, generator)

    return open_people(settings, settings.seed, [settings.images] * settings.identities, photograph_person, on_images)


def shapes_of(settings: WebFacesSettings, model: MorphableModel) -> tuple[torch.Tensor, torch.Tensor]:
    """The true shapes on all photographs, which are not stored: drawn again as `open_web_faces` draws them.

    Returns:
        identity (N, K) standard deviations and strengths (N, E) of the facial actions, photograph by photograph.
    """
    people = sample_people(model, settings.identities, settings.seed, fixed_albedo=True)  # skins change no shape
    actions = [
        sample_expressions(model, settings.images, 1.0, generator_of(settings.seed, number))[0]
        for number in range(settings.identities)
    ]
    return people.identity.repeat_interleave(settings.images, dim=0), torch.cat(actions)
