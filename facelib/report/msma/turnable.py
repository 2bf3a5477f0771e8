"""One photograph's face to turn, as several methods of paper 5 read it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
from matplotlib.figure import Figure

from facelib.geometry.neighbours import nearest
from facelib.papers.msma.fitted_face import FittedFace, finer_mesh
from facelib.papers.msma.tasks import spreads
from facelib.report.interactive_picture import InteractivePicture, still_png
from facelib.report.meshes import FaceMesh, shaded_picture, turnable_meshes
from facelib.report.msma.fit_pictures import face_meshes
from facelib.report.overlay import SIDE, enlarged, named_pictures, wrapped
from facelib.report.style import stamp

YAW = 40.0  # degrees of the still picture's second view
FINER = 1  # times that the triangles of a page's mesh are split into four; of a grid's cells eyes and lips would fray

Faces = Mapping[str, FittedFace]  # label -> what it has read off one photograph


def face_data(faces: Faces) -> pd.DataFrame:
    """Coefficients in numbers: columns method, yaw, pitch, roll (degrees), and `spreads`."""
    lines = []
    for label, face in faces.items():
        lines.append({"method": label, **face.angles, **spreads(face.coefficients)})
    return pd.DataFrame(lines)


def draw_faces(photograph: torch.Tensor, faces: Faces) -> Figure:
    """A row a method: the photograph, and the face in its colours, in its albedo and in clay, each from two sides.

    Args:
        photograph: (3, S, S).
        faces: read off it.
    """
    rows = [
        [enlarged(photograph)] + [shaded_picture(mesh, yaw, SIDE) for mesh in face_meshes(face) for yaw in (0.0, YAW)]
        for face in faces.values()
    ]
    parts = ("photograph's colours", "", "albedo", "", "shape", "")
    return named_pictures(rows, [wrapped(label) for label in faces], ("photograph", *map(wrapped, parts)), 6.5)


def interactive_faces(photograph: torch.Tensor, faces: Faces, label: str) -> InteractivePicture:
    """The same to turn: a row of buttons for each method, which change colours, albedo and shape.

    Args:
        photograph, faces: as of `draw_faces`.
        label: says which runs they come from.
    """
    still = draw_faces(photograph, faces)
    stamp(still, label)
    meshes = [_lighter(mesh, face) for name, face in faces.items() for mesh in face_meshes(face, f"{name}: ")]
    return turnable_meshes(meshes, label, still_png(still, 110), in_a_row=len(meshes) // len(faces))


def _lighter(mesh: FaceMesh, face: FittedFace) -> FaceMesh:
    """A mesh of a face with fewer vertices, in the colours of the nearest ones."""
    once, triangles = finer_mesh(face.renderer, FINER)
    vertices = torch.from_numpy(once @ face.vertices.numpy())
    place = nearest(vertices[None], mesh.vertices[None])[1][0]
    colours = None if mesh.colours is None else mesh.colours[place]
    return FaceMesh(mesh.title, vertices, triangles, colours)
