"""The photographs that a run of paper 5 learns from, without their truth, and those by which it is watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from facelib.data.ahead import BatchesAhead, Stream
from facelib.data.embedded import LandmarkedStream, PeopleStreamSettings, batches_folder, landmarked_faces_of
from facelib.data.kept_batches import KeptStream
from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.data.streamed import BETWEEN_STARTS, HELD_OUT_SEED, StreamedBatches
from facelib.papers.msma.networks import standard_landmarks
from facelib.papers.msma.settings import MSMARunSettings

DETECTED = "detected_1"  # folder of batches as a detector sees them; another number for other errors of it
AT_ONCE = 100  # of the held-out photographs


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
    people, standard = stream_settings(settings), standard_landmarks(settings.network.image_size)
    opened: Callable[[], Stream] = partial(LandmarkedStream.open, people, standard)
    if kept:
        opened = partial(KeptStream, opened, batches_folder(people) / DETECTED)
    source = BatchesAhead(opened, batch_size, settings.stream.processes)
    return StreamedBatches(source, settings.stream.batches, seed * BETWEEN_STARTS, landmarked_faces_of)


def held_out(settings: MSMARunSettings) -> list[LandmarkedFaces]:
    """Photographs of people whom no training sees, in the same skins."""
    chosen = replace(stream_settings(settings), seed=HELD_OUT_SEED)
    stream = LandmarkedStream.open(stream_settings(settings), standard_landmarks(settings.network.image_size))
    others = replace(stream, people=replace(stream.people, settings=chosen))
    count = settings.stream.held_out
    sizes = [min(AT_ONCE, count - first) for first in range(0, count, AT_ONCE)]
    return [landmarked_faces_of(others.batch(number, size)) for number, size in enumerate(sizes)]
