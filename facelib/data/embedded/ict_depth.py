"""Depth frames of imported heads of ICT-FaceKit, on whom nobody is trained: before the same sensor, or another.

People whom our own face model did not make, in a topology that is not ours: half of the frames near frontal, as those
that shapes are learnt of, half in the poses of the Biwi counterpart. They have the necks of their scans and no hair.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.depth_sets import DepthSetSettings, frames_of_person, open_depth_set, places
from facelib.data.embedded.depth_targets import BIWI_LIMITS, NEAR_FRONTAL
from facelib.data.embedded.generation import OnImages, check_counts, sample_expressions
from facelib.data.embedded.head_motion import turned
from facelib.data.embedded.ict_faces import check_heads
from facelib.faces.depth_scene import DepthSceneSettings
from facelib.faces.ict_model import load_ict_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.sensors import StructuredLight
from facelib.faces.time_of_flight import TimeOfFlight

OTHER_CAMERA = DepthSceneSettings(  # a Kinect of the second generation, roughly (of one device: 365.5, 254.9, 205.4)
    width=512, height=424, focal_u=365.0, focal_v=365.0, center_u=256.0, center_v=212.0, sensor=TimeOfFlight()
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class IctDepthSettings(DepthSetSettings):
    """The set.

    Args:
        heads: SHA-256 of the imported model's file (`imported_heads`), by which the fingerprint follows the import.
        identities: number of people.
        images: frames of each, with an expression of its own at some strength; the first half of them is near frontal.
    """

    archive: ClassVar[str] = "ict_depth"
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    heads: str
    identities: int = 100
    images: int = 4
    seed: int = 47
    limits: tuple[float, float, float] = BIWI_LIMITS
    scene: DepthSceneSettings = field(default_factory=lambda: DepthSceneSettings(sensor=StructuredLight()))

    @property
    def image_count(self) -> int:
        """Frames in the data set."""
        return self.identities * self.images


def open_ict_depth(settings: IctDepthSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The set from the cache, generated where it is missing.

    Its arrays are those of `frames_of_person`, with the coefficients of the imported model, identity, sequence (all 0)
    and near_frontal (N,) bool.

    Args:
        settings, on_images: as `open_depth_set`.

    Raises:
        MissingPart: when ICT-FaceKit was not imported.
        BadInput: when other heads are imported than the settings name, or on fewer than one identity or image.
    """
    check_counts(identities=settings.identities, images=settings.images)
    check_heads(settings.heads)
    people, frames = range(settings.identities), [settings.images] * settings.identities
    make = partial(_frames, settings)
    return open_depth_set(settings, settings.seed, people, frames, make, on_images, load_ict_model)


def _frames(
    settings: IctDepthSettings, model: MorphableModel, shape: torch.Tensor, number: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """All frames of one person."""
    count = settings.images
    near_frontal = torch.arange(count) < count // 2
    action, _ = sample_expressions(model, count, 1.0, generator)
    near, far = (turned(count, limits, generator) for limits in (NEAR_FRONTAL, settings.limits))
    pose, place = torch.where(near_frontal[:, None], near, far), places(count, settings, generator)
    scene = replace(settings.scene, dressed=False)  # our hair and necks belong to our model
    arrays = frames_of_person(model, shape, action, pose, place, scene, generator)
    return arrays | {"sequence": np.zeros(count, np.int16), "near_frontal": near_frontal.numpy()}
