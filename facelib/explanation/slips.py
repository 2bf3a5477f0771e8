"""Slips of points and coefficients: what each would have done, undone on the predictions.

A slip whose constant is not known, such as the height about which rows were flipped, is given the constant that suits
the truth best, and says it. Source: the errors that the published code of the five papers' data sets invites.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from facelib.conventions import LANDMARK_COUNT, MIRRORED_LANDMARKS
from facelib.explanation.tables import Table

FACTORS = {
    1e3: "m where mm are meant",
    1e1: "cm where mm are meant",
    1e2: "dm where mm are meant",
    1e-3: "um where mm are meant",
    1e-1: "tenths of mm where mm are meant",
    1e-4: "um where cm are meant",
    1e-6: "um where m are meant",
}
AXES = "xyz"

Undo = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Slip:
    """One slip.

    Args:
        name: what was done, as a user would say it.
        undo: predictions and truth -> predictions without it.
        fits: whether it takes so much from the truth that it must leave less than the mean truth would.
    """

    name: str
    undo: Undo
    fits: bool = False


def point_slips(name: str, found: Table, true: Table) -> Iterator[Slip]:
    """Slips of points (N, K, 2 or 3), of which `name` says whether they are landmarks or vertices."""
    dimensions = true[name].shape[2]
    for axis in range(dimensions):
        yield _flipped(axis)
    yield Slip("x and y are swapped (row, column)", lambda points, _: points[..., [1, 0, *range(2, dimensions)]])
    if dimensions == 3:
        yield Slip("y and z are swapped", lambda points, _: points[..., [0, 2, 1]])
    for factor, told in FACTORS.items():
        yield Slip(f"unit: {told} (factor {factor:g})", _times(factor))
    yield Slip("pixels are counted from 1 (MATLAB)", lambda points, _: points - _in_image(points, 1.0))
    yield Slip(
        "pixels are counted from 0, without the half to their centres",
        lambda points, _: points + _in_image(points, 0.5),
    )
    yield Slip(
        "another origin: all points are shifted alike", lambda points, truth: points + (truth - points).mean((0, 1))
    )
    yield from _orders(name, true)
    yield from _means(name, true | found)
    yield from _boxes(found, true)
    yield from _eigenvalues(name, true | found)


def _times(factor: float | np.ndarray) -> Undo:
    return lambda values, _: values * factor


def _instead(made: np.ndarray) -> Undo:
    return lambda *_: made


def _in_image(points: np.ndarray, shift: float) -> np.ndarray:
    """A shift of x and y alone."""
    return np.array([shift, shift, 0.0][: points.shape[2]])


def _flipped(axis: int) -> Slip:
    def undo(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
        turned = points.copy()
        turned[..., axis] = np.median(points[..., axis] + truth[..., axis]) - points[..., axis]
        return turned

    return Slip(f"{AXES[axis]} is flipped", undo)


def _orders(name: str, true: Table) -> Iterator[Slip]:
    count = true[name].shape[1]
    if name == "landmarks":
        if count == LANDMARK_COUNT:
            mirrored = list(MIRRORED_LANDMARKS)
            yield Slip("landmarks of left and right are swapped", lambda points, _: points[:, mirrored])
        yield Slip("landmarks are counted from 1: each lies one further", lambda points, _: np.roll(points, -1, axis=1))
        yield Slip("landmarks are counted from 0: each lies one before", lambda points, _: np.roll(points, 1, axis=1))
        yield Slip("landmarks are in another order", _reordered)


def _reordered(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """In the order in which the mean landmarks lie nearest to the true ones."""
    mean, mean_true = points.mean(axis=0), truth.mean(axis=0)
    cost = np.linalg.norm(mean_true[:, None] - mean[None], axis=2)
    _, order = linear_sum_assignment(cost)
    return points[:, order]


def _means(name: str, known: Table) -> Iterator[Slip]:
    if name != "vertices":
        return
    mean = known.get("mean_expression")
    if mean is not None and mean.shape == known[name].shape[1:]:
        yield Slip("the mean expression is not added", lambda points, _: points + mean)
        yield Slip("the mean expression is added twice", lambda points, _: points - mean)
    if len(known[name]) > 2:
        told = "a constant offset of each vertex, such as a mean expression, is not added"
        yield Slip(told, lambda points, truth: points + (truth - points).mean(axis=0), fits=True)


def _boxes(found: Table, true: Table) -> Iterator[Slip]:
    if "box" not in found or "box" not in true:
        return

    def between(source: np.ndarray, target: np.ndarray) -> Undo:
        def undo(points: np.ndarray, _: np.ndarray) -> np.ndarray:
            moved = points.copy()
            scale = (target[:, 2:] - target[:, :2]) / (source[:, 2:] - source[:, :2])
            moved[..., :2] = (points[..., :2] - source[:, None, :2]) * scale[:, None] + target[:, None, :2]
            return moved

        return undo

    yield Slip(
        "points were put back by the box of the prediction, not the true one", between(found["box"], true["box"])
    )
    yield Slip("points were put back by the true box, not that of the prediction", between(true["box"], found["box"]))


def _eigenvalues(name: str, known: Table) -> Iterator[Slip]:
    """Vertices made anew from coefficients and a model, where both are given."""
    if name != "vertices" or not {"mean", "basis", "eigenvalues", "coefficients"} <= set(known):
        return
    mean, basis, values, coefficients = (known[key] for key in ("mean", "basis", "eigenvalues", "coefficients"))
    if not (basis.shape == (len(values), *mean.shape) and coefficients.shape[1] == len(values)):
        return
    for told, scale in (
        ("vertices were multiplied by eigenvalues, which are variances, not by their roots", np.sqrt(np.abs(values))),
        ("vertices were multiplied by roots of eigenvalues, which are deviations already", values),
        ("vertices were multiplied by eigenvalues, which the coefficients hold already", np.ones(len(values))),
    ):
        yield Slip(told, _instead(mean + np.einsum("nc,cvx->nvx", coefficients * scale, basis)))


def coefficient_slips(found: Table, true: Table) -> Iterator[Slip]:
    """Slips of coefficients (N, C)."""
    known = true | found
    if "eigenvalues" in known and len(known["eigenvalues"]) == true["coefficients"].shape[1]:
        for told, scale in _scales(known["eigenvalues"]):
            yield Slip(told, _times(scale))
    for factor, told in FACTORS.items():
        yield Slip(f"unit: {told} (factor {factor:g})", _times(factor))
    yield Slip(
        "signs of some components differ", lambda values, truth: values * np.where((values * truth).sum(0) < 0, -1, 1)
    )
    if len(true["coefficients"]) > 2:
        told = "a constant offset of each coefficient is not added"
        yield Slip(told, lambda values, truth: values + (truth - values).mean(axis=0), fits=True)


def _scales(values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What coefficients were multiplied by, undone."""
    root = np.sqrt(np.abs(values))
    safe = np.where(root > 0, root, 1)
    yield "eigenvalues are variances, and were taken for deviations", np.where(root > 0, 1 / safe, 0)
    yield "eigenvalues are deviations, and were taken for variances", root
    yield "coefficients were divided by eigenvalues (deviations) though others were not", np.abs(values)
    yield (
        "coefficients were multiplied by eigenvalues (deviations) though others were not",
        np.where(root > 0, 1 / np.square(safe), 0),
    )
