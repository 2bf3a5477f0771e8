"""Figure 6 of paper 3: what several networks predict on the same photographs, with the error of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.report.overlay import (
    enlarged,
    note_below,
    overlay_face,
    photograph_grid,
    show,
    show_landmarks,
)
from facelib.report.sadrnet.predictions import Predictions, groups_of, median_place

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
    figure, blocks = photograph_grid(titles, predictions.faces.images, predictions.found, ("landmarks", "mesh"))
    for label, block in blocks.items():
        errors, points = predictions.scores[label]["sparse_2d"], predictions.points(label)
        for number, (landmarks, mesh) in enumerate(block):
            show_aligned(landmarks, predictions, label, number, float(errors[number]))
            show(mesh, overlay_face(predictions.faces.images[number], points[number], predictions.mapper.triangles))
    note_below(figure, "landmarks: predicted blue, true red; corner: sparse 2D NME (%)")
    return figure


def show_aligned(panel: Axes, predictions: Predictions, label: str, number: int, error: float) -> None:
    """One of the photographs with true landmarks and those of a network, and with its error (fraction) in percent."""
    image = predictions.faces.images[number]
    show(panel, enlarged(image), f"{error * PERCENT:.2f}")
    show_landmarks(panel, predictions.landmarks(label)[number], predictions.landmarks()[number], image.shape[-1])
