"""Figure 6 of paper 3: what several networks predict on the same photographs, with the error of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from facelib.report.sadrnet.overlay import (
    clay,
    enlarged,
    name_block,
    name_column,
    name_row,
    note_below,
    overlay_face,
    picture_grid,
    show,
    show_landmarks,
)
from facelib.report.sadrnet.predictions import Predictions, groups_of, median_place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERCENT = 100.0
FIGURE_6 = ("direct", "coefficients", "sadrnet")


def typical_photographs(scores: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Of each range of yaw and each thing worn the photograph with the median sparse error: title -> row.

    Args:
        scores: of the network whose errors decide.
    """
    return {
        title: int(scores["rows"][median_place(scores["sparse_2d"], chosen)])
        for title, chosen in groups_of(scores).items()
    }


def comparison_data(titles: Sequence[str], predictions: Predictions) -> pd.DataFrame:
    """Errors of the shown photographs: columns group, row, yaw (degrees), method, sparse_2d, dense_3d (fractions).

    Args:
        titles: B groups.
        predictions: B photographs.

    Raises:
        BadInput: on another number of titles.
    """
    predictions.check_titles(titles)
    known = {"group": titles, "row": predictions.rows, "yaw": np.rad2deg(predictions.yaw)}
    frames = []
    for label in predictions.found:
        errors = {name: predictions.scores[label][name] for name in ("sparse_2d", "dense_3d")}
        frames.append(pd.DataFrame(known | {"method": label} | errors))
    return pd.concat(frames, ignore_index=True)


def draw_comparison(titles: Sequence[str], predictions: Predictions) -> Figure:
    """A row for each photograph: itself, then for each network its landmarks and its mesh; errors in the corner.

    Args:
        titles: B names of rows.
        predictions: B photographs.

    Raises:
        BadInput: on another number of titles.
    """
    parts = ("landmarks", "mesh")
    figure, panels = photograph_grid(titles, predictions, parts)
    triangles = predictions.mapper.triangles
    for label, block in blocks_of(predictions, panels, len(parts)):
        errors, points = predictions.scores[label]["sparse_2d"], predictions.points(label)
        for number, (landmarks, mesh) in enumerate(block):
            show_aligned(landmarks, predictions, label, number, float(errors[number]))
            image, face = predictions.faces.images[number], points[number]
            show(mesh, overlay_face(image, face, triangles, clay(face, triangles)))
    note_below(figure, "landmarks: predicted blue, true red; corner: sparse 2D NME (%)")
    return figure


def photograph_grid(titles: Sequence[str], predictions: Predictions, parts: Sequence[str]) -> tuple[Figure, np.ndarray]:
    """Panels (B, 1 + parts x networks): photographs in the first column, then as many named ones for each network.

    Args:
        titles: B names of rows.
        predictions: B photographs.
        parts: names of the columns of each network.

    Raises:
        BadInput: on another number of titles.
    """
    predictions.check_titles(titles)
    figure, panels = picture_grid(len(titles), 1 + len(parts) * len(predictions.found))
    name_column(panels[0, 0], "photograph", 6.5)
    for line, title, image in zip(panels, titles, predictions.faces.images, strict=True):
        show(line[0], enlarged(image))
        name_row(line[0], title, 7)
    for label, block in blocks_of(predictions, panels, len(parts)):
        for panel, name in zip(block[0], parts, strict=True):
            name_column(panel, name, 6.5)
        name_block(block[0, 0], label, len(parts), rise=12)
    return figure, panels


def blocks_of(predictions: Predictions, panels: np.ndarray, width: int) -> Iterator[tuple[str, np.ndarray]]:
    """Each network of a photograph grid with its columns of panels (B, width)."""
    for place, label in enumerate(predictions.found):
        yield label, panels[:, 1 + width * place : 1 + width * (place + 1)]


def show_aligned(panel: Axes, predictions: Predictions, label: str, number: int, error: float) -> None:
    """One of the photographs with true landmarks and those of a network, and with its error (fraction) in percent."""
    image = predictions.faces.images[number]
    show(panel, enlarged(image), f"{error * PERCENT:.2f}")
    show_landmarks(panel, predictions.landmarks(label)[number], predictions.landmarks()[number], image.shape[-1])
