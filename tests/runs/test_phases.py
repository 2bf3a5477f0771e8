"""Phases and stages, accumulated gradients and averaged weights, each against a loop written by hand."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from facelib.errors import BadInput, UnknownName
from facelib.runs.phases import DEFAULT_SCHEDULE, Phase, Stage, check_schedule, plan_epochs, schedule_of
from facelib.runs.settings import TrainingSettings, override
from facelib.runs.tasks import Monitor
from facelib.runs.training import train

# The toy task is loaded by path, as in test_training.py.
PROGRAM = Path(__file__).with_name("toy_task.py")
_spec = importlib.util.spec_from_file_location("toy_task", PROGRAM)
assert _spec is not None
assert _spec.loader is not None
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

SETTINGS = override(
    TrainingSettings(), {"epochs": 2, "learning_rate": 0.1, "milestones": [], "accelerator": "cpu", "keep": "last"}
)
FIRST, SECOND = Phase("first", ("a",)), Phase("second", ("b",), {"learning_rate": 0.03, "optimizer": "adam"})


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class LinearTask:
    """Two linear maps, one after the other, fitted to a third; batches come in their order."""

    def __init__(self, batch_size: int = 2, schedule: tuple[Stage, ...] | None = None) -> None:
        generator = torch.Generator().manual_seed(0)
        self.inputs, self.targets = (torch.randn(10, 3, generator=generator) for _ in range(2))
        torch.manual_seed(0)
        self.modules: dict[str, nn.Module] = {"a": nn.Linear(3, 4), "b": nn.Linear(4, 3)}
        self.fingerprint = f"linear {batch_size}"
        self.batch_size, self.batch_count = batch_size, -(-10 // batch_size)
        self.monitor = Monitor("error", "lowest")
        if schedule is not None:
            self.schedule = schedule
        self.asked: list[str] = []  # the phase of every call of losses
        self.trained: list[set[str]] = []  # and the modules with gradients in it

    def batches(self, epoch, generator):
        for part in torch.arange(10).split(self.batch_size):
            yield self.inputs[part], self.targets[part]

    def losses(self, batch, phase):
        self.asked.append(phase)
        self.trained.append({n for n, m in self.modules.items() if all(p.requires_grad for p in m.parameters())})
        inputs, targets = batch
        error = (self.modules["b"](self.modules["a"](inputs)) - targets).square().mean()
        return {"error": error if phase != "second" else 2 * error}

    def watch(self):
        return {}

    def validate(self):
        outputs = self.modules["b"](self.modules["a"](self.inputs))
        return {"error": (outputs - self.targets).square().mean().item()}


def optimizer_by_hand(phase: Phase, modules: dict[str, nn.Module]) -> torch.optim.Optimizer:
    settings = override(SETTINGS, phase.changes)
    parameters = [p for name in phase.modules or modules for p in modules[name].parameters()]
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, settings.learning_rate, weight_decay=settings.weight_decay)
    return torch.optim.SGD(parameters, settings.learning_rate, 0.9, weight_decay=settings.weight_decay)


def train_by_hand(turns: list[tuple[Phase, int]]) -> dict[str, nn.Module]:
    """Steps of phases on batches of two."""
    task = LinearTask()
    optimizers = {phase.name: optimizer_by_hand(phase, task.modules) for phase, _ in turns}
    batches = list(task.batches(0, None))
    for phase, batch in turns:
        for module in task.modules.values():
            module.zero_grad()
        task.losses(batches[batch], phase.name)["error"].backward()
        optimizers[phase.name].step()
    return task.modules


def flat(modules: dict[str, nn.Module]) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for module in modules.values() for p in module.parameters()])


@pytest.mark.parametrize("alternate", ["step", "batch", "epoch"])
def test_alternating_phases_equal_a_loop_by_hand(tmp_path, alternate):
    task = LinearTask(schedule=(Stage((FIRST, SECOND), alternate=alternate),))
    result = train(task, SETTINGS, tmp_path)
    turns = {
        "step": [(phase, batch) for _ in range(2) for batch in range(5) for phase in (FIRST, SECOND)],
        # Five batches an epoch: the second epoch goes on with the other phase.
        "batch": [((FIRST, SECOND)[number % 2], number % 5) for number in range(10)],
        "epoch": [(phase, batch) for phase in (FIRST, SECOND) for batch in range(5)],
    }[alternate]
    assert task.asked == [phase.name for phase, _ in turns]
    assert torch.equal(flat(task.modules), flat(train_by_hand(turns)))
    row = result.history[0]
    names = {"first.error"} if alternate == "epoch" else {"first.error", "second.error"}
    assert row["losses"].keys() == names
    assert row["loss"] == pytest.approx(sum(row["losses"].values()))
    assert row["learning_rate"] == 0.1
    assert row["learning_rates"] == {"first": 0.1, "second": 0.03}


def test_loss_terms_are_means_over_the_batches_of_their_phase(tmp_path):
    stage = Stage((FIRST, SECOND), alternate="batch")
    task = LinearTask(schedule=(stage,))
    seen: dict[str, list[float]] = {"first": [], "second": []}
    plain = task.losses

    def losses(batch, phase):
        terms = plain(batch, phase)
        seen[phase].append(terms["error"].item())
        return terms

    task.losses = losses
    row = train(task, override(SETTINGS, {"epochs": 1}), tmp_path).history[0]
    assert [len(values) for values in seen.values()] == [3, 2]
    for phase, values in seen.items():
        assert row["losses"][f"{phase}.error"] == pytest.approx(sum(values) / len(values))


def test_stages_follow_one_another_and_a_phase_keeps_its_optimizer(tmp_path):
    schedule = (Stage((FIRST,), epochs=1), Stage((SECOND,), epochs=1), Stage((FIRST,)))
    task = LinearTask(schedule=schedule)
    result = train(task, override(SETTINGS, {"epochs": 4}), tmp_path)
    turns = [(phase, batch) for phase in (FIRST, SECOND, FIRST, FIRST) for batch in range(5)]
    assert torch.equal(flat(task.modules), flat(train_by_hand(turns)))
    assert all(row.keys() == result.history[0].keys() for row in result.history)
    assert "learning_rates" not in result.history[0]
    assert [list(row["losses"]) for row in result.history] == [["error"]] * 4
    assert [row["learning_rate"] for row in result.history] == [0.1, 0.03, 0.1, 0.1]


def test_only_the_phase_s_modules_get_gradients_and_move(tmp_path):
    task = LinearTask(schedule=(Stage((FIRST,)),))
    before = {name: flat({name: module}) for name, module in task.modules.items()}
    train(task, SETTINGS, tmp_path)
    assert task.trained == [{"a"}] * 10
    assert all(p.requires_grad for module in task.modules.values() for p in module.parameters())
    assert torch.equal(flat({"b": task.modules["b"]}), before["b"])
    assert not torch.equal(flat({"a": task.modules["a"]}), before["a"])


def test_what_a_task_has_frozen_stays_frozen(tmp_path):
    task = LinearTask(schedule=(Stage((FIRST, Phase("all"))),))
    task.modules["b"].requires_grad_(False)
    before = flat({"b": task.modules["b"]})
    train(task, SETTINGS, tmp_path)
    assert torch.equal(flat({"b": task.modules["b"]}), before)
    assert not any(p.requires_grad for p in task.modules["b"].parameters())


def test_gradients_are_on_again_after_an_error(tmp_path):
    task = LinearTask(schedule=(Stage((FIRST,)),))
    task.losses = lambda batch, phase: {}
    with pytest.raises(BadInput, match="no loss terms"):
        train(task, SETTINGS, tmp_path)
    assert all(p.requires_grad for module in task.modules.values() for p in module.parameters())


def test_each_phase_has_its_own_schedule_and_clip(tmp_path):
    changes = {"learning_rate": 1.0, "gradient_clip": 0.01, "weight_decay": 0.0, "milestones": [1], "decay": 0.0}
    task = LinearTask(10, schedule=(Stage((FIRST, Phase("second", ("b",), changes))),))
    before = flat({"b": task.modules["b"]})
    result = train(task, override(SETTINGS, {"slow_parts": ["a."]}), tmp_path)
    assert float((flat({"b": task.modules["b"]}) - before).norm()) == pytest.approx(0.01, rel=1e-3)
    assert [row["learning_rates"]["second"] for row in result.history] == [1.0, 0.0]


def test_accumulated_gradients_equal_one_big_batch(tmp_path):
    """Ten samples: steps on 4, 4 and 2 of them, the last with the mean over one batch."""
    results = {}
    for batch_size, accumulate in ((2, 2), (4, 1)):
        task = LinearTask(batch_size)
        result = train(task, override(SETTINGS, {"accumulate": accumulate}), tmp_path / str(batch_size))
        results[batch_size] = flat(task.modules)
        assert len(task.asked) == 2 * task.batch_count
        assert result.history[0]["losses"].keys() == {"error"}
    torch.testing.assert_close(results[2], results[4], rtol=1e-5, atol=1e-6)


def test_phases_take_turns_after_a_step_of_several_batches(tmp_path):
    task = LinearTask(schedule=(Stage((FIRST, SECOND), alternate="batch"),))
    train(task, override(SETTINGS, {"accumulate": 2}), tmp_path)
    first, second = ["first"], ["second"]
    assert task.asked == first * 2 + second * 2 + first + second * 2 + first * 2 + second


@pytest.mark.parametrize("schedule", [None, (Stage((FIRST, SECOND)),)])
def test_averaged_weights_equal_a_loop_by_hand(tmp_path, schedule):
    task, raw = LinearTask(schedule=schedule), LinearTask(schedule=schedule)
    average, plain = flat(raw.modules), raw.batches

    def batches(epoch, generator):
        nonlocal average
        for batch in plain(epoch, generator):
            yield batch
            average = 0.7 * average + 0.3 * flat(raw.modules)  # the loop asks for more after each step

    raw.batches = batches
    after_epochs = []
    raw.watch = lambda: after_epochs.append(average) or {}
    whole = train(raw, SETTINGS, tmp_path / "raw")
    result = train(task, override(SETTINGS, {"ema_decay": 0.7}), tmp_path / "average")
    torch.testing.assert_close(flat(task.modules), after_epochs[1], rtol=1e-5, atol=1e-6)
    assert result.history[1]["losses"] == whole.history[1]["losses"]  # the optimizer goes on with the raw weights
    assert result.history[1]["validation"] == task.validate() != whole.history[1]["validation"]


def test_average_copies_buffers_and_leaves_frozen_parameters_alone(tmp_path):
    task, raw = toy.ToyTask(), toy.ToyTask()
    for both in (task, raw):
        both.modules["head"].requires_grad_(False)
    before = flat({"head": task.modules["head"]})
    settings = override(toy.SETTINGS, {"epochs": 1})
    train(raw, settings, tmp_path / "raw")
    train(task, override(settings, {"ema_decay": 0.9}), tmp_path / "average")
    norm, raw_norm = task.modules["body"][1], raw.modules["body"][1]
    assert torch.equal(norm.running_mean, raw_norm.running_mean)
    assert norm.num_batches_tracked == 8
    assert not torch.equal(norm.weight, raw_norm.weight)
    assert torch.equal(flat({"head": task.modules["head"]}), before)


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = train(toy.StagedToyTask(), toy.STAGED_SETTINGS, tmp_path_factory.mktemp("undisturbed"))
    torch.set_num_threads(threads)
    return result.history, result.weights.read_bytes()


def test_staged_training_resumed_after_every_epoch_equals_undisturbed(tmp_path, undisturbed):
    def interrupt(row):
        raise Interrupted

    for _ in range(toy.STAGED_SETTINGS.epochs):
        with pytest.raises(Interrupted):
            train(toy.StagedToyTask(), toy.STAGED_SETTINGS, tmp_path, progress=interrupt)
    result = train(toy.StagedToyTask(), toy.STAGED_SETTINGS, tmp_path)
    assert (result.history, result.weights.read_bytes()) == undisturbed
    turns = [next(iter(row["losses"])).split(".")[0] for row in result.history]
    assert turns == ["identity", "head", "body", "head", "body", "head"]  # who began each epoch


def test_killed_staged_training_equals_undisturbed(tmp_path, undisturbed):
    command = [sys.executable, str(PROGRAM), str(tmp_path), "2", "4", "staged"]
    killed = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    task = toy.StagedToyTask()
    result = train(task, toy.STAGED_SETTINGS, tmp_path)
    assert task.drawn[0] == (2, 0)
    assert (result.history, result.weights.read_bytes()) == undisturbed


def test_checkpoint_of_another_schedule_or_monitor_is_refused(tmp_path):
    train(LinearTask(), SETTINGS, tmp_path)
    with pytest.raises(BadInput, match=r"schedule was .*'all'.* and is .*'first'"):
        train(LinearTask(schedule=(Stage((FIRST,)),)), SETTINGS, tmp_path)
    task = LinearTask()
    task.monitor = Monitor("error", "highest")
    with pytest.raises(BadInput, match=r"monitor was .*'lowest'.* and is .*'highest'"):
        train(task, SETTINGS, tmp_path)


def test_two_processes_with_two_batches_each_equal_one_with_four(tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    found = {}
    for devices in (2, 1):
        task = LinearTask(1, schedule=(Stage((FIRST, SECOND), epochs=2), Stage((FIRST, SECOND), alternate="batch")))
        changes = {"devices": devices, "epochs": 4, "accumulate": 4 // devices, "ema_decay": 0.5}
        result = train(task, override(SETTINGS, changes), tmp_path / str(devices))
        found[devices] = flat(task.modules)
        with torch.no_grad():
            assert task.validate() == result.history[3]["validation"]
    torch.testing.assert_close(found[2], found[1], rtol=1e-4, atol=1e-5)


def test_a_task_without_a_schedule_has_one_phase():
    assert schedule_of(object()) is DEFAULT_SCHEDULE
    assert plan_epochs(DEFAULT_SCHEDULE, 2) == [(DEFAULT_SCHEDULE[0], 0), (DEFAULT_SCHEDULE[0], 1)]


def test_plan_counts_each_stage_s_epochs():
    first, second = Stage((FIRST,), epochs=1), Stage((SECOND,))
    assert plan_epochs((first, second), 3) == [(first, 0), (second, 0), (second, 1)]


@pytest.mark.parametrize(
    ("schedule", "named"),
    [
        ((), "no stages"),
        ((Stage((FIRST,)), Stage((SECOND,))), "stage 0 of 2 has no number of epochs"),
        ((Stage((FIRST,), epochs=2), Stage((SECOND,))), r"have 2 epochs and the training has 2: expected at least 3"),
        ((Stage((FIRST,), epochs=2), Stage((SECOND,), epochs=1)), r"2 \+ 1 epochs and the training has 2"),
        ((Stage((FIRST,), epochs=1),), "1 epochs and the training has 2"),
        ((Stage((FIRST, Phase("first"))),), "phase 'first' is defined twice"),
        ((Stage((Phase("first", ("a", "aa")),)),), "unknown module of phase 'first' 'aa'"),
        ((Stage((Phase("first", changes={"optimizer": "adamm"}),)),), "optimizer is 'adamm'"),
    ],
)
def test_bad_schedules(tmp_path, schedule, named):
    with pytest.raises((BadInput, UnknownName), match=named):
        check_schedule(schedule, ("a", "b"), SETTINGS)
    with pytest.raises((BadInput, UnknownName), match=named):
        train(LinearTask(schedule=schedule), SETTINGS, tmp_path)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Phase(""), "empty name"),
        (lambda: Phase("p", ()), "phase 'p' has no modules"),
        (lambda: Phase("p", changes={"epochs": 3}), "unknown setting of phase 'p' 'epochs'"),
        (lambda: Phase("p", changes={"learning_rat": 3}), "did you mean 'learning_rate'"),
        (lambda: Stage(()), "no phases"),
        (lambda: Stage((FIRST,), epochs=0), "0 epochs"),
        (lambda: Stage((FIRST,), alternate="batches"), "did you mean 'batch'"),
    ],
)
def test_bad_phases_and_stages(make, named):
    with pytest.raises((BadInput, UnknownName), match=named):
        make()


def test_a_phase_with_nothing_to_train(tmp_path):
    task = LinearTask(schedule=(Stage((FIRST, SECOND)),))
    task.modules["b"].requires_grad_(False)
    with pytest.raises(BadInput, match=r"modules \['b'\] hold no parameter to train"):
        train(task, SETTINGS, tmp_path)


def test_losses_that_do_not_depend_on_the_phase_s_modules(tmp_path):
    task = LinearTask(schedule=(Stage((SECOND,)),))
    task.losses = lambda batch, phase: {"size": task.modules["a"](batch[0]).square().mean()}
    with pytest.raises(BadInput, match=r"\['size'\] of phase 'second' depend on none"):
        train(task, SETTINGS, tmp_path)
