"""ROC curves agree with records and with counting, and each method has a look and a place of its own."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_records import make_record, use_made_runs

from facelib.errors import BadInput, CorruptFile
from facelib.papers.joint_attention.protocol import data_set_scores, split_scores
from facelib.report.joint_attention.roc import CONDITIONS, FAR_GRID, draw_roc, mean_curves, roc_data
from facelib.report.joint_attention.systems import methods_of_table, proposed
from facelib.report.line_labels import MUTED
from facelib.report.records import scores_of
from facelib.report.style import EMPHASISED_COLOURS
from facelib.runs.records import Record


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


@pytest.fixture
def records() -> dict[str, list[Record]]:
    return {"IR-18": [make_record("ir18", fold) for fold in range(3)], "JAM": [make_record("jam", skill=2.0)]}


def test_roc_curves_agree_with_the_record_and_with_counting(records: dict[str, list[Record]]) -> None:
    names = {"0-10": "tar_at_far_1pct/0-10", "all": "tar_at_far_1pct", "arl_vtf/pose": "arl_vtf.tar_at_far_1pct/pose"}
    data = roc_data(records, tuple(names))

    groups = data.groupby(["method", "condition", "fold"])
    assert len(groups) == 4 * 3
    for (method, condition, fold), curve in groups:
        record = records[method][fold]
        assert (np.diff(curve["tar"]) >= 0).all()
        assert curve["tar"].iloc[-1] == 1
        assert curve["tar"][curve["far"] == 0.01].item() == record.metrics[names[condition]]["value"]
        if condition == "all":
            assert curve["auc"].iloc[0] == record.metrics["auc"]["value"]
            assert curve["eer"].iloc[0] == record.metrics["eer"]["value"]

    arrays = scores_of(records["JAM"][0])
    genuine, impostor = split_scores(data_set_scores(arrays, "facescape"), "0-10")
    thresholds = (*genuine, *impostor, np.inf)
    for far in (FAR_GRID[0], FAR_GRID[37], FAR_GRID[80], FAR_GRID[119]):
        slow = max(np.mean(genuine >= t) for t in thresholds if np.mean(impostor >= t) <= far)
        curve = data.query("method == 'JAM' and condition == '0-10' and far == @far")
        assert curve["tar"].item() == slow


def test_the_grid_holds_one_percent_exactly() -> None:
    assert 0.01 in FAR_GRID
    assert (FAR_GRID[0], FAR_GRID[-1]) == (0.001, 1.0)


def test_a_condition_without_scores_leaves_a_method_out(records: dict[str, list[Record]]) -> None:
    clouds = {"PointNet++": [make_record("pointnet2")]}
    data = roc_data(records | clouds, ("90+", "arl_vtf"))

    assert set(data.query("condition == 'arl_vtf'")["method"]) == {"IR-18", "JAM"}
    assert set(data.query("condition == '90+'")["method"]) == {"IR-18", "JAM", "PointNet++"}
    with pytest.raises(BadInput, match="no run was evaluated on arl_vtf/pose"):
        roc_data(clouds, ("arl_vtf/pose",))


def test_means_and_deviations_over_folds(records: dict[str, list[Record]]) -> None:
    data = roc_data(records)
    row = mean_curves(data).query("method == 'IR-18' and condition == '90+' and far == 0.01").iloc[0]
    folds = [record.metrics["tar_at_far_1pct/90+"]["value"] for record in records["IR-18"]]

    assert row["tar"] == pytest.approx(sum(folds) / 3)
    assert row["sd"] == pytest.approx((sum((fold - sum(folds) / 3) ** 2 for fold in folds) / 2) ** 0.5)
    assert row["folds"] == 3


def test_a_band_where_there_are_folds(records: dict[str, list[Record]]) -> None:
    figure = draw_roc(roc_data(records, ("60-90", "90+")), emphasised=["IR-18"])

    for axis in figure.axes:
        assert len(axis.collections) == 1  # IR-18 has three folds, JAM one
        assert axis.get_xscale() == "log"
        assert axis.get_xlim()[0] == 0.001
        loud, other = sorted(axis.texts, key=lambda text: text.get_text())
        assert loud.get_text().startswith("IR-18 (AUC 0.")
        assert loud.get_text().endswith("; 3 folds)")
        assert other.get_text() == "JAM (1 fold)"
        colours = [line.get_color() for line in axis.lines[1:]]  # after the one at 1 %
        assert colours == [EMPHASISED_COLOURS[0], MUTED]
        ends = [line.get_ydata()[0] for line in axis.lines[1:]]
        assert (ends[0] > ends[1]) == (loud.get_position()[1] > other.get_position()[1])


def test_the_axis_begins_where_the_lowest_curve_does(records: dict[str, list[Record]]) -> None:
    data = roc_data(records)
    lowest = np.where(data["condition"] == "0-10", 0.75, 0.31)

    assert [axis.get_ylim()[0] for axis in draw_roc(data.assign(tar=lowest)).axes] == pytest.approx([0.7, 0.3])


def test_one_method_and_many_are_drawn() -> None:
    one = {"JAM": [make_record("jam")]}
    many = {name: [make_record(name)] for name in (*methods_of_table("1"), *methods_of_table("2"))}

    for chosen in (one, many):
        for axis in draw_roc(roc_data(chosen), proposed()).axes:
            assert len(axis.texts) == len(chosen)


def test_every_condition_has_a_title() -> None:
    assert len({condition.title for condition in CONDITIONS.values()}) == len(CONDITIONS)


def test_damaged_scores_are_found(records: dict[str, list[Record]]) -> None:
    path = records["JAM"][0].run.folder / "scores.npz"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(CorruptFile, match=r"scores\.npz does not match its record"):
        roc_data(records)
