"""What a run leaves in its folder while and after it trains: checkpoints, weights, and a lock against a second run.

Everything is written atomically with a checksum beside it, holds tensors and plain values only, and is read without
executing anything from the file.
"""

from __future__ import annotations

import io
import logging
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.runs.folders import command_for
from facelib.storage import exclusive_lock, remove_checked, verify_checked, write_checked

if TYPE_CHECKING:
    from torch import Tensor, nn

    States = Mapping[str, Mapping[str, Tensor]]  # module -> parameter or buffer -> value

KEPT_CHECKPOINTS = 2  # the newest, and the one to fall back on if that is damaged
_log = logging.getLogger(__name__)


def save_weights(path: Path, modules: Mapping[str, nn.Module]) -> None:
    """Write the parameters and buffers of modules as one safetensors file.

    Args:
        path: the file; its checksum is laid beside it.
        modules: modules by name; a tensor is stored as "name.parameter".
    """
    save_states(path, {name: module.state_dict() for name, module in modules.items()})


def save_states(path: Path, states: States) -> None:
    """Write state dictionaries by module name, as `save_weights` does with modules."""
    from safetensors.torch import save

    # Clones, because safetensors refuses tensors that share memory.
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous().clone()
        for name, state in states.items()
        for key, value in state.items()
    }
    write_checked(path, save(tensors))


def load_weights(path: Path, modules: Mapping[str, nn.Module]) -> None:
    """Load weights in place.

    Args:
        path: a safetensors file, with its checksum beside it.
        modules: modules by the names they were saved under. The file may hold further modules, such as the
            classifier of a recogniser of which only the backbone is wanted.

    Raises:
        MissingPart: there is no such file.
        CorruptFile: the file is damaged, or its checksum is missing; the message names the command that makes it again.
        BadInput: a tensor is missing, left over, of another shape or type, or not finite; no module has been changed
            then.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    command = command_for(path.parent)
    if not path.is_file():
        raise MissingPart(f"no weights at {path}: make them with `{command}`")
    remedy = f"delete it and make it again with `{command}`"
    verify_checked(path, remedy)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise CorruptFile(f"{path} is no sound safetensors file ({error}): {remedy}") from error
    # A part of a module that was trained apart, "network.features", is found in "network" too.
    states: dict[str, dict[str, Tensor]] = {
        name: {key.removeprefix(f"{name}."): each for key, each in tensors.items() if key.startswith(f"{name}.")}
        for name in modules
    }
    restore(modules, states, str(path))


def restore(modules: Mapping[str, nn.Module], states: States, source: str) -> None:
    """Load state dictionaries into modules after comparing every name, shape and type; see `load_weights`."""
    problems = [problem for name in modules for problem in _problems(name, modules[name], states.get(name, {}))]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise BadInput(
            f"{source} does not fit {', '.join(modules)}: {'; '.join(problems[:3])}{more}; "
            "build the model with the settings it was trained with"
        )
    for name, module in modules.items():
        module.load_state_dict(states[name])


def _problems(name: str, module: nn.Module, found: Mapping[str, Tensor]) -> Iterator[str]:
    """What keeps a state dictionary from being loaded into a module, in words."""
    wanted = module.state_dict()
    yield from (f"{name}.{key} is missing" for key in wanted if key not in found)
    yield from (f"{name}.{key} is not part of the model" for key in found if key not in wanted)
    for key, value in wanted.items():
        if key not in found:
            continue
        given = found[key]
        if given.shape != value.shape:
            yield f"{name}.{key} has shape {tuple(given.shape)}, expected {tuple(value.shape)}"
        elif given.dtype != value.dtype:
            yield f"{name}.{key} holds {given.dtype}, expected {value.dtype}"
        elif not given.isfinite().all():
            yield f"{name}.{key} holds numbers that are not finite"


def save_checkpoint(folder: Path, epoch: int, content: dict[str, Any]) -> None:
    """Write the checkpoint of a finished epoch and remove all but the newest ones.

    Args:
        folder: the run's folder.
        epoch: counted from 0.
        content: tensors and plain values, nested in dictionaries and lists.
    """
    import torch

    written = io.BytesIO()  # torch's own errors name neither the file nor the disk
    torch.save(content, written)
    write_checked(folder / f"checkpoint_{epoch:04d}.pt", written.getbuffer())
    for path in _newest_first(folder)[KEPT_CHECKPOINTS:]:
        remove_checked(path)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest sound checkpoint in a folder, on the CPU; None without one. A damaged one is passed over, with a
    warning in the log."""
    for path in _newest_first(folder):
        try:
            return _read(path)
        except CorruptFile as error:
            _log.warning("passing over a damaged checkpoint and continuing from what came before it: %s", error)
    return None


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a run's folder so that no second process trains in it, and clear away what a killed one left half-written.

    Raises:
        BadInput: another process holds it. The lock goes with its process, however that ends.
    """
    held = f"{folder} is being trained in by process {{holders}}: wait for it, end it, or choose another folder"
    with exclusive_lock(folder / "training.lock", held):
        for leftover in (*folder.glob(".checkpoint_*.part"), *folder.glob(".weights*.part")):
            leftover.unlink()
        yield


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint_*.pt"), reverse=True)


def _read(path: Path) -> dict[str, Any]:
    import torch

    verify_checked(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise CorruptFile(f"{path} cannot be read: {error}") from error
