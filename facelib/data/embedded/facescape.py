"""The FaceScape counterpart (paper 1).

Identities x 20 expressions x views around the head, light varied, background removed, and for each identity and
expression one aligned cloud of 1,024 points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from facelib.conventions import NOSE_TIP
from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import OnImages, Person, check_counts, open_people, photograph, spread
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients
from facelib.faces.scene import SceneSettings
from facelib.geometry.point_clouds import farthest_point_sampling, sample_surface

FACE_DEPTH = 5.0  # mm: the cloud covers what lies in front of this depth, the face without the back of the head
SURFACE_CANDIDATES = 4096  # points on the surface that farthest point sampling chooses from
FRONTAL_YAW = 15.0  # degrees


@dataclass(frozen=True)
class FaceScapeSettings:
    """The FaceScape counterpart.

    Args:
        identities: number of people.
        views: views of each expression.
        points: points of a cloud.
        fixed_albedo: give everybody the same skin.
        seed: of people and scenes.
        yaw_limit: degrees; yaw is spread evenly over -limit to limit, but for
        frontal_share: of the photographs, whose yaw lies within 15 degrees; they fill the gallery and the first bin.
        pitch_spread, roll_spread: standard deviations in degrees.
        scene: camera, light and sensor; a studio's cameras are calibrated, so their colours vary little.
    """

    archive: ClassVar[str] = "embedded_facescape"
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    identities: int = 140
    views: int = 50
    points: int = 1024
    fixed_albedo: bool = False
    seed: int = 1
    yaw_limit: float = 105.0
    frontal_share: float = 0.2
    pitch_spread: float = 6.0
    roll_spread: float = 3.0
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            image_size=112, background="removed", metering=0.3, exposure=0.15, white_balance=0.03
        )
    )

    @property
    def image_count(self) -> int:
        """Photographs in the data set."""
        return self.identities * self.views * len(EXPRESSIONS)


def open_facescape(settings: FaceScapeSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The FaceScape counterpart from the cache, generated where it is missing.

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on fewer than one identity or view.
    """
    check_counts(identities=settings.identities, views=settings.views)
    if not 0 <= settings.frontal_share < 1:
        raise BadInput(f"frontal_share is {settings.frontal_share}: expected 0 or more, and less than 1")
    return open_people(
        settings,
        settings.seed,
        [len(EXPRESSIONS) * settings.views] * settings.identities,
        partial(_photograph_person, settings),
        on_images,
        fixed_albedo=settings.fixed_albedo,
    )


def _photograph_person(
    settings: FaceScapeSettings, model: MorphableModel, person: Person, number: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """All photographs and clouds of one identity: expressions in turn, `views` photographs of each."""
    identity, texture = person
    names = list(EXPRESSIONS)
    heads = model.vertices(identity.expand(len(names), -1), expression_coefficients(model, names))
    count = len(names) * settings.views
    expression = torch.arange(len(names)).repeat_interleave(settings.views)
    # Yaw is stratified over all photographs of the identity, then dealt out to expressions at random.
    strata = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
    frontal = strata < settings.frontal_share
    near = (2 * strata / max(settings.frontal_share, 1e-9) - 1) * FRONTAL_YAW
    far = (2 * (strata - settings.frontal_share) / (1 - settings.frontal_share) - 1) * settings.yaw_limit
    yaw = torch.where(frontal, near, far)
    pitch, roll = spread(count, (settings.pitch_spread, settings.roll_spread), 2.5, generator)
    arrays = photograph(model, heads[expression], expression, texture, (yaw, pitch, roll), settings.scene, generator)
    return arrays | {
        "cloud": (number * len(names) + expression.numpy()).astype(np.int32),
        "clouds": _clouds(model, heads, settings.points, generator),
    }


def _clouds(model: MorphableModel, heads: torch.Tensor, points: int, generator: torch.Generator) -> np.ndarray:
    """Aligned clouds (E, points, 3) in mm of heads (E, V, 3); each starts at the tip of the nose.

    Points are drawn on the surface, as a scanner's are, so they do not correspond between clouds.
    """
    skin = model.regions["skin"] > 0.5
    front = skin & (model.mean[:, 2] > FACE_DEPTH)
    triangles = model.triangles[front[model.triangles].all(dim=1)]
    candidates = sample_surface(heads, triangles, SURFACE_CANDIDATES, generator)
    tip = heads[:, model.landmarks[NOSE_TIP]][:, None]
    candidates = torch.cat((tip, candidates), dim=1)
    chosen = farthest_point_sampling(candidates, points, start=0)
    return candidates.gather(1, chosen[..., None].expand(-1, -1, 3)).numpy()
