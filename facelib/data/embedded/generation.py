"""What all generated data sets share: the cache, fingerprints, seeds, and photographing heads."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch

from facelib.data.archive import FaceArchive, make_archive
from facelib.errors import BadInput
from facelib.faces.baking import Resolution, face_model_checksum, load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scene import SceneSettings, render
from facelib.storage import cache_folder, digest_of

RENDER_BATCH = 80

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of <malloc.h>

OnImages = Callable[[int], None]
Person = tuple[torch.Tensor, torch.Tensor]  # identity (1, K) and texture coefficients (1, up to 80)
PhotographPerson = Callable[[MorphableModel, Person, int, torch.Generator], dict[str, np.ndarray]]


class GeneratedSettings(Protocol):
    """What describes a generated data set: a frozen dataclass with these besides its fields.

    Attributes:
        archive: the data set's name in records and in the cache.
        version: of its generation.
        image_count: photographs in it.
    """

    archive: ClassVar[str]
    version: ClassVar[int]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def image_count(self) -> int: ...


def fingerprint_of(settings: GeneratedSettings) -> str:
    """The fingerprint of a generated data set: its settings, the face model and the version of its generation."""
    content = {"name": settings.archive, "version": settings.version, "settings": asdict(settings)}
    return digest_of(content | {"faces": face_model_checksum("coarse")})


def open_generated(
    settings: GeneratedSettings,
    parts: int,
    make_part: Callable[[int], dict[str, np.ndarray]],
    on_part: Callable[[], None],
) -> FaceArchive:
    """A data set from the cache, generated where it is missing; each part is one identity."""
    keep_freed_memory()
    fingerprint = fingerprint_of(settings)
    return make_archive(_folder(settings, fingerprint), settings.archive, fingerprint, parts, make_part, on_part)


def batches_folder(settings: GeneratedSettings) -> Path:
    """Where batches of a stream are kept, beside what is stored of it."""
    return _folder(settings, f"{fingerprint_of(settings)}-batches")


def _folder(settings: GeneratedSettings, fingerprint: str) -> Path:
    return cache_folder() / "data" / f"{settings.archive}-{fingerprint}"


def open_people(
    settings: GeneratedSettings,
    seed: int,
    images: Sequence[int],
    photograph_person: PhotographPerson,
    on_images: OnImages,
    *,
    resolution: Resolution = "coarse",
    fixed_albedo: bool = False,
) -> FaceArchive:
    """A data set of sampled people from the cache, generated where it is missing.

    Args:
        settings: which one.
        seed: of people and scenes.
        images: how many photographs each person has.
        photograph_person: gives the arrays of one person but `identity`, from the face model, the person, the person's
            number and a generator of their own.
        on_images: told the number of images after each person, for a progress bar.
        resolution: of the face model.
        fixed_albedo: give everybody the same skin.
    """
    model = load_face_model(resolution)
    # Painting everybody's skin takes seconds to minutes: only where something is still to be rendered.
    people = cache(lambda: sample_people(model, len(images), seed, fixed_albedo=fixed_albedo))

    def make_part(number: int) -> dict[str, np.ndarray]:
        one = slice(number, number + 1)
        person = people().identity[one], people().texture[one]
        arrays = photograph_person(model, person, number, generator_of(seed, number))
        return arrays | {"identity": np.full(images[number], number, np.int32)}

    counts = iter(images)
    return open_generated(settings, len(images), make_part, lambda: on_images(next(counts)))


def check_counts(**counts: int) -> None:
    """Raise BadInput unless there is at least one of each, named in the plural."""
    if min(counts.values()) < 1:
        *others, last = (f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
        every = f"{', '.join(others)} and {last}" if others else last
        raise BadInput(f"{every}: expected at least one{' of each' if others else ''}")


def keep_freed_memory() -> None:
    """Ask glibc to reuse large freed blocks: given back to the system, half of the rendering time is page faults."""
    import ctypes

    with contextlib.suppress(AttributeError, OSError):  # another C library has no mallopt, and does without
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in ((M_MMAP_THRESHOLD, 2**25), (M_TRIM_THRESHOLD, 2**30), (M_TOP_PAD, 2**26)):
            mallopt(parameter, size)


def generator_of(seed: int, number: int) -> torch.Generator:
    """A generator for each identity of a data set, so that any part can be made alone."""
    state = np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def spread(
    count: int, spreads: tuple[float, ...], limit: float, generator: torch.Generator
) -> tuple[torch.Tensor, ...]:
    """Normal angles (count,) of the given standard deviations, cut at `limit` of them."""
    draws = torch.randn(len(spreads), count, generator=generator).clamp(-limit, limit)
    return tuple(deviation * draw for deviation, draw in zip(spreads, draws, strict=True))


def dealt(total: int, parts: int) -> list[int]:
    """How many of so many things each part has when they are dealt evenly; the first ones get what is left over."""
    return [total // parts + (number < total % parts) for number in range(parts)]


def sample_pose(count: int, spreads: tuple[float, float, float], generator: torch.Generator) -> torch.Tensor:
    """Yaw, pitch and roll (count, 3), radians: normal, of these standard deviations in degrees, cut at 2.5 of them."""
    return torch.deg2rad(torch.stack(spread(count, spreads, 2.5, generator), dim=1))


def expressive_heads(
    model: MorphableModel, identity: torch.Tensor, count: int, strongest: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Heads (count, V, 3) of one identity (1, K), each with an expression of its own at a strength up to `strongest`.

    Returns:
        The heads in mm, and the number (count,) of each one's expression.
    """
    coefficients, expression = sample_expressions(model, count, strongest, generator)
    return model.vertices(identity.expand(count, -1), coefficients), expression


