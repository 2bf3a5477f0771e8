"""What people call the error of landmarks: the same predictions, and numbers that differ by their protocol."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from facelib.conventions import INNER_LANDMARKS, LANDMARK_COUNT, OUTER_EYE_CORNERS
from facelib.explanation.tables import Table


def landmark_protocols(found: Table, true: Table) -> Iterator[tuple[str, float]]:
    """Name and mean error, in percent, of each protocol that the landmarks allow."""
    points, truth = found["landmarks"], true["landmarks"]
    sizes = {"box of the truth": _box_size(_around(truth)), "box of the prediction": _box_size(_around(points))}
    for name, table in (("given box of the prediction", found), ("given box of the truth", true)):
        if "box" in table:
            sizes[name] = _box_size(table["box"])
    sizes |= {f"diagonal of the {name}": _diagonal(box) for name, box in _boxes(points, truth).items()}
    choices = {"all points": slice(None)}
    if truth.shape[1] == LANDMARK_COUNT:
        right, left = OUTER_EYE_CORNERS
        sizes["distance of the outer eye corners"] = np.linalg.norm(truth[:, right, :2] - truth[:, left, :2], axis=1)
        choices["without the jaw"] = slice(INNER_LANDMARKS.start, INNER_LANDMARKS.stop)
    for told, distance in _distances(points, truth):
        for chosen, rows in choices.items():
            for name, size in sizes.items():
                yield f"{name}, {chosen}, {told}", 100 * float((distance[:, rows].mean(axis=1) / size).mean())


def _distances(points: np.ndarray, truth: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Of each point, in the image and in space."""
    off = points - truth
    yield "2D", np.linalg.norm(off[..., :2], axis=2)
    if truth.shape[2] == 3:
        yield "3D", np.linalg.norm(off, axis=2)
        off[..., 2] -= off[..., 2].mean(axis=1, keepdims=True)
        yield "3D less the mean depth", np.linalg.norm(off, axis=2)


def _boxes(points: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    return {"box of the truth": _around(truth), "box of the prediction": _around(points)}


def _around(points: np.ndarray) -> np.ndarray:
    return np.concatenate((points[..., :2].min(axis=1), points[..., :2].max(axis=1)), axis=1)


def _box_size(box: np.ndarray) -> np.ndarray:
    return np.sqrt(np.abs((box[:, 2:] - box[:, :2]).prod(axis=1)))


def _diagonal(box: np.ndarray) -> np.ndarray:
    return np.linalg.norm(box[:, 2:] - box[:, :2], axis=1)
