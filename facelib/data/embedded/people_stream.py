"""Photographs of people who are drawn anew in every batch: a seeded stream in the place of a stored data set.

A network that is to see a person's shape needs many people rather than many photographs of each. All that is costly in
a new person is the skin, so skins are painted once and stored; a person of the stream wears a mixture of two that suit
it. A batch is a function of the settings and its number alone: whoever makes it, it has the same bits, and a training
that was interrupted asks for the batches from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.aflw_300wlp import WEB_SCENE, WORN, evenly_turned
from facelib.data.embedded.generation import (
    OnImages,
    as_bytes,
    check_counts,
    generator_of,
    keep_freed_memory,
    open_generated,
    sample_expressions,
    spread,
)
from facelib.data.embedded.posed_photographs import posed_photographs
from facelib.data.occlusion import OcclusionSettings, occluded
from facelib.data.photograph_style import StyleSettings, toned
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import SHAPE_LIMIT, sample_people
from facelib.faces.scene import SceneSettings

CANDIDATES = 8  # skins of which the most suitable two are mixed
LARGEST_SHARE = 0.4  # of the second one
STRENGTHS, MIXED = (1.0, 0.8), 0.5  # of an expression and of another one beside it; share of faces that show both
OCCLUSION = OcclusionSettings()
STREAM_STYLE = StyleSettings(mottling=0.1, shine=0.3, contrast=0.2, saturation=(0.5, 1.3), grey=0.1, jpeg=40)
STREAM_SCENE = replace(WEB_SCENE, crop_jitter=0.08)  # detectors place their boxes less well than landmarks do


@dataclass(frozen=True)
class PeopleStreamSettings:
    """A stream of people, each photographed once.

    Args:
        skins: that are painted; everybody wears a mixture of two of them.
        seed: of people and scenes.
        yaw_spread: standard deviation of the yaw in degrees, cut at 2.5 of them; None for a yaw that is spread evenly
            over -90 to 90.
        beyond_share: of the photographs of an even spread, whose yaw lies between 90 and 105 degrees to either side.
        worn_share: of the photographs with glasses, sunglasses or a mask, as many of each.
        pitch_spread, roll_spread: standard deviations in degrees, cut at 2.5 of them.
        occlusion: shapes that are laid over the photographs.
        scene: camera, light and sensor.
        style: how far the look of faces and photographs varies besides.
        dressed: whether people have hair, beards, teeth, necks and shoulders.

    Raises:
        BadInput: on fewer than two skins, a share that is none, or a spread below 0.
    """

    archive: ClassVar[str] = "embedded_people_stream"
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    skins: int = 600
    seed: int = 14
    yaw_spread: float | None = None
    beyond_share: float = 0.04
    worn_share: float = 0.1
    pitch_spread: float = 15.0
    roll_spread: float = 15.0
    occlusion: OcclusionSettings = OCCLUSION
    scene: SceneSettings = STREAM_SCENE
    style: StyleSettings = STREAM_STYLE
    dressed: bool = True

    def __post_init__(self) -> None:
        if self.skins < 2:
            raise BadInput(f"skins is {self.skins}: expected at least two, to be mixed")
        for name in ("beyond_share", "worn_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput(f"{name} is {getattr(self, name)}: expected a share from 0 to 1")
        if self.yaw_spread is not None and not 0 <= self.yaw_spread < 40:
            raise BadInput(f"yaw_spread is {self.yaw_spread}: expected 0 to 40 degrees, or None for an even spread")

    @property
    def image_count(self) -> int:
        """What is stored: skins."""
        return self.skins


def open_people_stream(settings: PeopleStreamSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The skins of a stream from the cache, painted where they are missing.

    Arrays: identity (N,), texture (N, 80) coefficients, and attributes (N, P), the phenotypes that each suits.

    Args:
        settings: of the stream.
        on_images: told one for each skin, for a progress bar.
    """
    model = load_face_model("coarse")
    people = cache(lambda: sample_people(model, settings.skins, settings.seed))

    def make_part(number: int) -> dict[str, np.ndarray]:
        one, attributes = slice(number, number + 1), people().attributes
        return {
            "identity": np.full(1, number, np.int32),
            "texture": people().texture[one].numpy(),
            "attributes": torch.stack([attributes[name][one] for name in model.attribute_names], dim=1).numpy(),
        }

    return open_generated(settings, settings.skins, make_part, lambda: on_images(1))


