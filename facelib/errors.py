"""Errors that name the value, what was expected, and what to do; and the few checks that everybody needs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class FacelibError(Exception):
    """The ancestor of every error that facelib raises on purpose."""


class BadInput(FacelibError, ValueError):
    """A value that cannot be used: wrong shape, NaN, empty, out of range."""


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


def check_shape(name: str, value: torch.Tensor, shape: tuple[int | None, ...]) -> None:
    """Raise BadInput unless `value` has this shape; None stands for any size of at least one.

    Example:
        check_shape("points", points, (None, None, 3))
    """
    wanted = "(" + ", ".join("*" if size is None else str(size) for size in shape) + ")"
    fits = value.dim() == len(shape) and all(
        (have >= 1 if want is None else have == want) for have, want in zip(value.shape, shape, strict=True)
    )
    if not fits:
        raise BadInput(f"{name} has shape {tuple(value.shape)}: expected {wanted}, no size zero")


def check_finite(name: str, value: torch.Tensor) -> None:
    """Raise BadInput if `value` holds a NaN or an infinity, saying how many and where the first one is."""
    bad = ~value.isfinite()
    if bad.any():
        first = tuple(int(i) for i in bad.nonzero()[0])
        raise BadInput(
            f"{name} holds {int(bad.sum())} non-finite values, the first at index {first}: "
            "remove or replace them before the call"
        )
