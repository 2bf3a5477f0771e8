"""Slips of head poses: signs, names and order of angles, units, inverse rotations, and first frames that were removed.

Angles are yaw, pitch and roll in degrees as `facelib.conventions` has them, and are compared as rotations.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from facelib.explanation.slips import Slip
from facelib.explanation.tables import Table
from facelib.geometry.rotations import euler_to_matrix

NAMES = ("yaw", "pitch", "roll")
ABOUT = {"yaw": ("y", 1), "pitch": ("x", -1), "roll": ("z", 1)}  # axis of the face frame, and sign (conventions)
OURS = ("yaw", "pitch", "roll")  # order in which rotations are multiplied


def rotations_of(table: Table) -> np.ndarray | None:
    """R_head (N, 3, 3) of a table with rotations or angles."""
    if "rotation" in table:
        return table["rotation"]
    return from_angles(table["pose"]) if "pose" in table else None


def from_angles(degrees: np.ndarray) -> np.ndarray:
    """R_head (N, 3, 3) of yaw, pitch and roll (N, 3) in degrees."""
    return euler_to_matrix(*torch.from_numpy(np.deg2rad(degrees)).unbind(1)).numpy()


def pose_slips(found: Table, true: Table) -> Iterator[Slip]:
    """Slips of rotations (N, 3, 3), from the fewest changes of angles to the most."""
    if "pose" in found:
        yield from _of_angles(found["pose"])
    yield Slip("rotations are the inverse ones (transposed)", lambda turns, _: turns.swapaxes(1, 2))
    flip = np.diag((1.0, -1.0, -1.0))
    yield Slip("rotations are in the camera's axes (y down, z forward)", lambda turns, _: flip @ turns @ flip)
    yield Slip("a frontal head is turned by 180 degrees about x (camera's axes)", lambda turns, _: flip @ turns)
    first = _first_rows(found, true)
    yield Slip(
        "the first frame's rotation is removed from the truth alone",
        lambda turns, _: turns @ turns[first].swapaxes(1, 2),
    )
    yield Slip(
        "the first frame's rotation is removed from the predictions alone",
        lambda turns, truth: turns @ truth[first],
    )
    yield Slip(
        "poses are told from the first frame on: a constant turn lies between both",
        lambda turns, truth: turns @ turns[first].swapaxes(1, 2) @ truth[first],
    )


def _first_rows(found: Table, true: Table) -> np.ndarray:
    """The first row of each sample's sequence (N,); all are one sequence where none is told."""
    sequence = (found | true).get("sequence")
    if sequence is None:
        return np.zeros(len(next(iter(true.values()))), int)
    _, first, which = np.unique(sequence, return_index=True, return_inverse=True)
    return first[which]


def _of_angles(degrees: np.ndarray) -> Iterator[Slip]:
    choices = [
        (signs, names, order)
        for signs in product((1, -1), repeat=3)
        for names in permutations(range(3))
        for order in permutations(OURS)
    ]
    usual = ((1, 1, 1), (0, 1, 2), OURS)

    def changes(choice: tuple) -> int:
        return sum(each != as_usual for each, as_usual in zip(choice, usual, strict=True))

    yield Slip("angles are in radians", lambda *_: from_angles(np.rad2deg(degrees)))
    yield Slip("angles were turned into radians once too often", lambda *_: from_angles(np.deg2rad(degrees)))
    yield Slip("angles are a rotation vector (Rodrigues)", lambda *_: _from_vectors(degrees))
    for choice in sorted(choices, key=changes):
        if choice != usual:
            signs, names, order = choice
            made = degrees[:, names] * signs
            yield Slip(_told(*choice), lambda *_, made=made, order=order: _composed(made, order))


def _told(signs: tuple[int, ...], names: tuple[int, ...], order: tuple[str, ...]) -> str:
    parts = []
    turned = [name for name, sign in zip(NAMES, signs, strict=True) if sign < 0]
    if turned:
        parts.append(f"sign of {', '.join(turned)} is turned round")
    if names != (0, 1, 2):
        held = [NAMES[names.index(place)] for place in range(3)]
        parts.append(f"columns hold {', '.join(held)}")
    if order != OURS:
        parts.append(f"Euler order: {' '.join(order)} multiplied, not {' '.join(OURS)}")
    return "; ".join(parts)


def _composed(degrees: np.ndarray, order: tuple[str, ...]) -> np.ndarray:
    """The product of the three turns in an order."""
    result = np.broadcast_to(np.eye(3), (len(degrees), 3, 3))
    for name in order:
        axis, sign = ABOUT[name]
        angles = sign * degrees[:, [NAMES.index(name)]]
        result = result @ Rotation.from_euler(axis, angles, degrees=True).as_matrix()
    return result


def _from_vectors(degrees: np.ndarray) -> np.ndarray:
    yaw, pitch, roll = np.deg2rad(degrees).T
    return Rotation.from_rotvec(np.column_stack((-pitch, yaw, roll))).as_matrix()
