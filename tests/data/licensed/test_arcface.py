"""A user's ArcFace file: read as it was written, and refused with a reason where it is none or hostile."""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from damaged_bytes import damaged
from safetensors.torch import save_file

from facelib.data.licensed import arcface as arcface_file
from facelib.data.licensed.arcface import (
    arcface_settings,
    load_arcface,
    network_of,
    read_tensors,
    weights_path,
)
from facelib.data.licensed.archives import DATA_VARIABLE
from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.models.iresnet import IResNet
from facelib.storage import sha256_of

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    """A small file's tensors: of IResNet-18, drawn."""
    torch.manual_seed(0)
    network = IResNet(18)
    network.bn2.running_mean.normal_()
    return network.state_dict()


@pytest.fixture
def arcface(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the file belongs into."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    (tmp_path / "arcface").mkdir()
    return tmp_path / "arcface"


@pytest.mark.parametrize("name", ["backbone.pth", "backbone.safetensors"])
def test_either_file_answers_as_the_network_that_wrote_it(name: str, arcface: Path, state: State) -> None:
    path = arcface / name
    if name.endswith(".pth"):
        torch.save(state, path)
    else:
        save_file(state, path)
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    written = IResNet(18).eval()
    written.load_state_dict(state)

    network = load_arcface()

    with torch.no_grad():
        torch.testing.assert_close(network(images), written(images))
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    settings, told = arcface_settings(), list[int]()
    assert settings.fingerprint == sha256_of(path) == settings.open_archive(told.append).fingerprint


def test_another_file_is_another_fingerprint_and_another_network(arcface: Path, state: State) -> None:
    path = arcface / "backbone.safetensors"
    save_file({"a": torch.zeros(3)}, path)
    first = arcface_settings().fingerprint
    save_file(state, path)

    assert arcface_settings().fingerprint != first
    assert load_arcface().conv1.weight.equal(state["conv1.weight"])


def test_without_a_file_its_place_is_told(arcface: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = r"there is no .*arcface/backbone\.pth and no backbone\.safetensors.*ask InsightFace.*loss\.perceptual=0"
    with pytest.raises(MissingPart, match=told):
        weights_path()
    monkeypatch.delenv(DATA_VARIABLE)
    with pytest.raises(MissingPart, match=rf"\${DATA_VARIABLE}/arcface/backbone\.pth.*{DATA_VARIABLE} is not set"):
        load_arcface()


def test_two_files_are_one_too_many(arcface: Path) -> None:
    for name in ("backbone.pth", "backbone.safetensors"):
        (arcface / name).touch()
    with pytest.raises(BadInput, match=r"backbone\.safetensors are both there"):
        weights_path()


class Harmful:
    """What unpickling would execute."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


def test_code_in_a_file_is_not_executed(tmp_path: Path) -> None:
    path, trace = tmp_path / "backbone.pth", tmp_path / "executed"
    torch.save({"conv1.weight": Harmful(trace)}, path)

    with pytest.raises(CorruptFile, match="holds more than tensors, perhaps code, which is not executed"):
        read_tensors(path)
    assert not trace.exists()


def saved(content: object) -> bytes:
    written = io.BytesIO()
    torch.save(content, written)
    return written.getvalue()


def test_an_archive_that_unpacks_to_more_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arcface_file, "LARGEST", 10**6)
    path = tmp_path / "backbone.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("archive/data/0", bytes(1_100_000))
    assert path.stat().st_size < 10**4

    with pytest.raises(CorruptFile, match=r"unpacks to 1,100,000 bytes: expected at most 1,000,000"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("backbone.pth", lambda: b"no archive", r"is no archive .*torch\.save writes since version 1\.6"),
        ("backbone.pth", lambda: saved({"a": torch.zeros(9)})[:-200], r"is no archive|is damaged"),
        ("backbone.pth", lambda: saved(torch.zeros(2)), "holds a Tensor: expected a state dictionary"),
        ("backbone.pth", lambda: saved({}), "holds a dict: expected a state dictionary"),
        ("backbone.pth", lambda: saved({"state_dict": {"a": torch.zeros(1)}}), "'state_dict', a dict: expected"),
        ("backbone.pth", lambda: saved({3: torch.zeros(1)}), "holds '3', a Tensor"),
        ("backbone.safetensors", lambda: b"", "is no safetensors file"),
        ("backbone.safetensors", lambda: b"\xff" * 64, "is no safetensors file"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_tensors_is_refused(
    name: str, content: Callable[[], bytes], told: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content())
    with pytest.raises(CorruptFile, match=told):
        read_tensors(path)


@pytest.mark.parametrize("name", ["backbone.pth", "backbone.safetensors"])
def test_damaged_files_are_read_or_refused_by_name(name: str, tmp_path: Path) -> None:
    """Another number in a tensor tells nobody; all else must not end in another error."""
    path = tmp_path / name
    tensors = {"conv1.weight": torch.rand(4, 3), "bn1.num_batches_tracked": torch.tensor(3)}
    if name.endswith(".pth"):
        torch.save(tensors, path)
    else:
        save_file(tensors, path)
    content, told = path.read_bytes(), []
    for number in range(300):
        path.write_bytes(damaged(content, random.Random(number)))
        try:
            read_tensors(path)
        except CorruptFile as error:
            told.append(str(error))
    assert len(told) > 100
    assert all(str(path) in each for each in told)


def with_nan(value: torch.Tensor) -> torch.Tensor:
    changed = value.clone()
    changed.view(-1)[-1] = torch.nan
    return changed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "fc.bias"}, r"lacks fc\.bias: expected IResNet-18"),
        (lambda s: s | {"fc.more": torch.zeros(1)}, r"also holds fc\.more: expected IResNet-18"),
        (lambda s: {f"module.{k}": v for k, v in s.items()}, "of another network .*have 0 0 0 0 blocks"),
        (lambda s: {k: v for k, v in s.items() if not k.startswith("layer3.1")}, "have 2 2 1 2 blocks"),
        (lambda s: s | {"fc.weight": torch.zeros(512, 512)}, r"fc\.weight as torch\.float32 \(512, 512\).*25088"),
        (lambda s: s | {"bn1.weight": torch.ones(64, dtype=torch.int64)}, r"bn1\.weight as torch\.int64 \(64,\)"),
        (lambda s: s | {"bn1.weight": with_nan(s["bn1.weight"])}, r"bn1\.weight with values that are not finite"),
        (lambda s: s | {"layer4.1.bn3.running_var": -torch.ones(512)}, r"layer4\.1\.bn3\.running_var below 0"),
    ],
)  # fmt: skip
def test_tensors_that_are_not_those_of_the_network_are_refused(
    change: Callable[[State], State], told: str, state: State, tmp_path: Path
) -> None:
    with pytest.raises(CorruptFile, match=told):
        network_of(tmp_path / "backbone.pth", change(state))


def test_half_precision_is_read_in_single(state: State, tmp_path: Path) -> None:
    halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    network = network_of(tmp_path / "backbone.pth", halved)
    assert network.fc.weight.dtype == torch.float32
    assert torch.equal(network.fc.weight, state["fc.weight"].half().float())
