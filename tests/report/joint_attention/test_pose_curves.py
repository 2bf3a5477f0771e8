"""Pictures of tables show what records hold; which systems they show follows from the tables."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_records import make_record, use_made_runs

from facelib.errors import BadInput
from facelib.report.joint_attention.pose_curves import draw_pose, draw_transfer, pose_data, transfer_data
from facelib.report.joint_attention.systems import methods_of_table, proposed
from facelib.runs.records import Record


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


@pytest.fixture
def records() -> dict[str, list[Record]]:
    return {"IR-18": [make_record("ir18", fold) for fold in range(3)], "JAM": [make_record("jam", skill=2.0)]}


def test_methods_of_tables() -> None:
    assert {"dgcnn", "pointcnn", "pointnet2"} <= set(methods_of_table("2", "cloud"))
    assert "ir18" not in methods_of_table("2", "cloud")
    assert {"crosspoint", "jam", "jam_je"} <= set(methods_of_table("1"))
    assert proposed() == ["JAM + JE", "JAM"]


def test_pose_picture_shows_the_records(records: dict[str, list[Record]]) -> None:
    data = pose_data(records)

    assert len(data) == 4 * 5
    expected = records["JAM"][0].metrics["tar_at_far_1pct/30-60"]["value"]
    assert data.query("method == 'JAM' and pose == '30-60'")["tar"].item() == expected
    axis = draw_pose({"all": data}, ["IR-18"]).axes[0]
    lines = {line.get_label(): line for line in axis.lines}
    np.testing.assert_allclose(lines["JAM"].get_ydata()[2], 100 * expected)
    assert len(axis.collections) == 1  # the folds of the emphasised method
    assert len(draw_pose({"2D": data, "3D": data}).axes) == 2


def test_one_method_and_many_have_a_line_each() -> None:
    many = {name: [make_record(name)] for name in (*methods_of_table("1"), *methods_of_table("2"))}

    for chosen in ({"JAM": many["jam"]}, many):
        assert len(draw_pose({"": pose_data(chosen)}).axes[0].texts) == len(chosen)


def test_transfer_picture_shows_the_records(records: dict[str, list[Record]]) -> None:
    data, not_evaluated = transfer_data(records | {"PointNet++": [make_record("pointnet2")]})

    assert not_evaluated == ["PointNet++"]
    expected = records["JAM"][0].metrics["arl_vtf.tar_at_far_1pct/pose"]["value"]
    assert data.query("method == 'JAM' and pose == 'pose'")["tar"].item() == expected
    axis = draw_transfer(data, ["JAM"]).axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert sorted(names) == ["IR-18", "JAM"]
    line = axis.lines[names.index("JAM")].get_xdata()
    assert line[1] == pytest.approx(100 * expected)  # from frontal to pose
    with pytest.raises(BadInput, match=r"none of PointNet\+\+ was evaluated on the ARL-VTF counterpart"):
        transfer_data({"PointNet++": [make_record("pointnet2")]})
