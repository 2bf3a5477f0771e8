"""Figures 4 to 7 of paper 5: what several methods read off the same photographs, as shapes and as textures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from facelib.geometry.alignment import lengths, similarity_transform
from facelib.metrics.landmark_error import nme
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.msma.fit_pictures import other_lights
from facelib.report.msma.readings import Photographs, PlacedFace
from facelib.report.overlay import (
    SIDE,
    enlarged,
    named_pictures,
    note_below,
    overlay_face,
    photograph_grid,
    show,
    wrapped,
)
from facelib.report.sadrnet.predictions import TRUTH

PERCENT = 100.0
YAW = 35.0  # degrees that shapes are turned by
TURNS = (-45.0, 0.0, 45.0)
RELIT = ("from the left", "from the right", "from above")
OPACITY = 0.9  # of shapes over photographs

Read = Mapping[str, Sequence[PlacedFace]]  # label -> the faces of B photographs


def shape_data(photographs: Photographs, read: Read) -> pd.DataFrame:
    """How far shapes are from the true ones: columns photograph, row, method, mm (mean over the vertices, once the best
    similarity has laid the shape there)."""
    lines = [
        {"photograph": title, "row": row, "method": label, "mm": float(apart(face, true).mean())}
        for label, faces in read.items()
        for title, row, face, true in zip(photographs.titles, photographs.rows, faces, photographs.true, strict=True)
    ]
    return pd.DataFrame(lines)


def apart(face: PlacedFace, true: PlacedFace) -> torch.Tensor:
    """Distance (V,) in mm of a shape's vertices from the true ones, once the best similarity has laid it there."""
    shape, expected = face.shape[None], true.shape[None]
    return lengths(similarity_transform(shape, expected).apply(shape) - expected, dim=2)[0]


def draw_shapes(photographs: Photographs, read: Read) -> Figure:
    """A row a photograph: itself, then of each method and of the truth the shape over it, and turned.

    Args:
        photographs: B.
        read: label -> B faces.
    """
    shown = {**read, TRUTH: photographs.true}
    figure, blocks = photograph_grid(photographs.titles, photographs.faces.images, shown, ("laid over", "turned"))
    for label, block in blocks.items():
        for number, (over, turned) in enumerate(block):
            face, true = shown[label][number], photographs.true[number]
            show(over, laid_over(photographs, number, face))
            corner = "" if label == TRUTH else f"{float(apart(face, true).mean()):.1f} mm"
            show(turned, shaded_picture(FaceMesh("", face.vertices, face.triangles), YAW, SIDE), corner)
    note_below(figure, "corner: mean distance from the true shape")
    return figure


def laid_over(
    photographs: Photographs, number: int, face: PlacedFace, colours: torch.Tensor | None = None
) -> torch.Tensor:
    """A face over one of the photographs, in clay or in colours (N, 3)."""
    opacity = OPACITY if colours is None else 1.0
    return overlay_face(photographs.faces.images[number], face.points, face.triangles, colours, opacity=opacity)


def texture_data(photographs: Photographs, read: Read, albedo: torch.Tensor) -> pd.DataFrame:
    """How far textures are from the true ones: columns photograph, row, method, albedo (mean distance of colours as a
    screen shows them, of 1).

    Args:
        photographs, read: as of `draw_textures`.
        albedo: true, (B, N, 3) in [0, 1].
    """
    lines = [
        {"photograph": title, "row": row, "method": label, "albedo": float(off.mean())}
        for label, faces in read.items()
        for title, row, off in zip(
            photographs.titles, photographs.rows, lengths(albedo_of(faces) - albedo, dim=2), strict=True
        )
    ]
    return pd.DataFrame(lines)


