"""One photograph's face to turn: the true one and those of several networks, coloured by their errors in mm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from facelib.data.photographs import Photograph
from facelib.papers.sadrnet.reconstruction import seen_points
from facelib.report.interactive_picture import InteractivePicture, still_png
from facelib.report.meshes import FaceMesh, shaded_picture, turnable_meshes
from facelib.report.overlay import SIDE, bar_beside, enlarged, error_colours, name_column, picture_grid, show
from facelib.report.sadrnet.predictions import TRUTH, Predictions
from facelib.report.style import ERROR_COLOURS, stamp, switch_off

YAWS = (0.0, 50.0)  # degrees of the still picture's views
SHOWN_SHARE = 0.98  # of the errors below the strongest colour


def error_meshes(predictions: Predictions) -> list[FaceMesh]:
    """The first photograph's true face in its colours, and each network's laid onto it, with errors in mm.

    Args:
        predictions: of one photograph or more.
    """
    true = photographed_mesh(predictions)
    laid = {label: predictions.laid_shapes(label)[0] for label in predictions.found}
    errors = {label: (points - true.vertices).norm(dim=1) for label, points in laid.items()}
    limit = float(torch.cat([each[predictions.evaluated] for each in errors.values()]).quantile(SHOWN_SHARE))
    return [true] + [
        FaceMesh(label, points, true.triangles, values=errors[label], limit=limit) for label, points in laid.items()
    ]


def photographed_mesh(predictions: Predictions, label: str | None = None) -> FaceMesh:
    """The first photograph's face in mm with the colours that the photograph has where the face is laid over it.

    Args:
        predictions: of one photograph or more.
        label: of the network that drew the face; the true one without.
    """
    points, triangles = predictions.points(label)[0], predictions.mapper.triangles
    image = predictions.faces.images[0]
    seen = seen_points(points, triangles, image.shape[-1])
    colours = Photograph(image).colours_at(points[:, :2]).where(seen[:, None], torch.nan)
    shapes = predictions.mapper.points_of(predictions.true.shape) if label is None else predictions.laid_shapes(label)
    return FaceMesh(label or TRUTH, shapes[0], triangles, colours)


def mesh_data(meshes: Sequence[FaceMesh]) -> pd.DataFrame:
    """Errors of the meshes that have some, in mm: columns method, mean, median, p95, largest."""
    values = {mesh.title: mesh.values.numpy() for mesh in meshes if mesh.values is not None}
    return pd.DataFrame(
        {"method": label, "mean": each.mean(), "median": np.median(each), "p95": np.quantile(each, 0.95),
         "largest": each.max()} for label, each in values.items()
    )  # fmt: skip


def draw_meshes(predictions: Predictions, meshes: Sequence[FaceMesh]) -> Figure:
    """The photograph, and each mesh from the front and turned.

    Args:
        predictions: whose first photograph it is.
        meshes: of `error_meshes`.
    """
    figure, panels = picture_grid(2, 1 + len(meshes))
    switch_off(panels[:, 0])
    show(panels[0, 0], enlarged(predictions.faces.images[0]))
    name_column(panels[0, 0], "photograph", 7)
    limit = next((mesh.limit for mesh in meshes if mesh.limit), 1.0)
    for column, mesh in zip(panels[:, 1:].T, meshes, strict=True):
        shown = mesh
        if mesh.values is not None:
            shown = FaceMesh(mesh.title, mesh.vertices, mesh.triangles, error_colours(mesh.values, limit))
        for panel, yaw in zip(column, YAWS, strict=True):
            show(panel, shaded_picture(shown, yaw, SIDE))
        title = mesh.title.split(" (")[0].replace(": ", ":\n")  # "(as PRN)" has no room
        name_column(column[0], title, 6.5)
    bar_beside(figure, ERROR_COLOURS, limit, "error (mm)", extend="max")
    return figure


def interactive_meshes(predictions: Predictions, meshes: Sequence[FaceMesh], label: str) -> InteractivePicture:
    """The same to turn, one mesh at a time.

    Args:
        predictions, meshes: as of `draw_meshes`.
        label: says which runs they come from.
    """
    still = draw_meshes(predictions, meshes)
    stamp(still, label)
    return turnable_meshes(meshes, label, still_png(still, 110))
