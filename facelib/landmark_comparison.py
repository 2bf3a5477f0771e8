"""How far landmarks that are read off photographs of real people lie from dlib's, which has learnt from such.

dlib's predictor (Kazemi and Sullivan, CVPR 2014) comes with the extra `photographs`; it was trained on 300-W, whose
pictures are not for commercial use. Its landmarks are no truth, and its convention is another than ours: brows
and lips, say, are drawn along other lines. So distances are told twice, as they are, and with dlib's landmarks moved
into our convention. How they move is fitted on rendered faces, whose landmarks are known, and never on photographs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facelib.conventions import NOSE_TIP, OUTER_EYE_CORNERS
from facelib.data.embedded.portraits import portraits
from facelib.data.face_finding import find_face
from facelib.data.photographs import FORMATS, FaceBox, Photograph, read_photograph
from facelib.errors import BadInput, FacelibError, MissingPart
from facelib.metrics.bootstrap import Interval, bootstrap_over_identities
from facelib.papers import msma
from facelib.papers.sadrnet.networks import face_model
from facelib.papers.sadrnet.shipped import MODELS
from facelib.papers.sadrnet.trained import load_trained
from facelib.reconstruction import read_face
from facelib.runs.records import read_record
from facelib.weights import read_card, shipped_names

LandmarkReader = Callable[[Photograph], torch.Tensor]  # (68, 2) of the largest face, in pixels of the photograph

INNER = slice(17, 68)  # brows, eyes, nose and mouth: the outline is another line for each convention and each pose
PREDICTOR = "shape_predictor_68_face_landmarks.dat"
SURROUNDINGS = 1.2  # sides of dlib's landmarks, each way from their middle, that a face is cut out with
FITTED, FITTED_YAW, FITTED_SIZE, FITTED_CROP = 120, 40.0, 256, 2.6  # rendered faces that the translation is fitted on
INSTALL = "pip install 'facelib-companion[photographs]'"


@dataclass(frozen=True)
class Comparison:
    """One face.

    Args:
        name: of the file, and of several faces in it which one.
        as_they_are: mean distance of the 51 inner landmarks over that of the outer eye corners; None where there is
            nothing to compare.
        translated: the same with dlib's landmarks in our convention.
        why_not: empty, or why there is nothing to compare.
    """

    name: str
    as_they_are: float | None = None
    translated: float | None = None
    why_not: str = ""


@dataclass(frozen=True)
class Summary:
    """How far a model's landmarks lie from dlib's, over the faces on which all models that are compared have some.

    Args:
        faces: how many.
        mean, median: of the distances, with dlib's landmarks in our convention.
        difference: this model's mean less the first one's, with its interval over faces; None for the first.
    """

    faces: int
    mean: float
    median: float
    difference: Interval | None


def summaries(comparisons: Mapping[str, Sequence[Comparison]]) -> dict[str, Summary]:
    """What several models' comparisons on the same folder say beside each other; the first is what others differ from.

    Args:
        comparisons: of `compare_folder`, by model.

    Raises:
        BadInput: for fewer than two faces on which all have landmarks.
    """
    rows = np.array([[each.translated for each in found] for found in comparisons.values()], np.float64)
    rows = rows[:, ~np.isnan(rows).any(axis=0)]
    faces = rows.shape[1]
    if faces < 2:
        raise BadInput(f"{faces} face on which all models can be compared: expected at least two")
    differences = rows - rows[0]
    intervals = bootstrap_over_identities(lambda counts: counts @ differences.T / faces, faces, seed=0)
    return {
        name: Summary(faces, float(row.mean()), float(np.median(row)), interval if number else None)
        for number, (name, row, interval) in enumerate(zip(comparisons, rows, intervals, strict=True))
    }


def landmark_reader(model: str | None = None, tier: str | None = None) -> LandmarkReader:
    """What reads landmarks off photographs: a network of paper 3, or the face that one of paper 5 reads, not refined.

    Args:
        model, tier: as of paper 3's `load_trained`, or a shipped model's name or a run of paper 5.

    Raises:
        UnknownName, MissingPart, CorruptFile, BadInput: as `load_trained`.
    """
    if model is None or _paper_of(model) != msma.PAPER.name:
        trained = load_trained(model, tier)
        return lambda photograph: read_face(trained, photograph, None).landmarks[:, :2]
    from facelib.papers.msma import photograph_fit  # with a renderer, which few need
    from facelib.papers.msma import trained as fitters

    fitter = fitters.load_trained(model, tier)
    return lambda photograph: (
        photograph_fit.fit_photograph(fitter, photograph, find_face(photograph), refine=False).landmarks
    )


def _paper_of(model: str) -> str | None:
    """Of a shipped model or a run's folder or file."""
    if model in shipped_names():
        return read_card(model).get("paper")
    return read_record(MODELS.record_of(model, "")).paper if Path(model).exists() else None


