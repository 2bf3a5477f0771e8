"""Errors of predictions are those of the metrics; photographs are chosen by rule; networks are as records say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from made_predictions import knowing, shaken, shifted, tiny_archive, tiny_mapper, tiny_reader
from tiny_runs import TINY_FACES, use_private_runs
from untrained_run import make_untrained_run

from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput
from facelib.faces.occluders import Occluder
from facelib.papers.sadrnet.protocol import evaluate_alignment
from facelib.report.sadrnet import predictions
from facelib.report.sadrnet.predictions import Predictions, groups_of, median_place, open_evaluator
from facelib.runs.records import read_record

ROWS = np.array([7, 2, 4, 11])


@pytest.fixture(scope="module")
def predict() -> Predictions:
    return tiny_reader(right=knowing(), shaken=knowing(shaken(0.8))).read(ROWS)


def test_errors_are_those_that_runs_are_judged_by(read: Predictions) -> None:
    network = knowing(shaken(0.8))
    evaluated = evaluate_alignment(lambda faces, true: network(faces.images), tiny_mapper(), tiny_archive(), ROWS)
    dense = read.dense_errors("shaken")[:, read.evaluated].mean(dim=1).numpy()
    true = tiny_mapper().points_of(read.true.shape)
    laid = (read.laid_shapes("shaken") - true).norm(dim=2)[:, read.evaluated].mean(dim=1).numpy()
    corners = tiny_mapper().template.landmarks_of(read.true.shape)[:, [36, 45]].numpy()
    size = np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)

    np.testing.assert_allclose(read.sparse_error("shaken"), evaluated["sparse_2d"], rtol=1e-5)
    np.testing.assert_allclose(dense, evaluated["dense_3d"], rtol=1e-5)
    np.testing.assert_allclose(laid / size, evaluated["reconstruction"], rtol=1e-4)
    assert evaluated["dense_3d"].min() > 0.005
    assert read.sparse_error("right") == pytest.approx(0)


def test_a_shift_in_depth_is_no_dense_error_but_one_in_the_image_is() -> None:
    read = tiny_reader(deep=knowing(shifted((0, 0, 9))), aside=knowing(shifted((3, 4, 0)))).read(ROWS)
    (u, v) = read.points()[:, read.evaluated, :2].unbind(2)
    sizes = ((u.amax(1) - u.amin(1)) * (v.amax(1) - v.amin(1))).sqrt()

    assert read.dense_errors("deep").max() < 1e-5
    torch.testing.assert_close(read.dense_errors("aside"), (5 / sizes)[:, None].expand(-1, read.points().shape[1]))


def test_laying_a_face_onto_the_truth_undoes_size_turn_and_place() -> None:
    read = tiny_reader(far=knowing(lambda points: 0.3 * points[..., [1, 2, 0]] + 40)).read(ROWS)

    torch.testing.assert_close(read.laid_shapes("far"), tiny_mapper().points_of(read.true.shape), atol=1e-3, rtol=0)


def test_what_is_known_of_the_photographs(read: Predictions) -> None:
    arrays = tiny_archive().arrays

    assert read.yaw.tolist() == arrays["pose"][ROWS, 0].tolist()
    assert read.occluder.tolist() == arrays["occluder"][ROWS].tolist()
    torch.testing.assert_close(read.faces.images, posed_faces(tiny_archive(), ROWS).images)
    assert read.landmarks("right").shape == (4, 68, 3)
    assert not read.found["right"].geometry.requires_grad


def test_titles_are_as_many_as_photographs(read: Predictions) -> None:
    read.check_titles(["a"] * 4)
    with pytest.raises(BadInput, match="2 titles for 4 photographs"):
        read.check_titles(["a", "b"])


def test_no_rows_are_refused() -> None:
    with pytest.raises(BadInput, match="empty batch"):
        tiny_reader(right=knowing()).read(np.array([], int))


def test_only_some_networks_in_the_order_asked_for() -> None:
    evaluator = tiny_reader(a=knowing(), b=knowing(), c=knowing()).only(["c", "a"])

    assert list(evaluator.predict(ROWS).found) == ["c", "a"]


def test_rows_are_spread_and_portioned() -> None:
    evaluator = tiny_reader()

    assert evaluator.spread(3).tolist() == [0, 6, 11]  # 5.5 is rounded to even
    assert evaluator.spread(99).tolist() == list(range(12))
    assert evaluator.spread(2, np.array([3, 5, 8])).tolist() == [3, 8]
    assert evaluator.spread(2, np.array([], int)).tolist() == []
    assert evaluator.portions(np.array([], int)) == []
    parts = evaluator.portions(np.arange(2 * predictions.AT_ONCE + 1))
    assert [len(part) for part in parts] == [predictions.AT_ONCE, predictions.AT_ONCE, 1]
    assert np.concatenate(parts).tolist() == list(range(2 * predictions.AT_ONCE + 1))


def test_groups_by_yaw_and_by_what_is_worn() -> None:
    yaw = np.deg2rad(np.array([0, -29.9999999, 30, -60, 90, 10, 70]))
    occluder = np.array([0, 0, 0, 0, 0, Occluder.MASK, Occluder.GLASSES])
    groups = {name: np.flatnonzero(chosen).tolist() for name, chosen in groups_of(locals()).items()}

    # -29.9999999 degrees are 30 to four digits; 90 belongs to the last range; nobody wears sunglasses.
    assert groups == {"yaw 0-30°": [0], "yaw 30-60°": [1, 2], "yaw 60-90°": [3, 4], "glasses": [6], "mask": [5]}


@pytest.mark.parametrize(
    ("chosen", "place"), [((1, 1, 1, 1), 0), ((1, 1, 1, 0), 0), ((0, 1, 1, 0), 1), ((0, 0, 0, 1), 3)]
)
def test_the_median_of_the_chosen(chosen: tuple[int, ...], place: int) -> None:
    assert median_place(np.array([0.3, 0.1, 0.9, 0.5]), np.array(chosen, bool)) == place


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, tmp_path / "runs")


def test_networks_of_runs(runs: None) -> None:
    sizes = {name: TINY_FACES[name] for name in ("evaluation.identities", "evaluation.images")}
    records = {name: read_record(make_untrained_run(name, **sizes) / "record.json") for name in ("direct", "sadrnet")}
    read = open_evaluator(records).read(ROWS)

    assert read.found["direct"].attention is None
    assert read.found["sadrnet"].attention.shape == (4, 8, 8)
    assert read.rows.tolist() == ROWS.tolist()


def test_runs_judged_on_other_photographs_are_refused(runs: None) -> None:
    records = {
        name: read_record(make_untrained_run(name, **{"evaluation.identities": people}) / "record.json")
        for name, people in (("direct", 6), ("sadrnet", 7))
    }
    with pytest.raises(BadInput, match="evaluated on different photographs"):
        open_evaluator(records)
