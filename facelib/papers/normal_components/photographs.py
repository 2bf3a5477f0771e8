"""What paper 2's networks learn from: photographs of people, photographs with shapes, and reconstructed faces.

No training is given a scan: `ReconstructedPeople` opens nothing but faces that were reconstructed from photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from facelib.data.ahead import Arrays
from facelib.data.archive import FaceArchive
from facelib.data.embedded import LabelledFaces, PeopleStream, batches_folder, labelled_faces_of
from facelib.data.streamed import StreamedBatches, part_of_start
from facelib.data.surface_images import ReconstructedFaces, SurfaceVariation, reconstructed_faces, varied
from facelib.errors import BadInput
from facelib.papers.normal_components.data_sets import stream_settings
from facelib.papers.normal_components.settings import RecognitionSettings


@dataclass(frozen=True)
class PhotographedFaces:
    """B photographs of people who are told apart.

    Args:
        images: (B, 3, S, S) RGB in [0, 1].
        person: (B,) int64, the class.
    """

    images: torch.Tensor
    person: torch.Tensor


class PeopleOfArchive:
    """Shuffled batches of a data set, the last incomplete one left out.

    Args:
        archive: the data set; all of its people are told apart.
        batch_size: images a step.

    Raises:
        BadInput: for fewer images than a batch has.
    """

    def __init__(self, archive: FaceArchive, batch_size: int) -> None:
        self.archive, self.batch_size, self.classes = archive, batch_size, archive.identities
        self.batch_count = len(archive) // batch_size
        if self.batch_count == 0:
            raise BadInput(f"{len(archive)} images of {archive.name}: fewer than one batch of {batch_size}")

    def rows(self, generator: torch.Generator) -> Iterator[np.ndarray]:
        """Those of an epoch's batches, ascending, as a memory map is read fastest."""
        order = torch.randperm(len(self.archive), generator=generator).numpy()
        for some in order[: self.batch_count * self.batch_size].reshape(self.batch_count, -1):
            yield np.sort(some)


class PhotographedPeople(PeopleOfArchive):
    """Photographs, mirrored and cropped at random (section 3.1).

    Args:
        archive, batch_size: as `PeopleOfArchive`.
        crop: largest shift along each axis, either way, as a share of the side.
    """

    def __init__(self, archive: FaceArchive, batch_size: int, crop: float = 0.05) -> None:
        super().__init__(archive, batch_size)
        self.most = round(crop * archive.image_size)

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[PhotographedFaces]:
        for rows in self.rows(generator):
            images = photographs_of(self.archive, rows)
            chosen = torch.rand(len(rows), generator=generator) < 0.5
            images = torch.where(chosen[:, None, None, None], images.flip(3), images)
            down, right = torch.randint(-self.most, self.most + 1, (2,), generator=generator).tolist()
            images = _shifted(images, down, right)
            person = np.searchsorted(self.classes, self.archive.arrays["identity"][rows])
            yield PhotographedFaces(images, torch.from_numpy(person))


class ReconstructedPeople(PeopleOfArchive):
    """Faces reconstructed from photographs, varied.

    Args:
        archive, batch_size: as `PeopleOfArchive`.
        cell: side of a cell, mm.
        variation: of the faces.
    """

    def __init__(self, archive: FaceArchive, batch_size: int, cell: float, variation: SurfaceVariation) -> None:
        super().__init__(archive, batch_size)
        self.cell, self.variation = cell, variation

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[ReconstructedFaces]:
        """Raises BadInput for a data set of anything but reconstructed faces."""
        for rows in self.rows(generator):
            faces = reconstructed_faces(self.archive, rows, self.classes)
            yield ReconstructedFaces(varied(faces.images, self.cell, self.variation, generator), faces.person)


def photographs_of(archive: FaceArchive, rows: np.ndarray) -> torch.Tensor:
    """Photographs (B, 3, S, S) of a data set, RGB in [0, 1]."""
    return torch.from_numpy(np.array(archive.arrays["images"][rows])).float() / 255


def taught(settings: RecognitionSettings, seed: int) -> StreamedBatches[LabelledFaces]:
    """The part of the stream of people, with their shapes, that a training start of a reconstructor learns from."""
    chosen, sizes = stream_settings(settings), settings.taught
    return part_of_start(
        partial(PeopleStream.open, chosen),
        _labelled,
        seed=seed,
        batch_size=settings.reading.batch_size,
        batch_count=sizes.batches,
        processes=sizes.processes,
        kept=batches_folder(chosen) if sizes.kept else None,
    )


def _labelled(arrays: Arrays) -> LabelledFaces:
    return labelled_faces_of({**arrays, "landmarks": arrays["landmarks_2d"]})


def _shifted(images: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """Images whose borders are repeated where they move in."""
    height, width = images.shape[2:]
    rows, columns = (
        (torch.arange(size) - shift).clamp(0, size - 1) for size, shift in ((height, down), (width, right))
    )
    return images[:, :, rows][:, :, :, columns]
