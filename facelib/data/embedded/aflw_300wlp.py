"""The counterparts of 300W-LP and AFLW2000-3D (paper 3, sections III.E and IV.A).

People in uncontrolled pose, light, expression and background before a weak-perspective camera. Those of 300W-LP are
turned evenly to all sides and wear nothing, as occluders are drawn over them in training; those of AFLW2000-3D are
others, most of them nearly frontal, and some wear glasses, sunglasses or a mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import OnImages, Person, check_counts, open_people, sample_expressions, spread
from facelib.data.embedded.posed_photographs import check_camera, posed_photographs
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.scene import SceneSettings

YAW_LIMIT = 90.0  # degrees
BEYOND_LIMIT = 105.0  # degrees, of the paper's additional samples
YAW_BINS = ((0.0, 30.0), (30.0, 60.0), (60.0, 90.0))  # degrees of the absolute yaw
CROP = 1.6  # side of the picture over the larger side of the landmarks' box: it holds the face from hairline to throat
WORN = (Occluder.GLASSES, Occluder.SUNGLASSES, Occluder.MASK)

WEB_SCENE = SceneSettings(  # cropped so that the face is in the picture from its hairline to its throat
    image_size=128,
    camera="weak_perspective",
    background="structured",
    crop=CROP,
    light_variation=1.0,
    noise=0.03,
    blur=1.2,
    crop_jitter=0.04,
)

AFLW_SCENE = replace(WEB_SCENE, exposure=0.35, white_balance=0.06)

SampleYaw = Callable[[int, torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class W300LpSettings:
    """The counterpart of 300W-LP.

    Args:
        identities: number of people.
        images: photographs of each.
        seed: of people and scenes.
        beyond_share: of the photographs, whose yaw lies between 90 and 105 degrees to either side; the others' is
            spread evenly over -90 to 90. The paper adds 5,000 such samples to 122,450.
        worn_share: of each person's photographs with something worn.
        pitch_spread, roll_spread: standard deviations in degrees, cut at 2.5 of them.
        scene: camera, light and sensor.
    """

    archive: ClassVar[str] = "embedded_300w_lp"
    version: ClassVar[int] = 4  # raise it when the generation changes: older data are then passed over

    identities: int = 1000
    images: int = 40
    seed: int = 4
    beyond_share: float = 5000 / 127450
    worn_share: float = 0.0
    pitch_spread: float = 12.0
    roll_spread: float = 10.0
    scene: SceneSettings = WEB_SCENE

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * self.images


@dataclass(frozen=True)
class Aflw2000Settings:
    """The counterpart of AFLW2000-3D.

    Args:
        identities: number of people, others than 300W-LP's.
        images: photographs of each.
        seed: of people and scenes.
        yaw_shares: of the photographs whose absolute yaw lies in [0, 30), [30, 60) and [60, 90] degrees, in any unit;
            within a bin yaw is spread evenly.
        worn_share: of the photographs with glasses, sunglasses or a mask, as many of each.
        pitch_spread, roll_spread: standard deviations in degrees, cut at 2.5 of them.
        scene: camera, light and sensor.
    """

    archive: ClassVar[str] = "embedded_aflw2000"
    version: ClassVar[int] = 4  # raise it when the generation changes: older data are then passed over

    identities: int = 400
    images: int = 5
    seed: int = 5
    yaw_shares: tuple[int, int, int] = (1306, 462, 232)
    worn_share: float = 0.3
    pitch_spread: float = 12.0
    roll_spread: float = 10.0
    scene: SceneSettings = AFLW_SCENE

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * self.images


def open_w300lp(settings: W300LpSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of 300W-LP from the cache, generated where it is missing.

    Besides the arrays of every data set it has those that `facelib.data.posed_faces` names.

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on fewer than one identity or image, a share that is none, or a camera with perspective.
    """
    if not 0 <= settings.beyond_share < 1:
        raise BadInput(f"beyond_share is {settings.beyond_share}: expected 0 or more, and less than 1")
    return _open(settings, partial(_even_yaw, settings), on_images)


