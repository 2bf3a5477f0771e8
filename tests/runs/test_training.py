from __future__ import annotations

import dataclasses
import errno
import importlib.util
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import nn

from facelib.errors import BadInput, UnknownName
from facelib.runs.checks import TrainingDiverged
from facelib.runs.optimizers import PhaseOptimizer, learning_rate
from facelib.runs.phases import Phase
from facelib.runs.settings import TrainingSettings, override
from facelib.runs.tasks import Monitor, to_device
from facelib.runs.training import best_epoch, finished, kept_epoch, train

# The program that gets killed and the task of these tests are one file; it is loaded by path, so that the tests do not
# depend on how pytest imports them.
PROGRAM = Path(__file__).with_name("toy_task.py")
_spec = importlib.util.spec_from_file_location("toy_task", PROGRAM)
assert _spec is not None
assert _spec.loader is not None
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)
SETTINGS, ToyTask = toy.SETTINGS, toy.ToyTask
TAR = Monitor("tar", "highest")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    task = ToyTask()
    result = train(task, SETTINGS, tmp_path_factory.mktemp("undisturbed"))
    torch.set_num_threads(threads)
    return result, weights_of(task)


def weights_of(task):
    return {f"{name}.{key}": value.clone() for name, m in task.modules.items() for key, value in m.state_dict().items()}


def assert_same(result, task, undisturbed):
    expected, weights = undisturbed
    assert result.history == expected.history
    assert result.best_epoch == expected.best_epoch
    found = weights_of(task)
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    assert result.weights.read_bytes() == expected.weights.read_bytes()


class Interrupted(Exception):
    pass


def stop_after(epoch):
    def progress(row):
        if row["epoch"] == epoch:
            raise Interrupted

    return progress


def rows(*values):
    return [{"validation": {"tar": value}} for value in values]


def test_trains(undisturbed):
    result, _ = undisturbed
    assert result.history[-1]["validation"]["accuracy"] > 0.8
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert [row["epoch"] for row in result.history] == list(range(len(result.history)))
    row = result.history[0]
    assert row["losses"].keys() == {"identity", "sparsity"}
    assert row["loss"] == pytest.approx(row["losses"]["identity"] + row["losses"]["sparsity"])
    assert row["watch"]["head norm"] > 0


def test_modules_hold_the_best_weights_in_eval_mode(tmp_path):
    task = ToyTask()
    result = train(task, SETTINGS, tmp_path)
    assert type(task.modules["body"]) is nn.Sequential
    assert not task.modules["body"].training
    with torch.no_grad():
        assert task.validate() == result.history[result.best_epoch]["validation"]


def test_no_batches(tmp_path):
    with pytest.raises(BadInput, match="0 batches"):
        train(ToyTask(samples=0), SETTINGS, tmp_path)


def test_wrong_batch_count(tmp_path):
    task = ToyTask()
    task.batch_count = 9
    with pytest.raises(BadInput, match="got 8 batches in epoch 0: batch_count 9"):
        train(task, SETTINGS, tmp_path)


def test_nothing_to_train(tmp_path):
    task = ToyTask()
    for module in task.modules.values():
        module.requires_grad_(False)
    with pytest.raises(BadInput, match="no parameter to train"):
        train(task, SETTINGS, tmp_path)
    assert type(task.modules["body"]) is nn.Sequential


@pytest.mark.parametrize(
    ("terms", "named"), [(lambda: {}, "no loss terms"), (lambda: {"pair": torch.zeros(2)}, r"'pair' has shape \(2,\)")]
)
def test_malformed_losses(tmp_path, terms, named):
    task = ToyTask()
    task.losses = lambda batch, phase: terms()
    with pytest.raises(BadInput, match=named):
        train(task, SETTINGS, tmp_path)


def test_unknown_monitor(tmp_path):
    task = ToyTask()
    task.monitor = Monitor("acuracy", "highest")
    with pytest.raises(UnknownName, match="did you mean 'accuracy'"):
        train(task, SETTINGS, tmp_path)


def test_unknown_device(tmp_path):
    with pytest.raises(BadInput, match="accelerator 'abacus'"):
        train(ToyTask(), override(SETTINGS, {"accelerator": "abacus"}), tmp_path)


def test_learning_rate_equals_torch_scheduler():
    settings = override(SETTINGS, {"epochs": 15, "learning_rate": 0.001, "milestones": [8, 12, 14]})
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=settings.learning_rate)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(settings.milestones), settings.decay)
    for epoch in range(settings.epochs):
        assert learning_rate(settings, epoch) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        scheduler.step()


