"""A sample that cannot be judged takes its stand-in's scores and is counted; nothing else changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from made_predictions import tiny_archive, tiny_mapper, tiny_settings
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import PosedFaces, posed_faces
from facelib.errors import BadInput, DegenerateInput
from facelib.models.face_encoder import FaceReading
from facelib.models.sadrnet import FaceMaps
from facelib.papers.failures import FAILED, failed_metric, judged
from facelib.papers.paper import RunInputs
from facelib.papers.run import open_archive
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.building import evaluate
from facelib.papers.sadrnet.methods import METHODS
from facelib.papers.sadrnet.protocol import (
    Predictor,
    evaluate_alignment,
    evaluate_florence,
    evaluate_landmarks,
    mean_face_in_box,
)

ROWS, BAD = np.arange(12), 4  # photographs of the tiny data set, and the one on which the prediction fails


def roots(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    values = function(rows)
    if (values < 0).any():
        raise DegenerateInput("a number has no root")
    return {"root": np.sqrt(values)}


def test_a_sample_that_fails_takes_the_score_of_the_stand_in() -> None:
    rows = np.array([9, -4, 16, 25])
    found = judged(roots, lambda x: x.astype(float), lambda x: 1.0 + 0 * x, rows)

    assert found["root"].tolist() == [3, 1, 4, 5]
    assert found[FAILED].tolist() == [False, True, False, False]
    assert failed_metric(found) == {"failed": {"value": 1, "unit": "samples"}}


def test_scores_that_are_not_finite_count_as_failures() -> None:
    found = judged(roots, lambda x: np.where(x == 9, np.inf, x), lambda x: 1.0 + 0 * x, np.array([4, 9]))

    assert found["root"].tolist() == [2, 1]
    assert found[FAILED].tolist() == [False, True]


def test_without_failures_there_is_no_metric() -> None:
    assert failed_metric(judged(roots, np.abs, np.abs, np.array([4, 9]))) == {}


def test_other_errors_and_a_stand_in_that_fails_end_the_evaluation() -> None:
    def mistaken(x: np.ndarray) -> np.ndarray:
        raise BadInput("a mistake in the code")

    with pytest.raises(BadInput, match="a mistake"):
        judged(roots, mistaken, np.abs, np.array([4]))
    with pytest.raises(DegenerateInput, match="no root"):
        judged(roots, lambda x: -x, lambda x: -x, np.array([4]))


def told(faces: PosedFaces, landmarks: torch.Tensor) -> FaceMaps:
    true = tiny_mapper()(faces)
    return FaceMaps(true.geometry, true.geometry, true.shape, None, faces.scale, faces.rotation, faces.translation)


def failing(archive: FaceArchive, row: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Predictor:
    """Tells the truth, with a change of one photograph's map."""
    wrong = posed_faces(archive, np.array([row])).images

    def predict(faces: PosedFaces, landmarks: torch.Tensor) -> FaceMaps:
        here = (faces.images == wrong).flatten(1).all(dim=1)[:, None, None, None]
        maps = told(faces, landmarks)
        return maps._replace(geometry=torch.where(here, change(maps.geometry), maps.geometry))

    return predict


CHANGES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a NaN": lambda maps: maps * torch.nan,
    "one place": lambda maps: 0 * maps + 7,
    "an infinity": lambda maps: maps / 0,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_face_that_cannot_be_judged_counts_as_the_mean_face(change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    archive, mapper = tiny_archive(), tiny_mapper()
    found = evaluate_alignment(failing(archive, BAD, change), mapper, archive, ROWS)
    right, mean = (evaluate_alignment(predict, mapper, archive, ROWS) for predict in (told, mean_face_in_box(mapper)))

    assert np.flatnonzero(found[FAILED]).tolist() == [BAD]
    for name in found.keys() - {FAILED}:
        expected = right[name].copy()
        expected[BAD] = mean[name][BAD]
        assert found[name] == pytest.approx(expected, rel=1e-5, abs=1e-5), name
    assert found["reconstruction"][BAD] > 0.01


@pytest.fixture(scope="module")
def renderings() -> FaceArchive:
    """Three of the Florence counterpart."""
    whole = open_archive(PAPER, "sadrnet", tiny_settings(), "florence")
    arrays = {name: values[:3] if len(values) == len(whole) else values for name, values in whole.arrays.items()}
    return FaceArchive(whole.name, whole.fingerprint, arrays)


def test_a_face_that_cannot_be_laid_onto_a_scan_counts_as_the_mean_face(
    renderings: FaceArchive, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "facelib.papers.failures")
    mapper = tiny_mapper()
    right, mean = (evaluate_florence(predict, mapper, renderings) for predict in (told, mean_face_in_box(mapper)))
    for change in CHANGES.values():
        found = evaluate_florence(failing(renderings, 1, change), mapper, renderings)

        assert found["florence_failed"].tolist() == [False, True, False]
        for name in ("florence", "florence_rigid"):
            assert found[name] == pytest.approx([right[name][0], mean[name][1], right[name][2]], abs=1e-6)
    assert len(caplog.messages) == len(CHANGES)


class Network(nn.Module):
    """Reads the truth, and raises on one photograph as self-alignment does on landmarks that are NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.zeros(()))
        self.images = posed_faces(tiny_archive(), ROWS).images

    def forward(self, images: torch.Tensor) -> FaceReading:
        chosen = torch.stack([(self.images == image).flatten(1).all(dim=1).float().argmax() for image in images])
        if (chosen == BAD).any():
            raise DegenerateInput("pose_landmarks holds 204 non-finite values")
        faces = posed_faces(tiny_archive(), chosen.numpy())
        landmarks = tiny_mapper().template.landmarks_of(tiny_mapper()(faces).geometry)
        pose = (faces.scale, faces.rotation, faces.translation)
        return FaceReading(landmarks, 0 * landmarks[..., 0], *pose, faces.shape, faces.expression, faces.shape)


def test_a_network_that_raises_on_one_photograph_is_judged_on_the_others() -> None:
    found = evaluate_landmarks(Network(), tiny_mapper(), tiny_archive(), ROWS)
    mean = evaluate_alignment(mean_face_in_box(tiny_mapper()), tiny_mapper(), tiny_archive(), ROWS)

    assert np.flatnonzero(found[FAILED]).tolist() == [BAD]
    assert found["sparse_2d"][BAD] == pytest.approx(mean["sparse_2d"][BAD], rel=1e-5)
    assert np.delete(found["sparse_2d"], BAD) == pytest.approx(np.zeros(11), abs=1e-6)


def test_the_count_stands_among_the_metrics_of_a_run() -> None:
    method = METHODS["face_encoder"]
    archives = {"aflw2000": tiny_archive(), "same_people": tiny_archive()}
    metrics, scores = evaluate(RunInputs(method, PAPER.settings("smoke"), 0, 0, archives, {}, "made"), Network())

    assert metrics[FAILED] == {"value": 1, "unit": "samples"}
    assert metrics["sparse_3d"]["value"] == pytest.approx(scores["sparse_3d"].mean())
    assert metrics["reconstruction/60-90"]["value"] == pytest.approx(0.0, abs=1e-5)
