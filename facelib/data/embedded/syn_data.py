"""SynData1 to 3 (paper 4, table 2): clean depth frames with labels, drawn to mimic the three real data sets.

Faces of the model before an ideal camera with the sensor's intrinsics, as far off and in the poses of the set that they
stand in for: no hair, no body, no room and no noise. Each holds three times the frames of its counterpart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.depth_sets import (
    DepthSetSettings,
    dealt_evenly,
    open_depth_set,
    turned_frames,
)
from facelib.data.embedded.depth_targets import BIWI_LIMITS, CLOSE_BY, ICT_3DHP_CAMERA, ICT_3DHP_LIMITS, NEAR_FRONTAL
from facelib.data.embedded.generation import OnImages
from facelib.errors import BadInput
from facelib.faces.depth_scene import DepthSceneSettings
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients
from facelib.geometry.depth_view import FACE_VIEW


@dataclass(frozen=True, kw_only=True)
class SynDataSettings(DepthSetSettings):
    """A source set.

    Args:
        identities: number of people.
        expressions: that each of them shows in turn, the neutral one among them; up to twenty.
        frames: in the whole set, dealt evenly among the people.

    Raises:
        BadInput: on fewer than one expression, or more than there are.
    """

    archive: ClassVar[str]
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    identities: int
    expressions: int = 3
    frames: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.expressions <= len(EXPRESSIONS):
            raise BadInput(f"expressions is {self.expressions}: expected 1 to {len(EXPRESSIONS)}")

    @property
    def image_count(self) -> int:
        """Frames in the data set."""
        return self.frames


@dataclass(frozen=True, kw_only=True)
class SynData1Settings(SynDataSettings):
    """In the likeness of FaceWarehouse: 450 people in twenty expressions, near frontal."""

    archive: ClassVar[str] = "embedded_syn_data_1"

    identities: int = 450
    expressions: int = 20
    frames: int = 9000
    seed: int = 41
    limits: tuple[float, float, float] = NEAR_FRONTAL
    distance: tuple[float, float] = CLOSE_BY
    scene: DepthSceneSettings = field(default_factory=lambda: DepthSceneSettings(**FACE_VIEW._asdict()))


@dataclass(frozen=True, kw_only=True)
class SynData2Settings(SynDataSettings):
    """In the likeness of Biwi: 165 people in three expressions, in all its poses."""

    archive: ClassVar[str] = "embedded_syn_data_2"

    identities: int = 165
    frames: int = 47034
    seed: int = 42
    limits: tuple[float, float, float] = BIWI_LIMITS


@dataclass(frozen=True, kw_only=True)
class SynData3Settings(SynDataSettings):
    """In the likeness of ICT-3DHP: 143 people in three expressions, in all its poses."""

    archive: ClassVar[str] = "embedded_syn_data_3"

    identities: int = 143
    frames: int = 42606
    seed: int = 43
    limits: tuple[float, float, float] = ICT_3DHP_LIMITS
    scene: DepthSceneSettings = field(default_factory=lambda: DepthSceneSettings(**ICT_3DHP_CAMERA))


def open_syn_data(settings: SynDataSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """One of the three from the cache, generated where it is missing.

    Its arrays are those of `frames_of_person`, identity, sequence (all 0) and expression (N,), numbers of the
    expressions.

    Args:
        settings, on_images: as `open_depth_set`.

    Raises:
        BadInput: on fewer frames than people, or no people.
    """
    people = range(settings.identities)
    frames = dealt_evenly(settings.frames, settings.identities)
    return open_depth_set(settings, settings.seed, people, frames, partial(_frames, settings, frames), on_images)


def _frames(
    settings: SynDataSettings,
    frames: list[int],
    model: MorphableModel,
    shape: torch.Tensor,
    number: int,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """The frames of one person, its expressions in turn."""
    names = list(EXPRESSIONS)
    expression = expressions_in_turn(frames[number], settings.expressions, generator)
    action = expression_coefficients(model, [names[each] for each in expression.tolist()])
    return turned_frames(settings, model, shape, expression, action, generator)


def expressions_in_turn(count: int, shown: int, generator: torch.Generator) -> torch.Tensor:
    """The number (count,) of the expression in each frame of one person, who shows so many, the neutral one (0) among
    them.
    """
    others = 1 + torch.randperm(len(EXPRESSIONS) - 1, generator=generator)
    chosen = torch.cat((torch.zeros(1, dtype=torch.int64), others))[:shown]
    # In any order: with fewer frames than expressions all are shown as often, over the people.
    chosen = chosen[torch.randperm(len(chosen), generator=generator)]
    return chosen[torch.arange(count) % len(chosen)]
