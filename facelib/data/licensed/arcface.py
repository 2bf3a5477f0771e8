"""A user's ArcFace weights: one file of tensors in a fixed place, read without executing anything from it.

The file is a state dictionary of IResNet (`facelib.models.iresnet`) as InsightFace's PyTorch trainings write it,
`backbone.pth`, or the same tensors as `backbone.safetensors`, in the folder `arcface` below the one that `FACELIB_DATA`
names. Each tensor is checked by name, shape and finiteness. Its checksum is part of what a run is made from.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from facelib.data.archive import FaceArchive
from facelib.data.licensed.archives import DATA_VARIABLE, PreparedSettings
from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.storage import sha256_once

if TYPE_CHECKING:
    from torch import Tensor

    from facelib.models.iresnet import IResNet

FOLDER = "arcface"
FILES = ("backbone.pth", "backbone.safetensors")
LARGEST = 10**9  # bytes: the deepest network has 261 MB
ASK = "ask InsightFace, arcface_torch's model zoo; its weights are for research that is not commercial"
SHOWN = 3  # names that a message lists


def weights_path() -> Path:
    """Where the user's file lies.

    Raises:
        MissingPart: there is none.
        BadInput: there are two.
    """
    chosen = os.environ.get(DATA_VARIABLE)
    places = [Path(chosen or f"${DATA_VARIABLE}") / FOLDER / name for name in FILES]
    found = [place for place in places if chosen and place.is_file()]
    if not found:
        unset = "" if chosen else f"; {DATA_VARIABLE} is not set"
        raise MissingPart(
            f"the perceptual loss on photographs asks ArcFace (IResNet), and there is no {places[0]} and no "
            f"{places[1].name} beside it{unset}: put the file there ({ASK}), or leave the loss out with "
            "--set loss.perceptual=0"
        )
    if len(found) > 1:
        raise BadInput(f"{found[0]} and {found[1].name} are both there: expected one of them; move the other away")
    return found[0]


def arcface_settings() -> PreparedSettings:
    """The file as a run names what it is made from: by its checksum; raises as `weights_path`."""
    return PreparedSettings("ArcFace", sha256_once(weights_path()), 1, _open)


def _open(on_files: Callable[[int], None]) -> FaceArchive:
    """Without arrays: the file is looked at before anything is computed with it; raises as `load_arcface`."""
    load_arcface()
    on_files(1)
    return FaceArchive(FOLDER, arcface_settings().fingerprint, {})


def load_arcface() -> IResNet:
    """The network with the user's weights, in eval mode, its parameters frozen.

    Raises:
        MissingPart, BadInput: as `weights_path`.
        CorruptFile: it is no file of tensors, or not those of IResNet; the message names the first that does not fit.
    """
    path = weights_path()
    state = path.stat()
    return _loaded(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1)
def _loaded(path: Path, *state: int) -> IResNet:
    return network_of(path, read_tensors(path))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """What a file of tensors holds, by name; nothing in it is executed.

    Raises:
        CorruptFile: it is no such file, is damaged or too large, or holds anything else than tensors.
    """
    if path.stat().st_size > LARGEST:
        raise _misfit(path, f"has {path.stat().st_size:,} bytes", f"at most {LARGEST:,}")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pth(path)
    import torch

    if not isinstance(content, Mapping) or not content:
        raise _misfit(path, f"holds a {type(content).__name__}", "a state dictionary, with tensors by name")
    for name, value in content.items():
        if not (isinstance(name, str) and isinstance(value, torch.Tensor)):
            shown = f"{str(name)[:60]!r}, a {type(value).__name__}"
            raise _misfit(path, f"holds {shown}", "tensors by name, and nothing around them")
    return dict(content)


def _read_safetensors(path: Path) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(path.read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        raise _misfit(path, f"is no safetensors file ({error})", "tensors by name") from error


def _read_pth(path: Path) -> object:
    import torch

    try:
        with zipfile.ZipFile(path) as whole:
            unpacked = sum(each.file_size for each in whole.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise _misfit(
            path, f"is no archive ({error})", "what torch.save writes since version 1.6; save an older file again"
        ) from error
    if unpacked > LARGEST:
        raise _misfit(path, f"unpacks to {unpacked:,} bytes", f"at most {LARGEST:,}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _misfit(
            path, "holds more than tensors, perhaps code, which is not executed", "a state dictionary of tensors alone"
        ) from error
    except Exception as error:  # a damaged archive raises whatever its reader stumbles over
        raise _misfit(path, f"is damaged ({type(error).__name__})", "a state dictionary of tensors") from error


def network_of(path: Path, tensors: Mapping[str, Tensor]) -> IResNet:
    """IResNet with these tensors, in eval mode, its parameters frozen.

    Args:
        path: of their file, for messages.
        tensors: by name, all of them in memory.

    Raises:
        CorruptFile: the depth is none, a name is missing or unknown, a shape is another, or a value is not finite.
    """
    import torch

    from facelib.models.iresnet import IResNet, depth_of

    try:
        depth = depth_of(tensors)
    except BadInput as error:
        raise _misfit(path, f"is of another network ({error})", "the weights of an IResNet") from error
    with torch.device("meta"):  # nothing is drawn for weights that are replaced
        network = IResNet(depth)
    expected = network.state_dict()
    for kind, names in (("lacks", expected.keys() - tensors.keys()), ("also holds", tensors.keys() - expected.keys())):
        if names:
            shown = ", ".join(sorted(names)[:SHOWN])
            raise _misfit(path, f"{kind} {shown}{'' if len(names) <= SHOWN else ' ...'}", f"IResNet-{depth}")
    for name, wanted in expected.items():
        _check_tensor(path, name, tensors[name], wanted)
    values = {name: tensors[name].detach().to(wanted.dtype).contiguous() for name, wanted in expected.items()}
    network.load_state_dict(values, assign=True)
    return network.eval().requires_grad_(False)


def _check_tensor(path: Path, name: str, value: Tensor, wanted: Tensor) -> None:
    if value.shape != wanted.shape or value.is_floating_point() != wanted.is_floating_point():
        found, shape = (f"{each.dtype} {tuple(each.shape)}" for each in (value, wanted))
        raise _misfit(path, f"holds {name} as {found}", shape)
    if not value.isfinite().all():
        raise _misfit(path, f"holds {name} with values that are not finite", "numbers alone")
    if name.endswith("running_var") and bool((value < 0).any()):
        raise _misfit(path, f"holds {name} below 0", "variances")


def _misfit(path: Path, found: str, expected: str) -> CorruptFile:
    return CorruptFile(f"{path} {found}: expected {expected}; copy or download the file again")
