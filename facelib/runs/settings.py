"""Settings are small frozen dataclasses; tiers and notebooks override their fields by name.

A wrong name or type is an error at once, not a default silently kept: a parameter that a notebook spells wrongly
must not produce a result under another setting's name.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from facelib.errors import BadInput, unknown_name

Settings = TypeVar("Settings")

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]  # weights are float32 in all of them


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How a run is trained; the defaults are paper 1's section IV.B where it states them.

    Early stopping waits for `patience` epochs without a better validation result, and for `min_epochs` at least.
    The learning rate is multiplied by `decay` at the start of each epoch named in `milestones` (counted from 0). In the
    first `warmup_epochs` it grows from step to step, from `warmup_start` of itself to all of itself. Parameters whose
    name, such as "network.low.0.weight", starts with one of `slow_parts` learn at `slow_factor` of it. Batch norms of
    `settled_parts`, which were trained already, keep the statistics that they came with.

    The optimizer makes a step after every `accumulate` batches, with the mean of their gradients; at the end of an
    epoch the batches that are left make a step too, with the mean over as many as they are. With `ema_decay` the
    exponential moving average of the weights, average = ema_decay * average + (1 - ema_decay) * weights after each
    step, is validated and kept, while the optimizer goes on with the weights themselves.
    `keep` says whose weights the run gives: the best epoch's by validation, or the last one's, which then nothing
    stops early.
    `threads` are those of the CPU, in training and evaluation: sums depend on how many share them, so results do too.
    """

    epochs: int = 15
    min_epochs: int = 10
    patience: int = 9
    batch_size: int = 64  # samples of one process: with n devices a step sees n times as many
    learning_rate: float = 1e-3
    optimizer: Literal["sgd", "adam"] = "sgd"
    momentum: float = 0.9  # of SGD
    beta1: float = 0.9  # of Adam, its memory of gradients; that of their squares, 0.999, is PyTorch's own
    weight_decay: float = 5e-4
    milestones: tuple[int, ...] = (8, 12, 14)
    decay: float = 0.1
    warmup_epochs: int = 0
    warmup_start: float = 0.1
    slow_parts: tuple[str, ...] = ()
    slow_factor: float = 0.1
    settled_parts: tuple[str, ...] = ()
    gradient_clip: float | None = None  # largest norm of all gradients together
    precision: Precision = "32-true"
    accelerator: str = "auto"  # as Lightning Fabric names them: auto, cpu, cuda, mps
    devices: int = 1
    threads: int = 1  # of each process, whatever the machine has
    deterministic: bool = True  # refuse operations whose result depends on the order of threads
    seed: int = 0
    accumulate: int = 1  # batches to a step
    ema_decay: float | None = None  # such as 0.999; null for no average
    keep: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        for name in ("epochs", "min_epochs", "patience", "batch_size", "devices", "threads", "accumulate"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is {getattr(self, name)}: expected at least 1")
        for name in (
            "learning_rate",
            "momentum",
            "weight_decay",
            "decay",
            "warmup_epochs",
            "warmup_start",
            "slow_factor",
        ):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} is {getattr(self, name)}: expected at least 0")
        if self.gradient_clip is not None and self.gradient_clip <= 0:
            raise BadInput(f"gradient_clip is {self.gradient_clip}: expected a positive norm, or null for none")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise BadInput(f"ema_decay is {self.ema_decay}: expected a number between 0 and 1, or null for no average")
        if not 0 <= self.beta1 < 1:
            raise BadInput(f"beta1 is {self.beta1}: expected a number from 0 to below 1")
        if self.keep not in ("best", "last"):
            raise unknown_name("epoch to keep", self.keep, ("best", "last"))


