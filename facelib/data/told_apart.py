"""People who are told apart in training, by their photographs or by the faces that were reconstructed from these.

No training is given a scan: `ReconstructedPeople` opens nothing but faces that were reconstructed (paper 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.known_photographs import photographs_of
from facelib.data.surface_images import ReconstructedFaces, reconstructed_faces, varied
from facelib.data.surface_settings import SurfaceVariation
from facelib.errors import BadInput


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


def _shifted(images: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """Images whose borders are repeated where they move in."""
    height, width = images.shape[2:]
    rows, columns = (
        (torch.arange(size) - shift).clamp(0, size - 1) for size, shift in ((height, down), (width, right))
    )
    return images[:, :, rows][:, :, :, columns]