def test_one_step_equals_plain_sgd(tmp_path):
    task, plain = ToyTask(samples=8), ToyTask(samples=8)
    settings = override(SETTINGS, {"epochs": 1})
    for both in (task, plain):
        both.modules["body"][3] = nn.Identity()  # dropout would need the loop's own seed
    train(task, settings, tmp_path)

    parameters = [p for module in plain.modules.values() for p in module.parameters()]
    plain.drawn.append((0, 0))
    sum(plain.losses({"inputs": plain.inputs, "labels": plain.labels}, "all").values()).backward()
    for parameter in parameters:
        expected = parameter - settings.learning_rate * (parameter.grad + settings.weight_decay * parameter)
        parameter.data.copy_(expected.detach())
    for name, value in weights_of(plain).items():
        torch.testing.assert_close(weights_of(task)[name], value, rtol=1e-5, atol=1e-6)


def test_warmup_grows_by_equal_steps_to_the_learning_rate():
    """Paper 3: from 1e-5 to 1e-4 over 4 epochs, then times 0.85 an epoch."""
    changes = {"learning_rate": 1e-4, "warmup_epochs": 4, "warmup_start": 0.1, "milestones": [4, 5, 6], "decay": 0.85}
    settings = override(SETTINGS, changes)
    steps = [learning_rate(settings, epoch, step / 10) for epoch in range(4) for step in range(10)]
    assert steps[0] == pytest.approx(1e-5)
    differences = [b - a for a, b in pairwise([*steps, 1e-4])]
    assert differences == pytest.approx([9e-5 / 40] * 40)
    assert [learning_rate(settings, epoch) for epoch in (4, 5, 6)] == pytest.approx([8.5e-5, 7.225e-5, 6.14125e-5])


def test_one_step_equals_plain_adam(tmp_path):
    task, plain = ToyTask(samples=8), ToyTask(samples=8)
    settings = override(SETTINGS, {"epochs": 1, "optimizer": "adam", "weight_decay": 0.0, "warmup_epochs": 1})
    for both in (task, plain):
        both.modules["body"][1] = both.modules["body"][3] = nn.Identity()  # noise is all a bias before a norm gets
    train(task, settings, tmp_path)

    plain.drawn.append((0, 0))
    sum(plain.losses({"inputs": plain.inputs, "labels": plain.labels}, "all").values()).backward()
    for parameter in [p for module in plain.modules.values() for p in module.parameters()]:
        # The first step of Adam: both moments, bias corrected, are the gradient and its square.
        rate = settings.warmup_start * settings.learning_rate
        parameter.data -= rate * parameter.grad / (parameter.grad.abs() + 1e-8)
    for name, value in weights_of(plain).items():
        torch.testing.assert_close(weights_of(task)[name], value, rtol=1e-5, atol=1e-6)


def test_adam_remembers_gradients_by_beta1():
    """Two steps by hand with gradients 2 and -1: m = b m + (1 - b) g over 1 - b^t, in units of the root of v."""
    for beta1 in (0.9, 0.5):
        weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        module = nn.ParameterList([weight])
        settings = override(SETTINGS, {"optimizer": "adam", "weight_decay": 0.0, "learning_rate": 0.1, "beta1": beta1})
        optimizer = PhaseOptimizer(_Bare(), Phase("all"), {"body": module}, settings)
        m = v = expected = 0.0
        for step, gradient in enumerate((2.0, -1.0), start=1):
            weight.grad = torch.full_like(weight, gradient)
            optimizer.plain.step()
            m, v = beta1 * m + (1 - beta1) * gradient, 0.999 * v + 0.001 * gradient**2
            expected -= 0.1 * m / (1 - beta1**step) / ((v / (1 - 0.999**step)) ** 0.5 + 1e-8)
        assert weight.item() == pytest.approx(expected)


class _Bare:
    """Fabric that wraps nothing."""

    def setup_optimizers(self, optimizer):
        return optimizer


def test_slow_parts_learn_at_their_share_of_the_rate(tmp_path):
    """One step of plain SGD: the parts' share of the step that they take without."""
    changes = {"epochs": 1, "momentum": 0.0, "weight_decay": 0.0}
    first = weights_of(ToyTask(samples=8))
    moved = {}
    for name, more in (("usual", {}), ("slow", {"slow_parts": ["head."], "slow_factor": 0.25})):
        task = ToyTask(samples=8)
        train(task, override(SETTINGS, changes | more), tmp_path / name)
        moved[name] = {key: value - first[key] for key, value in weights_of(task).items()}
    learnt = [f"{module}.{name}" for module, part in task.modules.items() for name, _ in part.named_parameters()]
    for name in learnt:
        share = 0.25 if name.startswith("head.") else 1.0
        torch.testing.assert_close(moved["slow"][name], share * moved["usual"][name], rtol=1e-4, atol=1e-7)
    assert moved["usual"]["head.weight"].abs().max() > 1e-3