def compare_folder(folder: Path, models: Mapping[str, LandmarkReader]) -> dict[str, list[Comparison]]:
    """Every face that dlib finds in the photographs of a folder, in alphabetical order, as each model reads it.

    A photograph or a face that cannot be compared says of its own why.

    Args:
        folder: of photographs, without its subfolders.
        models: whose landmarks are compared, by name.

    Raises:
        BadInput: for a folder without photographs.
        MissingPart: without dlib or its predictor.
    """
    endings = {".jpg", *(f".{name.lower()}" for name in FORMATS), ".tif"}
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in endings)
    if not paths:
        raise BadInput(f"{folder} holds no photograph: expected files ending in {', '.join(sorted(endings))}")
    translation = fitted_translation()
    found: dict[str, list[Comparison]] = {name: [] for name in models}
    for path in paths:
        for face in _faces_in(path):
            for name, reader in models.items():
                found[name].append(face if isinstance(face, Comparison) else _compared(face, reader, translation))
    return found


@dataclass(frozen=True)
class _Face:
    """One that dlib found: its name, the part of the photograph around it, that part's corner, and its landmarks."""

    name: str
    part: Photograph
    corner: torch.Tensor
    theirs: torch.Tensor


def _faces_in(path: Path) -> Iterator[_Face | Comparison]:
    """Those that dlib finds, or why there is nothing to compare."""
    try:
        photograph = read_photograph(path)
    except FacelibError as error:
        yield Comparison(path.name, why_not=str(error))
        return
    faces = dlib_faces(photograph)
    if not faces:
        yield Comparison(path.name, why_not="dlib sees no face there")
    for number, theirs in enumerate(faces, start=1):
        corner, part = _cut_out(photograph, theirs)
        yield _Face(path.name if len(faces) == 1 else f"{path.name}, face {number}", part, corner, theirs)


def _compared(face: _Face, reader: LandmarkReader, translation: torch.Tensor) -> Comparison:
    try:
        ours = reader(face.part) + face.corner
    except FacelibError as error:
        return Comparison(face.name, why_not=str(error))
    moved = distance(ours, translated(face.theirs, translation), face.theirs)
    return Comparison(face.name, distance(ours, face.theirs), moved)


def _cut_out(photograph: Photograph, landmarks: torch.Tensor) -> tuple[torch.Tensor, Photograph]:
    """The part around a face's landmarks (68, 2), where our own detector looks for it, and its corner (2,)."""
    low, high = landmarks.amin(dim=0), landmarks.amax(dim=0)
    reach = SURROUNDINGS * (high - low).max()
    reduction, middle = photograph.reduction, (low + high) / 2
    left, top = ((middle - reach) / reduction).int().clamp_min(0).tolist()
    right, bottom = ((middle + reach) / reduction).int().tolist()
    part = Photograph(photograph.pixels[:, top : bottom + 1, left : right + 1], reduction)
    return torch.tensor([left, top]) * reduction, part


def distance(ours: torch.Tensor, theirs: torch.Tensor, unit: torch.Tensor | None = None) -> float:
    """Mean distance of the inner landmarks (68, 2) over the distance of the outer eye corners.

    Args:
        ours, theirs: to be compared.
        unit: whose eye corners; default theirs.
    """
    right, left = (theirs if unit is None else unit)[list(OUTER_EYE_CORNERS)]
    return float((ours - theirs)[INNER].norm(dim=1).mean() / (left - right).norm())


