"""Figure 10 of paper 3: faces behind glasses and masks with and without attention, and the errors where they hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from facelib.errors import BadInput
from facelib.faces.occluders import Occluder
from facelib.metrics.bootstrap import mean_difference_interval
from facelib.papers.sadrnet.reconstruction import seen_points
from facelib.report.overlay import (
    SIDE,
    bar_beside,
    error_colours,
    note_below,
    overlay_face,
    photograph_grid,
    show,
    show_landmarks,
)
from facelib.report.sadrnet.alignment_pictures import show_aligned
from facelib.report.sadrnet.predictions import COVERED, SKIN, WORN, Evaluator, Predictions, groups_of, median_place
from facelib.report.style import ERROR_COLOURS

PERCENT = 100.0
FIGURE_10 = ("sadrnet", "no_attention")
LEAST_ZOOM = 0.35  # side of a zoomed square over that of the image
SHOWN_SHARE = 0.98  # of the errors below the strongest colour
Square = tuple[float, float, float]  # left, top and side in pixels


def typical_differences(scores: Sequence[Mapping[str, np.ndarray]]) -> dict[str, int]:
    """Of each thing worn the photograph at the median of the second network's sparse error minus the first's.

    Args:
        scores: of two networks, for the same photographs.

    Returns:
        What is worn -> row.

    Raises:
        BadInput: when they evaluated different ones.
    """
    first, second = scores
    if not np.array_equal(first["rows"], second["rows"]):
        raise BadInput("two networks were evaluated on different photographs: make their runs again")
    difference = second["sparse_2d"] - first["sparse_2d"]
    groups = {title: chosen for title, chosen in groups_of(first).items() if title in WORN.values()}
    return {title: int(first["rows"][median_place(difference, chosen)]) for title, chosen in groups.items()}


def draw_under_occlusion(titles: Sequence[str], predictions: Predictions) -> Figure:
    """A row for each photograph: itself, then for each network landmarks, what is covered enlarged, and the errors.

    Args:
        titles: B names of rows.
        predictions: B photographs on which something covers a part of the face.

    Raises:
        BadInput: on another number of titles.
    """
    figure, blocks = photograph_grid(
        titles, predictions.faces.images, predictions.found, ("landmarks", "enlarged", "error")
    )
    errors = {label: predictions.dense_errors(label) for label in predictions.found}
    evaluated = torch.cat([each[:, predictions.evaluated] for each in errors.values()])
    limit, triangles = float(evaluated.flatten().quantile(SHOWN_SHARE)), predictions.mapper.triangles
    squares = covered_squares(predictions)
    for label, block in blocks.items():
        points = predictions.points(label)
        sparse, dense = (predictions.scores[label][name] for name in ("sparse_2d", "dense_3d"))
        for number, ((landmarks, zoomed, coloured), square) in enumerate(zip(block, squares, strict=True)):
            show_aligned(landmarks, predictions, label, number, float(sparse[number]))
            _show_enlarged(zoomed, landmarks, predictions, label, number, square)
            colours = error_colours(errors[label][number], limit)
            face = overlay_face(predictions.faces.images[number], points[number], triangles, colours, opacity=0.9)
            show(coloured, face, f"{dense[number] * PERCENT:.2f}")
    bar_beside(figure, ERROR_COLOURS, limit * PERCENT, "distance to the truth in 3D (% of the face)", extend="max")
    note_below(figure, "landmarks: predicted blue, true red; corners: sparse 2D and dense 3D NME (%)")
    return figure


def covered_squares(predictions: Predictions) -> list[Square]:
    """The square around what covers each face; the whole image where nothing does."""
    return [_square_around(mask) for mask in predictions.regions()[COVERED]]


def covered_errors(evaluator: Evaluator, most: int = 200) -> pd.DataFrame:
    """Dense 3D errors where something is worn over the face and where skin is seen.

    Args:
        evaluator: of the networks.
        most: photographs with something worn, evenly over the data set.

    Returns:
        Columns row, identity, worn, method, covered and seen (mean error of the texels towards the camera, fractions);
        without photographs on which what is worn hides no texel, or all.
    """
    arrays = evaluator.archive.arrays
    columns = ["row", "identity", "worn", "method", "covered", "seen"]
    lines: list[list[object]] = []
    for rows in evaluator.portions(evaluator.spread(most, np.flatnonzero(np.asarray(arrays["occluder"]) > 0))):
        predictions = evaluator.predict(rows)
        seen, hidden = texels_towards_camera(predictions)
        for label in predictions.found:
            errors = predictions.dense_errors(label)
            for place, row in enumerate(rows):
                known = [row, arrays["identity"][row], WORN[Occluder(int(predictions.occluder[place]))], label]
                lines.append([*known, *(float(errors[place, part[place]].mean()) for part in (hidden, seen))])
    return pd.DataFrame(lines, columns=columns).dropna()


def covered_differences(data: pd.DataFrame) -> pd.DataFrame:
    """How much larger the other methods' errors are than the first one's, with 95 % intervals over people.

    Args:
        data: of `covered_errors`.

    Returns:
        Columns method, part ("covered", "seen"), photographs, first, other, difference, low, high (fractions).
    """
    reference, *others = dict.fromkeys(data["method"])
    own = data[data["method"] == reference].set_index("row")
    lines = []
    for label in others:
        other = data[data["method"] == label].set_index("row").loc[own.index]
        for part in ("covered", "seen"):
            first, second = own[part].to_numpy(), other[part].to_numpy()
            found = mean_difference_interval(second, first, own["identity"].to_numpy(), seed=0)
            lines.append(
                {"method": label, "part": part, "photographs": len(own), "first": first.mean(),
                 "other": second.mean(), "difference": found.estimate, "low": found.low, "high": found.high}
            )  # fmt: skip
    return pd.DataFrame(lines)


def texels_towards_camera(predictions: Predictions) -> tuple[torch.Tensor, torch.Tensor]:
    """Which evaluated texels (B, N) that look towards the camera show skin, and which are covered."""
    size, points = predictions.faces.images.shape[-1], predictions.points()
    column, row = points[..., :2].floor().long().unbind(2)
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    place = row.clamp(0, size - 1) * size + column.clamp(0, size - 1)
    skin = predictions.regions()[SKIN].flatten(1).gather(1, place)
    triangles = predictions.mapper.triangles
    towards = torch.stack([seen_points(face, triangles, size) for face in points]) & inside & predictions.evaluated
    return towards & skin, towards & ~skin


def _square_around(mask: torch.Tensor) -> Square:
    size = mask.shape[-1]
    rows, columns = mask.nonzero(as_tuple=True)
    if len(rows) == 0:
        return 0.0, 0.0, float(size)
    # The middle nine tenths: single pixels at the outline of the face are no occlusion.
    (left, right), (top, bottom) = (np.quantile(part.numpy(), (0.05, 0.95)) for part in (columns, rows))
    side = min(max(1.25 * max(bottom - top, right - left), LEAST_ZOOM * size), size)
    x, y = (min(max((low + high + 1 - side) / 2, 0), size - side) for low, high in ((left, right), (top, bottom)))
    return float(x), float(y), float(side)


def _show_enlarged(
    zoomed: Axes, whole: Axes, predictions: Predictions, label: str, number: int, square: Square
) -> None:
    """A square of a photograph with mesh and landmarks, framed where the whole one is shown."""
    image, face = predictions.faces.images[number], predictions.points(label)[number]
    size, (left, top, side) = image.shape[-1], square
    scale = SIDE / size
    frame: dict[str, Any] = {"fill": False, "ec": "white", "lw": 0.9}
    whole.add_patch(Rectangle((left * scale - 0.5, top * scale - 0.5), side * scale, side * scale, **frame))
    fine = round(SIDE * size / side)  # pixels of the whole image, as the square shall have SIDE
    show(zoomed, overlay_face(image, face, predictions.mapper.triangles, side=fine, opacity=0.55))
    show_landmarks(zoomed, predictions.landmarks(label)[number], predictions.landmarks()[number], size, fine)
    edges = np.array([left, left + side, top + side, top]) * fine / size - 0.5
    zoomed.set(xlim=edges[:2], ylim=edges[2:])