def test_batch_norms_of_settled_parts_keep_their_statistics(tmp_path):
    """The others collect theirs; and in a step the settled ones normalise by what they came with."""
    task, other = ToyTask(samples=8), ToyTask(samples=8)
    norm = task.modules["body"][1]
    came_with = {"mean": norm.running_mean.clone(), "var": norm.running_var.clone()}
    normalised = []
    norm.register_forward_hook(lambda _, given, found: normalised.append((given[0].clone(), found.clone())))
    train(task, override(SETTINGS, {"epochs": 1, "settled_parts": ["body."]}), tmp_path / "settled")
    given, found = normalised[0]
    torch.testing.assert_close(found, given / (1 + norm.eps) ** 0.5)  # mean 0, variance 1, as at the start
    torch.testing.assert_close({"mean": norm.running_mean, "var": norm.running_var}, came_with)
    train(other, override(SETTINGS, {"epochs": 1}), tmp_path / "usual")
    assert not torch.equal(other.modules["body"][1].running_mean, came_with["mean"])


def test_settled_parts_without_a_batch_norm_are_named(tmp_path):
    with pytest.raises(BadInput, match=r"settled_parts has 'head\.', with which no batch norm starts"):
        train(ToyTask(samples=8), override(SETTINGS, {"settled_parts": ["head."]}), tmp_path)


def test_slow_parts_that_do_not_exist_are_named(tmp_path):
    with pytest.raises(BadInput, match="slow_parts has 'bodi'"):
        train(ToyTask(samples=8), override(SETTINGS, {"slow_parts": ["bodi"]}), tmp_path)


def test_gradient_clip_bounds_the_step(tmp_path):
    task = ToyTask(samples=8)
    before = torch.cat([p.detach().flatten().clone() for m in task.modules.values() for p in m.parameters()])
    changes = {"epochs": 1, "gradient_clip": 0.01, "learning_rate": 1.0, "weight_decay": 0.0}
    train(task, override(SETTINGS, changes), tmp_path)
    after = torch.cat([p.detach().flatten() for m in task.modules.values() for p in m.parameters()])
    assert float((after - before).norm()) == pytest.approx(0.01, rel=1e-2)


def test_stops_early_and_takes_the_first_of_equal_epochs():
    settings = override(SETTINGS, {"epochs": 10, "min_epochs": 4, "patience": 2})
    assert best_epoch(rows(0.1, 0.5, 0.5), TAR) == 1
    assert not finished([], TAR, settings)
    assert not finished(rows(0.5, 0.1, 0.1), TAR, settings)  # patience is over, but not min_epochs
    assert finished(rows(0.5, 0.1, 0.1, 0.1), TAR, settings)
    assert not finished(rows(0.1, 0.1, 0.5, 0.1), TAR, settings)
    assert finished(rows(0.1, 0.1, 0.5, 0.1, 0.5), TAR, settings)
    assert finished(rows(*range(10)), TAR, settings)


def test_the_lowest_can_be_the_best():
    error = Monitor("tar", "lowest")
    settings = override(SETTINGS, {"epochs": 10, "min_epochs": 1, "patience": 2})
    assert best_epoch(rows(0.5, 0.1, 0.1, 0.3), error) == 1
    assert finished(rows(0.5, 0.1, 0.1, 0.3), error, settings)
    assert not finished(rows(0.5, 0.4, 0.3, 0.2), error, settings)
    with pytest.raises(UnknownName, match="did you mean 'lowest'"):
        Monitor("tar", "lowst")


def test_the_last_epoch_can_be_kept(tmp_path):
    settings = override(SETTINGS, {"patience": 1, "min_epochs": 1, "keep": "last"})
    assert not finished(rows(0.5, 0.1, 0.1), TAR, settings)
    assert kept_epoch(rows(0.5, 0.1, 0.1), TAR, settings) == 2
    task = ToyTask()
    scores = iter([0.9, 0.7, 0.6, 0.7, 0.5])
    task.validate = lambda: {"accuracy": next(scores)}
    result = train(task, settings, tmp_path)
    assert (result.best_epoch, len(result.history)) == (4, 5)
    assert task.watch() == result.history[4]["watch"] != result.history[0]["watch"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"accumulate": 0}, "accumulate is 0"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
        ({"ema_decay": 0.0}, "ema_decay is 0.0"),
        ({"beta1": 1.0}, "beta1 is 1.0"),
        ({"keep": "first"}, "unknown epoch to keep 'first'"),
    ],
)
def test_bad_settings(changes, named):
    with pytest.raises((BadInput, UnknownName), match=named):
        TrainingSettings(**changes)


