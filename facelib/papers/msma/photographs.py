"""The photographs that a run of paper 5 learns from, without their truth, and those by which it is watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from facelib.data.ahead import Arrays
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
from facelib.papers.msma.networks import standard_landmarks
from facelib.papers.msma.settings import MSMARunSettings

T = TypeVar("T")
DETECTED = "detected_1"  # folder of batches as a detector sees them; another number for other errors of it


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
