"""The counterparts of BU-3DFE, FRGC v2, Bosphorus and BU-4DFE (paper 2, section 3.1), and the same of ICT-FaceKit.

A person's first scan is neutral and goes into the gallery, all others are probes. People are other than in every other
data set. Stored is what the scanner gives, not what is prepared of it (`facelib.data.scan_preparation`), so that
embedded and real scans go the same way. A depth is a 16-bit number of hundredths of a millimetre: as small as half
precision, which from 64 mm on would have steps of 0.06 mm, half the noise of a laser scanner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.generation import (
    OnImages,
    Person,
    check_counts,
    dealt,
    generator_of,
    open_generated,
    open_people,
    sample_pose,
)
from facelib.data.embedded.ict_faces import check_heads
from facelib.data.embedded.shown_faces import (
    EMOTIONS,
    ShownFaces,
    emotion_levels,
    emotion_sequences,
    free_expressions,
)
from facelib.errors import BadInput
from facelib.faces.ict_model import load_ict_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.faces.scanners import SCANNERS, Scanner, scan_heads
from facelib.geometry.range_images import range_image_of_depth

UNIT = 0.01  # mm, of a stored depth
HOLE = -32768  # what is stored where there is no depth

Show = Callable[[MorphableModel, int, torch.Generator], ShownFaces]  # the faces of the person with this number


@dataclass(frozen=True, kw_only=True)
class FaceScansSettings:
    """What all of them have.

    Args:
        identities: number of people.
        scanner: that scans them.
        size: rows and columns of a scan.
        seed: of people and scans.
        yaw_spread, pitch_spread, roll_spread: how far sitters are from frontal: standard deviations in degrees, cut at
            2.5 of them.
    """

    archive: ClassVar[str]
    version: ClassVar[int] = 1  # raise it when the generation changes: older data are then passed over

    identities: int
    scanner: Scanner
    seed: int
    size: int = 128
    yaw_spread: float = 4.0
    pitch_spread: float = 4.0
    roll_spread: float = 2.5

    def scans_of(self, number: int) -> int:
        """Scans of the person with this number."""
        raise NotImplementedError

    @property
    def image_count(self) -> int:
        """Scans in the data set."""
        return sum(self.scans_of(number) for number in range(self.identities))


@dataclass(frozen=True, kw_only=True)
class Bu3dfeSettings(FaceScansSettings):
    """BU-3DFE: neutral, and six emotions at some levels of strength."""

    archive: ClassVar[str] = "embedded_bu3dfe"

    identities: int = 100
    scanner: Scanner = SCANNERS["bu3dfe"]
    seed: int = 31
    levels: int = 4

    def scans_of(self, number: int) -> int:
        return 1 + len(EMOTIONS) * self.levels


@dataclass(frozen=True, kw_only=True)
class FreeScansSettings(FaceScansSettings):
    """Scans dealt evenly among people, and among the scans those with an expression.

    Args:
        scans: in the data set.
        expressive: of them with an expression.
    """

    scans: int
    expressive: int

    def scans_of(self, number: int) -> int:
        return dealt(self.scans, self.identities)[number]

    def expressive_of(self, number: int) -> int:
        """Scans with an expression of the person with this number."""
        return self.scans_of(number) - dealt(self.scans - self.expressive, self.identities)[number]


@dataclass(frozen=True, kw_only=True)
class FrgcSettings(FreeScansSettings):
    """FRGC v2: most scans neutral."""

    archive: ClassVar[str] = "embedded_frgc"

    identities: int = 466
    scanner: Scanner = SCANNERS["frgc"]
    seed: int = 32
    scans: int = 4007
    expressive: int = 1642


@dataclass(frozen=True, kw_only=True)
class BosphorusSettings(FreeScansSettings):
    """Bosphorus without its scans of turned and covered heads: all but the first show an expression."""

    archive: ClassVar[str] = "embedded_bosphorus"

    identities: int = 105
    scanner: Scanner = SCANNERS["bosphorus"]
    seed: int = 33
    scans: int = 2902
    expressive: int = 2797


@dataclass(frozen=True, kw_only=True)
class Bu4dfeSettings(FaceScansSettings):
    """BU-4DFE: six emotions as sequences from neutral to neutral, of some frames each."""

    archive: ClassVar[str] = "embedded_bu4dfe"

    identities: int = 101
    scanner: Scanner = SCANNERS["bu4dfe"]
    seed: int = 34
    yaw_spread: float = 5.0
    pitch_spread: float = 5.0
    frames: int = 5

    def scans_of(self, number: int) -> int:
        return len(EMOTIONS) * self.frames


@dataclass(frozen=True, kw_only=True)
class IctScansSettings(FreeScansSettings):
    """Heads of ICT-FaceKit, whom our face model did not make, in twenty expressions.

    Args:
        heads: SHA-256 of the imported model's file (`imported_heads`), by which the fingerprint follows the import.
    """

    archive: ClassVar[str] = "ict_scans"

    heads: str
    identities: int = 100
    scanner: Scanner = SCANNERS["frgc"]
    seed: int = 35
    scans: int = 2000
    expressive: int = 1900


def open_bu3dfe(settings: Bu3dfeSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of BU-3DFE from the cache, generated where it is missing.

    Its arrays, the same for all data sets here: depth (N, H, W) int16, which `scan_positions` reads; step (N,) between
    samples, mm; nose_tip (N, 3) mm in the scanner's frame; pose (N, 3) radians from frontal; identity, expression,
    level, frame (N,) as `ShownFaces` has them; is_gallery (N,) bool.

    Args:
        settings, on_images: as `open_people`.

    Raises:
        BadInput: on no identity or level, or as `scan_heads`.
    """
    check_counts(identities=settings.identities, levels=settings.levels)

    def show(model: MorphableModel, number: int, generator: torch.Generator) -> ShownFaces:
        return emotion_levels(model, settings.levels, generator)

    return _open(settings, show, on_images)