def override(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """A copy of the settings with some fields changed.

    Args:
        settings: a frozen dataclass, which may hold others.
        changes: new values by name; a dotted name reaches into nested settings. An int serves as a float and a
            list as a tuple, since YAML and papermill have no other.

    Returns:
        Settings of the same type.

    Raises:
        UnknownName: no such field; the message offers the nearest spelling.
        BadInput: a value of another type; the message names it and the type that was expected.

    Example:
        override(TrainingSettings(), {"epochs": 3, "milestones": [2]})
    """
    return _override(settings, changes, inside="", known=tuple(_field_names(settings)))


def as_dict(settings: Any) -> dict[str, Any]:
    """The settings as JSON-ready values: nested dataclasses become dictionaries, tuples lists, paths text."""
    return {field.name: _plain(field.name, getattr(settings, field.name)) for field in dataclasses.fields(settings)}


def convert(name: str, value: Any, expected: Any) -> Any:
    """The value as the expected type, if it fits without loss.

    Args:
        name: what the value is called, for the message.
        value: what was given.
        expected: a type, or an annotation made of unions, literals, tuples, lists and dictionaries.

    Raises:
        BadInput: the value does not fit, or is NaN or infinite.
    """
    origin, inner = get_origin(expected), get_args(expected)
    if expected is Any:
        return value
    if origin in (Union, types.UnionType):
        return _convert_to_one_of(name, value, expected, inner)
    if origin is Literal and any(value == option and type(value) is type(option) for option in inner):
        return value
    if origin is tuple and isinstance(value, list | tuple):
        kinds = (inner[0],) * len(value) if inner[1:] == (Ellipsis,) else inner
        if len(kinds) == len(value):
            return tuple(convert(f"{name}[{i}]", v, k) for i, (v, k) in enumerate(zip(value, kinds, strict=True)))
    if origin is list and isinstance(value, list | tuple):
        return [convert(f"{name}[{i}]", element, inner[0]) for i, element in enumerate(value)]
    if origin is dict and isinstance(value, Mapping):
        return {convert(f"key of {name}", k, inner[0]): convert(f"{name}.{k}", v, inner[1]) for k, v in value.items()}
    if expected is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise BadInput(f"{name} is {value}: expected a finite number")
        return float(value)
    if expected is Path and isinstance(value, str | Path):
        return Path(value)
    truth_as_number = expected is int and isinstance(value, bool)
    if isinstance(expected, type) and isinstance(value, expected) and not truth_as_number:
        return value
    raise BadInput(_mismatch(name, value, expected))


def settings_of_tier(
    usual: Settings, tiers: Mapping[str, Mapping[str, Any]], tier: str, changes: Mapping[str, Any] | None
) -> Settings:
    """Settings with what a tier changes, and then with further changes.

    Args:
        usual: the paper's own.
        tiers: changes by tier.
        tier: smoke, laptop, gpu or paper.
        changes: further ones by dotted name.

    Raises:
        UnknownName: on an unknown tier or field.
        BadInput: on a value of another type.
    """
    if tier not in tiers:
        raise unknown_name("tier", tier, tiers)
    return override(override(usual, tiers[tier]), changes or {})


def _override(settings: Settings, changes: Mapping[str, Any], inside: str, known: tuple[str, ...]) -> Settings:
    kinds = get_type_hints(type(settings))
    direct: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        current = getattr(settings, first, None)
        if first not in kinds or (rest and not dataclasses.is_dataclass(current)):
            raise unknown_name("parameter", inside + name, known)
        if rest:
            nested.setdefault(first, {})[rest] = value
        elif dataclasses.is_dataclass(current) and isinstance(value, Mapping):
            nested.setdefault(first, {}).update(value)
        else:
            direct[first] = convert(inside + first, value, kinds[first])
    for first, inner in nested.items():
        direct[first] = _override(direct.get(first, getattr(settings, first)), inner, f"{inside}{first}.", known)
    return dataclasses.replace(settings, **direct)  # type: ignore[type-var]


def _field_names(settings: Any) -> Iterator[str]:
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from (f"{field.name}.{name}" for name in _field_names(value))
        else:
            yield field.name


def _convert_to_one_of(name: str, value: Any, expected: Any, options: tuple[Any, ...]) -> Any:
    for option in options:
        try:
            return convert(name, value, option)
        except BadInput:
            continue
    raise BadInput(_mismatch(name, value, expected))


def _mismatch(name: str, value: Any, expected: Any) -> str:
    wanted = expected.__name__ if isinstance(expected, type) and get_origin(expected) is None else str(expected)
    wanted = wanted.replace("typing.", "")
    hint = ""
    if expected is float and isinstance(value, str):
        hint = "; YAML reads 1e-3 as text, so write 1.0e-3 or 0.001"
    return f"{name} is {value!r} ({type(value).__name__}): expected {wanted}{hint}"


def _plain(name: str, value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return as_dict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{name}.{key}", element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(name, element) for element in value]
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise BadInput(f"{name} is a {type(value).__name__}: expected numbers, text, or lists and dictionaries of them")
