"""Training steps of papers 3 and 5 on the stream of people, against the same steps on tensors that stand ready.

Both on one thread, as the laptop tier trains: the stream's process has the other core.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import torch

from facelib.benchmarks.measure import Case, Goal
from facelib.data.ahead import BatchesAhead
from facelib.data.embedded import PeopleStream, PeopleStreamSettings
from facelib.data.posed_faces import faces_of
from facelib.data.streamed import StreamedBatches
from facelib.papers import msma, sadrnet
from facelib.papers.msma.networks import build_network as build_reader
from facelib.papers.msma.networks import weak_objective
from facelib.papers.msma.photographs import streamed
from facelib.papers.msma.tasks import WeakTask
from facelib.papers.sadrnet.building import face_mapper
from facelib.papers.sadrnet.encoder_task import EncoderTask
from facelib.papers.sadrnet.networks import build_network
from facelib.papers.sadrnet.objective import ALL
from facelib.papers.sadrnet.tasks import ReconstructionTask
from facelib.runs.devices import cpu_threads

TIER = "laptop"
STEPS, READY = 16, 4  # batches a measurement, and of those that stand ready
SKINS = 40
LEAST_SHARE = 0.65  # of the steps a second on ready tensors


@dataclass
class Training:
    """A network in training, its photographs as they come from a process of their own, and some that stand ready."""

    task: EncoderTask | ReconstructionTask | WeakTask
    photographs: StreamedBatches[Any]
    ready: list[Any] = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)
    epoch: int = 0

    def __post_init__(self) -> None:
        self.ready = list(islice(self.task.batches(0, torch.Generator()), READY))
        self.optimizer = torch.optim.Adam(self.task.network.parameters(), 1e-4)


def mapped(method: str, batch_size: int, steps: int, tier: str = TIER) -> Training:
    """A method of paper 3 with fresh weights."""
    settings = sadrnet.PAPER.run_settings(method, tier)
    scene = replace(PeopleStreamSettings().scene, image_size=settings.network.image_size)
    open_stream = partial(PeopleStream.open, PeopleStreamSettings(skins=SKINS, scene=scene))
    photographs = StreamedBatches(BatchesAhead(open_stream, batch_size, 1), steps, 0, faces_of)
    torch.manual_seed(0)
    network, mapper = build_network(sadrnet.PAPER.method(method), settings), face_mapper(settings)
    if method == "face_encoder":
        return Training(EncoderTask(network, mapper, photographs, [], settings.encoder.loss, ""), photographs)
    task = ReconstructionTask(network, mapper, photographs, [], settings.loss, settings.schedule, "")
    return Training(task, photographs)


def weak(method: str, batch_size: int, steps: int, tier: str = TIER) -> Training:
    """A method of paper 5 with fresh weights, which learns by the losses of eq. 14."""
    stream = {"stream.skins": SKINS, "stream.batches": steps, "stream.processes": 1}
    settings = msma.PAPER.run_settings(method, tier, changes=stream)
    photographs = streamed(settings, batch_size, seed=0)
    torch.manual_seed(0)
    network = build_reader(msma.PAPER.method(method), settings)
    return Training(WeakTask(network, weak_objective(settings), photographs, [], ""), photographs)


def on_stream(given: Training) -> list[float]:
    """The losses of steps on photographs as they come."""
    given.epoch += 1
    with cpu_threads(1):
        return [_step(given, faces) for faces in given.task.batches(given.epoch, torch.Generator())]


def on_ready_tensors() -> Callable[[Training], list[float]]:
    """The same on the few that are there."""

    def steps(given: Training) -> list[float]:
        batches = given.ready * -(-given.task.batch_count // READY)
        with cpu_threads(1):
            return [_step(given, faces) for faces in islice(batches, given.task.batch_count)]

    return steps


def all_finite(ours: list[float], theirs: list[float]) -> bool:
    """As many steps, each with a loss."""
    return len(ours) == len(theirs) and all(map(math.isfinite, ours + theirs))


def _step(given: Training, faces: Any) -> float:
    loss = torch.stack(list(given.task.losses(faces, ALL).values())).sum()
    given.optimizer.zero_grad()
    loss.backward()
    given.optimizer.step()
    return float(loss.detach())


def _case(name: str, label: str, batch_size: int, goal: Goal, training: Callable[[int, int], Training]) -> Case:
    return Case(
        name=name,
        kernel=name,
        size=f"training steps of {label} at the {TIER} tier, batch of {batch_size}",
        peer="tensors that stand ready",
        counted="photographs",
        prepare=lambda count: training(batch_size, count // batch_size),
        n=STEPS * batch_size,
        images=STEPS * batch_size,
        ours=on_stream,
        load_peer=on_ready_tensors,
        agree=all_finite,
        goal=goal,
    )


CASES = (
    _case("encoder-training", "the face encoder", 48, Goal(ratio=LEAST_SHARE), partial(mapped, "face_encoder")),
    _case("sadrnet-training", "SADRNet", 24, Goal(), partial(mapped, "sadrnet")),
    _case("msma-training", "MSMA", 48, Goal(), partial(weak, "msma")),
)
