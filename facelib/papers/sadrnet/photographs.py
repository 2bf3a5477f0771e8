"""The photographs that a run of paper 3 learns from, and those of other people by which it is watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.augmentation import AugmentationSettings, augmented
from facelib.data.embedded import PeopleStream, PeopleStreamSettings, batches_folder
from facelib.data.embedded.posed_photographs import check_camera
from facelib.data.occlusion import OcclusionSettings, occluded
from facelib.data.posed_faces import PosedFaces, faces_of, posed_faces
from facelib.data.streamed import HELD_OUT_SEED, StreamedBatches, part_of_start, portions
from facelib.errors import BadInput
from facelib.papers.sadrnet.settings import PhotographAugmentation, StreamedFaces


class ArchivePhotographs:
    """Photographs of a data set, shuffled and augmented anew in each epoch (section III.E).

    Args:
        archive: the data set.
        rows: that are learnt from.
        batch_size: photographs a step.
        augmentation: of the photographs.

    Raises:
        BadInput: for fewer photographs than a batch has.
    """

    def __init__(
        self, archive: FaceArchive, rows: np.ndarray, batch_size: int, augmentation: PhotographAugmentation
    ) -> None:
        self.archive, self.rows, self.batch_size = archive, rows, batch_size
        self.augmentation = AugmentationSettings(
            augmentation.rotation, augmentation.shift, augmentation.scale, augmentation.colour
        )
        self.occlusion = OcclusionSettings(probability=augmentation.occlusion)
        self.batch_count = len(rows) // batch_size  # the last incomplete batch is left out
        if self.batch_count == 0:
            raise BadInput(f"{len(rows)} training photographs: fewer than one batch of {batch_size}")

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[PosedFaces]:
        order = self.rows[torch.randperm(len(self.rows), generator=generator).numpy()]
        for shuffled in order[: self.batch_count * self.batch_size].reshape(self.batch_count, -1):
            faces = augmented(posed_faces(self.archive, np.sort(shuffled)), generator, self.augmentation)
            images, skin = occluded(faces.images, faces.skin, generator, self.occlusion)
            yield replace(faces, images=images, skin=skin)


def streamed(
    chosen: PeopleStreamSettings,
    sizes: StreamedFaces,
    batch_size: int,
    batch_count: int,
    seed: int,
    *,
    kept: bool = False,
) -> StreamedBatches[PosedFaces]:
    """The part of a stream that a training start with this seed learns from; `kept` on disk for others, or not.

    Raises:
        BadInput: for a camera with perspective, under which a pose is no similarity.
    """
    check_camera(chosen.scene)
    return part_of_start(
        partial(PeopleStream.open, chosen),
        faces_of,
        seed=seed,
        batch_size=batch_size,
        batch_count=batch_count,
        processes=sizes.processes,
        kept=batches_folder(chosen) if kept else None,
    )


def held_out_of_stream(chosen: PeopleStreamSettings, count: int) -> list[PosedFaces]:
    """Photographs of people whom no training on this stream sees, in the same skins."""
    others = replace(PeopleStream.open(chosen), settings=replace(chosen, seed=HELD_OUT_SEED))
    return [faces_of(others.batch(number, size)) for number, size in enumerate(portions(count))]


def held_out_of_archive(archive: FaceArchive, rows: Sequence[int] | np.ndarray) -> list[PosedFaces]:
    """These photographs of a data set."""
    ends = np.cumsum(portions(len(rows)))[:-1]
    return [posed_faces(archive, some) for some in np.split(np.asarray(rows), ends)]