def test_early_stop_in_training(tmp_path):
    task = ToyTask()
    scores = iter([0.3, 0.7, 0.6, 0.7, 0.9])
    task.validate = lambda: {"accuracy": next(scores)}
    result = train(task, override(SETTINGS, {"patience": 2}), tmp_path)
    assert (result.best_epoch, len(result.history)) == (1, 4)
    norms = [row["watch"]["head norm"] for row in result.history]
    assert task.watch()["head norm"] == norms[1]  # the best weights came back, not the last
    assert len(set(norms)) == 4


def test_every_epoch_has_its_own_order(tmp_path):
    task, orders = ToyTask(), []
    whole = task.batches

    def batches(epoch, generator):
        drawn = list(whole(epoch, generator))
        orders.append(torch.cat([batch["inputs"] for batch in drawn]))
        return drawn

    task.batches = batches
    train(task, override(SETTINGS, {"epochs": 2}), tmp_path)
    assert not torch.equal(orders[0], orders[1])


def test_two_runs_are_identical(tmp_path, undisturbed):
    task = ToyTask()
    torch.rand(7)  # the state of the global generator must not matter
    assert_same(train(task, SETTINGS, tmp_path), task, undisturbed)


def test_the_seed_counts(tmp_path, undisturbed):
    other = train(ToyTask(), override(SETTINGS, {"seed": 1}), tmp_path)
    assert other.history[0]["loss"] != undisturbed[0].history[0]["loss"]


@pytest.mark.parametrize("epoch", [0, 2, 4])
def test_resumed_run_equals_undisturbed(tmp_path, undisturbed, epoch):
    with pytest.raises(Interrupted):
        train(ToyTask(), SETTINGS, tmp_path, progress=stop_after(epoch))
    task = ToyTask()
    result = train(task, SETTINGS, tmp_path)
    assert task.drawn[:1] == ([(epoch + 1, 0)] if epoch < 4 else [])
    assert_same(result, task, undisturbed)


def test_killed_run_equals_undisturbed(tmp_path, undisturbed):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for epoch, batch in ((1, 3), (3, 6)):
        killed = subprocess.run(
            [sys.executable, str(PROGRAM), str(tmp_path), str(epoch), str(batch)], env=environment, check=False
        )
        assert killed.returncode == -signal.SIGKILL
    (tmp_path / ".checkpoint_0003.pt.1.part").write_bytes(b"half a file")
    task = ToyTask()
    result = train(task, SETTINGS, tmp_path)
    assert task.drawn[0] == (3, 0)
    assert_same(result, task, undisturbed)
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("damaged", [1, 2])
def test_damaged_checkpoints_are_passed_over(tmp_path, undisturbed, caplog, damaged):
    with pytest.raises(Interrupted):
        train(ToyTask(), SETTINGS, tmp_path, progress=stop_after(3))
    newest = sorted(tmp_path.glob("checkpoint_*.pt"), reverse=True)
    assert [path.name for path in newest] == ["checkpoint_0003.pt", "checkpoint_0002.pt"]
    content = bytearray(newest[0].read_bytes())
    content[len(content) // 2] ^= 1
    newest[0].write_bytes(content)
    if damaged == 2:
        newest[1].write_bytes(newest[1].read_bytes()[:100])

    task = ToyTask()
    result = train(task, SETTINGS, tmp_path)
    assert task.drawn[0] == ((3, 0) if damaged == 1 else (0, 0))
    assert caplog.text.count("damaged checkpoint") == damaged
    assert_same(result, task, undisturbed)


def test_finished_run_is_not_trained_again(tmp_path, undisturbed):
    train(ToyTask(), SETTINGS, tmp_path)
    task = ToyTask()
    assert_same(train(task, SETTINGS, tmp_path), task, undisturbed)
    assert task.drawn == []


def test_checkpoint_of_other_settings_or_task_is_refused(tmp_path):
    train(ToyTask(), override(SETTINGS, {"epochs": 1}), tmp_path)
    with pytest.raises(BadInput, match="epochs was 1 and is 5"):
        train(ToyTask(), SETTINGS, tmp_path)
    with pytest.raises(BadInput, match="task was 'toy 0 64' and is 'toy 1 64'"):
        train(ToyTask(seed=1), override(SETTINGS, {"epochs": 1}), tmp_path)


def test_non_finite_loss_names_term_and_step_and_keeps_the_checkpoint(tmp_path, undisturbed):
    task = ToyTask()
    task.poison_at = (2, 5)
    with pytest.raises(TrainingDiverged, match="'sparsity' is nan in epoch 2, step 5"):
        train(task, SETTINGS, tmp_path)
    assert (tmp_path / "checkpoint_0001.pt").is_file()
    assert not (tmp_path / "checkpoint_0002.pt").exists()
    healthy = ToyTask()
    assert_same(train(healthy, SETTINGS, tmp_path), healthy, undisturbed)


def test_infinite_gradient_of_a_finite_loss_is_found(tmp_path):
    task = ToyTask(samples=8)
    task.losses = lambda batch, phase: {"root": (task.modules["head"].weight * 0).abs().sum().sqrt()}
    with pytest.raises(TrainingDiverged, match=r"head\.weight holds non-finite numbers after epoch 0"):
        train(task, SETTINGS, tmp_path)
    assert not list(tmp_path.glob("checkpoint_*"))


def test_non_finite_validation_is_named(tmp_path):
    task = ToyTask()
    task.validate = lambda: {"accuracy": float("nan")}
    with pytest.raises(TrainingDiverged, match="'accuracy' = nan after epoch 0"):
        train(task, SETTINGS, tmp_path)


def test_full_disk_keeps_the_last_checkpoint(tmp_path, undisturbed, monkeypatch):
    replace = os.replace

    def full(source, target):
        if Path(target).name == "checkpoint_0002.pt":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="free space"):
        train(ToyTask(), SETTINGS, tmp_path)
    monkeypatch.undo()
    assert not (tmp_path / "checkpoint_0002.pt").exists()
    task = ToyTask()
    assert_same(train(task, SETTINGS, tmp_path), task, undisturbed)


