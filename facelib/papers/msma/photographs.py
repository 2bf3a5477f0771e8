"""The photographs that a run of paper 5 learns from, without their truth, and those by which it is watched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from facelib.data.embedded import LandmarkedStream, PeopleStreamSettings, batches_folder, landmarked_faces_of
from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.data.streamed import HELD_OUT_SEED, StreamedBatches, part_of_start, portions
from facelib.papers.msma.networks import standard_landmarks
from facelib.papers.msma.settings import MSMARunSettings

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
    people = stream_settings(settings)
    return part_of_start(
        partial(LandmarkedStream.open, people, standard_landmarks(settings.network.image_size)),
        landmarked_faces_of,
        seed=seed,
        batch_size=batch_size,
        batch_count=settings.stream.batches,
        processes=settings.stream.processes,
        kept=batches_folder(people) / DETECTED if kept else None,
    )


def held_out(settings: MSMARunSettings) -> list[LandmarkedFaces]:
    """Photographs of people whom no training sees, in the same skins."""
    chosen = replace(stream_settings(settings), seed=HELD_OUT_SEED)
    stream = LandmarkedStream.open(stream_settings(settings), standard_landmarks(settings.network.image_size))
    others = replace(stream, people=replace(stream.people, settings=chosen))
    sizes = enumerate(portions(settings.stream.held_out))
    return [landmarked_faces_of(others.batch(number, size)) for number, size in sizes]
