"""Archives of photographs in which a detector found faces: what is left of licensed samples once they are looked at.

Finding takes about a second a photograph on one core, so an archive is made once, part by part, and kept in the cache.
Photographs without a face that is found are left out and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from facelib.conventions import LANDMARK_COUNT
from facelib.data.archive import FaceArchive, make_archive
from facelib.data.face_finding import face_boxes
from facelib.data.licensed.crops import box_around
from facelib.data.licensed.facewarehouse import landmark_vertices
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Reader, Row, Sample
from facelib.data.photographs import Photograph
from facelib.errors import BadInput, DegenerateInput
from facelib.papers.msma.detection import detected_face, detected_landmarks
from facelib.storage import cache_folder

PART = 100  # photographs: two minutes of work that a kill can cost
REASONS = ("no face is found", "several are", "no crop fits what is found")  # for which photographs are left out
NO_OCCLUDER_KNOWN = -1

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """How faces of a data set are found.

    Args:
        side: of the photograph in which they are sought, over that of the crop.
        marked: whether a detector's landmarks come with it, which are taken as they are.
        boxed: whether the box of its true landmarks says where the face is.
        keeps: arrays of the reader that an evaluation needs.
    """

    side: float = 2.0
    marked: bool = False
    boxed: bool = False
    keeps: tuple[str, ...] = ()


FOUND: dict[str, Found] = {
    "300w_lp": Found(marked=True),
    "aflw2000": Found(boxed=True, keeps=("landmarks_2d", "pose")),
    "florence_clips": Found(side=5.0, keeps=("condition", "scans", "scan_landmarks")),
    "facewarehouse": Found(side=3.0, keeps=("expression", "scans", "neutral")),
}


@dataclass(frozen=True)
class Chosen:
    """Some samples of a data set in the user's folder.

    Args:
        reader, folder: of the data set.
        samples: what its index says of them.
        fingerprint: of the folder, as it was when it was checked, and of the choice.
        first: number that is added to its people's, so that those of several data sets differ.
    """

    reader: Reader
    folder: DataFolder
    samples: Sequence[Row]
    fingerprint: str
    first: int = 0


def open_detected(
    name: str,
    fingerprint: str,
    chosen: Sequence[Chosen],
    image_size: int,
    alone: bool,
    on_images: Callable[[int], None],
) -> FaceArchive:
    """The archive from the cache, made where it is missing.

    Args:
        name, fingerprint: of the archive.
        chosen: which samples of which data sets.
        image_size: S of the crops, pixels a side.
        alone: whether photographs with several faces are left out, too; else the largest face counts.
        on_images: told the number of samples after each part.

    Returns:
        images (N, 3, S, S) and skin (N, S, S) uint8, landmarks (N, 68, 2) pixels, identity (N,), what `Found` keeps,
        and left_out (parts, 3), how many photographs for each of `REASONS`.

    Raises:
        BadInput: no photograph is chosen, or none shows a face.
        BadInput, CorruptFile: a file has changed since its folder was checked, and does not fit any more.
    """
    samples = [(each, row) for each in chosen for row in each.samples]
    if not samples:
        raise BadInput(f"no photographs of {name} are chosen: expected at least one; look at the lists of the folder")
    parts = [samples[start : start + PART] for start in range(0, len(samples), PART)]
    sizes = iter(map(len, parts))
    place = cache_folder() / "data" / f"{name}-{fingerprint}"
    archive = make_archive(
        place,
        name,
        fingerprint,
        len(parts),
        lambda number: _part(parts[number], image_size, alone),
        lambda: on_images(next(sizes)),
    )
    left_out = archive.arrays["left_out"].sum(axis=0)
    if left_out.any():
        told = ", ".join(f"{count} as {reason}" for count, reason in zip(left_out, REASONS, strict=True) if count)
        _log.warning("%s: of %d photographs %d were left out, %s", name, len(samples), left_out.sum(), told)
    if not len(archive):
        raise BadInput(f"none of the {len(samples)} photographs of {name} shows a face that is found")
    return _completed(archive)


def _part(samples: Sequence[tuple[Chosen, Row]], image_size: int, alone: bool) -> dict[str, np.ndarray]:
    with _quiet():
        found = [_detected(chosen, row, image_size, alone) for chosen, row in samples]
    reasons = np.array([reason for _, reason in found])
    kept = reasons < 0
    arrays = {name: np.stack([arrays[name] for arrays, _ in found])[kept] for name in found[0][0]}
    return arrays | {"left_out": np.array([[(reasons == each).sum() for each in range(len(REASONS))]], np.int32)}


def _detected(chosen: Chosen, row: Row, size: int, alone: bool) -> tuple[Sample, int]:
    """The arrays of one photograph, and the number of the reason why it is left out, -1 where it is not."""
    how = FOUND.get(chosen.reader.name, Found())
    sample = chosen.reader.read(chosen.folder, row, round(how.side * size))
    arrays: Sample = {
        "images": np.zeros((3, size, size), np.uint8),
        "skin": np.zeros((size, size), np.uint8),
        "landmarks": np.zeros((LANDMARK_COUNT, 2), np.float32),
        "identity": np.array(chosen.first + row["identity"], np.int32),
        **{name: sample[name] for name in how.keeps},
    }
    photograph = Photograph(torch.from_numpy(sample["images"]).float() / 255)
    try:
        landmarks = _landmarks(photograph, sample, how, alone)
        if isinstance(landmarks, int):
            return arrays, landmarks
        crop, face = detected_face(photograph, landmarks, size)
    except BadInput:  # DegenerateInput among them: what was found is no face, or lies outside
        return arrays, REASONS.index("no crop fits what is found")
    arrays |= {
        "images": (face.images[0].clamp(0, 1) * 255).round().to(torch.uint8).numpy(),
        "skin": face.skin[0].to(torch.uint8).numpy(),
        "landmarks": face.landmarks[0].numpy(),
    }
    if "landmarks_2d" in how.keeps:
        arrays["landmarks_2d"] = crop.from_photograph(torch.from_numpy(sample["landmarks_2d"])).numpy()
    return arrays, -1


def _landmarks(photograph: Photograph, sample: Sample, how: Found, alone: bool) -> torch.Tensor | int:
    """Landmarks (68, 2) as a detector gives them, or the number of a reason."""
    if how.marked:
        return torch.from_numpy(sample["landmarks_2d"])
    boxes = [box_around(sample["landmarks_2d"])] if how.boxed else face_boxes(photograph)
    if not boxes:
        return REASONS.index("no face is found")
    if alone and len(boxes) > 1:
        return REASONS.index("several are")
    landmarks = detected_landmarks(photograph, boxes[0])
    if not landmarks.isfinite().all():
        raise DegenerateInput("the landmarks that were found are not finite")
    return landmarks


def _completed(archive: FaceArchive) -> FaceArchive:
    """With the arrays that the embedded counterpart has besides, where they follow from others."""
    arrays, count = archive.arrays, len(archive)
    more: dict[str, np.ndarray] = {}
    if "scans" in arrays:
        more["scan"] = np.arange(count, dtype=np.int32)
    if "landmarks_2d" in arrays:
        more["occluder"] = np.full(count, NO_OCCLUDER_KNOWN, np.int16)
    if "neutral" in arrays:
        vertices = landmark_vertices(np.mean(arrays["neutral"], axis=0))
        more["scan_landmarks"] = np.asarray(arrays["scans"][:, vertices])
    return replace(archive, arrays=arrays | more)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what is told of single photographs, which nobody reads of thousands."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
