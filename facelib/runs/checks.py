"""What is checked while a training runs: losses, weights and evaluations are finite, a checkpoint is the run's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput, FacelibError

if TYPE_CHECKING:
    from torch import Tensor, nn


class TrainingDiverged(FacelibError, ArithmeticError):
    """A loss or a weight became NaN or infinite; the last checkpoint is from before."""


def loss_values(terms: Mapping[str, Tensor], epoch: int, step: int) -> dict[str, float]:
    """The loss terms as numbers, read from the device in one go, once they are known to be finite scalars."""
    import torch

    if not terms:
        raise BadInput(f"the task gave no loss terms in epoch {epoch}, step {step}: expected at least one")
    for name, term in terms.items():
        if term.dim() != 0:
            raise BadInput(f"loss {name!r} has shape {tuple(term.shape)}: expected a scalar")
    numbers = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    values = dict(zip(terms, numbers, strict=True))
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"loss {name!r} is {value} in epoch {epoch}, step {step} (all terms: {values}): lower learning_rate or "
                "set gradient_clip, and start in a new folder; this one keeps its last good checkpoint"
            )
    return values


def finite_numbers(source: str, values: Mapping[str, float], epoch: int) -> dict[str, float]:
    """What `source` gave after an epoch, once it is known to be finite."""
    numbers = {name: float(value) for name, value in values.items()}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise TrainingDiverged(f"{source} gave {name!r} = {value} after epoch {epoch}: expected a finite number")
    return numbers


def check_weights(modules: Mapping[str, nn.Module], epoch: int) -> None:
    """Raise TrainingDiverged if a parameter or buffer holds a NaN or an infinity, naming it."""
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            if not value.isfinite().all():
                raise TrainingDiverged(
                    f"{name}.{key} holds non-finite numbers after epoch {epoch} although every loss was finite: look "
                    "for an operation with an infinite gradient, or set gradient_clip"
                )


def check_identity(found: Mapping[str, Any], expected: Mapping[str, Any], folder: Path) -> None:
    """Raise BadInput if the checkpoint in a folder is of another task, format or settings, naming what differs."""
    before, now = ({**identity, **identity["settings"]} for identity in (found, expected))
    differences = [
        f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in before | now
        if name != "settings" and before.get(name) != now.get(name)
    ]
    if differences:
        raise BadInput(
            f"{folder} holds a checkpoint of another run ({'; '.join(differences)}): delete it or choose another folder"
        )