@dataclass(frozen=True)
class PeopleStream:
    """Makes batches.

    Args:
        settings: of the stream.
        model: of the faces.
        texture: (N, 80), and attributes (N, P), of the skins.
    """

    settings: PeopleStreamSettings
    model: MorphableModel
    texture: torch.Tensor
    attributes: torch.Tensor

    @classmethod
    def open(cls, settings: PeopleStreamSettings) -> PeopleStream:
        """With the skins from the cache, painted where they are missing."""
        keep_freed_memory()
        arrays = open_people_stream(settings).arrays
        texture, attributes = (torch.from_numpy(np.array(arrays[name])) for name in ("texture", "attributes"))
        return cls(settings, load_face_model("coarse"), texture, attributes)

    def batch(self, number: int, count: int) -> dict[str, np.ndarray]:
        """The photographs of a batch, by the arrays of `posed_photographs`.

        `facelib.data.posed_faces.faces_of` takes those of a camera without perspective.

        Args:
            number: of the batch, 0 or more.
            count: photographs in it, at least one.

        Raises:
            BadInput: without photographs, or a negative number.
        """
        check_counts(photographs=count)
        if number < 0:
            raise BadInput(f"batch {number} was asked of the stream: expected 0 or more")
        settings, model, generator = self.settings, self.model, generator_of(self.settings.seed, number)
        identity = torch.randn(count, len(model.identity_basis), generator=generator).clamp(-SHAPE_LIMIT, SHAPE_LIMIT)
        first, second = (sample_expressions(model, count, strongest, generator)[0] for strongest in STRENGTHS)
        mixed = torch.rand(count, 1, generator=generator) < MIXED
        action = (first + mixed * second).clamp(max=1)
        yaw = self._yaw(count, generator)
        pitch, roll = spread(count, (settings.pitch_spread, settings.roll_spread), 2.5, generator)
        pose = torch.deg2rad(torch.stack((yaw, pitch, roll), dim=1))
        person = identity, self.worn_skins(identity, generator)
        worn = self.worn(count, generator)
        arrays = posed_photographs(
            model, person, action, pose, worn, settings.scene, generator, dressed=settings.dressed, style=settings.style
        )
        images, skin = (torch.from_numpy(arrays[name]).float() for name in ("images", "skin"))
        images, skin = occluded(images / 255, skin, generator, settings.occlusion)
        images = toned(images, settings.style, generator)
        return arrays | {"images": as_bytes(images), "skin": skin.to(torch.uint8).numpy()}

    def _yaw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Degrees (count,)."""
        settings = self.settings
        if settings.yaw_spread is None:
            return evenly_turned(count, settings.beyond_share, generator)
        return spread(count, (settings.yaw_spread,), 2.5, generator)[0]

    def worn_skins(self, identity: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Textures (B, 80) of people (B, K): of a few skins the two that suit best, mixed.

        What a skin suits is what it was painted for: sex, age and ancestry, which the shape suggests.
        """
        count = len(identity)
        wanted = torch.stack(list(self.model.attributes(identity).values()), dim=1)
        candidates = torch.randint(len(self.texture), (count, CANDIDATES), generator=generator)
        distance = (self.attributes[candidates] - wanted[:, None]).norm(dim=2)
        first, second = candidates.gather(1, distance.argsort(dim=1, stable=True)[:, :2]).unbind(1)
        share = LARGEST_SHARE * torch.rand(count, 1, generator=generator)
        return torch.lerp(self.texture[first], self.texture[second], share)

    def worn(self, count: int, generator: torch.Generator) -> np.ndarray:
        """The `Occluder` (B,) of each."""
        kinds: Sequence[Occluder] = (Occluder.NOTHING, *WORN)
        share = self.settings.worn_share
        weights = torch.tensor([1 - share, *[share / len(WORN)] * len(WORN)])
        drawn = torch.multinomial(weights, count, replacement=True, generator=generator)
        return np.array(kinds, np.int16)[drawn.numpy()]
