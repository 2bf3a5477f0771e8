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
from facelib.data.posed_faces import PosedFaces, posed_faces
from facelib.faces.morphable_model import MorphableModel
from facelib.models.face_encoder import FaceReading
from facelib.papers.sadrnet.encoder_task import EncoderTask, component_weights, true_landmarks
from facelib.papers.sadrnet.settings import EncoderLossSettings

pytestmark = pytest.mark.usefixtures("face_model")
IDENTITIES = 9
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
        return self.change(FaceReading(landmarks, sure, *pose, faces.shape[:, :IDENTITIES], faces.expression))


def some_faces() -> PosedFaces:
    return posed_faces(tiny_archive(), np.arange(6))


def task(change: Change = lambda found: found) -> EncoderTask:
    faces = some_faces()
    source = BatchesAhead(lambda: pytest.fail("no batch is asked for"), 2, 0)
    return EncoderTask(Knowing(faces, change), tiny_mapper(), source, 0, 1, [faces], EncoderLossSettings(), "made")


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


def test_a_component_counts_by_how_far_it_moves_the_face(face_model: MorphableModel) -> None:
    """By a slow reference: the maps of a face with and without it."""
    mapper = tiny_mapper()
    identity, expression = component_weights(mapper)
    mask = mapper.evaluated

    def moved(basis: torch.Tensor) -> float:
        faces = some_faces()
        nothing = replace(faces, shape=0 * faces.shape, expression=0 * faces.expression)
        shape = torch.zeros_like(faces.shape)
        action = torch.zeros_like(faces.expression)
        (shape if basis[0] == 0 else action)[:, int(basis[1])] = 1.0
        with_it = replace(nothing, shape=shape, expression=action)
        gap = (mapper(with_it).shape - mapper(nothing).shape)[0][:, mask]
        return float(gap.square().sum(dim=0).mean().sqrt())

    first = moved(torch.tensor([0, 0]))
    assert identity[0] == 1.0
    assert float(identity[1]) == pytest.approx(moved(torch.tensor([0, 1])) / first, rel=1e-4)
    assert float(expression[3]) == pytest.approx(moved(torch.tensor([1, 3])) / first, rel=1e-3)
    assert identity.min() == pytest.approx(0.1)
    assert (len(identity), len(expression)) == (len(face_model.identity_basis), len(face_model.expression_basis))


def test_validation_says_how_much_of_each_component_is_read() -> None:
    right, nothing = task().validate(), task(lambda found: found._replace(identity=0 * found.identity)).validate()

    assert right["sparse_2d"] == pytest.approx(0.0, abs=1e-6)
    assert [right[f"identity_{number}"] for number in range(1, 9)] == pytest.approx([1.0] * 8)
    assert [nothing[f"identity_{number}"] for number in range(1, 9)] == pytest.approx([0.0] * 8)


def test_landmarks_are_seen_where_they_face_the_viewer_on_bare_skin() -> None:
    faces = some_faces()
    _, seen = true_landmarks(tiny_mapper(), faces)
    _, covered = true_landmarks(tiny_mapper(), replace(faces, skin=0 * faces.skin))

    assert 0.2 < seen.mean() < 0.95
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert not covered.any()
