"""Trained weights that come with the package: for each model safetensors files in half precision, and its card.

A model that one file cannot hold takes up to three. The card is a JSON file that carries its own checksum and that of
the weights; it says what made them, under which licence, and what they are not for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput, CorruptFile, unknown_name
from facelib.storage import read_json, write_bytes, write_json

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path(__file__).parent
LARGEST = 8_000_000  # bytes of a file
MOST_FILES = 3  # of a model: every clone and every installation carries them
CARD_FIELDS = ("kind", "summary", "source", "licence", "not_for")  # texts that every card has
CHECKSUM = "weights_sha256"  # of all files of a model, one after the other
HEADER = 250  # bytes, more than a file says of one tensor
FILES = "weights_files"  # how many; a card without it has one
REMEDY = "install facelib again, or check the file out again"


def shipped_names() -> tuple[str, ...]:
    """The models that are here, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def weights_paths(name: str) -> list[Path]:
    """Where a model's weights lie, in one file or several; its card lies beside them.

    Raises:
        UnknownName, CorruptFile: as `read_card`.
    """
    return _paths(name, read_card(name).get(FILES, 1))


def read_card(name: str, kind: str | None = None) -> dict[str, Any]:
    """What is told of a model: kind, summary, source, licence, not_for, weights_sha256, and what its kind adds.

    Args:
        name: of the model.
        kind: that is wanted, where not any will do.

    Raises:
        UnknownName: there is no such model.
        CorruptFile: the card was damaged or edited.
        BadInput: the model is of another kind.
    """
    if name not in shipped_names():
        raise unknown_name("shipped model", name, shipped_names())
    card = read_json(_card_path(name), REMEDY)
    if kind is not None and card["kind"] != kind:
        raise BadInput(f"the shipped model {name} is of kind {card['kind']!r}: expected {kind!r}")
    return card


def checksums(names: Iterable[str]) -> dict[str, str | None]:
    """SHA-256 of the weights of models by name, None for one that is not here."""
    there = set(shipped_names())
    return {name: read_card(name)[CHECKSUM] if name in there else None for name in names}


def read_shipped_weights(name: str) -> dict[str, Tensor]:
    """Parameters and buffers of a model by name, floating-point ones as float32.

    Raises:
        UnknownName: there is no such model.
        CorruptFile: weights or card are missing, damaged, or do not belong together.
    """
    from safetensors.torch import load

    card = read_card(name)
    paths, expected, contents = _paths(name, card.get(FILES, 1)), card[CHECKSUM], []
    for path in paths:
        if not path.is_file():
            raise CorruptFile(f"{path} is missing, though its card is there: {REMEDY}")
        contents.append(path.read_bytes())
    found = _checksum(contents)
    if found != expected:
        where = " and ".join(map(str, paths))
        raise CorruptFile(f"{where}: SHA-256 {found[:12]}..., the card says {str(expected)[:12]}...: {REMEDY}")
    return {key: _whole(value) for content in contents for key, value in load(content).items()}


def write_shipped(name: str, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> list[Path]:
    """Write a model's weights, and then its card.

    Args:
        name: of the model: small letters, digits and underscores.
        tensors: parameters and buffers by name; floating-point ones become float16.
        card: all but the checksum of the weights.

    Returns:
        The paths of the weights.

    Raises:
        BadInput: a name of other letters, a card without one of the fields of every card, values that are not finite
            or that half precision cannot hold, or more than three files of 8 MB.
    """
    from safetensors.torch import save

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(f"the name {name!r}: expected small letters, digits and underscores, such as 'sadrnet'")
    missing = [field for field in CARD_FIELDS if not card.get(field)]
    if missing:
        raise BadInput(f"the card of {name} lacks {', '.join(missing)}: every card says this")
    halves = {key: halved(key, value) for key, value in tensors.items()}
    contents = [save(part) for part in _parts(halves)]
    if len(contents) > MOST_FILES or any(len(content) > LARGEST for content in contents):
        raise BadInput(
            f"{name} takes {sum(map(len, contents)) / 1e6:.1f} MB in half precision: expected at most {MOST_FILES} "
            f"files of {LARGEST / 1e6:g} MB; ship a narrower network"
        )
    paths = _paths(name, len(contents))
    for path, content in zip(paths, contents, strict=True):
        write_bytes(path, content)
    for path in _paths(name, MOST_FILES)[len(contents) :]:
        path.unlink(missing_ok=True)
    write_json(_card_path(name), {**card, FILES: len(contents), CHECKSUM: _checksum(contents)})
    return paths


def _parts(tensors: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """The tensors in their order, dealt to as few files as hold them with what safetensors adds."""
    parts: list[dict[str, Tensor]] = [{}]
    filled = 0
    for key, value in tensors.items():
        size = value.numel() * value.element_size() + HEADER
        if parts[-1] and filled + size > LARGEST - HEADER:
            parts.append({})
            filled = 0
        parts[-1][key] = value
        filled += size
    return parts


def _checksum(contents: list[bytes]) -> str:
    return hashlib.sha256(b"".join(contents)).hexdigest()


def rounded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `read_shipped_weights` would read of these tensors, had they been shipped; raises as `halved`."""
    return {key: _whole(halved(key, value)) for key, value in tensors.items()}


def halved(name: str, value: Tensor) -> Tensor:
    """A tensor in half precision, and whole numbers as they are.

    Raises:
        BadInput: it is not finite, or becomes infinite.
    """
    import torch

    value = value.detach().cpu().contiguous()
    if not value.is_floating_point():
        return value.clone()
    if not value.isfinite().all():
        raise BadInput(f"{name} holds numbers that are not finite: train the model again before it is shipped")
    half = value.to(torch.float16, copy=True)
    if not half.isfinite().all():
        largest = float(value.abs().max())
        raise BadInput(f"{name} holds {largest:g}, above 65504, the largest number of half precision: do not ship it")
    return half


def _whole(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _paths(name: str, count: int) -> list[Path]:
    return [FOLDER / f"{name}{'' if number == 1 else f'.{number}'}.safetensors" for number in range(1, count + 1)]


def _card_path(name: str) -> Path:
    return FOLDER / f"{name}.json"
