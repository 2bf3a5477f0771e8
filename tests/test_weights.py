"""Weights that ship: whole, of half precision, with a card that says what they are, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from facelib import weights
from facelib.errors import BadInput, CorruptFile, UnknownName
from facelib.storage import read_json
from facelib.weights import (
    CHECKSUM,
    LARGEST,
    checksums,
    read_card,
    read_shipped_weights,
    shipped_names,
    weights_paths,
    write_shipped,
)

CARD = {"kind": "toy", "summary": "two numbers", "source": "made", "licence": "CC0", "not_for": "anything"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    return tmp_path


def test_every_model_that_ships_is_whole() -> None:
    assert "blazeface_full_range" in shipped_names()
    for name in shipped_names():
        assert all(path.stat().st_size <= LARGEST for path in weights_paths(name))
        assert all(value.isfinite().all() for value in read_shipped_weights(name).values())
        assert {"licence", "source", "not_for"} < set(read_card(name))


def test_what_is_written_is_read_in_single_precision(folder: Path) -> None:
    tensors = {"weight": torch.tensor([1.0, 1 / 3, -65504]), "count": torch.tensor(2**40)}
    write_shipped("toy", tensors, CARD)

    assert shipped_names() == ("toy",)
    found = read_shipped_weights("toy")
    assert found["weight"].dtype == torch.float32
    assert found["weight"].tolist() == [1, 0.333251953125, -65504]  # 1/3 to eleven binary digits
    assert found["count"].item() == 2**40
    assert {name: value for name, value in read_card("toy").items() if name in CARD} == CARD


def test_damage_is_seen(folder: Path) -> None:
    (path,) = write_shipped("toy", {"weight": torch.ones(3)}, CARD)
    whole = path.read_bytes()

    path.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(CorruptFile, match=r"toy\.safetensors: SHA-256 .*, the card says .*install facelib again"):
        read_shipped_weights("toy")
    path.unlink()
    with pytest.raises(CorruptFile, match="is missing, though its card is there"):
        read_shipped_weights("toy")
    card = folder / "toy.json"
    card.write_text(card.read_text().replace("CC0", "MIT"))
    with pytest.raises(CorruptFile, match="was damaged or edited"):
        read_card("toy")
    with pytest.raises(UnknownName, match="unknown shipped model 'toys': expected one of toy"):
        read_card("toys")


def test_what_one_file_cannot_hold_takes_two(folder: Path) -> None:
    tensors = {f"layer{number}": torch.full((1_500_000,), float(number)) for number in range(4)}
    first, second = write_shipped("toy", tensors, CARD)
    assert max(first.stat().st_size, second.stat().st_size) <= LARGEST
    found = read_shipped_weights("toy")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], value) for key, value in tensors.items())

    with pytest.raises(BadInput, match=r"toy takes 27\.0 MB in half precision: expected at most 3 files"):
        write_shipped("toy", tensors | {str(number): torch.zeros(1_500_000) for number in range(5)}, CARD)
    second.unlink()
    with pytest.raises(CorruptFile, match=r"toy\.2\.safetensors is missing"):
        read_shipped_weights("toy")
    write_shipped("toy", tensors, CARD)
    write_shipped("toy", {"weight": torch.ones(3)}, CARD)
    assert weights_paths("toy") == [first]
    assert not second.exists()


@pytest.mark.parametrize(
    ("name", "tensor", "card", "message"),
    [
        ("Toy", torch.ones(1), CARD, "the name 'Toy': expected small letters"),
        ("../toy", torch.ones(1), CARD, "expected small letters"),
        ("toy", torch.tensor([0, torch.nan]), CARD, "weight holds numbers that are not finite"),
        ("toy", torch.tensor([1.0, -70_000]), CARD, "weight holds 70000, above 65504"),
        ("toy", torch.ones(4_000_001), CARD, "toy takes 8.0 MB in half precision: expected at most 3 files of 8 MB"),
        ("toy", torch.ones(1), CARD | {"licence": ""}, "the card of toy lacks licence"),
    ],
)
def test_what_is_not_shipped(folder: Path, name: str, tensor: torch.Tensor, card: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        write_shipped(name, {"weight": tensor}, card)
    assert list(folder.iterdir()) == []


def test_the_card_is_sealed() -> None:
    """Everybody reads it as JSON; the checksum of its content is a part of it."""
    assert "sha256" not in read_json(weights.FOLDER / "blazeface_full_range.json", "")


def test_checksums_of_models_of_which_some_are_not_here() -> None:
    assert checksums(["ir18", "nobody"]) == {"ir18": read_card("ir18")[CHECKSUM], "nobody": None}
