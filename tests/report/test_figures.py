"""Pictures of records: their data is right, their files are complete and labelled."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_records import PEOPLE, PROBES, make_record
from tiny_runs import use_private_runs

from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.papers.joint_attention.protocol import scores_of, split_scores
from facelib.report.figures import existing_records, methods_of_table, one_fold, proposed
from facelib.report.joint_attention.pose_curves import draw_pose, draw_transfer, pose_data, transfer_data
from facelib.report.joint_attention.roc import CONDITIONS, FAR_GRID, draw_roc, mean_curves, roc_data
from facelib.report.joint_attention.tsne import PROBES_SHOWN, draw_tsne, separation, tsne_data
from facelib.report.manifest import figures_folder, save_figure
from facelib.report.records import folder_of
from facelib.report.style import EMPHASISED_COLOURS, line_looks, tier_label, use_house_style
from facelib.runs.folders import record_path
from facelib.runs.records import Record, read_scores


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, tmp_path / "runs")


@pytest.fixture
def records() -> dict[str, list[Record]]:
    return {"IR-18": [make_record("ir18", fold) for fold in range(3)], "JAM": [make_record("jam", skill=2.0)]}


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


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

    arrays = read_scores(record_path(folder_of(records["JAM"][0])), records["JAM"][0])
    genuine, impostor = split_scores(scores_of(arrays, "facescape"), "0-10")
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
    figure = draw_roc(roc_data(records, ("60-90", "90+")), emphasised=["JAM"])

    for axis in figure.axes:
        assert len(axis.collections) == 1  # IR-18 has three folds, JAM one
        assert axis.get_xscale() == "log"
        assert axis.get_xlim()[0] == 0.001
        texts = [text.get_text() for text in axis.get_legend().get_texts()]
        assert [text.split("  ")[0] for text in texts] == ["JAM", "IR-18"]  # by TAR at 1 % FAR
        assert "1 fold)" in texts[0]
        assert "3 folds)" in texts[1]
        assert axis.lines[0].get_color() == EMPHASISED_COLOURS[0]


def test_the_axis_begins_where_the_lowest_curve_does(records: dict[str, list[Record]]) -> None:
    data = roc_data(records)
    lowest = np.where(data["condition"] == "0-10", 0.75, 0.31)

    assert [axis.get_ylim()[0] for axis in draw_roc(data.assign(tar=lowest)).axes] == pytest.approx([0.7, 0.3])


def test_no_two_of_thirty_methods_look_alike() -> None:
    labels = [f"method {number}" for number in range(30)]
    looks = line_looks(labels, emphasised=["method 29", "method 7"])

    assert len({(look["color"], str(look["linestyle"])) for look in looks.values()}) == 30
    assert looks["method 29"]["color"] == EMPHASISED_COLOURS[0]  # by its place among the emphasised
    assert looks["method 7"]["zorder"] > looks["method 8"]["zorder"]


def test_one_method_and_many_are_drawn() -> None:
    one = {"JAM": [make_record("jam")]}
    many = {name: [make_record(name)] for name in (*methods_of_table("1"), *methods_of_table("2"))}

    for chosen in (one, many):
        for axis in draw_roc(roc_data(chosen), proposed()).axes:
            assert len(axis.get_legend().get_texts()) == len(chosen)
        assert len(draw_pose({"": pose_data(chosen)}).axes[0].get_legend().get_texts()) == len(chosen)


def test_methods_without_runs_are_named() -> None:
    make_record("jam")
    found, missing = existing_records("smoke", ["crosspoint", "jam"])

    assert list(found) == ["JAM"]
    assert missing == ["CrossPoint"]
    with pytest.raises(MissingPart, match="facelib run joint_attention crosspoint --fold 0 --tier smoke"):
        existing_records("smoke", ["crosspoint", "jam_je"])


def test_methods_of_tables() -> None:
    assert {"dgcnn", "pointcnn", "pointnet2"} <= set(methods_of_table("2", "cloud"))
    assert "ir18" not in methods_of_table("2", "cloud")
    assert {"crosspoint", "jam", "jam_je"} <= set(methods_of_table("1"))
    assert proposed() == ["JAM + JE", "JAM"]


def test_pictures_of_faces_take_one_fold() -> None:
    folds = {"JAM": [make_record("jam", fold) for fold in (0, 1, 2)], "IR-18": [make_record("ir18", 1)]}

    assert {record.fold for record in one_fold(folds).values()} == {1}
    with pytest.raises(MissingPart, match=r"share no fold.*facelib run joint_attention jam --fold 1 --tier smoke"):
        one_fold({"IR-18": folds["IR-18"], "JAM": folds["JAM"][:1]})


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


def test_tsne_shows_the_same_people_frontal_and_in_profile() -> None:
    chosen = {"CrossPoint": make_record("crosspoint"), "JAM + JE": make_record("jam_je", skill=3.0)}
    points, numbers = tsne_data(chosen, identities=3)

    for _, part in points.groupby("method"):
        assert sorted(part["identity"].unique()) == [10, 11, 12]
        # Frontal is below 30 degrees, so two bins.
        assert part["pose"].value_counts().to_dict() == {"frontal": 3 * 2 * PROBES, "profile": 3 * PROBES}
    assert 2 * PROBES <= PROBES_SHOWN
    assert np.isfinite(points[["x", "y"]]).all(axis=None)
    pd.testing.assert_frame_equal(points, tsne_data(chosen, identities=3)[0])
    assert set(numbers["people"]) == {PEOPLE}
    better = numbers.set_index("method")
    assert better.loc["JAM + JE", "silhouette"] > better.loc["CrossPoint", "silhouette"]
    figure = draw_tsne(points, numbers)
    assert f"{better.loc['JAM + JE', 'own']:.2f}" in figure.axes[1].get_xlabel()


def test_separation_equals_counting_pairs() -> None:
    generator = np.random.default_rng(0)
    identity, pose = np.repeat([3, 5, 9], 8), np.tile(["frontal"] * 5 + ["profile"] * 3, 3)
    embeddings = generator.normal(size=(24, 4))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    own, others, silhouettes = [], [], []
    for i in range(24):
        for j in range(24):
            if pose[i] == "frontal" and pose[j] == "profile":
                (own if identity[i] == identity[j] else others).append(embeddings[i] @ embeddings[j])
        away = {who: np.mean([1 - embeddings[i] @ embeddings[j] for j in np.flatnonzero(identity == who) if j != i])
                for who in (3, 5, 9)}  # fmt: skip
        inside, nearest = away.pop(identity[i]), min(away.values())
        silhouettes.append((nearest - inside) / max(nearest, inside))

    numbers = separation(embeddings, identity, pose)

    assert numbers["own"] == pytest.approx(np.mean(own))
    assert numbers["others"] == pytest.approx(np.mean(others))
    assert numbers["silhouette"] == pytest.approx(np.mean(silhouettes))


def test_tsne_needs_two_people_and_the_same_ones() -> None:
    with pytest.raises(BadInput, match=f"1 people to show, of {PEOPLE} with both.*expected at least two"):
        tsne_data({"JAM": make_record("jam")}, identities=1)
    with pytest.raises(BadInput, match="JAM was evaluated on other people than the methods before it"):
        tsne_data({"IR-18": make_record("ir18", 0), "JAM": make_record("jam", 1)})


def test_damaged_scores_are_found(records: dict[str, list[Record]]) -> None:
    path = folder_of(records["JAM"][0]) / "scores.npz"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(CorruptFile, match=r"scores\.npz does not match its record"):
        roc_data(records)


def drawn_text(figure: plt.Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("tier", ["smoke", "laptop", "gpu", "paper"])
def test_every_picture_says_its_tier(tmp_path: Path, tier: str) -> None:
    use_house_style()
    figure, _ = plt.subplots()
    save_figure(figure, pd.DataFrame({"x": [1]}), tmp_path, "one", notebook="n.ipynb", tier=tier, parameters={})

    assert f"{tier} tier" in drawn_text(figure)
    assert "embedded faces" in tier_label(tier)


def test_a_picture_has_its_numbers_and_its_origin(tmp_path: Path) -> None:
    folder = figures_folder(tmp_path, "1_joint_attention", "smoke")
    data = pd.DataFrame({"far": [0.01], "tar": [1 / 3]})
    origin = {"notebook": "notebooks/n.ipynb", "tier": "smoke", "parameters": {"people": 3}}
    path = save_figure(plt.figure(), data, folder, "roc", **origin)
    save_figure(plt.figure(), data, folder, "attention", further={"shares": data * 2}, **origin)

    assert folder == tmp_path / "figures" / "1_joint_attention" / "smoke"
    assert path == folder / "roc.png"
    names = {f"{name}.{ending}" for name in ("roc", "attention") for ending in ("png", "pdf", "csv")}
    assert {item.name for item in folder.iterdir()} == names | {"manifest.json", "attention_shares.csv"}
    assert path.read_bytes().startswith(b"\x89PNG")
    assert (folder / "roc.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "roc.csv").read_text() == "far,tar\n0.01,0.333333\n"
    assert (folder / "attention_shares.csv").read_text() == "far,tar\n0.02,0.666667\n"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert list(manifest) == ["attention", "roc"]
    assert manifest["roc"]["notebook"] == "notebooks/n.ipynb"
    assert manifest["roc"]["parameters"] == {"people": 3}
    assert manifest["roc"]["tier"] == "smoke"


def test_every_condition_has_a_title() -> None:
    assert len({condition.title for condition in CONDITIONS.values()}) == len(CONDITIONS)
