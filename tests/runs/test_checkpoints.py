from __future__ import annotations

import fcntl

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.runs.checkpoints import (
    load_checkpoint,
    load_weights,
    run_lock,
    save_checkpoint,
    save_states,
    save_weights,
)


def recogniser(width: int = 4) -> dict[str, nn.Module]:
    return {"backbone": nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width)), "head": nn.Linear(width, 2)}


def test_weights_round_trip(tmp_path):
    saved, loaded = recogniser(), recogniser()
    save_weights(tmp_path / "weights.safetensors", saved)
    load_weights(tmp_path / "weights.safetensors", loaded)
    for name in saved:
        for key, value in saved[name].state_dict().items():
            assert torch.equal(loaded[name].state_dict()[key], value)
    assert "backbone.0.weight" in load_file(tmp_path / "weights.safetensors")


def test_part_of_a_file_can_be_loaded(tmp_path):
    saved, loaded = recogniser(), recogniser()
    save_weights(tmp_path / "w.safetensors", saved)
    before = loaded["head"].weight.clone()
    load_weights(tmp_path / "w.safetensors", {"backbone": loaded["backbone"]})
    assert torch.equal(loaded["backbone"][0].weight, saved["backbone"][0].weight)
    assert torch.equal(loaded["head"].weight, before)


def test_parts_that_were_trained_apart_are_loaded_as_one(tmp_path):
    saved, loaded = recogniser()["backbone"], recogniser()["backbone"]
    save_weights(tmp_path / "w.safetensors", {"backbone.0": saved[0], "backbone.1": saved[1], "backbone2": saved[0]})
    load_weights(tmp_path / "w.safetensors", {"backbone": loaded})
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in saved.state_dict().items())
    load_weights(tmp_path / "w.safetensors", {"backbone.1": loaded[1]})


def test_shared_tensors_are_saved(tmp_path):
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    save_weights(tmp_path / "w.safetensors", {"a": first, "b": second})
    loaded = {"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)}
    load_weights(tmp_path / "w.safetensors", loaded)
    assert torch.equal(loaded["b"].weight, first.weight)


def test_missing_file(tmp_path):
    with pytest.raises(MissingPart, match=r"w\.safetensors"):
        load_weights(tmp_path / "w.safetensors", recogniser())


@pytest.mark.parametrize("with_checksum", [True, False])
def test_truncated_file(tmp_path, with_checksum):
    path = tmp_path / "w.safetensors"
    save_weights(path, recogniser())
    path.write_bytes(path.read_bytes()[:-10])
    if not with_checksum:
        path.with_name(path.name + ".sha256").unlink()
    with pytest.raises(CorruptFile, match=r"w\.safetensors"):
        load_weights(path, recogniser())


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"backbone": nn.Linear(3, 4)}, "backbone.weight is missing"),
        ({"head": nn.Linear(4, 2, bias=False)}, "head.bias is not part of the model"),
        (recogniser(width=5), r"backbone.0.weight has shape \(4, 3\), expected \(5, 3\).* more"),
        ({"neck": nn.Linear(3, 4)}, "neck.weight is missing"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(tmp_path, wanted, named):
    save_weights(tmp_path / "w.safetensors", recogniser())
    before = [p.clone() for module in wanted.values() for p in module.parameters()]
    with pytest.raises(BadInput, match=named):
        load_weights(tmp_path / "w.safetensors", wanted)
    after = [p for module in wanted.values() for p in module.parameters()]
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    assert load_checkpoint(tmp_path) is None
    for epoch in range(4):
        save_checkpoint(tmp_path, epoch, {"epoch": epoch, "weights": {"w": torch.full((2,), epoch)}})
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"checkpoint_000{e}.pt{end}" for e in (2, 3) for end in ("", ".sha256")]
    assert load_checkpoint(tmp_path)["epoch"] == 3


def test_checkpoint_without_checksum_was_never_finished(tmp_path, caplog):
    for epoch in range(2):
        save_checkpoint(tmp_path, epoch, {"epoch": epoch})
    (tmp_path / "checkpoint_0001.pt.sha256").unlink()
    assert load_checkpoint(tmp_path)["epoch"] == 0
    assert "checkpoint_0001.pt" in caplog.text


def test_a_checkpoint_executes_nothing(tmp_path, caplog):
    save_checkpoint(tmp_path, 0, {"harm": print})
    assert load_checkpoint(tmp_path) is None
    assert "cannot be read" in caplog.text


def test_lock_keeps_a_second_run_out_and_is_given_back(tmp_path):
    with run_lock(tmp_path), pytest.raises(BadInput, match="being trained in by process"), run_lock(tmp_path):
        pass
    with run_lock(tmp_path):
        pass


def test_lock_clears_what_a_killed_run_left(tmp_path):
    (tmp_path / ".checkpoint_0002.pt.77.part").write_bytes(b"")
    (tmp_path / ".record.json.77.part").write_bytes(b"")  # not ours to clear
    with run_lock(tmp_path), open(tmp_path / "training.lock") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".record.json.77.part"]


def test_weights_without_their_checksum_are_refused(tmp_path):
    for folder, method in (("sadrnet/smoke/direct-fold1-seed0", "sadrnet direct --fold 1 --tier smoke"), ("mine", "")):
        path = tmp_path / folder / "weights.safetensors"
        save_weights(path, recogniser())
        path.with_name(path.name + ".sha256").unlink()

        command = f"facelib run {method or 'PAPER METHOD --fold FOLD --tier TIER'}"
        with pytest.raises(CorruptFile, match=f"checksum file is missing: delete it .* again with `{command}`"):
            load_weights(path, recogniser())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda weight: weight.fill_(float("nan")), "not finite"),
        (lambda weight: weight.double(), "float64, expected torch.float32"),
        (lambda weight: weight.sum(), r"shape \(\), expected \(2, 2\)"),
    ],
)
def test_weights_that_are_not_finite_or_of_another_type_are_refused(tmp_path, change, named):
    modules = {"head": nn.Linear(2, 2)}
    state = {key: value.clone() for key, value in modules["head"].state_dict().items()}
    state["weight"] = change(state["weight"])
    save_states(tmp_path / "w.safetensors", {"head": state})
    before = modules["head"].weight.clone()

    with pytest.raises(BadInput, match=named):
        load_weights(tmp_path / "w.safetensors", modules)

    assert torch.equal(modules["head"].weight, before)
