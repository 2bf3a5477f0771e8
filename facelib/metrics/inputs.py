"""What the metrics accept: arrays, sequences and tensors, checked once and told by name where they cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from facelib.errors import BadInput, DegenerateInput

if TYPE_CHECKING:
    import torch

Array: TypeAlias = "ArrayLike | torch.Tensor"


def as_array(values: Array) -> np.ndarray:
    """A NumPy array; tensors are detached and brought to the CPU, bfloat16 widened to float32.

    Raises:
        BadInput: for nested sequences of different lengths.
    """
    detach = getattr(values, "detach", None)
    if detach is None:
        try:
            return np.asarray(values)
        except ValueError as error:
            raise BadInput(f"no array can be made of these values ({error}): expected rows of one length") from error
    tensor = detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def score_array(name: str, scores: Array) -> np.ndarray:
    """Scores, flat, in float32 or float64.

    Args:
        name: of the scores, for messages.
        scores: of any shape; half precision becomes float32, integers and wider floats float64.

    Raises:
        BadInput: without scores, for NaN, plus infinity or what is no number.
    """
    values = as_array(scores).ravel()
    if len(values) == 0:
        raise BadInput(f"no {name} scores: expected at least one")
    if values.dtype.kind not in "fiub":
        raise BadInput(f"{name} scores are {values.dtype}: expected real numbers")
    values = values.astype(score_dtype(values.dtype), copy=False)
    if not values.max() < np.inf:  # NaN is not below infinity, and wins the maximum
        bad = ~(values < np.inf)
        raise BadInput(
            f"{name} scores hold {int(bad.sum())} NaN or plus infinity, the first at index {int(np.argmax(bad))}: "
            "remove them, or use minus infinity for a comparison that failed"
        )
    return values


def score_arrays(genuine: Array, impostor: Array) -> tuple[np.ndarray, np.ndarray]:
    """Both kinds of scores as score_array gives them, in one dtype."""
    first, second = score_array("genuine", genuine), score_array("impostor", impostor)
    dtype = np.result_type(first, second)
    return first.astype(dtype, copy=False), second.astype(dtype, copy=False)


def score_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which scores are compared: float32 for itself and half precision, else float64."""
    return np.dtype(np.float32 if dtype.kind == "f" and dtype.itemsize <= 4 else np.float64)


def identity_array(name: str, identities: Array, count: int) -> np.ndarray:
    """Identities (count,): numbers or strings.

    Raises:
        BadInput: for another number of them, NaN, or values that cannot be ordered.
    """
    values = as_array(identities)
    if values.shape != (count,):
        raise BadInput(f"{name} has shape {values.shape}: expected ({count},), one identity for each")
    if values.dtype.kind not in "biufUST" or (values.dtype.kind == "f" and np.isnan(values).any()):
        raise BadInput(f"{name} are {values.dtype} or hold NaN: expected whole numbers or strings")
    return values


def check_same_names(first_name: str, first: np.ndarray, second_name: str, second: np.ndarray) -> None:
    """Raise BadInput if one of these identities are strings and the others numbers: they never match."""
    if (first.dtype.kind in "UST") != (second.dtype.kind in "UST"):
        raise BadInput(f"{first_name} are {first.dtype}, {second_name} {second.dtype}: expected the same kind of names")


def unit_rows(name: str, embeddings: Array, first_row: int = 0) -> np.ndarray:
    """Embeddings scaled to length one.

    Args:
        name: of the embeddings, for messages.
        embeddings: (N, D), of any length other than zero.
        first_row: the row in the whole that the first of these is, for messages.

    Raises:
        BadInput: for another shape, or what is no number.
        DegenerateInput: for embeddings that are zero or not finite.
    """
    values = embedding_array(name, embeddings)
    values = values.astype(score_dtype(values.dtype), copy=False)
    bad = ~have_direction(values)
    if bad.any():
        raise DegenerateInput(
            f"{name} holds {int(bad.sum())} embeddings that are zero or not finite, the first in row "
            f"{first_row + int(np.argmax(bad))}: remove them before the call"
        )
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def have_direction(embeddings: np.ndarray) -> np.ndarray:
    """Which embeddings (N, D) can be compared, being finite and not zero: (N,) bool."""
    lengths = np.linalg.norm(embeddings, axis=1)
    return np.isfinite(lengths) & (lengths > 0)


def embedding_array(name: str, embeddings: Array) -> np.ndarray:
    """Embeddings (N, D) as they are.

    Raises:
        BadInput: for another shape, or what is no number.
    """
    values = as_array(embeddings)
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiu":
        raise BadInput(
            f"{name} are {values.dtype} of shape {values.shape}: expected numbers (count, dimension), not empty"
        )
    return values


def point_array(name: str, points: Array, shape: Sequence[int | None]) -> np.ndarray:
    """Coordinates or angles in float64.

    Args:
        name: of the points, for messages.
        points: of this shape.
        shape: None stands for any size of at least one.

    Raises:
        BadInput: for another shape, or what is no number.
        DegenerateInput: for a value that is not finite.
    """
    values = as_array(points)
    if values.dtype.kind not in "fiub":
        raise BadInput(f"{name} is {values.dtype}: expected real numbers")
    values = values.astype(np.float64)
    if len(values.shape) != len(shape) or any(
        have < 1 or want not in (None, have) for have, want in zip(values.shape, shape, strict=True)
    ):
        wanted = ", ".join("*" if size is None else str(size) for size in shape)
        raise BadInput(f"{name} has shape {values.shape}: expected ({wanted}), no size zero")
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DegenerateInput(
            f"{name} holds {int(bad.sum())} non-finite values, the first at index {first}: remove them before the call"
        )
    return values
