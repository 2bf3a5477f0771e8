"""Paper 5's evaluation against hand-computed values: faces that are known, metrics by hand, resamples listed out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded import CelebaCasesSettings, FlorenceClipsSettings, open_celeba_cases, open_florence_clips
from facelib.data.embedded.celeba_cases import CASES as MADE_CASES
from facelib.data.embedded.florence_clips import CONDITIONS as MADE_CONDITIONS
from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.metrics.scan_protocols import PROTOCOLS as SCAN_PROTOCOLS
from facelib.papers.msma import PAPER
from facelib.papers.msma.bootstrap import bootstrap_metrics
from facelib.papers.msma.methods import METHODS
from facelib.papers.msma.metrics import CASES, CONDITIONS, METRICS, PROTOCOLS
from facelib.papers.msma.networks import build_msma, face_renderer
from facelib.papers.msma.protocol import (
    detected_rows,
    evaluate_clips,
    evaluate_expressions,
    evaluate_landmarks,
    metrics_of,
)
from facelib.papers.msma.readers import FoundFaces, Reader, mean_faces, reader_of
from facelib.papers.paper import Scores

pytestmark = pytest.mark.usefixtures("face_model")
SETTINGS = PAPER.settings("smoke", {"fitting.landmark_steps": 3, "fitting.steps": 1})
SIZE = SETTINGS.network.image_size


def sized(settings):  # type: ignore[no-untyped-def]
    return replace(settings, scene=replace(settings.scene, image_size=SIZE))


@pytest.fixture(scope="module")
def clips() -> FaceArchive:
    return open_florence_clips(sized(FlorenceClipsSettings(2, 1, 3000)))


@pytest.fixture(scope="module")
def cases() -> FaceArchive:
    return open_celeba_cases(sized(CelebaCasesSettings(2, 3000)))


def who_knows(archive: FaceArchive) -> Reader:
    """Reads the truth off the order of the photographs."""
    rows = iter(range(len(archive)))

    def reader(faces: LandmarkedFaces) -> FoundFaces:
        chosen = [next(rows) for _ in range(len(faces))]
        shape, action, landmarks = (
            torch.from_numpy(np.array(archive.arrays[name][chosen])) for name in ("shape", "action", "landmarks_2d")
        )
        return FoundFaces(shape, action / EXPRESSION_SPREAD, landmarks)

    return reader


def test_metrics_are_named_as_data_sets_name_their_parts() -> None:
    assert tuple(MADE_CONDITIONS) == CONDITIONS
    assert tuple(MADE_CASES) == CASES
    assert set(PROTOCOLS.values()) == SCAN_PROTOCOLS.keys()


def test_the_truth_has_hardly_an_error_and_the_mean_face_has_one(clips: FaceArchive, cases: FaceArchive) -> None:
    renderer, mean = face_renderer(SIZE), mean_faces(SETTINGS)
    known = evaluate_clips(who_knows(clips), mean, renderer, clips)
    unknown = evaluate_clips(mean, mean, renderer, clips)
    for name in PROTOCOLS:
        assert known[name].max() < 0.5 < unknown[name].min(), name
    known = evaluate_expressions(who_knows(cases), mean, renderer, cases, "cases")
    unknown = evaluate_expressions(mean, mean, renderer, cases, "cases")
    assert known["cases"].max() < 0.6 < unknown["cases"].mean()
    assert not known["cases_failed"].any()
    landmarks = evaluate_landmarks(who_knows(cases), mean, cases)
    assert landmarks["aflw"].max() < 1e-6


def test_the_detector_finds_the_same_on_a_photograph_whoever_asks(clips: FaceArchive) -> None:
    together, alone = detected_rows(clips, np.array([0, 2])), detected_rows(clips, np.array([2]))
    torch.testing.assert_close(together.landmarks[1:], alone.landmarks)
    true = torch.from_numpy(np.array(clips.arrays["landmarks_2d"][[2]]))
    off = (alone.landmarks - true).norm(dim=2).mean() / SIZE
    assert 0.001 < off < 0.05


def test_a_face_that_cannot_be_judged_counts_as_the_mean_face(cases: FaceArchive) -> None:
    mean = mean_faces(SETTINGS)

    def broken(faces: LandmarkedFaces) -> FoundFaces:
        found = mean(faces)
        return replace(found, identity=found.identity * torch.nan, landmarks=found.landmarks * torch.nan)

    for scores, name in (
        (evaluate_expressions(broken, mean, face_renderer(SIZE), cases, "cases"), "cases"),
        (evaluate_landmarks(broken, mean, cases), "aflw"),
    ):
        assert scores[f"{name}_failed"].all()
        assert np.isfinite(scores[name]).all()


@pytest.mark.parametrize("name", ["msma", "direct_fit", "mean_face", "sadrnet", "face_encoder"])
def test_every_reader_says_where_a_face_is_and_what_it_looks_like(name: str, clips: FaceArchive) -> None:
    method = METHODS[name]
    network = build_msma(SETTINGS.network).eval() if name == "msma" else torch.nn.Identity()
    faces = detected_rows(clips, np.array([0, 1]))
    with torch.no_grad():
        found = reader_of(method, SETTINGS, network)(faces)
    renderer = face_renderer(SIZE)
    neutral, looking = (found.shapes(renderer, neutral=each) for each in (True, False))
    assert neutral.shape == looking.shape == (2, len(renderer.mean), 3)
    assert torch.equal(neutral, looking) == (name in ("msma", "mean_face"))  # fresh heads say the mean face
    assert (neutral - renderer.mean).norm(dim=2).mean() < 6  # mm
    assert ((found.landmarks - faces.landmarks).norm(dim=2).mean(dim=1) < 0.1 * SIZE).all()


def made_scores() -> Scores:
    """Three people: two frames in each condition, two expressions, one photograph in each case, two of AFLW."""
    generator = np.random.default_rng(0)
    conditions = np.tile(np.repeat(np.arange(3), 2), 3)
    scores = {name: generator.uniform(1, 2, 18) for name in PROTOCOLS}
    scores |= {"florence_condition": conditions, "florence_identity": np.repeat(np.arange(3), 6)}
    scores |= {"facewarehouse": generator.uniform(1, 2, 6), "facewarehouse_identity": np.repeat(np.arange(3), 2)}
    scores |= {"cases": generator.uniform(1, 2, 15), "cases_identity": np.repeat(np.arange(3), 5)}
    scores |= {"cases_case": np.tile(np.arange(5), 3)}
    scores |= {"aflw": generator.uniform(0.02, 0.05, 6), "aflw_identity": np.repeat(np.arange(3), 2)}
    return scores | {"aflw_occluder": np.array([0, 2, 0, 1, 0, 3])}


def test_metrics_by_hand() -> None:
    scores = made_scores()
    metrics = {name: entry["value"] for name, entry in metrics_of(scores).items()}
    assert metrics.keys() == METRICS.keys()
    indoor = scores["florence"].reshape(3, 3, 2)[:, 1]
    assert metrics["florence/indoor"] == pytest.approx(indoor.mean())
    assert metrics["florence/indoor_sd"] == pytest.approx(indoor.mean(axis=1).std())
    assert metrics["florence_mgcnet/outdoor"] == pytest.approx(scores["florence_mgcnet"].reshape(3, 3, 2)[:, 2].mean())
    assert metrics["cases/smile"] == pytest.approx(scores["cases"].reshape(3, 5)[:, 4].mean())
    assert metrics["aflw/occluded"] == pytest.approx(scores["aflw"][[1, 3, 5]].mean())
    assert {entry["unit"] for entry in metrics_of(scores).values()} == {"mm", "fraction"}
    assert all(METRICS[name].unit == entry["unit"] for name, entry in metrics_of(scores).items())


def test_intervals_resample_people_of_each_data_set() -> None:
    scores = made_scores()
    metrics = metrics_of(scores)
    made = bootstrap_metrics(metrics, scores, resamples=50)
    assert set(made.names) == METRICS.keys()
    for name, estimate in zip(made.names, made.estimates, strict=True):
        assert estimate == pytest.approx(metrics[name]["value"]), name
    spread = dict(zip(made.names, made.samples.std(axis=0), strict=True))
    assert spread["florence/indoor_sd"] < 1e-12 < spread["florence/indoor"]
    of_reader = {name: values for name, values in scores.items() if name.startswith("aflw")}
    assert set(bootstrap_metrics(metrics_of(of_reader), of_reader, resamples=5).names) == {
        "aflw", "aflw/free", "aflw/occluded"
    }  # fmt: skip
