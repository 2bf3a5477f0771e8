"""Networks of paper 2: where they start, that branches share nothing, and that their losses fall without a scan."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded import LabelledFaces
from facelib.data.surface_images import ReconstructedFaces, SurfaceImages, surface_images
from facelib.data.told_apart import PhotographedFaces, ReconstructedPeople
from facelib.errors import BadInput
from facelib.models.sphereface import Sphere20
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.building import build_task
from facelib.papers.normal_components.methods import METHODS
from facelib.papers.normal_components.networks import Recogniser, build_heads, build_network, start
from facelib.papers.normal_components.photographs import taught
from facelib.papers.normal_components.reconstructors import read_by_network
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.normal_components.tasks import DrawingTask, ReadingTask, RecognitionTask, TaughtFaces
from facelib.papers.paper import RunInputs
from facelib.runs.checkpoints import save_weights

pytestmark = pytest.mark.usefixtures("face_model")
SETTINGS: RecognitionSettings = PAPER.settings("smoke")
SIZE = SETTINGS.preparation.size


def recogniser(name: str, seed: int = 0) -> Recogniser:
    torch.manual_seed(seed)
    network = build_network(METHODS[name], SETTINGS)
    assert isinstance(network, Recogniser)
    return network


def faces(count: int = 6) -> ReconstructedFaces:
    generator = torch.Generator().manual_seed(3)
    normals = torch.nn.functional.normalize(torch.randn(count, 3, SIZE, SIZE, generator=generator), dim=1)
    relief = torch.rand(count, 1, SIZE, SIZE, generator=generator)
    return ReconstructedFaces(SurfaceImages(normals, relief), torch.arange(count) % 3)


def recognition(name: str, network: Recogniser) -> RecognitionTask:
    torch.manual_seed(1)
    archive = FaceArchive("reconstructed_faces", "", {"identity": np.arange(8)})
    people = ReconstructedPeople(archive, 4, SETTINGS.preparation.cell, SETTINGS.variation)
    return RecognitionTask(network, build_heads(METHODS[name], SETTINGS, 3), people, (archive, surface_images), "")


def step(task: RecognitionTask, terms: list[str]) -> None:
    parameters = [each for module in task.modules.values() for each in module.parameters()]
    optimizer = torch.optim.SGD(parameters, 0.05, momentum=0.9)
    losses = task.losses(faces(), "all")
    torch.stack([losses[term] for term in terms]).sum().backward()
    optimizer.step()


def test_a_step_on_the_sum_is_a_step_of_each_branch_alone() -> None:
    network = recogniser("expnet_lmcl")
    together = recognition("expnet_lmcl", network)
    alone = {axis: deepcopy(together) for axis in ("x", "y", "z")}
    before = deepcopy(network.state_dict())
    step(together, [f"identity_{axis}" for axis in alone])
    for axis, task in alone.items():
        step(task, [f"identity_{axis}"])
        for name, value in task.network.state_dict().items():
            mine = name.startswith(f"views.{axis}.")
            torch.testing.assert_close(value, network.state_dict()[name] if mine else before[name], atol=0, rtol=0)
        for name, value in task.modules[f"head_{axis}"].state_dict().items():
            torch.testing.assert_close(value, together.modules[f"head_{axis}"].state_dict()[name], atol=0, rtol=0)


def test_training_takes_no_scan() -> None:
    samples = inspect.signature(RecognitionTask.losses).parameters["batch"].annotation
    assert samples == "PhotographedFaces | ReconstructedFaces"
    assert {each.name for each in fields(PhotographedFaces)} == {each.name for each in fields(ReconstructedFaces)}
    task = recognition("expnet_lmcl", recogniser("expnet_lmcl"))
    task.people.archive = FaceArchive("prepared_scans", "", {"identity": np.arange(8)})
    with pytest.raises(BadInput, match="training was given data set prepared_scans"):
        next(task.batches(0, torch.Generator()))


def test_networks_start_in_the_recogniser_of_photographs(tmp_path: Path) -> None:
    pretrained, path = recogniser("recogniser", seed=5), tmp_path / "weights.safetensors"
    save_weights(path, {"network": pretrained})
    component = faces().images.normals[:, :1]
    grey = ((component + 1) / 2).expand(-1, 3, -1, -1)
    expected = pretrained.eval()(grey)["photograph"].unit
    branches, joined = recogniser("expnet_lmcl"), recogniser("expnet_joined")
    for network in (branches, joined):
        start(network, SETTINGS, {"recogniser": path})
        network.eval()
    same = SurfaceImages(component.expand(-1, 3, -1, -1), faces().images.relief)
    for embedding in (*branches(same).values(), joined(same)["xyz"]):
        torch.testing.assert_close(embedding.unit, expected, atol=1e-4, rtol=0)
    fresh = recogniser("from_scratch")
    before = deepcopy(fresh.state_dict())
    start(fresh, SETTINGS, {})
    assert all(torch.equal(before[name], value) for name, value in fresh.state_dict().items())


def test_the_baseline_is_the_recogniser_and_is_not_trained(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    pretrained = recogniser("recogniser", seed=5)
    save_weights(path, {"network": pretrained})
    network, method = recogniser("baseline"), METHODS["baseline"]
    inputs = RunInputs(method, PAPER.run_settings("baseline", "smoke"), 0, 0, {}, {"recogniser": path}, "")
    assert build_task(inputs, network) is None
    (photograph,) = pretrained.views.values()
    for view in network.views.values():
        assert isinstance(view, Sphere20)
        assert torch.equal(view.head.weight, photograph.head.weight)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["expnet_cross_entropy", "expnet_lmcl", "expnet_joined", "depth"])
def test_people_are_told_apart_after_some_steps(name: str) -> None:
    task, batch = recognition(name, recogniser(name)), faces()
    optimizer = torch.optim.Adam([each for module in task.modules.values() for each in module.parameters()], 3e-3)
    values = []
    for _ in range(15):
        loss = torch.stack(list(task.losses(batch, "all").values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.6 * values[0], values


class TwoBatches:
    """Photographs without a stream."""

    batch_count = 2

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[LabelledFaces]:
        own = torch.Generator().manual_seed(epoch)
        for _ in range(2):
            yield LabelledFaces(
                torch.rand(6, 3, SIZE, SIZE, generator=own),
                torch.zeros(6, 68, 2),
                torch.randn(6, 199, generator=own),
                torch.rand(6, 52, generator=own) * 0.2,
            )


@pytest.mark.parametrize(("name", "kind"), [("expnet", ReadingTask), ("diffusion", DrawingTask)])
def test_reconstructors_learn_the_components_that_they_read(name: str, kind: type[ReadingTask]) -> None:
    torch.manual_seed(0)
    network = build_network(METHODS[name], SETTINGS)
    task = kind(network, 99, TwoBatches(), None, SETTINGS.sampling, "")  # type: ignore[arg-type]
    first, again = (next(iter(task.batches(0, torch.Generator().manual_seed(2)))) for _ in range(2))
    assert isinstance(first, TaughtFaces)
    assert (first.true.identity.shape, first.true.expression.shape, first.seed) == ((6, 99), (6, 52), again.seed)
    losses = [sum(each.item() for each in task.losses(batch, "all").values()) for batch in (first, again)]
    assert losses[0] == losses[1]
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    values = []
    for _ in range(12):
        loss = torch.stack(list(task.losses(first, "all").values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert min(values[-3:]) < 0.97 * values[0], values
    read = read_by_network(network.eval(), SETTINGS.sampling)
    with torch.no_grad():
        found = read(first.images, first.true, torch.Generator().manual_seed(1))
    assert (found.identity.shape, found.expression.shape) == ((6, 99), (6, 52))
    assert found.identity.isfinite().all()


def test_reconstructors_see_photographs_with_their_shapes() -> None:
    batch = next(taught(SETTINGS, 0).batches(0, torch.Generator()))
    assert batch.images.shape == (SETTINGS.reading.batch_size, 3, SIZE, SIZE)
    assert batch.identity.std() == pytest.approx(1, abs=0.1)
    other = next(taught(SETTINGS, 1).batches(0, torch.Generator()))
    assert not torch.equal(batch.identity, other.identity)
