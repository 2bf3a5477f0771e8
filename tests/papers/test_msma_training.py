"""Networks of paper 5 learn from photographs, landmarks and skin alone, and their losses fall."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace

import pytest
import torch

from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.errors import BadInput
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.networks import (
    LandmarkReader,
    build_msma,
    face_renderer,
    mean_coefficients,
    resized,
    standard_landmarks,
)
from facelib.papers.msma.objective import WeakObjective
from facelib.papers.msma.photographs import held_out, held_out_labelled, labelled, stream_settings, streamed
from facelib.papers.msma.settings import TIERS, MSMARunSettings
from facelib.papers.msma.supervised import SupervisedTask
from facelib.papers.msma.tasks import LandmarkTask, WeakTask, landmarks_off
from facelib.runs.settings import override

pytestmark = pytest.mark.usefixtures("face_model")
SETTINGS = override(MSMARunSettings(), TIERS["smoke"] | {"stream.skins": 4, "stream.held_out": 6, "stream.batches": 2})
SIZE = SETTINGS.network.image_size


@pytest.fixture(scope="module")
def photographs() -> list[LandmarkedFaces]:
    return held_out(SETTINGS)


def weak_task(photographs: list[LandmarkedFaces]) -> WeakTask:
    torch.manual_seed(0)
    network = build_msma(SETTINGS.network)
    return WeakTask(
        network, WeakObjective(face_renderer(SIZE), SETTINGS.loss), streamed(SETTINGS, 4, 0), photographs, ""
    )


def landmark_task(photographs: list[LandmarkedFaces]) -> LandmarkTask:
    torch.manual_seed(0)
    return LandmarkTask(LandmarkReader(SETTINGS.network), streamed(SETTINGS, 4, 0), photographs, "")


@pytest.fixture(scope="module")
def supervised_task() -> SupervisedTask:
    network, renderer = build_msma(SETTINGS.network).eval(), face_renderer(SIZE)
    return SupervisedTask(network, labelled(SETTINGS, 4, 0), held_out_labelled(SETTINGS), "", renderer)


def test_no_label_reaches_training() -> None:
    for task in (WeakTask, LandmarkTask):
        assert inspect.signature(task.losses).parameters["batch"].annotation == "LandmarkedFaces"
    assert {each.name for each in fields(LandmarkedFaces)} == {"images", "landmarks", "skin"}
    batch = next(streamed(SETTINGS, 3, 0).batches(0, torch.Generator()))
    assert isinstance(batch, LandmarkedFaces)


def test_epochs_and_starts_see_other_people_and_the_same_ones_again() -> None:
    def first(epoch: int, seed: int) -> torch.Tensor:
        return next(streamed(SETTINGS, 2, seed).batches(epoch, torch.Generator())).images

    assert torch.equal(first(1, 0), first(1, 0))
    assert not torch.equal(first(0, 0), first(1, 0))
    assert not torch.equal(first(0, 0), first(0, 1))


def test_those_who_are_held_out_wear_the_same_skins_and_are_others(photographs: list[LandmarkedFaces]) -> None:
    assert [len(each) for each in photographs] == [6]
    learnt = next(streamed(SETTINGS, 6, 0).batches(0, torch.Generator()))
    assert not torch.equal(learnt.images, photographs[0].images)
    assert stream_settings(SETTINGS).skins == 4


def test_networks_begin_with_the_mean_face(photographs: list[LandmarkedFaces]) -> None:
    images = photographs[0].images
    standard = standard_landmarks(SIZE).expand(6, -1, -1)
    torch.testing.assert_close(LandmarkReader(SETTINGS.network)(images), standard)
    found = build_msma(SETTINGS.network)(images)
    for value, zero in zip(found, mean_coefficients(6), strict=True):
        torch.testing.assert_close(value, zero)
    torch.testing.assert_close(face_renderer(SIZE).landmarks_of(found), standard)


@pytest.mark.parametrize("make", [weak_task, landmark_task])
def test_a_few_steps_on_a_few_faces_lower_what_is_minimised(make, photographs: list[LandmarkedFaces]) -> None:  # type: ignore[no-untyped-def]
    task, batch = make(photographs), photographs[0]
    optimizer = torch.optim.Adam(task.network.parameters(), 3e-4)
    values = []
    for _ in range(20):
        loss = torch.stack(list(task.losses(batch, "all").values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.8 * values[0], values


def test_the_upper_bound_is_taught_distances_in_mm(supervised_task: SupervisedTask) -> None:
    """A fresh network says the mean face: what is left is how far true faces and landmarks are from it."""
    true, renderer = supervised_task.held_out[0], face_renderer(SIZE)
    terms = supervised_task.losses(true, "all")
    person = torch.einsum("bk,kvc->bvc", true.identity, renderer.identity_basis)
    look = torch.einsum("be,evc->bvc", true.action, renderer.expression_basis / EXPRESSION_SPREAD)
    moved = (true.landmarks - standard_landmarks(SIZE)).norm(dim=2).mean() * 1000 / (1015 * SIZE / 224)
    expected = {"face": (person + look).norm(dim=2).mean(), "neutral": person.norm(dim=2).mean(), "landmarks": moved}
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value)
        assert value > 1


def test_losses_are_the_same_where_networks_compute_in_bfloat16(
    supervised_task: SupervisedTask, photographs: list[LandmarkedFaces]
) -> None:
    """Fresh heads say exactly zero, so that nothing but the renderer and the losses could differ."""
    weak = weak_task(photographs)
    for task, faces in ((weak, photographs[0]), (supervised_task, supervised_task.held_out[0])):
        expected = task.losses(faces, "all")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.testing.assert_close(task.losses(faces, "all"), expected)


def test_validation_adds_up_and_weighs_by_photographs(photographs: list[LandmarkedFaces]) -> None:
    task = weak_task(photographs)
    task.network.eval()
    with torch.no_grad():
        whole = task.validate()
        one = photographs[0]
        task.held_out = [LandmarkedFaces(*(getattr(one, each.name)[:4] for each in fields(one))), one.part(slice(4, 6))]
        parts = task.validate()
    assert whole["loss"] == pytest.approx(sum(value for name, value in whole.items() if name.startswith("held_out_")))
    assert {name for name in whole if name.startswith("spread_")} == {
        "spread_identity", "spread_expression", "spread_albedo"
    }  # fmt: skip
    for name in ("held_out_landmarks", "held_out_photometric", "landmarks_off", "spread_identity"):
        assert parts[name] == pytest.approx(whole[name], rel=1e-4), name


def test_landmarks_off_by_hand() -> None:
    landmarks = torch.zeros(1, 68, 2)
    landmarks[0, 0] = torch.tensor([4.0, 9.0])  # a box of 4 x 9 pixels, whose root is 6
    faces = LandmarkedFaces(torch.zeros(1, 3, 8, 8), landmarks, torch.zeros(1, 8, 8))
    found = landmarks + torch.tensor([3.0, 4.0])
    torch.testing.assert_close(landmarks_off(found, faces), torch.tensor([5 / 6]))


def test_a_photograph_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="images"):
        LandmarkReader(SETTINGS.network)(torch.zeros(2, 3, SIZE + 1, SIZE))


@pytest.mark.parametrize("size", [48, 64, 100])
def test_images_are_resized_as_torch_does(size: int) -> None:
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(images, (size, size), mode="bilinear", antialias=True)
    torch.testing.assert_close(resized(images, size), expected)


def test_every_ablation_is_built() -> None:
    for parts in (("fusion",), ("attention",), ("multi_attribute",), ("fusion", "attention", "multi_attribute")):
        network = build_msma(replace(SETTINGS.network, **dict.fromkeys(parts, False))).eval()
        found = network(torch.zeros(1, 3, SIZE, SIZE))
        assert isinstance(found, FaceCoefficients)
        assert found.light.shape == (1, 27)
