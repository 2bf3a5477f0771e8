"""Which slip, or which two together, bring predictions and truth together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from facelib.errors import BadInput, DegenerateInput
from facelib.explanation.pose_slips import pose_slips, rotations_of
from facelib.explanation.protocols import landmark_protocols
from facelib.explanation.slips import Slip, coefficient_slips, point_slips
from facelib.explanation.tables import PER_SAMPLE, Table

HELPS = 0.5  # share of the error that may be left for a slip to be named
AS_GOOD = 1.3  # a slip that comes earlier in the list, as it is plainer, is taken unless a later one is better by this
PAIRED = 60  # slips, of which all pairs are tried
ENOUGH = 100  # samples of points that are looked at, spread evenly


@dataclass(frozen=True)
class Explanation:
    """What was found for one quantity.

    Args:
        quantity: landmarks, vertices, pose or coefficients.
        unit: of the error.
        error: as the files are.
        slips: names of the one or two that were undone, in their order; none where no slip helps.
        left: the error without them, after each.
        near: others that help by themselves: name -> error, best first.
    """

    quantity: str
    unit: str
    error: float
    slips: tuple[str, ...] = ()
    left: tuple[float, ...] = ()
    near: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.quantity}: error {self.error:.4g} {self.unit} as they are"]
        for name, left in zip(self.slips, self.left, strict=True):
            lines.append(f"   {left:.4g} {self.unit} if {name}")
        if not self.slips:
            lines.append("   no known slip brings the numbers together")
        return "\n".join(lines)


def explain(found: Table, true: Table) -> list[Explanation]:
    """Try the known slips on all that both tables hold.

    Args:
        found: the user's predictions, and true: the truth; samples in the same order (`read_table`).

    Raises:
        BadInput: nothing is in both, or their shapes do not fit.
        DegenerateInput: the truth has no extent to measure errors by.
    """
    explained = [_explained(*quantity) for quantity in _quantities(found, true)]
    if not explained:
        raise BadInput(
            f"predictions hold {', '.join(found)}, the truth {', '.join(true)}: expected landmarks, vertices, pose, "
            "rotation or coefficients in both"
        )
    return explained


def protocol_of(found: Table, true: Table, number: float) -> list[tuple[str, float]]:
    """The protocols of landmark errors, in percent, those first that come nearest to a user's number."""
    _check(found, true, "landmarks")
    return sorted(landmark_protocols(found, true), key=lambda each: abs(each[1] - number))


Key = TypeVar("Key")
Quantity = tuple[str, str, np.ndarray, np.ndarray, Callable[[np.ndarray, np.ndarray], float], list[Slip]]


def _quantities(found: Table, true: Table) -> Iterator[Quantity]:
    """Name, unit, both arrays, the error, and the slips of all that can be compared."""
    for name in ("landmarks", "vertices"):
        if name in found and name in true:
            _check(found, true, name)
            some, some_true = _some(found), _some(true)
            slips = list(point_slips(name, some, some_true))
            yield name, "% of the face's size", some[name], some_true[name], _point_error, slips
    turns, true_turns = rotations_of(found), rotations_of(true)
    if turns is not None and true_turns is not None:
        if len(turns) != len(true_turns):
            raise BadInput(f"predictions have {len(turns)} poses, the truth {len(true_turns)}: expected as many")
        yield "pose", "degrees", turns, true_turns, _turn_error, list(pose_slips(found, true))
    if "coefficients" in found and "coefficients" in true:
        _check(found, true, "coefficients")
        slips = list(coefficient_slips(found, true))
        yield "coefficients", "% of their size", found["coefficients"], true["coefficients"], _relative_error, slips


def _check(found: Table, true: Table, name: str) -> None:
    if name not in found or name not in true:
        raise BadInput(f"{name} are not in both files: expected them in predictions and truth")
    if found[name].shape != true[name].shape:
        raise BadInput(
            f"{name} are {found[name].shape} in the predictions and {true[name].shape} in the truth: expected as many; "
            "of 68 landmarks, the last 51 are those without the jaw"
        )
    for table in (found, true):
        for other in PER_SAMPLE:
            if other in table and len(table[other]) != len(true[name]):
                raise BadInput(f"{other} has {len(table[other])} samples, {name} {len(true[name])}: expected as many")


def _explained(
    quantity: str,
    unit: str,
    found: np.ndarray,
    true: np.ndarray,
    error_of: Callable[[np.ndarray, np.ndarray], float],
    slips: list[Slip],
) -> Explanation:
    error = error_of(found, true)
    mean = HELPS * error_of(np.broadcast_to(true.mean(axis=0), true.shape), true)
    tried = {slip.name: slip.undo(found, true) for slip in slips}

    def left_by(values: np.ndarray, *undone: Slip) -> float:
        left = error_of(values, true)
        return left if left < mean or not any(slip.fits for slip in undone) else np.inf

    alone = {slip.name: left_by(tried[slip.name], slip) for slip in slips}
    near = dict(sorted((each for each in alone.items() if each[1] < HELPS * error), key=lambda each: each[1]))
    name = _plainest(alone)
    if len(slips) <= PAIRED and alone[name] > 0:
        both = {
            (first.name, slip.name): left_by(slip.undo(tried[first.name], true), first, slip)
            for first in slips
            for slip in slips
            if slip is not first
        }
        pair = _plainest(both)
        if both[pair] < HELPS * min(error, alone[name]):
            return Explanation(quantity, unit, error, pair, (alone[pair[0]], both[pair]), near)
    helps = alone[name] < HELPS * error
    return Explanation(quantity, unit, error, (name,) if helps else (), (alone[name],) if helps else (), near)


def _plainest(errors: dict[Key, float]) -> Key:
    """The first whose error is about the lowest."""
    lowest = min(errors.values())
    return next(each for each, value in errors.items() if value <= AS_GOOD * lowest)


def _some(table: Table) -> Table:
    """Samples spread evenly over a table, which tell as much as all."""
    chosen = {
        name: np.unique(np.linspace(0, len(each) - 1, ENOUGH).round().astype(int)) for name, each in table.items()
    }
    return {name: array[chosen[name]] if name in PER_SAMPLE else array for name, array in table.items()}


def _point_error(points: np.ndarray, true: np.ndarray) -> float:
    """Mean distance over the root mean square distance of the true points from their middle, in percent."""
    size = np.sqrt(np.square(true - true.mean(axis=1, keepdims=True)).sum(axis=2).mean(axis=1))
    if not (size > 0).all():
        raise DegenerateInput(f"the true points of sample {int(size.argmin())} lie in one place: leave it out")
    return 100 * float((np.linalg.norm(points - true, axis=2).mean(axis=1) / size).mean())


def _turn_error(turns: np.ndarray, true: np.ndarray) -> float:
    """Mean angle between rotations, degrees."""
    trace = np.einsum("nij,nij->n", turns, true)
    return float(np.rad2deg(np.arccos(((trace - 1) / 2).clip(-1, 1))).mean())


def _relative_error(values: np.ndarray, true: np.ndarray) -> float:
    size = np.sqrt(np.square(true).mean())
    if not size > 0:
        raise DegenerateInput("all true coefficients are 0: nothing can be told of their size")
    return 100 * float(np.sqrt(np.square(values - true).mean()) / size)
