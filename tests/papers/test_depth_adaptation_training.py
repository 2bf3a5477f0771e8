"""Paper 4's trainings on a small problem of two domains: who learns in which phase, resuming, adapting, collapsing."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from made_domains import NETWORKS, REACH, MadeDomains, frames, held_out

from facelib.errors import BadInput, DegenerateInput
from facelib.losses.adversarial import AdversarialHealth
from facelib.models.depth_networks import DAPoseNet, DASHapeNet
from facelib.models.position_images import scaled_positions
from facelib.papers.depth_adaptation.frames import DomainBatch, DomainTraining, TargetFrames
from facelib.papers.depth_adaptation.generative_task import GenerativeTask, collapses, shape_task
from facelib.papers.depth_adaptation.pose_task import PoseTask
from facelib.papers.depth_adaptation.settings import AdaptationSettings, PoseSettings
from facelib.papers.depth_adaptation.shape_task import FEATURES, REGRESSOR, ShapeTask
from facelib.runs.phases import phases_of, schedule_of
from facelib.runs.settings import TrainingSettings, override
from facelib.runs.training import TrainingResult, train

RATE = 2e-3
JOINT = ["discriminator", "generator", "features"]
PRINTED = [
    "discriminator_source",
    "generator",
    "regressor",
    "features_source",
    "discriminator_target",
    "features_target",
]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def make(batches: int = 2, **adaptation) -> ShapeTask:
    torch.manual_seed(0)
    given = DomainTraining(NETWORKS, MadeDomains(batches), [held_out()], "made")
    settings = AdaptationSettings(**{"discriminator_rate": RATE} | adaptation)
    return shape_task(DASHapeNet(NETWORKS, 2), given, settings)


def make_pose(source_epochs: int = 1, target_epochs: int = 1) -> PoseTask:
    torch.manual_seed(0)
    landmarks = torch.tensor([[0.0, 0.0, 60.0], [30.0, 0.0, 0.0], [-30.0, 0.0, 0.0], [0.0, 40.0, 0.0]])
    pose = PoseSettings(source_epochs, target_epochs)
    given = DomainTraining(NETWORKS, MadeDomains(2), [held_out()], "made pose")
    return PoseTask(DAPoseNet(NETWORKS), given, pose, landmarks)


def run(task, folder: Path, epochs: int = 2, progress=None) -> TrainingResult:
    changes = {
        "epochs": epochs,
        "learning_rate": RATE,
        "optimizer": "adam",
        "weight_decay": 0.0,
        "milestones": [],
        "accelerator": "cpu",
        "keep": "last",
    }
    return train(task, override(TrainingSettings(), changes), folder, progress=progress)


def target_error(task: ShapeTask) -> float:
    """Mean error of the bump's place on target frames, whose labels no task sees."""
    unseen = frames(256, 4, target=True)
    with torch.no_grad():
        return float((task.network(scaled_positions(unseen.positions, REACH)) - unseen.shape).abs().mean())


def test_no_label_of_the_target_reaches_training() -> None:
    assert [each.name for each in fields(TargetFrames)] == ["positions"]


def test_the_loss_of_source_only_ignores_the_target() -> None:
    task, other = (make(adaptation="none") for _ in range(2))
    batch = next(task.batches(0, torch.Generator().manual_seed(0)))
    without = DomainBatch(batch.source, TargetFrames(torch.full_like(batch.target.positions, torch.nan)))
    assert task.losses(batch, "all") == other.losses(without, "all")
    assert set(task.modules) == {FEATURES, REGRESSOR}


