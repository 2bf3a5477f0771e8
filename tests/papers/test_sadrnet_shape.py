"""What is said of the shape that networks tell: of networks that know it, know a part of it, or are silent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_predictions import tiny_archive, tiny_mapper, tiny_settings

from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import PosedFaces
from facelib.errors import BadInput
from facelib.models.sadrnet import FaceMaps
from facelib.papers.run import open_archive
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.protocol import Predictor, evaluate_alignment
from facelib.papers.sadrnet.recognition import evaluate_recognition
from facelib.papers.sadrnet.shape_protocol import FRONTAL, shape_metrics


def telling(share: float, own_shape: bool = True) -> Predictor:
    """A network that tells this share of every deformation, in the true pose."""

    def predict(faces: PosedFaces, landmarks: torch.Tensor) -> FaceMaps:
        true, mean = tiny_mapper()(faces), tiny_mapper().template.mean_map
        shape = mean + share * (true.shape - mean)
        posed = tiny_mapper().map_of(faces.pose.apply(tiny_mapper().points_of(shape)))
        if not own_shape:
            return FaceMaps(posed, posed, None, None, None, None, None)
        return FaceMaps(posed, None, shape, None, faces.scale, faces.rotation, faces.translation)

    return predict


def scores_of(predict: Predictor) -> dict[str, np.ndarray]:
    archive = tiny_archive()
    return evaluate_alignment(predict, tiny_mapper(), archive, np.arange(len(archive)))


def same_people() -> FaceArchive:
    return open_archive(PAPER, "sadrnet", tiny_settings(), "same_people")


@pytest.mark.parametrize(("share", "read"), [(0.0, 0.0), (0.5, 0.75), (1.0, 1.0)])
def test_the_share_that_is_told_is_the_share_that_is_read(share, read):
    metrics = shape_metrics(scores_of(telling(share)))
    assert metrics["shape_read"] == pytest.approx(read, abs=1e-5)
    for name in ("shape_ratio", "shape_ratio/frontal"):
        assert metrics[name] == pytest.approx(1 - share, abs=0.02)  # about, as the mean of the similarity is not linear
    assert metrics["component/1"] == pytest.approx(read, abs=0.06)


def test_a_position_map_tells_what_its_similarity_leaves():
    """Without a shape of its own the face is laid onto the mean face, which takes its size, and with it most of it."""
    own, laid = (shape_metrics(scores_of(telling(1.0, own_shape))) for own_shape in (True, False))
    assert laid["shape_ratio"] == pytest.approx(0, abs=1e-4)
    assert 0.1 < laid["shape_read"] < own["shape_read"]


def test_frontal_photographs_are_those_with_nothing_worn():
    scores = scores_of(telling(0.5))
    kept = [row for row in range(12) if abs(scores["yaw"][row]) < FRONTAL and scores["occluder"][row] == 0]
    assert 0 < len(kept) < 12
    slow = sum(scores["shape_mm"][row] for row in kept) / sum(scores["mean_face_mm"][row] for row in kept)
    assert shape_metrics(scores)["shape_ratio/frontal"] == pytest.approx(slow)


def test_people_are_recognised_by_what_is_told():
    """All by a part of the truth, which is a smaller face of the same kind; by silence nobody."""
    archive = same_people()
    for share, rank1 in ((1.0, 1.0), (0.3, 1.0), (0.0, 0.0)):
        found = evaluate_recognition(telling(share), tiny_mapper(), archive)
        assert found["recognition"].tolist() == [rank1] * (len(archive) - len(archive.identities))
    people, counts = np.unique(found["recognition_identity"], return_counts=True)
    assert len(people) == len(archive.identities)
    assert set(counts) == {2}


def test_who_tells_of_strangers_recognises_by_chance():
    archive, generator = same_people(), torch.Generator().manual_seed(1)

    def predict(faces: PosedFaces, landmarks: torch.Tensor) -> FaceMaps:
        strangers = torch.randn(faces.shape.shape, generator=generator)
        shape = tiny_mapper().map_of(tiny_mapper().points_from(strangers, faces.expression))
        return FaceMaps(
            tiny_mapper()(faces).geometry, None, shape, None, faces.scale, faces.rotation, faces.translation
        )

    assert evaluate_recognition(predict, tiny_mapper(), archive)["recognition"].mean() < 0.3  # of 10 people


def test_a_person_of_one_photograph_is_refused():
    archive = same_people()
    alone = replace(archive, arrays={name: values[:1] for name, values in archive.arrays.items()})
    with pytest.raises(BadInput, match="one photograph"):
        evaluate_recognition(telling(1.0), tiny_mapper(), alone)
