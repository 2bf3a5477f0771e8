"""The FaceScape counterpart (paper 1).

Identities x 20 expressions x views around the head, light varied, background removed, and for each identity and
expression one aligned cloud of 1,024 points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import OnImages, generator_of, open_generated, photograph, spread
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, People, expression_coefficients, sample_people
from facelib.faces.scene import SceneSettings
from facelib.geometry.point_clouds import farthest_point_sampling, sample_surface

NOSE_TIP = 30  # landmark
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
        settings: which one.
        on_images: told the number of images after each identity, for a progress bar.

    Raises:
        BadInput: on fewer than one identity or view.
    """
    if settings.identities < 1 or settings.views < 1:
        raise BadInput(f"{settings.identities} identities and {settings.views} views: expected at least one of each")
    if not 0 <= settings.frontal_share < 1:
        raise BadInput(f"frontal_share is {settings.frontal_share}: expected 0 or more, and less than 1")
    model = load_face_model("coarse")
    # Painting everybody's skin takes seconds to minutes: only where something is still to be rendered.
    people = cache(lambda: sample_people(model, settings.identities, settings.seed, fixed_albedo=settings.fixed_albedo))
    images = len(EXPRESSIONS) * settings.views
    return open_generated(
        settings,
        settings.identities,
        lambda number: _facescape_identity(model, people(), settings, number),
        lambda: on_images(images),
    )


def _facescape_identity(
    model: MorphableModel, people: People, settings: FaceScapeSettings, number: int
) -> dict[str, np.ndarray]:
    """All photographs and clouds of one identity: expressions in turn, `views` photographs of each."""
    generator = generator_of(settings.seed, number)
    names = list(EXPRESSIONS)
    heads = model.vertices(
        people.identity[number : number + 1].expand(len(names), -1), expression_coefficients(model, names)
    )
    count = len(names) * settings.views
    expression = torch.arange(len(names)).repeat_interleave(settings.views)
    # Yaw is stratified over all photographs of the identity, then dealt out to expressions at random.
    strata = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
    frontal = strata < settings.frontal_share
    near = (2 * strata / max(settings.frontal_share, 1e-9) - 1) * FRONTAL_YAW
    far = (2 * (strata - settings.frontal_share) / (1 - settings.frontal_share) - 1) * settings.yaw_limit
    yaw = torch.where(frontal, near, far)
    pitch, roll = spread(count, (settings.pitch_spread, settings.roll_spread), 2.5, generator)
    pose = torch.deg2rad(torch.stack((yaw, pitch, roll), dim=1))
    albedo = model.albedo(people.texture[number : number + 1])
    images, angle = photograph(model, heads[expression], albedo, pose, settings.scene, generator)
    return {
        "images": images,
        "identity": np.full(count, number, np.int32),
        "expression": expression.numpy().astype(np.int16),
        "angle": angle,
        "pose": pose.numpy(),
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