@pytest.mark.parametrize(
    ("adaptation", "expected"),
    [
        ({}, JOINT),
        ({"order": "printed"}, PRINTED),
        ({"order": "printed", "lambda1": 0.0}, PRINTED[:-1]),
    ],
)
def test_phases_follow_the_order_and_learn_what_they_should(adaptation, expected) -> None:
    """Each phase's loss depends on the modules that it trains, on every one of their parameters."""
    task = make(**adaptation)
    phases = phases_of(schedule_of(task))
    assert list(phases) == expected
    for module in (task.modules[REGRESSOR], task.modules["discriminator"].shape):
        torch.nn.init.normal_(module[-1].weight)  # zero at first
    batch = next(task.batches(0, torch.Generator().manual_seed(0)))
    for phase in phases.values():
        for name, module in task.modules.items():
            module.requires_grad_(name in phase.modules)
        sum(task.losses(batch, phase.name).values()).backward()
        parameters = {name: each for name in phase.modules for name, each in task.modules[name].named_parameters()}
        silent = {name for name, each in parameters.items() if each.grad is None or not each.grad.any()}
        assert silent <= {name for name in parameters if phase.name == "discriminator_target" and "shape" in name}
        for module in task.modules.values():
            module.zero_grad()


def test_each_phase_changes_its_own_modules_alone(tmp_path: Path) -> None:
    for phase in ("discriminator", "generator", "features"):
        task = make()
        (stage,) = task.schedule
        task.schedule = (type(stage)(tuple(each for each in stage.phases if each.name == phase)),)
        task.watch = lambda: {}
        before = {name: _flat(module) for name, module in task.modules.items()}
        run(task, tmp_path / phase, epochs=1)
        changed = {name for name, module in task.modules.items() if not torch.equal(_flat(module), before[name])}
        assert changed == set(stage.phases[JOINT.index(phase)].modules)


