"""What methods read off photographs, as faces that lie in them; for the pictures of paper 5.

Photographs come with the landmarks that the evaluation's detector finds on them. What a network of paper 5 reads has a
pose of its own; shapes of paper 3 and true ones are laid onto their landmarks without perspective.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.landmarked_faces import LandmarkedFaces, aligned, standard_place
from facelib.data.photographs import FaceBox, FaceCrop, Photograph
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.geometry.orthographic_fit import orthographic_fit
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma import PAPER
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.fitted_face import FittedFace, finer_mesh
from facelib.papers.msma.networks import face_renderer, standard_landmarks
from facelib.papers.msma.protocol import detected_rows
from facelib.papers.msma.readers import CropReader, FoundFaces, crop_reader_of, is_of_paper_3, reader_of
from facelib.papers.msma.trained import load_trained
from facelib.papers.paper import BASELINE
from facelib.papers.sadrnet.reconstruction import bounds
from facelib.runs.records import Record
from facelib.runs.settings import override


@dataclass(frozen=True)
class PlacedFace:
    """A face as it lies in a photograph.

    Args:
        shape: (V, 3) mm, the vertices that the renderer draws.
        landmarks: (68, 2) pixels of the photograph.
        vertices: (N, 3) mm of a finer mesh, without its ragged edge.
        points: (N, 3) where they lie, column, row and depth in pixels of the photograph.
        triangles: (T, 3) between them.
        fitted: with colours and light, where a method of paper 5 has read it.
    """

    shape: torch.Tensor
    landmarks: torch.Tensor
    vertices: torch.Tensor
    points: torch.Tensor
    triangles: torch.Tensor
    fitted: FittedFace | None = None


@dataclass(frozen=True)
class Photographs:
    """B photographs and their true faces.

    Args:
        titles: B names.
        rows: (B,) of their data sets.
        faces: as a detector sees them.
        true: the faces.
    """

    titles: tuple[str, ...]
    rows: np.ndarray
    faces: LandmarkedFaces
    true: list[PlacedFace]

    def greyed(self, title: str) -> Photographs:
        """The same with those of this title without colours, as Rec. 601 weighs them."""
        weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
        images = self.faces.images.clone()
        for number in [place for place, each in enumerate(self.titles) if each == title]:
            images[number] = (weights * images[number]).sum(dim=0)
        return Photographs(
            self.titles, self.rows, LandmarkedFaces(images, self.faces.landmarks, self.faces.skin), self.true
        )


PlacedReader = Callable[[LandmarkedFaces], list[PlacedFace]]


def photographs_of(archive: FaceArchive, chosen: Mapping[str, int]) -> Photographs:
    """Photographs of an archive.

    Args:
        archive: with the arrays of `posed_photographs`.
        chosen: title -> row.
    """
    rows = np.array(list(chosen.values()))
    faces = detected_rows(archive, rows)
    renderer = face_renderer(archive.image_size)
    shape, action, landmarks = (
        torch.from_numpy(np.array(archive.arrays[name][rows])).float() for name in ("shape", "action", "landmarks_2d")
    )
    laid = laid_faces(renderer, FoundFaces(shape, action / EXPRESSION_SPREAD, landmarks))
    true = [replace(face, landmarks=exact) for face, exact in zip(laid, landmarks, strict=True)]
    return Photographs(tuple(chosen), rows, faces, true)


def together(parts: Sequence[Photographs]) -> Photographs:
    """Those of several archives, of one size."""
    faces = (torch.cat([getattr(part.faces, name) for part in parts]) for name in ("images", "landmarks", "skin"))
    return Photographs(
        tuple(title for part in parts for title in part.titles),
        np.concatenate([part.rows for part in parts]),
        LandmarkedFaces(*faces),
        [face for part in parts for face in part.true],
    )


def open_readers(records: Mapping[str, Record]) -> dict[str, PlacedReader]:
    """label -> what the method of a run reads.

    Raises:
        MissingPart, CorruptFile: when weights are gone or damaged.
    """
    return {label: _reader(record) for label, record in records.items()}


def _reader(record: Record) -> PlacedReader:
    method, settings = PAPER.method(record.method), override(PAPER.settings(record.tier), record.parameters)
    network = nn.Identity() if method.kind == BASELINE else load_trained(str(record.run.folder)).network
    if is_of_paper_3(method):
        renderer, read = face_renderer(settings.network.image_size), reader_of(method, settings, network)
        return lambda faces: laid_faces(renderer, read(faces))
    coefficients = crop_reader_of(method, settings, network)
    return lambda faces: fitted_faces(faces, coefficients, record.method)


def fitted_faces(faces: LandmarkedFaces, read: CropReader, method: str) -> list[PlacedFace]:
    """The faces that coefficients make, in their photographs.

    Args:
        faces: B photographs.
        read: from their aligned crops to the coefficients of B faces.
        method: that reads.
    """
    standard = standard_landmarks(faces.images.shape[-1])
    crops, (scale, shift) = aligned(faces, standard), standard_place(faces.landmarks, standard)
    found, placed = read(crops), []
    for number in range(len(faces)):
        one = FaceCoefficients(*(each[number : number + 1] for each in found))
        corner = shift[number].tolist()
        crop = FaceCrop(crops.images[number], float(scale[number]), (corner[0], corner[1]))
        low, high = bounds(faces.landmarks[number])
        box, photograph = FaceBox(*low.tolist(), *high.tolist()), Photograph(faces.images[number])
        face = FittedFace(one, crop, box, photograph, {"method": method})
        surface = face.surface
        points = crop.to_photograph(surface.points)
        placed.append(PlacedFace(face.vertices, face.landmarks, surface.vertices, points, surface.triangles, face))
    return placed


def laid_faces(renderer: FaceRenderer, found: FoundFaces) -> list[PlacedFace]:
    """Shapes without a pose, laid onto the landmarks that were found with them."""
    shapes = found.shapes(renderer, neutral=False)
    pose = orthographic_fit(shapes[:, renderer.landmarks], found.landmarks)
    fine, triangles = finer_mesh(renderer)
    vertices = torch.stack([torch.from_numpy(fine @ shape.numpy()) for shape in shapes])
    marked, points = pose.apply(shapes[:, renderer.landmarks])[..., :2], pose.apply(vertices)
    return [PlacedFace(*each, triangles) for each in zip(shapes, marked, vertices, points, strict=True)]
