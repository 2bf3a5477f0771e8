"""Generated counterparts of the papers' data sets, from the embedded faces.

FaceScape (paper 1): identities x 20 expressions x views around the head, light varied, background removed, and for
each identity and expression one aligned cloud of 1,024 points. Web faces (the pretraining of papers 1 and 2): many
other identities in uncontrolled pose, light, expression, blur and background, without clouds.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch

from facelib.data.archive import FaceArchive, make_archive
from facelib.errors import BadInput
from facelib.faces.baking import face_model_path, load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, People, expression_coefficients, sample_people
from facelib.faces.scene import SceneSettings, render
from facelib.geometry.point_clouds import farthest_point_sampling, sample_surface
from facelib.storage import cache_folder, digest_of

GENERATOR_VERSION = 2  # raise it when the generation changes: older data sets are then passed over
NOSE_TIP = 30  # landmark
FACE_DEPTH = 5.0  # mm: the cloud covers what lies in front of this depth, the face without the back of the head
SURFACE_CANDIDATES = 4096  # points on the surface that farthest point sampling chooses from
FRONTAL_YAW = 15.0  # degrees
RENDER_BATCH = 80

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of <malloc.h>

OnImages = Callable[[int], None]


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


@dataclass(frozen=True)
class WebFacesSettings:
    """The counterpart of web photographs.

    Args:
        identities: number of people, others than FaceScape's.
        images: photographs of each.
        seed: of people and scenes.
        yaw_spread, pitch_spread, roll_spread: standard deviations in degrees; yaw stays within 90.
        scene: camera, light and sensor.
    """

    identities: int = 1000
    images: int = 40
    seed: int = 2
    yaw_spread: float = 28.0
    pitch_spread: float = 10.0
    roll_spread: float = 6.0
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            image_size=112, background="structured", light_variation=1.0, noise=0.03, blur=1.2, crop_jitter=0.04
        )
    )


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
    return _open(
        "embedded_facescape",
        settings,
        settings.identities,
        lambda number: _facescape_identity(model, people(), settings, number),
        lambda: on_images(images),
    )


def open_web_faces(settings: WebFacesSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of web photographs from the cache, generated where it is missing.

    Args:
        settings: which one.
        on_images: told the number of images after each identity, for a progress bar.

    Raises:
        BadInput: on fewer than one identity or image.
    """
    if settings.identities < 1 or settings.images < 1:
        raise BadInput(f"{settings.identities} identities and {settings.images} images: expected at least one of each")
    model = load_face_model("coarse")
    people = cache(lambda: sample_people(model, settings.identities, settings.seed))
    return _open(
        "embedded_web_faces",
        settings,
        settings.identities,
        lambda number: _web_identity(model, people(), settings, number),
        lambda: on_images(settings.images),
    )


def fingerprint_of(name: str, settings: FaceScapeSettings | WebFacesSettings) -> str:
    """The fingerprint of a generated data set: its settings, the face model and this generator's version."""
    path = face_model_path("coarse")
    checksum = path.with_name(path.name + ".sha256").read_text(encoding="utf-8").strip()
    return digest_of({"name": name, "version": GENERATOR_VERSION, "settings": asdict(settings), "faces": checksum})


def _open(
    name: str,
    settings: FaceScapeSettings | WebFacesSettings,
    parts: int,
    make_part: Callable[[int], dict[str, np.ndarray]],
    on_part: Callable[[], None],
) -> FaceArchive:
    keep_freed_memory()
    fingerprint = fingerprint_of(name, settings)
    folder: Path = cache_folder() / "data" / f"{name}-{fingerprint}"
    return make_archive(folder, name, fingerprint, parts, make_part, on_part)


def keep_freed_memory() -> None:
    """Ask glibc to reuse large freed blocks: given back to the system, half of the rendering time is page faults."""
    import ctypes

    with contextlib.suppress(AttributeError, OSError):  # another C library has no mallopt, and does without
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in ((M_MMAP_THRESHOLD, 2**25), (M_TRIM_THRESHOLD, 2**30), (M_TOP_PAD, 2**26)):
            mallopt(parameter, size)


def _facescape_identity(
    model: MorphableModel, people: People, settings: FaceScapeSettings, number: int
) -> dict[str, np.ndarray]:
    """All photographs and clouds of one identity: expressions in turn, `views` photographs of each."""
    generator = torch.Generator().manual_seed(_seed(settings.seed, number))
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
    pitch, roll = _spread(count, (settings.pitch_spread, settings.roll_spread), 2.5, generator)
    pose = torch.deg2rad(torch.stack((yaw, pitch, roll), dim=1))
    albedo = model.albedo(people.texture[number : number + 1])
    images, angle = _photograph(model, heads[expression], albedo, pose, settings.scene, generator)
    return {
        "images": images,
        "identity": np.full(count, number, np.int32),
        "expression": expression.numpy().astype(np.int16),
        "angle": angle,
        "pose": pose.numpy(),
        "cloud": (number * len(names) + expression.numpy()).astype(np.int32),
        "clouds": _clouds(model, heads, settings.points, generator),
    }


def _web_identity(
    model: MorphableModel, people: People, settings: WebFacesSettings, number: int
) -> dict[str, np.ndarray]:
    """All photographs of one identity, each with an expression of its own at some strength."""
    generator = torch.Generator().manual_seed(_seed(settings.seed, number))
    count = settings.images
    names = list(EXPRESSIONS)
    expression = torch.randint(len(names), (count,), generator=generator)
    strength = torch.rand(count, generator=generator)
    heads = model.vertices(
        people.identity[number : number + 1].expand(count, -1),
        expression_coefficients(model, [names[i] for i in expression.tolist()], strength),
    )
    spreads = (settings.yaw_spread, settings.pitch_spread, settings.roll_spread)
    yaw, pitch, roll = _spread(count, spreads, 2.5, generator)
    pose = torch.deg2rad(torch.stack((yaw.clamp(-90, 90), pitch, roll), dim=1))
    albedo = model.albedo(people.texture[number : number + 1])
    images, angle = _photograph(model, heads, albedo, pose, settings.scene, generator)
    return {
        "images": images,
        "identity": np.full(count, number, np.int32),
        "expression": expression.numpy().astype(np.int16),
        "angle": angle,
        "pose": pose.numpy(),
        "cloud": np.full(count, -1, np.int32),
    }


def _seed(seed: int, number: int) -> int:
    """A generator seed for each identity, so that any part can be made alone."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _spread(
    count: int, spreads: tuple[float, ...], limit: float, generator: torch.Generator
) -> tuple[torch.Tensor, ...]:
    """Normal angles of the given standard deviations, cut at `limit` of them."""
    draws = torch.randn(len(spreads), count, generator=generator).clamp(-limit, limit)
    return tuple(spread * draw for spread, draw in zip(spreads, draws, strict=True))


def _photograph(
    model: MorphableModel,
    heads: torch.Tensor,
    albedo: torch.Tensor,
    pose: torch.Tensor,
    scene: SceneSettings,
    generator: torch.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, H, W) uint8 and angles from frontal (N,) of heads (N, V, 3) that share an albedo (1, V, 3)."""
    images, angles = [], []
    for rows in torch.arange(len(heads)).split(math.ceil(len(heads) / math.ceil(len(heads) / RENDER_BATCH))):
        colour = albedo.expand(len(rows), -1, -1)
        rendering = render(model, heads[rows], colour, pose[rows], scene, generator)
        images.append((rendering.image * 255).round().to(torch.uint8).numpy())
        angles.append(rendering.angle.numpy())
    return np.concatenate(images), np.concatenate(angles)


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