def _flat(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([each.detach().flatten().clone() for each in module.parameters()])


def test_losses_carry_their_weights() -> None:
    """Eq. 5 with other weights: terms in proportion, and none for a weight of zero."""

    def terms(**weights) -> dict[str, float]:
        task = make(**weights)
        torch.nn.init.ones_(task.modules["discriminator"].shape[-1].weight)
        batch = next(task.batches(0, torch.Generator().manual_seed(0)))
        torch.manual_seed(5)
        return {name: value.item() for name, value in task.losses(batch, "features").items()}

    usual, heavier = terms(), terms(lambda1=0.06, lambda2=0.3)
    assert heavier["shape"] == usual["shape"]
    assert heavier["target"] == pytest.approx(2 * usual["target"])
    assert heavier["drawn_shape"] == pytest.approx(3 * usual["drawn_shape"])
    assert terms(lambda1=0, lambda2=0) == {"shape": usual["shape"]}


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("order", ["joint", "printed"])
def test_d_alone_has_a_rate_of_its_own(order: str, tmp_path: Path) -> None:
    result = run(make(order=order, discriminator_rate=1e-5), tmp_path, epochs=1)
    rates = result.history[0]["learning_rates"]
    assert {name: rate for name, rate in rates.items() if rate != RATE} == {
        name: 1e-5 for name in rates if name.startswith("discriminator")
    }
    assert len(set(rates.values())) == 2
    with pytest.raises(BadInput, match="discriminator_rate is 0: expected a positive learning rate"):
        AdaptationSettings(discriminator_rate=0)


@pytest.mark.parametrize("kind", [lambda: make(), lambda: make(order="printed"), make_pose])
def test_training_resumed_after_an_epoch_or_in_the_middle_of_one_equals_undisturbed(tmp_path: Path, kind) -> None:
    undisturbed = run(kind(), tmp_path / "undisturbed")
    task = kind()
    plain = task.batches

    def broken(epoch, generator):
        for number, batch in enumerate(plain(epoch, generator)):
            if (epoch, number) == (1, 1):
                raise Interrupted
            yield batch

    task.batches = broken
    with pytest.raises(Interrupted):
        run(task, tmp_path / "stopped")
    resumed = run(kind(), tmp_path / "stopped")
    assert resumed.history == undisturbed.history
    assert resumed.weights.read_bytes() == undisturbed.weights.read_bytes()


@pytest.mark.parametrize("order", ["joint", "printed"])
def test_alternating_training_resumes_to_the_same_bits_after_a_kill(tmp_path: Path, order: str) -> None:
    undisturbed = run(make(order=order), tmp_path / "undisturbed")

    def killed_in_the_middle() -> None:
        task = make(order=order)
        plain = task.batches

        def batches(epoch, generator):
            for number, batch in enumerate(plain(epoch, generator)):
                if (epoch, number) == (1, 1):
                    os.kill(os.getpid(), signal.SIGKILL)
                yield batch

        task.batches = batches
        run(task, tmp_path / "killed")

    process = multiprocessing.get_context("fork").Process(target=killed_in_the_middle)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    resumed = run(make(order=order), tmp_path / "killed")
    assert resumed.history == undisturbed.history
    assert resumed.weights.read_bytes() == undisturbed.weights.read_bytes()


def test_aligned_features_adapt(tmp_path: Path) -> None:
    """Source only misreads the further plane; with equal covariances of embeddings the error falls to a half."""
    errors = {}
    for name in ("none", "coral"):
        task = make(16, adaptation=name, alignment=1.0)
        result = run(task, tmp_path / name, epochs=6)
        errors[name] = target_error(task)
        assert result.history[-1]["validation"]["held_out_shape"] < 0.02
    assert errors["coral"] < 0.5 * errors["none"]


def test_a_classifier_of_domains_learns_along(tmp_path: Path) -> None:
    task = make(adaptation="reversal")
    before = _flat(task.modules["domain_classifier"])
    result = run(task, tmp_path, epochs=1)
    assert set(result.history[0]["losses"]) == {"shape", "alignment"}
    assert not torch.equal(_flat(task.modules["domain_classifier"]), before)


def test_the_health_of_each_epoch_is_recorded_and_a_collapse_is_said(tmp_path: Path, caplog) -> None:
    result = run(make(), tmp_path / "healthy", epochs=1)
    assert set(result.history[0]["watch"]) == {*AdversarialHealth._fields, "collapsed"}
    assert collapses(result.history) == []

    task = make()
    for parameter in task.modules["generator"].parameters():  # always draws the same
        parameter.requires_grad_(False).zero_()
    assert isinstance(task, GenerativeTask)
    task.schedule = (type(task.schedule[0])(task.schedule[0].phases[:1]),)
    with caplog.at_level(logging.WARNING):
        result = run(task, tmp_path / "collapsed", epochs=1)
    assert result.history[0]["watch"]["diversity"] == 0
    assert collapses(result.history) == [0]
    assert "G draws almost the same image of every face" in caplog.text


def test_pose_is_learnt_by_labels_and_then_by_the_surface(tmp_path: Path) -> None:
    task = make_pose(2, 1)
    result = run(task, tmp_path, epochs=3)
    assert [set(row["losses"]) for row in result.history] == [{"pose"}, {"pose"}, {"landmarks"}]
    assert result.history[1]["losses"]["pose"] < result.history[0]["losses"]["pose"]
    assert 0 <= result.history[-1]["validation"]["target_matched"] <= 1


def test_bad_settings_and_frames() -> None:
    with pytest.raises(BadInput, match="0 source_epochs and 0 target_epochs"):
        make_pose(0, 0)
    with pytest.raises(BadInput, match="lambda1 is -1"):
        AdaptationSettings(lambda1=-1.0)
    with pytest.raises(BadInput, match="lambda2 is nan"):
        AdaptationSettings(lambda2=float("nan"))
    task = make_pose()
    batch = held_out()
    empty = DomainBatch(batch.source, TargetFrames(torch.full_like(batch.target.positions, torch.nan)))
    with pytest.raises((BadInput, DegenerateInput), match="show nothing within 100 mm"):
        task.losses(empty, "self_supervised")
