"""The ARL-VTF counterpart (paper 1, section V.A, table III): what was learned elsewhere is evaluated here.

Other people than FaceScape's and the web's, in another studio: a longer lens from farther away, one frontal lamp that
hardly changes, a sensor with a little more noise and blur, and a grey backdrop that is not removed. No clouds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import (
    OnImages,
    Person,
    check_counts,
    expressive_heads,
    open_people,
    photograph,
    spread,
)
from facelib.data.protocol import Role
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.scene import SceneSettings

STRONGEST_EXPRESSION = 0.2  # of an expression's full strength: the sequences used show no expressions on purpose


@dataclass(frozen=True)
class ArlVtfSettings:
    """The ARL-VTF counterpart.

    The paper evaluates 100 of its 395 people by 6 gallery images (G_VB0-) and 5 probes a condition, frontal (P_VB0) and
    turned (P_VP0). In the pose sequence people turn their heads to both sides; the angles are ours.

    Args:
        identities: number of people evaluated.
        gallery: gallery images of each, nearly frontal.
        probes: frontal probes of each, and as many pose probes.
        training_identities: further people to train on, numbered after those evaluated; 0 for none.
        training_images: frontal images of each of them.
        seed: of people and scenes.
        frontal_spread: standard deviation of the yaw of a frontal image, degrees.
        profile_yaw: range of a pose probe's yaw in degrees, to either side in turn.
        pitch_spread, roll_spread: standard deviations in degrees.
        scene: camera, light and sensor.
    """

    archive: ClassVar[str] = "embedded_arl_vtf"
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    identities: int = 100
    gallery: int = 6
    probes: int = 5
    training_identities: int = 295
    training_images: int = 20
    seed: int = 3
    frontal_spread: float = 4.0
    profile_yaw: tuple[float, float] = (40.0, 90.0)
    pitch_spread: float = 4.0
    roll_spread: float = 2.5
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            image_size=112,
            background="backdrop",
            distance=(2000.0, 2200.0),
            crop=1.45,
            light_variation=0.1,
            metering=0.6,
            exposure=0.1,
            white_balance=0.02,
            noise=0.02,
            blur=0.8,
        )
    )

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * (self.gallery + 2 * self.probes) + self.training_identities * self.training_images


def open_arl_vtf(settings: ArlVtfSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The ARL-VTF counterpart from the cache, generated where it is missing.

    Besides the arrays of the other data sets it has `role` (N,) int16, a `facelib.data.protocol.Role`.

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on fewer than one identity, gallery image or probe, training people without images, or a range of
            yaw that is none.
    """
    _check(settings)
    people = range(settings.identities + settings.training_identities)
    images = [len(_roles(settings, number)) for number in people]
    return open_people(settings, settings.seed, images, partial(_photograph_person, settings), on_images)


def _check(settings: ArlVtfSettings) -> None:
    check_counts(identities=settings.identities, gallery_images=settings.gallery, probes=settings.probes)
    if settings.training_identities < 0 or (settings.training_identities and settings.training_images < 1):
        raise BadInput(
            f"{settings.training_identities} training identities of {settings.training_images} training images: "
            "expected none, or at least one image of each"
        )
    low, high = settings.profile_yaw
    if not 0 <= low <= high <= 180:
        raise BadInput(f"profile_yaw is {settings.profile_yaw}: expected two ascending angles from 0 to 180 degrees")


def _roles(settings: ArlVtfSettings, number: int) -> np.ndarray:
    """The role of each photograph of an identity."""
    if number >= settings.identities:
        return np.full(settings.training_images, Role.TRAINING, np.int16)
    counts = (settings.gallery, settings.probes, settings.probes)
    return np.repeat(np.array([Role.GALLERY, Role.FRONTAL_PROBE, Role.POSE_PROBE], np.int16), counts)


def _photograph_person(
    settings: ArlVtfSettings, model: MorphableModel, person: Person, number: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """All photographs of one identity, by role."""
    identity, texture = person
    role = _roles(settings, number)
    heads, expression = expressive_heads(model, identity, len(role), STRONGEST_EXPRESSION, generator)
    spreads = (settings.frontal_spread, settings.pitch_spread, settings.roll_spread)
    yaw, pitch, roll = spread(len(role), spreads, 2.5, generator)
    turned = torch.from_numpy(role == Role.POSE_PROBE)
    yaw[turned] = _profile_yaw(int(turned.sum()), settings.profile_yaw, number, generator)
    arrays = photograph(model, heads, expression, texture, (yaw, pitch, roll), settings.scene, generator)
    return arrays | {"role": role}


def _profile_yaw(count: int, limits: tuple[float, float], number: int, generator: torch.Generator) -> torch.Tensor:
    """Yaw (count,) in degrees: magnitudes spread evenly over the limits, left and right in turn.

    The side that comes first alternates between identities, so an odd number favours neither side.
    """
    strata = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / max(count, 1)
    side = 1 - 2 * ((torch.arange(count) + number) % 2)
    return side * (limits[0] + (limits[1] - limits[0]) * strata)
