"""What the face encoder learns: no loss for the truth, and each term for its own part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_predictions import tiny_archive, tiny_mapper
from torch import nn

from facelib.data.ahead import BatchesAhead
from facelib.data.posed_faces import PosedFaces, faces_of, posed_faces
from facelib.data.streamed import StreamedBatches
from facelib.faces.model_fit import aligned_root
from facelib.geometry.alignment import similarity_transform
from facelib.models.face_encoder import FaceReading
from facelib.papers.sadrnet.encoder_task import EncoderTask, true_landmarks
from facelib.papers.sadrnet.settings import EncoderLossSettings

pytestmark = pytest.mark.usefixtures("face_model")
Change = Callable[[FaceReading], FaceReading]


class Knowing(nn.Module):
    """Reads the truth of its photographs, with a change."""

    def __init__(self, faces: PosedFaces, change: Change) -> None:
        super().__init__()
        self.faces, self.change = faces, change
        self.at = nn.Parameter(torch.zeros(()))

    def forward(self, images: torch.Tensor) -> FaceReading:
        faces = self.faces
        landmarks, seen = true_landmarks(tiny_mapper(), faces)
        sure = 100 * (2 * seen - 1)
        pose = (faces.scale, faces.rotation, faces.translation)
        return self.change(
            FaceReading(landmarks, sure, *pose, faces.shape, faces.expression, torch.ones(len(faces), 4))
        )


def some_faces() -> PosedFaces:
    return posed_faces(tiny_archive(), np.arange(6))


def task(change: Change = lambda found: found) -> EncoderTask:
    faces = some_faces()
    photographs = StreamedBatches(BatchesAhead(lambda: pytest.fail("no batch is asked for"), 2, 0), 1, 0, faces_of)
    return EncoderTask(Knowing(faces, change), tiny_mapper(), photographs, [faces], EncoderLossSettings(), "made")


def losses(change: Change = lambda found: found) -> dict[str, float]:
    return {name: float(value) for name, value in task(change).losses(some_faces(), "all").items()}


def test_the_truth_costs_nothing() -> None:
    assert losses() == pytest.approx(dict.fromkeys(losses(), 0.0), abs=1e-4)


@pytest.mark.parametrize(
    ("term", "change", "expected"),
    [
        (
            "landmarks",
            lambda found: found._replace(landmarks=found.landmarks + torch.tensor([3.0, 4.0, 0.0])),
            20 * 5 / 64,
        ),
        ("pose", lambda found: found._replace(translation=found.translation + torch.tensor([0.0, 6.4, 0.0])), 5 * 0.1),
        ("visible", lambda found: found._replace(visible=0 * found.visible), 0.1 * np.log(2)),
    ],
)
def test_each_part_has_its_own_term(term: str, change: Change, expected: float) -> None:
    found = losses(change)
    assert found.pop(term) == pytest.approx(expected, rel=1e-4)
    assert found == pytest.approx(dict.fromkeys(found, 0.0), abs=1e-4)


def test_coefficients_cost_how_far_they_move_the_face_but_for_a_similarity() -> None:
    """By a slow reference: the true and the read face, laid onto it, as both depart a little from the mean face."""
    faces, small = some_faces(), 0.02
    near = replace(faces, shape=small * faces.shape, expression=small * faces.expression)
    read = replace(near, shape=0.5 * near.shape, expression=0.2 * near.expression)
    mapper = tiny_mapper()
    found, true = (mapper(each).shape[:, :, mapper.evaluated].mT.double() for each in (read, near))
    expected = (similarity_transform(found, true).apply(found) - true).square().sum(dim=2).mean()
    reading = FaceReading(*[torch.empty(0)] * 5, read.shape, read.expression, torch.empty(0))
    assert float(task().shape_error(reading, near)) == pytest.approx(float(expected), rel=0.02)
    cut = reading._replace(identity=reading.identity[:, :7])  # as if the others were read as 0
    zeros = replace(read, shape=torch.cat((read.shape[:, :7], 0 * read.shape[:, 7:]), dim=1))
    whole = reading._replace(identity=zeros.shape)
    assert float(task().shape_error(cut, near)) == pytest.approx(float(task().shape_error(whole, near)))


def test_another_size_of_the_face_costs_nothing() -> None:
    mapper, faces = tiny_mapper(), some_faces()
    mean, basis = mapper.mean.unflatten(0, (-1, 3)), mapper.basis.unflatten(1, (-1, 3))
    scaled = aligned_root(torch.cat((basis[:3], (mean - mean.mean(dim=0))[None])), mean)
    assert (scaled[:, :3] != 0).any()
    assert torch.tensor([0.0, 0, 0, 1]) @ scaled == pytest.approx(torch.zeros(4), abs=1e-3)
    reading = FaceReading(*[torch.empty(0)] * 5, faces.shape, faces.expression, torch.empty(0))
    assert float(task().shape_error(reading, faces)) == 0


def test_validation_says_how_much_of_the_shape_is_read() -> None:
    right = task().validate()
    assert right["code_alive"] == 1
    assert task(lambda found: found._replace(code=torch.tensor([[0.0, 2, -1, 0]] * 6))).validate()["code_alive"] == 0.25
    nothing = task(
        lambda found: found._replace(identity=0 * found.identity, expression=0 * found.expression)
    ).validate()

    assert right["sparse_2d"] == pytest.approx(0.0, abs=1e-6)
    assert (right["shape_ratio"], right["shape_read"]) == pytest.approx((0.0, 1.0), abs=1e-4)
    assert (nothing["shape_ratio"], nothing["shape_read"]) == pytest.approx((1.0, 0.0), abs=1e-4)
    assert nothing["sparse_2d"] == right["sparse_2d"]
    assert nothing["made_sparse_2d"] > right["made_sparse_2d"]


def test_landmarks_are_seen_where_they_face_the_viewer_on_bare_skin() -> None:
    faces = some_faces()
    _, seen = true_landmarks(tiny_mapper(), faces)
    _, covered = true_landmarks(tiny_mapper(), replace(faces, skin=0 * faces.skin))

    assert 0.2 < seen.mean() < 0.95
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert not covered.any()
