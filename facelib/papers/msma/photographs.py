"""The photographs that a run of paper 5 learns from, without their truth, and those by which it is watched.

They are a stream of embedded people, or an archive of photographs in which a detector found faces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from facelib.data.ahead import Arrays
from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    LabelledFaces,
    LabelledStream,
    LandmarkedStream,
    PeopleStreamSettings,
    batches_folder,
    labelled_faces_of,
    landmarked_faces_of,
)
from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.data.streamed import HELD_OUT_SEED, StreamedBatches, part_of_start, portions
from facelib.errors import BadInput
from facelib.papers.msma.networks import standard_landmarks
from facelib.papers.msma.settings import MSMARunSettings
from facelib.papers.photograph_task import Photographs

T = TypeVar("T")
DETECTED = "detected_1"  # folder of batches as a detector sees them; another number for other errors of it


def without_labels(
    archive: FaceArchive, settings: MSMARunSettings, batch_size: int, seed: int, *, kept: bool = False
) -> tuple[Photographs[LandmarkedFaces], list[LandmarkedFaces]]:
    """What a training start learns from, and photographs of others by whom it is watched.

    Args:
        archive: the skins of the stream's people, or photographs with detected landmarks.
        settings: of the run.
        batch_size: photographs.
        seed: of the start.
        kept: whether batches of a stream are kept on disk for other runs.

    Raises:
        BadInput: for photographs of one person alone.
    """
    if "landmarks" not in archive.arrays:
        return streamed(settings, batch_size, seed, kept=kept), held_out(settings)
    learnt, others = split_photographs(archive.arrays["identity"], settings.photographs.held_out)
    watched = [detected_faces_of(archive, rows) for rows in np.array_split(others, len(portions(len(others))))]
    return DetectedPhotographs(archive, learnt, batch_size), watched


@dataclass(frozen=True)
class DetectedPhotographs:
    """Photographs of an archive, each once an epoch but those that fill no batch.

    Args:
        archive: with detected landmarks.
        rows: of the photographs.
        batch_size: of each batch; one of all where there are fewer.
    """

    archive: FaceArchive
    rows: np.ndarray
    batch_size: int

    @property
    def batch_count(self) -> int:
        return max(len(self.rows) // self.batch_size, 1)

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[LandmarkedFaces]:
        """Those of an epoch, in an order that the generator gives."""
        order = self.rows[torch.randperm(len(self.rows), generator=generator).numpy()]
        for number in range(self.batch_count):
            yield detected_faces_of(self.archive, order[number * self.batch_size :][: self.batch_size])


def detected_faces_of(archive: FaceArchive, rows: np.ndarray) -> LandmarkedFaces:
    """Photographs of an archive with detected landmarks."""
    return landmarked_faces_of({name: np.array(archive.arrays[name][rows]) for name in ("images", "landmarks", "skin")})


def split_photographs(people: np.ndarray, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from, and at least `held_out` of other people, or a tenth of all where that is less.

    Args:
        people: (N,) who is on each photograph.
        held_out: how many.

    Raises:
        BadInput: for one person alone.
    """
    everyone, place = np.unique(people, return_inverse=True)
    if len(everyone) < 2:
        raise BadInput(f"the {len(people)} photographs show one person: expected some of another, to watch training by")
    order = np.random.default_rng(HELD_OUT_SEED).permutation(len(everyone))
    counts = np.bincount(place)[order]
    wanted = max(1, min(held_out, len(people) // 10))
    some = min(int(np.searchsorted(np.cumsum(counts), wanted)) + 1, len(everyone) - 1)
    others = np.isin(place, order[:some])
    return np.flatnonzero(~others), np.flatnonzero(others)


def stream_settings(settings: MSMARunSettings) -> PeopleStreamSettings:
    """The stream of people at a tier's size, seen by cameras with perspective, as the renderer's is.

    Fitted to faces seen without, the renderer's bend: with exact landmarks, direct fits of 24 of them were at 0.59 of
    the mean face's error, and at 0.49 where the renderer had no perspective either.
    """
    usual, sizes = PeopleStreamSettings(), settings.stream
    scene = replace(usual.scene, image_size=settings.network.image_size, camera="perspective")
    return replace(usual, skins=sizes.skins, yaw_spread=sizes.yaw_spread, scene=scene)


def streamed(
    settings: MSMARunSettings, batch_size: int, seed: int, *, kept: bool = False
) -> StreamedBatches[LandmarkedFaces]:
    """The part of the stream that a training start with this seed learns from; `kept` on disk for others, or not."""
    folder = batches_folder(stream_settings(settings)) / DETECTED if kept else None
    return _part(LandmarkedStream, landmarked_faces_of, settings, batch_size, seed, folder)


def labelled(settings: MSMARunSettings, batch_size: int, seed: int) -> StreamedBatches[LabelledFaces]:
    """The same photographs with 3D labels."""
    return _part(LabelledStream, labelled_faces_of, settings, batch_size, seed, None)


def _part(
    stream: type[LandmarkedStream],
    read: Callable[[Arrays], T],
    settings: MSMARunSettings,
    batch_size: int,
    seed: int,
    kept: Path | None,
) -> StreamedBatches[T]:
    return part_of_start(
        partial(stream.open, stream_settings(settings), standard_landmarks(settings.network.image_size)),
        read,
        seed=seed,
        batch_size=batch_size,
        batch_count=settings.stream.batches,
        processes=settings.stream.processes,
        kept=kept,
    )


def held_out(settings: MSMARunSettings) -> list[LandmarkedFaces]:
    """Photographs of people whom no training sees, in the same skins."""
    return _held_out(LandmarkedStream, landmarked_faces_of, settings)


def held_out_labelled(settings: MSMARunSettings) -> list[LabelledFaces]:
    """The same photographs with 3D labels."""
    return _held_out(LabelledStream, labelled_faces_of, settings)


def _held_out(stream: type[LandmarkedStream], read: Callable[[Arrays], T], settings: MSMARunSettings) -> list[T]:
    usual = stream.open(stream_settings(settings), standard_landmarks(settings.network.image_size))
    people = replace(usual.people, settings=replace(usual.people.settings, seed=HELD_OUT_SEED))
    others = replace(usual, people=people)
    return [read(others.batch(number, size)) for number, size in enumerate(portions(settings.stream.held_out))]