def draw_textures(photographs: Photographs, read: Read, albedo: torch.Tensor) -> Figure:
    """A row a photograph: itself, then of each method the face as it is drawn over it, and its albedo; the true one.

    Args:
        photographs: B.
        read: label -> B faces that have colours.
        albedo: true, (B, N, 3) in [0, 1]; without beards.
    """
    rows = []
    for number, true in enumerate(photographs.true):
        row = [enlarged(photographs.faces.images[number])]
        for face in (faces[number] for faces in read.values()):
            row += [laid_over(photographs, number, face, lit(face)), _portrait(face, albedo_of([face])[0])]
        rows.append([*row, _portrait(true, albedo[number])])
    methods = (f"{label}: {part}" for label in read for part in ("drawn", "albedo"))
    columns = [wrapped(name) for name in ("photograph", *methods, f"{TRUTH}: albedo")]
    return named_pictures(rows, photographs.titles, columns, 6.5)


def lit(face: PlacedFace) -> torch.Tensor:
    """The colours (N, 3) of a fitted face in the light that was found."""
    assert face.fitted is not None
    return face.fitted.surface.lit(face.fitted.light)


def albedo_of(faces: Sequence[PlacedFace]) -> torch.Tensor:
    """Of fitted faces as a screen shows it, (B, N, 3) in [0, 1]."""
    return torch.stack([face.fitted.albedo for face in faces if face.fitted is not None])


def _portrait(face: PlacedFace, colours: torch.Tensor) -> torch.Tensor:
    return shaded_picture(FaceMesh("", face.vertices, face.triangles, colours), 0.0, SIDE)


def draw_relit(photographs: Photographs, faces: Sequence[PlacedFace]) -> Figure:
    """A row a photograph: itself, the face of one method drawn over it, in light from elsewhere, and turned.

    Args:
        photographs: B.
        faces: B faces that have colours.
    """
    rows = []
    for number, face in enumerate(faces):
        assert face.fitted is not None
        surface, reflectance, lights = face.fitted.surface, face.fitted.reflectance, other_lights(face.fitted)
        colours = [lit(face), *(surface.lit(lights[name], reflectance) for name in RELIT)]
        mesh = FaceMesh("", face.vertices, face.triangles, face.fitted.colours)
        rows.append(
            [
                enlarged(photographs.faces.images[number]),
                *(laid_over(photographs, number, face, each) for each in colours),
                *(shaded_picture(mesh, yaw, SIDE) for yaw in TURNS),
            ]
        )
    columns = (
        "photograph",
        "drawn",
        *(wrapped(f"light {name}") for name in RELIT),
        *(f"{yaw:+.0f}°" if yaw else "from the front" for yaw in TURNS),
    )
    return named_pictures(rows, photographs.titles, columns, 6.5)


def landmark_errors(photographs: Photographs, faces: Sequence[PlacedFace]) -> np.ndarray:
    """(B,) of the landmarks of faces, over the size of their box."""
    found, true = (torch.stack([face.landmarks for face in each]).numpy() for each in (faces, photographs.true))
    return nme(found, true, normaliser="box", points="all")


def comparison_data(photographs: Photographs, read: Read) -> pd.DataFrame:
    """`shape_data` and landmarks, a fraction of their box: columns photograph, row, method, mm, nme."""
    errors = np.concatenate([landmark_errors(photographs, faces) for faces in read.values()])
    return shape_data(photographs, read).assign(nme=errors)


def draw_comparison(photographs: Photographs, read: Read) -> Figure:
    """A row a photograph: itself, then the shape of each method and the true one laid over it; error of the landmarks.

    Args:
        photographs: B.
        read: label -> B faces.
    """
    figure, blocks = photograph_grid(photographs.titles, photographs.faces.images, (*read, TRUTH), ("",))
    for label, block in blocks.items():
        faces = read.get(label, photographs.true)
        errors = landmark_errors(photographs, faces)
        for number, (panel,) in enumerate(block):
            corner = "" if label == TRUTH else f"{errors[number] * PERCENT:.1f} %"
            show(panel, laid_over(photographs, number, faces[number]), corner)
    note_below(figure, "corner: error of the landmarks over the size of their box")
    return figure