def open_bu4dfe(settings: Bu4dfeSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of BU-4DFE, as `open_bu3dfe`.

    Raises:
        BadInput: on no identity or frame, or as `scan_heads`.
    """
    check_counts(identities=settings.identities, frames=settings.frames)

    def show(model: MorphableModel, number: int, generator: torch.Generator) -> ShownFaces:
        return emotion_sequences(model, settings.frames, generator)

    return _open(settings, show, on_images)


def open_free_scans(settings: FreeScansSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """The counterpart of FRGC v2 or of Bosphorus, as `open_bu3dfe`.

    Raises:
        BadInput: on no identity, fewer scans than people, more with an expression than are not first, or as
            `scan_heads`.
    """
    _check_free(settings)
    return _open(settings, partial(_show_freely, settings), on_images)


def open_ict_scans(settings: IctScansSettings, on_images: OnImages = lambda count: None) -> FaceArchive:
    """Scans of heads of ICT-FaceKit, as `open_bu3dfe`.

    Raises:
        MissingPart: when ICT-FaceKit was not imported.
        BadInput: when other heads are imported than the settings name, or as `open_free_scans`.
    """
    _check_free(settings)
    check_heads(settings.heads)
    model = cache(load_ict_model)
    people = cache(lambda: sample_people(model(), settings.identities, settings.seed, fixed_albedo=True))

    def make_part(number: int) -> dict[str, np.ndarray]:
        person = people().identity[number, None], people().texture[number, None]
        show = partial(_show_freely, settings)
        arrays = _scan_person(settings, show, model(), person, number, generator_of(settings.seed, number))
        return arrays | {"identity": np.full(len(arrays["depth"]), number, np.int32)}

    counts = iter([settings.scans_of(number) for number in range(settings.identities)])
    return open_generated(settings, settings.identities, make_part, lambda: on_images(next(counts)))


def scan_positions(archive: FaceArchive, rows: Sequence[int] | np.ndarray) -> torch.Tensor:
    """The range images (B, 3, H, W) of scans: mm in the scanner's frame, NaN in holes.

    Raises:
        BadInput: of a data set without scans, or without rows.
    """
    if "depth" not in archive.arrays:
        raise BadInput(f"data set {archive.name} has no range scans: expected one of {', '.join(SCANNERS)}")
    if len(rows) == 0:
        raise BadInput(f"no row was asked of data set {archive.name}: expected at least one scan")
    stored = torch.from_numpy(np.array(archive.arrays["depth"][rows]))
    depth = (stored.double() * UNIT).float().where(stored != HOLE, torch.nan)
    return range_image_of_depth(depth, float(archive.arrays["step"][0]))


def _open(settings: FaceScansSettings, show: Show, on_images: OnImages) -> FaceArchive:
    counts = [settings.scans_of(number) for number in range(settings.identities)]
    scan_person = partial(_scan_person, settings, show)
    return open_people(settings, settings.seed, counts, scan_person, on_images, resolution="fine", fixed_albedo=True)


def _check_free(settings: FreeScansSettings) -> None:
    check_counts(identities=settings.identities)
    people, scans, expressive = settings.identities, settings.scans, settings.expressive
    if not (people <= scans and 0 <= expressive <= scans - people):
        raise BadInput(
            f"{scans} scans of {people} people, {expressive} with an expression: expected at least a scan of each "
            "person, and as many without an expression as people"
        )


def _show_freely(
    settings: FreeScansSettings, model: MorphableModel, number: int, generator: torch.Generator
) -> ShownFaces:
    return free_expressions(model, settings.scans_of(number), settings.expressive_of(number), generator)


def _scan_person(
    settings: FaceScansSettings,
    show: Show,
    model: MorphableModel,
    person: Person,
    number: int,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """All scans of one person."""
    shown = show(model, number, generator)
    count = len(shown.action)
    pose = sample_pose(count, (settings.yaw_spread, settings.pitch_spread, settings.roll_spread), generator)
    heads = model.vertices(person[0].expand(count, -1), shown.action)
    scans = scan_heads(model, heads, pose, settings.scanner, settings.size, generator)
    whole = (scans.depth / UNIT).round().clamp(HOLE + 1, -HOLE - 1)
    return {
        "depth": whole.where(scans.depth.isfinite(), HOLE).short().numpy(),
        "step": np.full(count, scans.step, np.float32),
        "nose_tip": scans.nose_tip.numpy(),
        "pose": pose.numpy(),
        "expression": shown.expression.numpy().astype(np.int16),
        "level": shown.level.numpy().astype(np.int16),
        "frame": shown.frame.numpy().astype(np.int16),
        "is_gallery": np.arange(count) == 0,
    }
