"""The CelebA counterpart for the cases of paper 5's ablation (section 5.5, figure 8), with a scan of each face.

Every person is photographed once in each case. Pose, hair, camera and surroundings are the same in all of them, so
that a difference between two cases is due to what `CASES` says of them. CelebA has no scans; these have no noise.
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
    as_bytes,
    check_counts,
    open_people,
    sample_expressions,
    sample_pose,
)
from facelib.data.embedded.scans import own_scans
from facelib.data.photograph_style import dimmed
from facelib.faces.hair import bearded
from facelib.faces.lights import sample_light, side_light
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder, occluder_surface
from facelib.faces.population import EXPRESSIONS, expression_coefficients
from facelib.faces.scene import SceneSettings, render
from facelib.faces.surfaces import join
from facelib.faces.surroundings import surroundings

SLIGHT = 0.25  # strength of the expressions that people have by themselves, at most


@dataclass(frozen=True)
class Case:
    """What is other than in a plain photograph.

    Args:
        occluder: what is worn.
        uneven: whether a strong light from one side takes the place of the person's usual one.
        stops: by which less light reaches the sensor.
        noise: of the sensor, standard deviation in [0, 1] units, where there is less light.
        expression: name and strength; None for the slight one that the person has in the other cases.
    """

    occluder: Occluder = Occluder.NOTHING
    uneven: bool = False
    stops: float = 0.0
    noise: float = 0.0
    expression: tuple[str, float] | None = None


CASES: dict[str, Case] = {
    "plain": Case(),
    "covered_eyes": Case(occluder=Occluder.SUNGLASSES),
    "uneven_light": Case(uneven=True),
    "low_light": Case(stops=2.5, noise=0.04),
    "smile": Case(expression=("grin", 1.6)),
}


@dataclass(frozen=True)
class CelebaCasesSettings:
    """The photographs of the cases.

    Args:
        identities: number of people, others than in the other data sets; each is photographed once in each case.
        points: points of the scan of each photograph.
        reach: mm around the tip of the nose that a scan is cut to.
        scan_noise: standard deviation of a scan's depth, mm.
        seed: of people and scenes.
        yaw_spread, pitch_spread, roll_spread: standard deviations in degrees, cut at 2.5 of them.
        scene: camera, light and sensor of the plain photographs.
    """

    archive: ClassVar[str] = "embedded_celeba_cases"
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    identities: int = 40
    points: int = 5000
    reach: float = 95.0
    scan_noise: float = 0.0
    seed: int = 9
    yaw_spread: float = 12.0
    pitch_spread: float = 6.0
    roll_spread: float = 5.0
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            image_size=128, background="structured", crop=1.6, crop_jitter=0.04, light_variation=0.3
        )
    )

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * len(CASES)


def open_celeba_cases(settings: CelebaCasesSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The photographs of the cases from the cache, generated where they are missing.

    There are images, skin, landmarks_2d, shape, action, pose, angle, expression, occluder and cloud as
    `posed_photographs` has them; case (N,), the number of each in `CASES`; and the arrays of `own_scans`: scan (N,),
    the photograph's own number; scans (N, points, 3), mm in the face frame, and scan_landmarks (N, 68, 3).

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on no identity or point, or more points than the scanner sees within reach.
    """
    check_counts(identities=settings.identities, points=settings.points)
    images = [len(CASES)] * settings.identities
    photograph_person = partial(_photograph_person, settings)
    return open_people(settings, settings.seed, images, photograph_person, on_images, resolution="fine")


def _photograph_person(
    settings: CelebaCasesSettings, model: MorphableModel, person: Person, number: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """One identity in all cases in turn, and the scans."""
    sitting = _Sitting(
        model=model,
        person=person,
        pose=sample_pose(1, (settings.yaw_spread, settings.pitch_spread, settings.roll_spread), generator),
        light=sample_light(1, settings.scene.light_variation, generator),
        expression=sample_expressions(model, 1, SLIGHT, generator),
        scene=settings.scene,
        seed=int(torch.randint(2**62, (1,), generator=generator)),
    )
    photographs = [sitting.photograph(case, generator) for case in CASES.values()]
    arrays = {name: np.concatenate([each[name] for each in photographs]) for name in photographs[0]}
    arrays |= {"case": np.arange(len(CASES), dtype=np.int16)}
    return arrays | own_scans(model, arrays, number * len(CASES), settings, generator)


@dataclass(frozen=True)
class _Sitting:
    """What all photographs of one person share.

    Args:
        model: the face model.
        person: identity (1, K) and texture coefficients.
        pose: (1, 3) radians.
        light: (1, 9, 3) harmonics.
        expression: strengths (1, E) of the facial actions, and the number (1,) of the expression.
        scene: camera and sensor.
        seed: of beard, hair, clothes, camera and background.
    """

    model: MorphableModel
    person: Person
    pose: torch.Tensor
    light: torch.Tensor
    expression: tuple[torch.Tensor, torch.Tensor]
    scene: SceneSettings
    seed: int

    def photograph(self, case: Case, generator: torch.Generator) -> dict[str, np.ndarray]:
        """One photograph; what only this case has is drawn from the generator."""
        model, (identity, texture), looks = self.model, self.person, torch.Generator().manual_seed(self.seed)
        action, expression = self.expression if case.expression is None else _shown(model, *case.expression)
        head = model.vertices(identity, action)
        albedo = bearded(model, model.albedo(texture), looks)
        worn = surroundings(model, head, albedo, self.pose, looks)
        covering = occluder_surface(model, head, case.occluder, generator)
        worn = worn if covering is None else join(covering, worn)
        light = side_light(1, generator) if case.uneven else self.light
        rendering = render(model, head, albedo, self.pose, self.scene, looks, worn, light=light)
        return {
            "images": as_bytes(dimmed(rendering.image, case.stops, case.noise, generator)),
            "skin": rendering.skin.to(torch.uint8).numpy(),
            "landmarks_2d": rendering.landmarks.numpy(),
            "shape": identity.numpy(),
            "action": action.numpy(),
            "pose": self.pose.numpy(),
            "angle": rendering.angle.numpy(),
            "expression": expression.numpy().astype(np.int16),
            "occluder": np.full(1, case.occluder, np.int16),
            "cloud": np.full(1, -1, np.int32),
        }


def _shown(model: MorphableModel, name: str, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A named expression, as `sample_expressions` gives one."""
    action = expression_coefficients(model, [name], torch.tensor([strength]))
    return action, torch.tensor([list(EXPRESSIONS).index(name)])
