"""Faces lie where their photographs show them, whatever read them."""

from __future__ import annotations

import pytest
import torch
from made_readings import SIZE, mean_faces, tiny_cases, tiny_web, two_photographs
from untrained_reader import make_untrained_reader

from facelib.data.landmarked_faces import aligned, moved_back
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.networks import face_renderer, mean_coefficients, standard_landmarks
from facelib.papers.msma.readers import FoundFaces
from facelib.report.msma.readings import laid_faces, open_readers, photographs_of, together
from facelib.runs.records import read_record

pytestmark = pytest.mark.usefixtures("face_model")


@pytest.fixture
def renderer() -> FaceRenderer:
    return face_renderer(SIZE)


def nearest_point(points: torch.Tensor, place: torch.Tensor) -> float:
    """Pixels from a place (2,) to the nearest of some points (N, 3)."""
    return float((points[:, :2] - place).norm(dim=1).min())


def test_true_faces_lie_on_their_landmarks() -> None:
    for archive, rows in ((tiny_cases(), {"a": 0, "b": 7}), (tiny_web(), {"a": 3})):
        shown = photographs_of(archive, rows)
        assert shown.titles == tuple(rows)
        for face, row in zip(shown.true, rows.values(), strict=True):
            exact = torch.from_numpy(archive.arrays["landmarks_2d"][row].copy())
            torch.testing.assert_close(face.landmarks, exact)
            assert max(nearest_point(face.points, exact[n]) for n in (30, 36, 45, 48, 54)) < 1.5


def test_a_fitted_face_lies_where_its_landmarks_are() -> None:
    faces = two_photographs().faces
    expected = moved_back(standard_landmarks(SIZE).expand(2, -1, -1), faces.landmarks, standard_landmarks(SIZE))
    for face, landmarks in zip(mean_faces(), expected, strict=True):
        torch.testing.assert_close(face.landmarks, landmarks, atol=1e-3, rtol=0)
        assert max(nearest_point(face.points, landmarks[n]) for n in (30, 36, 45, 48, 54)) < 1.5
        assert face.fitted is not None
        assert len(face.points) == len(face.vertices)


def test_a_shape_without_a_pose_is_laid_onto_the_landmarks_found_with_it(renderer: FaceRenderer) -> None:
    found = mean_faces()
    mean = mean_coefficients(2)
    landmarks = torch.stack([face.landmarks for face in found])
    laid = laid_faces(renderer, FoundFaces(mean.identity, mean.expression, landmarks))
    for face, other in zip(laid, found, strict=True):
        torch.testing.assert_close(face.vertices, other.vertices)
        off = (face.landmarks - other.landmarks).norm(dim=1)
        assert off.mean() < 0.4
        assert off.max() < 1.5  # of the jaw's ends, which perspective makes smaller
        assert (face.points - other.points)[:, :2].norm(dim=1).max() < 2
        depth = face.points[:, 2] - face.points[:, 2].mean(), other.points[:, 2] - other.points[:, 2].mean()
        assert torch.corrcoef(torch.stack(depth))[0, 1] > 0.99
        assert face.fitted is None


def test_a_grey_photograph_has_no_colours_and_the_others_keep_theirs() -> None:
    shown = two_photographs()
    grey = shown.greyed("plain").faces.images
    weights = torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close(grey[0, 1], torch.einsum("c,chw->hw", weights, shown.faces.images[0]))
    assert torch.equal(grey[0, 0], grey[0, 2])
    assert torch.equal(grey[1], shown.faces.images[1])


def test_photographs_of_two_data_sets_stand_together() -> None:
    both = together([two_photographs(), photographs_of(tiny_web(), {"web": 4})])
    assert both.titles == ("plain", "covered eyes", "web")
    assert both.rows.tolist() == [0, 1, 4]
    assert len(both.true) == len(both.faces) == 3


def test_a_run_reads_what_its_network_says_of_the_crop() -> None:
    record = read_record(make_untrained_reader(silent=False) / "record.json")
    (read,) = open_readers({"MSMA": record}).values()
    faces = two_photographs().faces
    first, second = read(faces)
    (alone,) = read(faces.part(slice(1, 2)))

    assert first.fitted is not None
    torch.testing.assert_close(first.fitted.crop.image, aligned(faces, standard_landmarks(SIZE)).images[0])
    assert first.fitted.coefficients.identity.abs().max() > 0.01
    torch.testing.assert_close(alone.points, second.points, atol=1e-3, rtol=1e-4)
    assert not torch.allclose(first.shape, second.shape)