def sample_expressions(
    model: MorphableModel, count: int, strongest: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Some of the named expressions, each at a strength up to `strongest`.

    Returns:
        The strengths (count, E) of the facial actions, and the number (count,) of each expression.
    """
    names = list(EXPRESSIONS)
    expression = torch.randint(len(names), (count,), generator=generator)
    strength = strongest * torch.rand(count, generator=generator)
    return expression_coefficients(model, [names[i] for i in expression.tolist()], strength), expression


def photograph(
    model: MorphableModel,
    heads: torch.Tensor,
    expression: torch.Tensor,
    texture: torch.Tensor,
    degrees: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    scene: SceneSettings,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """N photographs of one person.

    Args:
        model: the face model.
        heads: (N, V, 3) mm.
        expression: (N,) the number of each one's expression.
        texture: (1, up to 80) coefficients, standard deviations.
        degrees: yaw, pitch and roll (N,) each.
        scene: camera, light and sensor.
        generator: of all randomness.

    Returns:
        images (N, 3, H, W) uint8, expression (N,), angle (N,) from frontal, pose (N, 3), cloud (N,), all -1.
    """
    albedo, pose = model.albedo(texture), torch.deg2rad(torch.stack(degrees, dim=1))
    images, angles = [], []
    for rows in torch.arange(len(heads)).split(math.ceil(len(heads) / math.ceil(len(heads) / RENDER_BATCH))):
        colour = albedo.expand(len(rows), -1, -1)
        rendering = render(model, heads[rows], colour, pose[rows], scene, generator)
        images.append(as_bytes(rendering.image))
        angles.append(rendering.angle.numpy())
    return {
        "images": np.concatenate(images),
        "expression": expression.numpy().astype(np.int16),
        "angle": np.concatenate(angles),
        "pose": pose.numpy(),
        "cloud": np.full(len(heads), -1, np.int32),
    }


def as_bytes(images: torch.Tensor) -> np.ndarray:
    """Images in [0, 1] as uint8, in the default memory layout, whatever theirs is."""
    return (images * 255).round().to(torch.uint8).contiguous().numpy()
