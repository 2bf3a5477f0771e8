"""Counterparts of FaceWarehouse, Biwi and ICT-3DHP as paper 4 reads them: depth frames of a structured-light sensor.

People wear hair, have necks and shoulders, and sit in a room. Labels are stored beside the frames, for evaluation;
trainings read `facelib.data.depth_faces.without_labels`. Counts are those of the paper's table 2. Poses: near frontal,
and to 90 degrees of yaw and 45 of pitch on Biwi (section 1.4); roll, and the reach of ICT-3DHP, are not said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.depth_sets import (
    DepthSetSettings,
    dealt_evenly,
    frames_of_person,
    open_depth_set,
    places,
    turned_frames,
)
from facelib.data.embedded.generation import OnImages, check_counts
from facelib.data.embedded.head_motion import drift, motion
from facelib.errors import BadInput
from facelib.faces.depth_scene import DepthSceneSettings
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients
from facelib.faces.sensors import StructuredLight
from facelib.geometry.depth_view import FACE_VIEW, HEAD_VIEW, DepthView

NEAR_FRONTAL = (12.0, 10.0, 7.0)  # largest yaw, pitch and roll in degrees
CLOSE_BY = (700.0, 1000.0)  # mm from the sensor, where people of FaceWarehouse sit
BIWI_LIMITS = (90.0, 45.0, 30.0)
ICT_3DHP_LIMITS = (75.0, 45.0, 30.0)
ICT_3DHP_CAMERA: dict[str, Any] = {"focal_u": 535.0, "focal_v": 536.0, "center_u": 327.0, "center_v": 241.0}
BIWI_REPEATS = {21: 2, 15: 3, 18: 5, 22: 7}  # sequences that show the person of an earlier one
DRIFT = (25.0, 15.0, 30.0)  # mm that a head moves about its place in a sequence, to the side, up and in depth
MILD = 0.3  # strength of the expression that a person keeps through a sequence, at most


def _kinect(view: DepthView = HEAD_VIEW) -> DepthSceneSettings:
    return DepthSceneSettings(sensor=StructuredLight(), **view._asdict())


@dataclass(frozen=True, kw_only=True)
class DepthFaceWarehouseSettings(DepthSetSettings):
    """The counterpart of FaceWarehouse's depth frames: people in twenty expressions, near frontal.

    Args:
        identities: number of people.
    """

    archive: ClassVar[str] = "embedded_depth_facewarehouse"
    version: ClassVar[int] = 1  # raise it when the generation changes: older data are then passed over

    identities: int = 150
    seed: int = 44
    limits: tuple[float, float, float] = NEAR_FRONTAL
    distance: tuple[float, float] = CLOSE_BY
    scene: DepthSceneSettings = field(default_factory=lambda: _kinect(FACE_VIEW))

    @property
    def image_count(self) -> int:
        """Frames in the data set."""
        return self.identities * len(EXPRESSIONS)


@dataclass(frozen=True, kw_only=True)
class SequenceSettings(DepthSetSettings):
    """Sequences of people who turn their heads.

    Args:
        frames: of the data set's own sequences, dealt evenly among them.
        every: of 30 frames a second, which are kept: 1 for all, 10 for each tenth.
        between: whether the frames between those are there as well, of which `frames` does not know.
        others: people besides, in a sequence each that is as long, numbered after the data set's own.

    Raises:
        BadInput: for a step below 1, or fewer than 0 others.
    """

    archive: ClassVar[str]
    version: ClassVar[int] = 1
    people: ClassVar[tuple[int, ...]]  # the person of each of the data set's own sequences

    frames: int
    every: int = 1
    between: bool = False
    others: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every < 1:
            raise BadInput(f"every is {self.every}: expected 1 for all frames, or a larger step")
        if self.others < 0:
            raise BadInput(f"others is {self.others}: expected 0 for the data set's own people, or how many besides")

    @property
    def shown(self) -> tuple[int, ...]:
        """The person of each sequence."""
        first = max(self.people) + 1
        return (*self.people, *range(first, first + self.others))

    @property
    def lengths(self) -> list[int]:
        """How many frames each sequence has."""
        kept = dealt_evenly(self.frames, len(self.people))
        return [count * (self.every if self.between else 1) for count in (*kept, *[kept[-1]] * self.others)]

    @property
    def image_count(self) -> int:
        """Frames in the data set."""
        return sum(self.lengths)


@dataclass(frozen=True, kw_only=True)
class BiwiSettings(SequenceSettings):
    """The counterpart of Biwi: 24 sequences of 20 people, numbered from 1 as there, four people coming twice."""

    archive: ClassVar[str] = "embedded_biwi"
    people: ClassVar[tuple[int, ...]] = tuple(
        sorted(set(range(1, 25)) - BIWI_REPEATS.keys()).index(BIWI_REPEATS.get(number, number))
        for number in range(1, 25)
    )

    frames: int = 15678
    seed: int = 45
    limits: tuple[float, float, float] = BIWI_LIMITS
    scene: DepthSceneSettings = field(default_factory=_kinect)


@dataclass(frozen=True, kw_only=True)
class Ict3dhpSettings(SequenceSettings):
    """The counterpart of ICT-3DHP: ten sequences, a person each; depth in the frame of the colour camera, as there."""

    archive: ClassVar[str] = "embedded_ict_3dhp"
    people: ClassVar[tuple[int, ...]] = tuple(range(10))

    frames: int = 14202
    seed: int = 46
    limits: tuple[float, float, float] = ICT_3DHP_LIMITS
    scene: DepthSceneSettings = field(
        default_factory=lambda: DepthSceneSettings(sensor=StructuredLight(), **ICT_3DHP_CAMERA)
    )


def open_depth_facewarehouse(
    settings: DepthFaceWarehouseSettings, on_images: OnImages = lambda count: None
) -> FaceArchive:
    """The counterpart of FaceWarehouse's depth from the cache, generated where it is missing.

    Its arrays are those of `frames_of_person`, identity, sequence (all 0) and expression (N,).

    Args:
        settings, on_images: as `open_depth_set`.

    Raises:
        BadInput: on no people.
    """
    check_counts(identities=settings.identities)
    people, frames = range(settings.identities), [len(EXPRESSIONS)] * settings.identities
    return open_depth_set(settings, settings.seed, people, frames, partial(_expressions, settings), on_images)


def open_depth_sequences(settings: SequenceSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of Biwi or ICT-3DHP from the cache, generated where it is missing.

    Its arrays are those of `frames_of_person`, identity, and sequence (N,), numbers from 1 up; a sequence's frames
    stand in their order, the first one frontal.

    Args:
        settings, on_images: as `open_depth_set`.

    Raises:
        BadInput: on fewer frames than sequences.
    """
    make = partial(_sequence, settings)
    return open_depth_set(settings, settings.seed, settings.shown, settings.lengths, make, on_images)


def _expressions(
    settings: DepthFaceWarehouseSettings,
    model: MorphableModel,
    shape: torch.Tensor,
    number: int,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """All expressions of one person in turn."""
    action = expression_coefficients(model, list(EXPRESSIONS))
    return turned_frames(settings, model, shape, torch.arange(len(EXPRESSIONS)), action, generator)


def _sequence(
    settings: SequenceSettings,
    model: MorphableModel,
    shape: torch.Tensor,
    number: int,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """The frames of one sequence, in nearly one expression."""
    count = settings.lengths[number]
    step = 1 if settings.between else settings.every
    whole, kept = count * step, slice(None, None, step)
    pose = motion(whole, settings.limits, generator)[kept]
    place = places(1, settings, generator) + drift(whole, DRIFT, generator)[kept]
    name = list(EXPRESSIONS)[int(torch.randint(len(EXPRESSIONS), (1,), generator=generator))]
    strength = MILD * torch.rand(1, generator=generator)
    action = expression_coefficients(model, [name], strength).expand(count, -1)
    arrays = frames_of_person(model, shape, action, pose, place, settings.scene, generator)
    return arrays | {"sequence": np.full(count, number + 1, np.int16)}
