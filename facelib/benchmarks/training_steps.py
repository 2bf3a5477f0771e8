"""Training steps of paper 3 on the stream of people, against the same steps on tensors that stand ready."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import torch

from facelib.benchmarks.measure import Case, Goal
from facelib.data.ahead import BatchesAhead
from facelib.data.embedded import PeopleStream, PeopleStreamSettings
from facelib.data.posed_faces import PosedFaces, faces_of
from facelib.data.streamed import StreamedBatches
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.building import face_mapper
from facelib.papers.sadrnet.encoder_task import EncoderTask
from facelib.papers.sadrnet.networks import build_network
from facelib.papers.sadrnet.objective import ALL
from facelib.papers.sadrnet.tasks import ReconstructionTask

TIER = "laptop"
STEPS, READY = 16, 4  # batches a measurement, and of those that stand ready
SKINS = 40
LEAST_SHARE = 0.65  # of the steps a second on ready tensors


@dataclass
class Training:
    """A network in training, its photographs as they come from a process of their own, and some that stand ready."""

    task: EncoderTask | ReconstructionTask
    optimizer: torch.optim.Optimizer
    ready: list[PosedFaces]
    epoch: int = 0


def training(method: str, batch_size: int, steps: int, tier: str = TIER) -> Training:
    """A method's network with fresh weights."""
    settings = PAPER.run_settings(method, tier)
    scene = replace(PeopleStreamSettings().scene, image_size=settings.network.image_size)
    open_stream = partial(PeopleStream.open, PeopleStreamSettings(skins=SKINS, scene=scene))
    stream = open_stream()  # skins are painted outside the clock
    ready = [faces_of(stream.batch(number, batch_size)) for number in range(READY)]
    photographs = StreamedBatches(BatchesAhead(open_stream, batch_size, 1), steps, READY, faces_of)
    torch.manual_seed(0)
    network, mapper = build_network(PAPER.method(method), settings), face_mapper(settings)
    task = (
        EncoderTask(network, mapper, photographs, [], settings.encoder.loss, "")
        if method == "face_encoder"
        else ReconstructionTask(network, mapper, photographs, [], settings.loss, settings.schedule, "")
    )
    return Training(task, torch.optim.Adam(network.parameters(), 1e-4), ready)


def on_stream(given: Training) -> list[float]:
    """The losses of steps on photographs as they come."""
    given.epoch += 1
    return [_step(given, faces) for faces in given.task.batches(given.epoch, torch.Generator())]


def on_ready_tensors() -> Callable[[Training], list[float]]:
    """The same on the few that are there."""

    def steps(given: Training) -> list[float]:
        batches = given.ready * -(-given.task.batch_count // READY)
        return [_step(given, faces) for faces in islice(batches, given.task.batch_count)]

    return steps


def all_finite(ours: list[float], theirs: list[float]) -> bool:
    """As many steps, each with a loss."""
    return len(ours) == len(theirs) and all(map(math.isfinite, ours + theirs))


def _step(given: Training, faces: PosedFaces) -> float:
    loss = torch.stack(list(given.task.losses(faces, ALL).values())).sum()
    given.optimizer.zero_grad()
    loss.backward()
    given.optimizer.step()
    return float(loss.detach())


def _case(name: str, method: str, batch_size: int, goal: Goal) -> Case:
    return Case(
        name=name,
        kernel=name,
        size=f"training steps of {PAPER.method(method).label} at the {TIER} tier, batch of {batch_size}",
        peer="tensors that stand ready",
        counted="photographs",
        prepare=lambda count: training(method, batch_size, count // batch_size),
        n=STEPS * batch_size,
        images=STEPS * batch_size,
        ours=on_stream,
        load_peer=on_ready_tensors,
        agree=all_finite,
        goal=goal,
    )


CASES = (
    _case("encoder-training", "face_encoder", 48, Goal(ratio=LEAST_SHARE)),
    _case("sadrnet-training", "sadrnet", 24, Goal()),
)
