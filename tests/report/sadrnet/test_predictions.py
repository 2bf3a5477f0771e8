"""Errors of predictions are those of the metrics; photographs are chosen by rule; networks are as records say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_predictions import knowing, shaken, shifted, tiny_archive, tiny_evaluator, tiny_mapper
from tiny_runs import TINY_FACES, use_private_runs
from untrained_run import make_untrained_run

from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput, MissingPart
from facelib.faces.occluders import Occluder
from facelib.papers.sadrnet.protocol import evaluate_alignment
from facelib.report.overlay import face_pixels
from facelib.report.sadrnet.predictions import (
    AT_ONCE,
    BACKGROUND,
    COVERED,
    SKIN,
    Predictions,
    groups_of,
    median_place,
    open_evaluator,
)
from facelib.runs.records import Record, read_record, write_scores

ROWS = np.array([7, 2, 4, 11])


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return tiny_evaluator(right=knowing(), shaken=knowing(shaken(0.8))).predict(ROWS)


def test_errors_are_those_that_runs_are_judged_by(predictions: Predictions) -> None:
    network = knowing(shaken(0.8))
    evaluated = evaluate_alignment(lambda faces, true: network(faces.images), tiny_mapper(), tiny_archive(), ROWS)
    dense = predictions.dense_errors("shaken")[:, predictions.evaluated].mean(dim=1).numpy()
    true = tiny_mapper().points_of(predictions.true.shape)
    laid = (predictions.laid_shapes("shaken") - true).norm(dim=2)[:, predictions.evaluated].mean(dim=1).numpy()
    corners = tiny_mapper().template.landmarks_of(predictions.true.shape)[:, [36, 45]].numpy()
    size = np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)

    np.testing.assert_allclose(dense, evaluated["dense_3d"], rtol=1e-5)
    np.testing.assert_allclose(laid / size, evaluated["reconstruction"], rtol=1e-4)
    assert evaluated["dense_3d"].min() > 0.005
    np.testing.assert_allclose(predictions.eye_distances(), size, rtol=1e-6)
    np.testing.assert_allclose(predictions.scores["shaken"]["sparse_2d"], evaluated["sparse_2d"], rtol=1e-5)
    assert predictions.scores["right"]["sparse_2d"] == pytest.approx(0)


def test_scores_are_those_of_the_rows_and_nothing_of_changed_photographs() -> None:
    evaluator = tiny_evaluator(right=knowing())
    noted = {"right": {"sparse_2d": np.arange(12) / 10, "aflw_angle_error": np.arange(36).reshape(12, 3)}}
    own = replace(evaluator, scores=noted)
    predictions = own.predict(ROWS)

    assert predictions.scores["right"]["sparse_2d"].tolist() == [0.7, 0.2, 0.4, 1.1]
    assert predictions.scores["right"]["aflw_angle_error"].tolist() == [
        [3 * row, 3 * row + 1, 3 * row + 2] for row in ROWS
    ]
    assert own.predict(ROWS, predictions.faces).scores == {}


def test_every_pixel_is_of_one_region(predictions: Predictions) -> None:
    regions = predictions.regions()
    face = face_pixels(predictions.points(), predictions.mapper.triangles, 64)

    assert (sum(mask.int() for mask in regions.values()) == 1).all()
    assert torch.equal(regions[SKIN], predictions.faces.skin > 0.5)
    assert torch.equal(regions[COVERED] | (regions[SKIN] & face), face)
    # Something is worn on the last photograph, and on the others nothing; hair may hide some of their foreheads.
    share = (regions[COVERED].sum(dim=(1, 2)) / face.sum(dim=(1, 2))).tolist()
    worn = predictions.occluder > 0
    assert min(np.array(share)[worn]) > max(np.array(share)[~worn])
    assert not (regions[BACKGROUND] & face).any()


def test_a_shift_in_depth_is_no_dense_error_but_one_in_the_image_is() -> None:
    predictions = tiny_evaluator(deep=knowing(shifted((0, 0, 9))), aside=knowing(shifted((3, 4, 0)))).predict(ROWS)
    (u, v) = predictions.points()[:, predictions.evaluated, :2].unbind(2)
    sizes = ((u.amax(1) - u.amin(1)) * (v.amax(1) - v.amin(1))).sqrt()

    assert predictions.dense_errors("deep").max() < 1e-5
    torch.testing.assert_close(
        predictions.dense_errors("aside"), (5 / sizes)[:, None].expand(-1, predictions.points().shape[1])
    )


def test_laying_a_face_onto_the_truth_undoes_size_turn_and_place() -> None:
    predictions = tiny_evaluator(far=knowing(lambda points: 0.3 * points[..., [1, 2, 0]] + 40)).predict(ROWS)

    torch.testing.assert_close(
        predictions.laid_shapes("far"), tiny_mapper().points_of(predictions.true.shape), atol=1e-3, rtol=0
    )


def test_what_is_known_of_the_photographs(predictions: Predictions) -> None:
    arrays = tiny_archive().arrays

    assert predictions.yaw.tolist() == arrays["pose"][ROWS, 0].tolist()
    assert predictions.occluder.tolist() == arrays["occluder"][ROWS].tolist()
    torch.testing.assert_close(predictions.faces.images, posed_faces(tiny_archive(), ROWS).images)
    assert predictions.landmarks("right").shape == (4, 68, 3)
    assert not predictions.found["right"].geometry.requires_grad


def test_titles_are_as_many_as_photographs(predictions: Predictions) -> None:
    predictions.check_titles(["a"] * 4)
    with pytest.raises(BadInput, match="2 titles for 4 photographs"):
        predictions.check_titles(["a", "b"])


def test_no_rows_are_refused() -> None:
    with pytest.raises(BadInput, match="empty batch"):
        tiny_evaluator(right=knowing()).predict(np.array([], int))


def test_only_some_networks_in_the_order_asked_for() -> None:
    evaluator = tiny_evaluator(a=knowing(), b=knowing(), c=knowing()).only(["c", "a"])

    assert list(evaluator.predict(ROWS).found) == ["c", "a"]


def test_rows_are_spread_and_portioned() -> None:
    evaluator = tiny_evaluator()

    assert evaluator.spread(3).tolist() == [0, 6, 11]  # 5.5 is rounded to even
    assert evaluator.spread(99).tolist() == list(range(12))
    assert evaluator.spread(2, np.array([3, 5, 8])).tolist() == [3, 8]
    assert evaluator.spread(2, np.array([], int)).tolist() == []
    failing = replace(evaluator, scores={"a": {"failed": np.arange(12) == 5}})
    assert failing.spread(3, np.array([3, 5, 8])).tolist() == [3, 8]
    assert evaluator.portions(np.array([], int)) == []
    parts = evaluator.portions(np.arange(2 * AT_ONCE + 1))
    assert [len(part) for part in parts] == [AT_ONCE, AT_ONCE, 1]
    assert np.concatenate(parts).tolist() == list(range(2 * AT_ONCE + 1))


def test_groups_by_yaw_and_by_what_is_worn() -> None:
    yaw = np.deg2rad(np.array([0, -29.9999999, 30, -60, 90, 10, 70]))
    occluder = np.array([0, 0, 0, 0, 0, Occluder.MASK, Occluder.GLASSES])
    groups = {name: np.flatnonzero(chosen).tolist() for name, chosen in groups_of(locals()).items()}

    # -29.9999999 degrees are 30 to four digits; 90 belongs to the last range; nobody wears sunglasses.
    assert groups == {"yaw 0-30°": [0], "yaw 30-60°": [1, 2], "yaw 60-90°": [3, 4], "glasses": [6], "mask": [5]}
    judged = groups_of({"yaw": yaw, "occluder": occluder, "failed": np.isin(np.arange(7), [1, 6])})
    assert [np.flatnonzero(chosen).tolist() for chosen in judged.values()] == [[0], [2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("chosen", "place"), [((1, 1, 1, 1), 0), ((1, 1, 1, 0), 0), ((0, 1, 1, 0), 1), ((0, 0, 0, 1), 3)]
)
def test_the_median_of_the_chosen(chosen: tuple[int, ...], place: int) -> None:
    assert median_place(np.array([0.3, 0.1, 0.9, 0.5]), np.array(chosen, bool)) == place


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, tmp_path / "runs")


def untrained_record(method: str, **sizes: int) -> Record:
    return read_record(make_untrained_run(method, **sizes) / "record.json")


def test_networks_of_runs_with_their_scores(runs: None) -> None:
    sizes = {name: TINY_FACES[name] for name in ("evaluation.identities", "evaluation.images")}
    records = {}
    for number, name in enumerate(("direct", "sadrnet")):
        record = untrained_record(name, **sizes)
        noted = {"sparse_2d": np.arange(12) + 100.0 * number, "florence": np.zeros(6)}
        scores = write_scores(record.run.folder / "scores.npz", noted)
        records[name] = replace(record, scores=scores)
    predictions = open_evaluator(records).predict(ROWS)

    assert predictions.found["direct"].attention is None
    assert predictions.found["sadrnet"].attention.shape == (4, 8, 8)
    assert predictions.rows.tolist() == ROWS.tolist()
    assert predictions.scores["direct"]["sparse_2d"].tolist() == ROWS.tolist()
    assert predictions.scores["sadrnet"]["sparse_2d"].tolist() == (100 + ROWS).tolist()
    assert "florence" not in predictions.scores["direct"]


def test_a_run_without_scores_is_named(runs: None) -> None:
    with pytest.raises(MissingPart, match="holds no scores: make it again with `facelib run sadrnet direct"):
        open_evaluator({"direct": untrained_record("direct", **{"evaluation.identities": 6})})


def test_runs_judged_on_other_photographs_are_refused(runs: None) -> None:
    records = {
        name: untrained_record(name, **{"evaluation.identities": people})
        for name, people in (("direct", 6), ("sadrnet", 7))
    }
    with pytest.raises(BadInput, match="evaluated on different photographs"):
        open_evaluator(records)