def dlib_landmarks(photograph: Photograph, box: FaceBox) -> torch.Tensor | None:
    """dlib's landmarks (68, 2), in pixels of the file, of the largest face over the middle of a box; None without one.

    Raises:
        MissingPart: without dlib or its predictor.
    """
    middle = torch.tensor([box.left + box.right, box.top + box.bottom]) / 2
    there = (
        landmarks
        for landmarks in dlib_faces(photograph)
        if bool((landmarks.amin(dim=0) < middle).all() and (middle < landmarks.amax(dim=0)).all())
    )
    return next(there, None)


def dlib_faces(photograph: Photograph) -> list[torch.Tensor]:
    """dlib's landmarks (68, 2), in pixels of the file, of every face that it finds, the largest first.

    Raises:
        MissingPart: without dlib or its predictor.
    """
    detector, predictor = _dlib()
    pixels = (photograph.pixels * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    found: Any = detector(pixels, 0) or detector(pixels, 1)  # doubled, it finds faces of 40 pixels
    faces = []
    for box in sorted(found, key=lambda box: box.area(), reverse=True):
        corners = [
            (point.x + 0.5, point.y + 0.5) for point in predictor(pixels, box).parts()
        ]  # whole numbers are corners
        faces.append(torch.tensor(corners) * photograph.reduction)
    return faces


@cache
def fitted_translation() -> torch.Tensor:
    """How dlib's inner landmarks move into our convention, (3, 51, 2), fitted on rendered faces that dlib finds.

    A shift of each landmark in the frame of the face (see `_framed`), linear in where the tip of its nose is, which
    says how it is turned.
    """
    people = portraits(face_model(), FITTED, FITTED_SIZE, yaw=FITTED_YAW, crop=FITTED_CROP)
    told, shifts = [], []
    for image, landmarks in zip(people.image, people.landmarks, strict=True):
        low, high = landmarks.amin(dim=0), landmarks.amax(dim=0)
        theirs = dlib_landmarks(Photograph(image), FaceBox(*low.tolist(), *high.tolist()))
        if theirs is not None:
            told.append(_turn_of(theirs))
            shifts.append((_framed(landmarks, theirs) - _framed(theirs, theirs))[INNER].flatten())
    solution = torch.linalg.lstsq(torch.stack(told).double(), torch.stack(shifts).double()).solution
    return solution.float().unflatten(1, (-1, 2))


def translated(theirs: torch.Tensor, translation: torch.Tensor) -> torch.Tensor:
    """dlib's landmarks (68, 2) with the inner ones in our convention.

    Args:
        theirs: in pixels.
        translation: (3, 51, 2), of `fitted_translation`.
    """
    shift = torch.einsum("k,knc->nc", _turn_of(theirs), translation)
    moved = theirs.clone()
    moved[INNER] += shift @ _axes(theirs)
    return moved


def _turn_of(landmarks: torch.Tensor) -> torch.Tensor:
    """One, and where the tip of the nose is in the frame of the face, (3,)."""
    return torch.cat((torch.ones(1), _framed(landmarks, landmarks)[NOSE_TIP]))


def _framed(points: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
    """Points (N, 2) from the middle of the outer eye corners, whose distance is one, along and across their line."""
    axes = _axes(landmarks)
    middle = landmarks[list(OUTER_EYE_CORNERS)].mean(dim=0)
    return (points - middle) @ axes.T / axes[0].square().sum()


def _axes(landmarks: torch.Tensor) -> torch.Tensor:
    """From the one outer eye corner to the other, and as much at a right angle to it, (2, 2) rows."""
    right, left = landmarks[list(OUTER_EYE_CORNERS)]
    along = left - right
    return torch.stack((along, torch.stack((-along[1], along[0]))))


@cache
def _dlib() -> tuple[Any, Any]:
    try:
        import dlib
    except ImportError as error:
        raise MissingPart(f"landmarks are compared with dlib's, which is missing: {INSTALL}") from error
    package = importlib.util.find_spec("face_recognition_models")  # not imported: it needs what setuptools has left out
    folders = [] if package is None else list(package.submodule_search_locations or ())
    path = next((path for folder in folders if (path := Path(folder) / "models" / PREDICTOR).is_file()), None)
    if path is None:
        raise MissingPart(f"the package face-recognition-models, which brings {PREDICTOR}, is missing: {INSTALL}")
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))
