"""Batches of people who are told apart: every image once an epoch, classes in order, and never a scan."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from facelib.data.archive import FaceArchive
from facelib.data.surface_settings import SurfaceVariation
from facelib.data.told_apart import PhotographedPeople, ReconstructedPeople
from facelib.errors import BadInput

PEOPLE = np.repeat([3, 5, 9], 4)
STILL = SurfaceVariation(mirror=0, crop=0)


def photographs() -> FaceArchive:
    """Each photograph has a colour of its own, darker to the left."""
    images = np.zeros((12, 3, 20, 20), np.uint8)
    images += (20 * np.arange(12, dtype=np.uint8))[:, None, None, None] + np.arange(20, dtype=np.uint8)
    return FaceArchive("embedded_web_faces", "", {"images": images, "identity": PEOPLE})


def faces(name: str = "reconstructed_faces") -> FaceArchive:
    normals = np.zeros((12, 3, 8, 8), np.int8)
    normals[:, 2] = 127
    relief = np.ones((12, 1, 8, 8), np.float16) * (np.arange(12, dtype=np.float16) / 16)[:, None, None, None]
    return FaceArchive(name, "", {"normals": normals, "relief": relief, "identity": PEOPLE})


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize(
    ("source", "number"),
    [
        (
            lambda: PhotographedPeople(photographs(), 5, crop=0),
            lambda batch: batch.images.amin(dim=(1, 2, 3)) * 255 / 20,
        ),
        (lambda: ReconstructedPeople(faces(), 5, 2.0, STILL), lambda batch: batch.images.relief[:, 0, 4, 4] * 16),
    ],
)
def test_an_epoch_shows_each_image_once_with_its_class(source: Callable, number: Callable) -> None:
    people = source()
    batches = list(people.batches(0, generator()))
    assert len(batches) == people.batch_count == 2
    rows = torch.cat([number(batch) for batch in batches]).round().long()
    assert len(set(rows.tolist())) == 10  # the incomplete batch is left out
    assert torch.cat([batch.person for batch in batches]).tolist() == (rows // 4).tolist()
    again = list(people.batches(1, generator()))
    assert torch.equal(again[0].person, batches[0].person)


def test_photographs_are_mirrored_and_cropped() -> None:
    batch = next(PhotographedPeople(photographs(), 12, crop=0.2).batches(0, generator()))
    rises = (batch.images[:, 0, 0, -1] - batch.images[:, 0, 0, 0]) * 255
    assert (rises > 0).any()
    assert (rises < 0).any()
    assert rises.abs().max() <= 19 + 1e-3
    assert batch.images.amax() <= 1


def test_no_scan_is_learnt_from() -> None:
    for name in ("prepared_scans", "embedded_frgc"):
        with pytest.raises(BadInput, match=f"training was given data set {name}"):
            next(ReconstructedPeople(faces(name), 4, 2.0, STILL).batches(0, generator()))


def test_fewer_images_than_a_batch() -> None:
    with pytest.raises(BadInput, match="12 images of reconstructed_faces: fewer than one batch of 13"):
        ReconstructedPeople(faces(), 13, 2.0, STILL)
