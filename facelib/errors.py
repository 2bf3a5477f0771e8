"""Errors that name the value, what was expected, and what to do; and the few checks that everybody needs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from types import EllipsisType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Shape = tuple[int | EllipsisType | None, ...]


class FacelibError(Exception):
    """The ancestor of every error that facelib raises on purpose."""


class BadInput(FacelibError, ValueError):
    """A value that cannot be used: wrong shape, NaN, empty, out of range."""


class DegenerateInput(BadInput):
    """Data of which nothing can be computed: a NaN, all points in one place, too few pairs left to fit.

    One sample of a prediction can be so. An evaluation counts it as failed and goes on; no other error is passed over.
    """


class UnknownName(FacelibError, LookupError):
    """A paper, method, tier, parameter or file name that does not exist."""


class CorruptFile(FacelibError, OSError):
    """A file whose content does not match its checksum or its format."""


class UnwritableFile(FacelibError, OSError):
    """A file that could not be written: the disk is full, say, or the folder cannot be written."""


class MissingPart(FacelibError, RuntimeError):
    """Something that must be made or installed first; the message holds the command that does it."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """An error for a name that is not among the known ones, with the nearest spelling if there is one.

    Args:
        kind: what the name stands for, such as "method".
        name: what was asked for.
        known: the names that exist.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UnknownName(f"unknown {kind} {name!r}: expected one of {', '.join(names)}{hint}")


def check_shape(name: str, value: torch.Tensor, shape: Shape) -> None:
    """Raise BadInput unless `value` is a tensor of this shape.

    None stands for any size of at least one; a leading Ellipsis for any number of dimensions of any size.

    Example:
        check_shape("points", points, (None, None, 3))
    """
    wanted = "(" + ", ".join("*" if size is None else "..." if size is ... else str(size) for size in shape) + ")"
    _check_tensor(name, value, f"a tensor {wanted}")
    sizes, have = shape, value.shape
    if shape[:1] == (...,):
        sizes, have = shape[1:], have[max(len(have) - len(shape) + 1, 0) :]
    if len(have) != len(sizes) or not all(
        size >= 1 if want is None else size == want for size, want in zip(have, sizes, strict=True)
    ):
        raise BadInput(f"{name} has shape {tuple(value.shape)}: expected {wanted}{', no size zero' * (None in shape)}")


def check_finite(name: str, value: torch.Tensor) -> None:
    """Raise DegenerateInput if `value` holds a NaN or an infinity, saying how many and where the first one is."""
    _check_tensor(name, value, "a tensor")
    bad = ~value.isfinite()
    if bad.any():
        first = tuple(int(i) for i in bad.nonzero()[0])
        raise DegenerateInput(
            f"{name} holds {int(bad.sum())} non-finite values, the first at index {first}: "
            "remove or replace them before the call"
        )


def _check_tensor(name: str, value: object, wanted: str) -> None:
    import torch  # not above: the command reports errors long before it needs torch

    if not isinstance(value, torch.Tensor):
        hint = "" if value is None else "; torch.as_tensor makes one"
        raise BadInput(f"{name} is of type {type(value).__name__}: expected {wanted}{hint}")