def open_aflw2000(settings: Aflw2000Settings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of AFLW2000-3D from the cache, generated where it is missing.

    Besides the arrays of every data set it has those that `facelib.data.posed_faces` names.

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on fewer than one identity or image, a share that is none, or a camera with perspective.
    """
    if len(settings.yaw_shares) != len(YAW_BINS) or min(settings.yaw_shares) < 0 or sum(settings.yaw_shares) <= 0:
        raise BadInput(f"yaw_shares are {settings.yaw_shares}: expected three numbers of 0 or more, not all zero")
    return _open(settings, partial(_binned_yaw, settings), on_images)


def _open(settings: W300LpSettings | Aflw2000Settings, sample_yaw: SampleYaw, on_images: OnImages) -> FaceArchive:
    check_counts(identities=settings.identities, images=settings.images)
    if not 0 <= settings.worn_share <= 1:
        raise BadInput(f"worn_share is {settings.worn_share}: expected 0 to 1")
    check_camera(settings.scene)

    def photograph_person(
        model: MorphableModel, person: Person, number: int, generator: torch.Generator
    ) -> dict[str, np.ndarray]:
        """Each photograph has an expression of its own at some strength."""
        action, expression = sample_expressions(model, settings.images, 1.0, generator)
        yaw = sample_yaw(number, generator)
        pitch, roll = spread(settings.images, (settings.pitch_spread, settings.roll_spread), 2.5, generator)
        pose = torch.deg2rad(torch.stack((yaw, pitch, roll), dim=1))
        worn = _dealt_occluders(settings, number, generator)
        arrays = posed_photographs(model, person, action, pose, worn, settings.scene, generator)
        return arrays | {"expression": expression.numpy().astype(np.int16)}

    return open_people(settings, settings.seed, [settings.images] * settings.identities, photograph_person, on_images)


def _even_yaw(settings: W300LpSettings, number: int, generator: torch.Generator) -> torch.Tensor:
    return evenly_turned(settings.images, settings.beyond_share, generator)


def evenly_turned(count: int, beyond_share: float, generator: torch.Generator) -> torch.Tensor:
    """Yaw (count,) in degrees, one in each of as many equal strata of 300W-LP's distribution, in random order."""
    tail = beyond_share / 2
    strata = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
    knots = (-BEYOND_LIMIT, -YAW_LIMIT, YAW_LIMIT, BEYOND_LIMIT)
    return torch.from_numpy(np.interp(strata.numpy(), (0.0, tail, 1 - tail, 1.0), knots)).float()


def _binned_yaw(settings: Aflw2000Settings, number: int, generator: torch.Generator) -> torch.Tensor:
    """Yaw (images,) in degrees of one identity, to either side by chance."""
    counts = largest_remainder(settings.yaw_shares, settings.image_count)
    limits = torch.tensor(YAW_BINS)[torch.from_numpy(_dealt(counts, settings.images, number, generator))]
    place, side = torch.rand(2, settings.images, generator=generator).unbind(0)
    return torch.lerp(limits[:, 0], limits[:, 1], place) * torch.where(side < 0.5, -1.0, 1.0)


def _dealt_occluders(
    settings: W300LpSettings | Aflw2000Settings, number: int, generator: torch.Generator
) -> np.ndarray:
    total = settings.image_count
    worn = round(settings.worn_share * total)
    counts = np.array([total - worn, *largest_remainder((1,) * len(WORN), worn)])
    kinds = np.array([Occluder.NOTHING, *WORN], np.int16)
    return kinds[_dealt(counts, settings.images, number, generator)]


def largest_remainder(shares: tuple[int, ...], total: int) -> np.ndarray:
    """Whole numbers in the ratio of the shares, as near as can be, that add up to the total."""
    exact = np.array(shares) * (total / sum(shares))
    counts = np.floor(exact).astype(int)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: total - counts.sum()]] += 1
    return counts


def _dealt(counts: np.ndarray, images: int, number: int, generator: torch.Generator) -> np.ndarray:
    """One person's part (images,) of as many zeros, ones, ... as counted, in random order.

    All are laid in one row in which every kind is spread evenly, whoever asks, and each person takes the next few: the
    counts are exact over all people and as even as can be between them, and no part needs another one.
    """
    kind = np.repeat(np.arange(len(counts)), counts)
    place = np.concatenate([(np.arange(count) + 0.5) / max(count, 1) for count in counts])
    row = kind[np.argsort(place, kind="stable")]
    own = row[number * images : (number + 1) * images]
    return own[torch.randperm(images, generator=generator).numpy()]