def test_half_precision_and_its_resume(tmp_path):
    settings = override(SETTINGS, {"precision": "bf16-mixed", "epochs": 2})
    whole = train(ToyTask(), settings, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(ToyTask(), settings, tmp_path / "parts", progress=stop_after(0))
    task = ToyTask()
    parts = train(task, settings, tmp_path / "parts")
    assert parts.history == whole.history
    assert task.modules["head"].weight.dtype == torch.float32


def test_two_processes(tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    task = ToyTask()
    result = train(task, override(SETTINGS, {"devices": 2, "epochs": 3}), tmp_path)
    assert len(result.history) == 3
    assert result.history[2]["loss"] < result.history[0]["loss"]
    with torch.no_grad():
        assert task.validate() == result.history[result.best_epoch]["validation"]


def test_two_processes_inside_a_slurm_job(tmp_path, monkeypatch):
    """Slurm gave the job one task; the training starts its processes itself."""
    if not torch.distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    for name, value in {"JOB_ID": "7", "JOB_NAME": "jam", "NTASKS": "1", "PROCID": "0", "LOCALID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)

    assert len(train(ToyTask(), override(SETTINGS, {"devices": 2, "epochs": 1}), tmp_path).history) == 1


def test_training_says_nothing(tmp_path, capfd):
    train(ToyTask(), override(SETTINGS, {"epochs": 1}), tmp_path)
    written = capfd.readouterr()
    assert written.out == written.err == ""


def test_deterministic_algorithms_are_on_only_while_training(tmp_path):
    task, seen = ToyTask(), []
    task.watch = lambda: seen.append(torch.are_deterministic_algorithms_enabled()) or {}
    train(task, override(SETTINGS, {"epochs": 1}), tmp_path / "on")
    train(task, override(SETTINGS, {"epochs": 1, "deterministic": False}), tmp_path / "off")
    assert seen == [True, False]
    assert not torch.are_deterministic_algorithms_enabled()


@dataclasses.dataclass(frozen=True)
class Pair:
    image: torch.Tensor
    name: str


class Point(NamedTuple):
    x: torch.Tensor
    y: int


def test_to_device_keeps_every_structure():
    batch = {"a": Pair(torch.zeros(2), "n"), "b": [torch.ones(1), (Point(torch.ones(3), 4),)], "c": None}
    moved = to_device(batch, "meta")
    assert moved["a"].image.device.type == "meta"
    assert moved["a"].name == "n"
    assert moved["b"][0].device.type == "meta"
    assert moved["b"][1][0].x.device.type == "meta"
    assert moved["b"][1][0].y == 4
    assert moved["c"] is None
