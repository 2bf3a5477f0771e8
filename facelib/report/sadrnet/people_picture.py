"""Ten people, and what a network tells of each of their faces: whether one can tell them apart (ours)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from facelib.errors import BadInput
from facelib.geometry.alignment import similarity_transform
from facelib.papers.sadrnet.shape_protocol import FRONTAL
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.overlay import (
    SIDE,
    bar_beside,
    enlarged,
    error_colours,
    name_row,
    picture_grid,
    show,
)
from facelib.report.sadrnet.predictions import TRUTH, Predictions
from facelib.report.style import ERROR_COLOURS

PEOPLE = 10
LIMIT_MM = 6.0  # of the strongest colour
MEAN_FACE = "mean face"
NAME_WIDTH = 16  # characters of a row's name on a line


def shown_people(scores: Mapping[str, np.ndarray], most: int = PEOPLE) -> np.ndarray:
    """The first people of a data set, each in the most frontal photograph with nothing worn.

    Nobody is chosen by how well a face is told; those without such a photograph are passed over.

    Args:
        scores: identity, occluder (N,) and yaw (N,) radians of photographs, and rows (N,) of the data set.
        most: people.

    Returns:
        Rows of the data set.

    Raises:
        BadInput: where nobody has such a photograph.
    """
    suitable = np.flatnonzero((np.abs(scores["yaw"]) < FRONTAL) & (scores["occluder"] <= 0))
    by_yaw = suitable[np.lexsort((np.abs(scores["yaw"][suitable]), scores["identity"][suitable]))]
    first = np.unique(scores["identity"][by_yaw], return_index=True)[1][:most]
    if len(first) == 0:
        raise BadInput("nobody looks ahead with nothing worn: expected a photograph within 30 degrees of yaw")
    return scores["rows"][by_yaw[first]]


def told_faces(predictions: Predictions, label: str) -> dict[str, torch.Tensor]:
    """The true faces (B, N, 3) mm, those that a network tells, and the mean face, each laid onto the true one."""
    true = predictions.mapper.points_of(predictions.true.shape)
    mean = predictions.mapper.mean.unflatten(0, (-1, 3)).expand_as(true)
    chosen = predictions.evaluated
    laid = similarity_transform(mean[:, chosen].double(), true[:, chosen].double()).apply(mean.double()).float()
    return {TRUTH: true, label: predictions.laid_shapes(label), MEAN_FACE: laid}


def people_data(predictions: Predictions, label: str) -> pd.DataFrame:
    """Mean distances from the true face in mm: columns row, method and mean face, a line a photograph."""
    true, *others = told_faces(predictions, label).items()
    errors = {
        name: (points - true[1]).norm(dim=2)[:, predictions.evaluated].mean(dim=1).numpy() for name, points in others
    }
    return pd.DataFrame({"row": predictions.rows, **errors})


def draw_people(predictions: Predictions, label: str) -> Figure:
    """A column a person: photograph, true face, told face, mean face, and how far the latter two are off.

    Args:
        predictions: B photographs.
        label: of the network.
    """
    faces, triangles = told_faces(predictions, label), predictions.mapper.triangles
    above = predictions.evaluated[triangles].all(dim=1)
    off = [(name, points) for name, points in faces.items() if name != TRUTH]
    figure, panels = picture_grid(1 + len(faces) + len(off), len(predictions.rows))
    true = faces[TRUTH]
    for column in range(len(predictions.rows)):
        shown = iter(panels[:, column])
        show(next(shown), enlarged(predictions.faces.images[column]))
        for points in faces.values():
            show(next(shown), shaded_picture(FaceMesh("", points[column], triangles[above]), 0.0, SIDE))
        for _, points in off:
            errors = (points[column] - true[column]).norm(dim=1)
            mesh = FaceMesh("", true[column], triangles[above], error_colours(errors, LIMIT_MM))
            mean = float(errors[predictions.evaluated].mean())
            show(next(shown), shaded_picture(mesh, 0.0, SIDE), f"{mean:.1f} mm")
    names = ("photograph", *faces, *(f"{name}: off by" for name, _ in off))
    for panel, name in zip(panels[:, 0], names, strict=True):
        name_row(panel, textwrap.fill(name, NAME_WIDTH), 6.5)
    bar_beside(figure, ERROR_COLOURS, LIMIT_MM, "distance (mm)", extend="max")
    return figure
