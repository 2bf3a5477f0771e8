"""The counterpart of AFLW2000-3D in another world: heads of ICT-FaceKit, which are statistics of real scans.

People whom our own face model did not make, in a topology that is not ours: nobody is trained on them, and they are
judged without any correspondence of vertices. The truth of a photograph is its head's surface around the nose, as a
scanner would give it, with the expression, and 68 landmarks. Light, camera and poses are those of our counterpart of
AFLW2000-3D. Some wear glasses or sunglasses, nobody a mask: masks are cut out on the face's map, in which the parted
lips of these heads leave a hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import torch

from facelib.conventions import NOSE_TIP
from facelib.data.archive import FaceArchive
from facelib.data.embedded.aflw_300wlp import YAW_BINS, Aflw2000Settings, largest_remainder
from facelib.data.embedded.generation import (
    OnImages,
    check_counts,
    generator_of,
    open_generated,
    sample_expressions,
    spread,
)
from facelib.data.embedded.posed_photographs import check_camera, posed_photographs
from facelib.errors import BadInput, MissingPart
from facelib.faces.baking import load_face_model
from facelib.faces.ict_model import ict_model_path, load_ict_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import sample_people_in_skins_of
from facelib.geometry.point_clouds import sample_surface
from facelib.storage import verify_once

WORN = (Occluder.GLASSES, Occluder.SUNGLASSES)


@dataclass(frozen=True, kw_only=True)
class IctFacesSettings(Aflw2000Settings):
    """The set, with the poses and the scene of its parent.

    Args:
        heads: SHA-256 of the imported model's file (`imported_heads`), by which the fingerprint follows the import.
        points: of a scan.
        reach: mm around the tip of the nose that a scan is cut to.
    """

    archive: ClassVar[str] = "ict_aflw2000"
    version: ClassVar[int] = 2  # raise it when the generation changes: older data are then passed over

    heads: str
    identities: int = 100
    images: int = 2
    seed: int = 7
    points: int = 5000
    reach: float = 95.0


def imported_heads() -> str:
    """SHA-256 of the imported model's file.

    Raises:
        MissingPart: when ICT-FaceKit was not imported.
        CorruptFile: when the file is damaged.
    """
    if not ict_model_path().exists():
        raise MissingPart("ICT-FaceKit was not imported: facelib faces import-ict FOLDER (a clone of its repository)")
    return verify_once(ict_model_path())


def check_heads(heads: str) -> None:
    """Raise BadInput unless heads, by the SHA-256 of their file, are the imported ones; MissingPart without any."""
    if heads != imported_heads():
        raise BadInput(f"heads are {heads!r}: expected those that are imported, {imported_heads()!r}")


def open_ict_faces(settings: IctFacesSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The set from the cache, generated where it is missing.

    Its arrays are those of our counterpart of AFLW2000-3D, with the coefficients of the imported model, and scan
    (N, points, 3) and landmarks (N, 68, 3), mm in the face frame (`facelib.data.scanned_faces`).

    Args:
        settings, on_images: as `open_people`.

    Raises:
        MissingPart: when ICT-FaceKit was not imported.
        BadInput: when other heads are imported than the settings name, on fewer than one identity, image or point, a
            share that is none, a scan without reach, or a camera with perspective.
    """
    _check(settings)
    world = cache(lambda: _World(settings))

    def make_part(number: int) -> dict[str, np.ndarray]:
        return world().photograph_person(number)

    return open_generated(settings, settings.identities, make_part, lambda: on_images(settings.images))


def _check(settings: IctFacesSettings) -> None:
    check_counts(identities=settings.identities, images=settings.images, points=settings.points)
    check_camera(settings.scene)
    if not 0 <= settings.worn_share <= 1:
        raise BadInput(f"worn_share is {settings.worn_share}: expected 0 to 1")
    if len(settings.yaw_shares) != len(YAW_BINS) or min(settings.yaw_shares) < 0 or sum(settings.yaw_shares) <= 0:
        raise BadInput(f"yaw_shares are {settings.yaw_shares}: expected three numbers of 0 or more, not all zero")
    if not settings.reach > 0:
        raise BadInput(f"reach is {settings.reach}: expected more than 0 mm")
    check_heads(settings.heads)


class _World:
    """The people, and the poses and worn things that are dealt among all photographs; made where any is missing."""

    def __init__(self, settings: IctFacesSettings) -> None:
        self.settings, self.model = settings, load_ict_model()
        self.people = sample_people_in_skins_of(self.model, load_face_model("fine"), settings.identities, settings.seed)
        generator, total = generator_of(settings.seed, settings.identities), settings.image_count
        self.limits = torch.tensor(YAW_BINS)[_dealt(largest_remainder(settings.yaw_shares, total), generator)]
        worn = round(settings.worn_share * total)
        counts = np.array([total - worn, *largest_remainder((1,) * len(WORN), worn)])
        self.worn = np.array([Occluder.NOTHING, *WORN], np.int16)[_dealt(counts, generator).numpy()]
        self.skin = _skin_triangles(self.model)

    def photograph_person(self, number: int) -> dict[str, np.ndarray]:
        """All photographs of one person, each with an expression of its own at some strength, and their scans."""
        settings, model, count = self.settings, self.model, self.settings.images
        generator = generator_of(settings.seed, number)
        own = slice(number * count, (number + 1) * count)
        person = self.people.identity[number, None], self.people.texture[number, None]
        action, expression = sample_expressions(model, count, 1.0, generator)
        place, side = torch.rand(2, count, generator=generator).unbind(0)
        low, high = self.limits[own].unbind(1)
        yaw = torch.lerp(low, high, place) * torch.where(side < 0.5, -1.0, 1.0)
        pitch, roll = spread(count, (settings.pitch_spread, settings.roll_spread), 2.5, generator)
        pose = torch.deg2rad(torch.stack((yaw, pitch, roll), dim=1))
        arrays = posed_photographs(
            model, person, action, pose, self.worn[own], settings.scene, generator, dressed=False
        )
        heads = model.vertices(person[0].expand(count, -1), action)
        return arrays | {
            "expression": expression.numpy().astype(np.int16),
            "identity": np.full(count, number, np.int32),
            "landmarks": heads[:, model.landmarks].numpy(),
            "scan": np.stack([self._scan(head, generator) for head in heads]),
        }

    def _scan(self, head: torch.Tensor, generator: torch.Generator) -> np.ndarray:
        """Points (points, 3) spread evenly over the skin of a head (V, 3) within reach of the nose's tip."""
        near = (head - head[self.model.landmarks[NOSE_TIP]]).norm(dim=1) < self.settings.reach
        triangles = self.skin[near[self.skin].all(dim=1)]
        return sample_surface(head[None], triangles, self.settings.points, generator)[0].numpy()


def _dealt(counts: np.ndarray, generator: torch.Generator) -> torch.Tensor:
    """As many zeros, ones, ... as counted, in random order."""
    kinds = torch.repeat_interleave(torch.from_numpy(counts))
    return kinds[torch.randperm(len(kinds), generator=generator)]


def _skin_triangles(model: MorphableModel) -> torch.Tensor:
    """The triangles of the skin: without eyes, and what lies behind eyes and lips."""
    return model.triangles[(model.regions["skin"] > 0.5)[model.triangles].all(dim=1)]
