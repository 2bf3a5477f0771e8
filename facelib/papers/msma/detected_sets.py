"""Licensed data sets as paper 5 reads them: faces that were found, cropped as in training, with detected landmarks.

Section 5.2: photographs without a face that is found, or with several, are left out. They are counted here. What is
left has no more than images, landmarks and a guess of the skin, and in data sets to be evaluated on the truth beside
them. Finding takes about a second a photograph on one core, so it is done once and kept in the cache, part by part.
Which photographs the paper learns from it does not say: about 50,000, drawn at random from LFW and VGGFace2. Here data
sets give equal shares, and one that has fewer gives all it has. Where frames or photographs are evaluated on, the
largest face counts; AFLW2000-3D says where its faces are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from facelib.data.archive import FaceArchive, make_archive
from facelib.data.blazeface import WEIGHTS as FACE_FINDER
from facelib.data.face_finding import face_boxes
from facelib.data.licensed import reader_of
from facelib.data.licensed.archives import PreparedSettings, data_root, fingerprint_of_folder
from facelib.data.licensed.crops import box_around
from facelib.data.licensed.facewarehouse import landmark_vertices
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Sample, read_index
from facelib.data.photographs import Photograph
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.baking import face_model_checksum
from facelib.papers.msma.detection import DETECTOR, detected_face, detected_landmarks
from facelib.papers.msma.settings import LicensedPhotographs
from facelib.storage import cache_folder, digest_of
from facelib.weights import checksums

VERSION = 1  # raise it when faces are found or cropped otherwise: older archives are then passed over
PART = 100  # photographs: two minutes of work that a kill can cost
DRAW_SEED = 5  # of the photographs to learn from
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
class _Chosen:
    """Some samples of a data set in the user's folder, which was checked.

    Args:
        reader, folder, index: of the data set.
        rows: which of its samples.
        first: number that is added to its people's, so that those of several data sets differ.
    """

    reader: Reader
    folder: DataFolder
    index: Index
    rows: Sequence[int]
    first: int = 0

    @property
    def fingerprint(self) -> str:
        folder = fingerprint_of_folder(self.reader, self.index, 0)
        return digest_of([folder, list(map(int, self.rows))])


def training_photographs(settings: LicensedPhotographs, image_size: int) -> PreparedSettings:
    """The photographs to learn from.

    Args:
        settings: which data sets, and how many photographs.
        image_size: of the crops, pixels a side.

    Raises:
        UnknownName: no reader has such a name.
        MissingPart: a folder is not there, or was not checked.
        BadInput: no data set or photograph is asked for.
    """
    if not settings.sets or settings.count < 1:
        raise BadInput(
            f"{settings.count} photographs of {len(settings.sets)} data sets: expected at least one of both "
            "(photographs.sets, photographs.count)"
        )
    found, first = [], 0
    for name in settings.sets:
        whole = _whole(name)
        found.append(replace(whole, first=first))
        first += max(whole.index.columns["identity"]) + 1
    shares = equal_shares([len(each.index) for each in found], settings.count)
    chance = np.random.default_rng(DRAW_SEED)
    chosen = [
        replace(each, rows=np.sort(chance.permutation(len(each.index))[:share]).tolist())
        for each, share in zip(found, shares, strict=True)
    ]
    return _prepared(chosen, image_size, alone=True)


def evaluation_photographs(name: str, image_size: int) -> PreparedSettings:
    """A data set to be evaluated on: of FaceWarehouse the people who are; arguments and errors as above."""
    whole = _whole(name)
    evaluated = whole.index.columns.get("is_evaluated")
    rows = whole.rows if evaluated is None else [row for row in whole.rows if evaluated[row]]
    return _prepared([replace(whole, rows=rows)], image_size, alone=False)


def equal_shares(sizes: Sequence[int], count: int) -> list[int]:
    """How many each of several data sets gives to a count: the same number, or all that it has."""
    shares, left = [0] * len(sizes), count
    order = sorted(range(len(sizes)), key=lambda each: sizes[each])
    for place, each in enumerate(order):
        shares[each] = min(sizes[each], left // (len(sizes) - place))
        left -= shares[each]
    return shares


def _whole(name: str) -> _Chosen:
    reader = reader_of(name)
    folder = DataFolder(data_root(reader), reader.layout)
    index = read_index(reader, folder)
    return _Chosen(reader, folder, index, range(len(index)))


def _prepared(chosen: Sequence[_Chosen], image_size: int, *, alone: bool) -> PreparedSettings:
    name = "_".join([*(each.reader.name for each in chosen), "detected"])
    fingerprint = digest_of(
        {
            "name": name,
            "version": VERSION,
            "size": image_size,
            "alone": alone,
            "samples": [each.fingerprint for each in chosen],
            "detectors": checksums((DETECTOR, FACE_FINDER)),
            "faces": face_model_checksum("coarse"),  # whose landmarks say where crops are
        }
    )
    title = ", ".join(each.reader.title for each in chosen)
    opened = partial(_open, name, fingerprint, chosen, image_size, alone)
    return PreparedSettings(f"faces of {title}", fingerprint, sum(len(each.rows) for each in chosen), opened)


def _open(
    name: str,
    fingerprint: str,
    chosen: Sequence[_Chosen],
    image_size: int,
    alone: bool,
    on_images: Callable[[int], None],
) -> FaceArchive:
    """The archive: images (N, 3, S, S) and skin (N, S, S) uint8, landmarks (N, 68, 2) pixels, identity (N,), what
    `Found` keeps, and left_out (parts, 3), how many photographs for each of `REASONS`."""
    samples = [(each, row) for each in chosen for row in each.rows]
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


def _part(samples: Sequence[tuple[_Chosen, int]], image_size: int, alone: bool) -> dict[str, np.ndarray]:
    with _quiet():
        found = [_detected(chosen, row, image_size, alone) for chosen, row in samples]
    reasons = np.array([reason for _, reason in found])
    kept = reasons < 0
    arrays = {name: np.stack([arrays[name] for arrays, _ in found])[kept] for name in found[0][0]}
    return arrays | {"left_out": np.array([[(reasons == each).sum() for each in range(len(REASONS))]], np.int32)}


def _detected(chosen: _Chosen, row: int, size: int, alone: bool) -> tuple[Sample, int]:
    """The arrays of one photograph, and the number of the reason why it is left out, -1 where it is not."""
    known, how = chosen.index.row(row), FOUND.get(chosen.reader.name, Found())
    sample = chosen.reader.read(chosen.folder, known, round(how.side * size))
    arrays: Sample = {
        "images": np.zeros((3, size, size), np.uint8),
        "skin": np.zeros((size, size), np.uint8),
        "landmarks": np.zeros((68, 2), np.float32),
        "identity": np.array(chosen.first + known["identity"], np.int32),
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
