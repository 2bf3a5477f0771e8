"""Pictures of records: their data is right, their files are complete and labelled."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from made_records import PEOPLE, PROBES, make_record
from tiny_runs import use_private_runs

from facelib.data.archive import FaceArchive
from facelib.errors import BadInput, CorruptFile
from facelib.report.attention import POSE_STEPS, attention_pairs, draw_pairs, pair_data, received_attention
from facelib.report.figures import draw_pose, draw_roc, draw_tsne, pose_data, roc_data, tsne_data
from facelib.report.manifest import figures_folder, save_figure
from facelib.report.records import folder_of
from facelib.report.style import PALETTE, tier_label, use_house_style
from facelib.runs.folders import record_path
from facelib.runs.records import Record, read_scores


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, tmp_path / "runs")


@pytest.fixture
def records() -> dict[str, list[Record]]:
    return {"IR-18": [make_record("ir18", fold) for fold in range(3)], "JAM": [make_record("jam")]}


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


def test_roc_curves_rise_and_agree_with_the_record(records: dict[str, list[Record]]) -> None:
    data = roc_data(records)

    assert list(data.columns) == ["method", "pose", "fold", "far", "tar", "auc", "eer"]
    groups = data.groupby(["method", "pose", "fold"])
    assert len(groups) == 4 * 2
    for (method, pose, fold), curve in groups:
        assert (np.diff(curve["tar"]) >= 0).all()
        assert curve["tar"].between(0, 1).all()
        assert curve["tar"].iloc[-1] == 1
        at_one_percent = curve["tar"][np.isclose(curve["far"], 0.01)].item()
        assert at_one_percent == records[method][fold].metrics[f"tar_at_far_1pct/{pose}"]["value"]
    profile = groups["auc"].first().unstack("pose")
    assert (profile["90+"] < profile["0-10"]).all()


def test_a_band_where_there_are_folds(records: dict[str, list[Record]]) -> None:
    figure = draw_roc(roc_data(records))

    for axis in figure.axes:
        assert len(axis.collections) == 1  # IR-18 has three folds, JAM one
        assert [line.get_color() for line in axis.lines[:2]] == list(PALETTE[:2])
        assert axis.get_xscale() == "log"


def test_pose_picture_shows_the_records(records: dict[str, list[Record]]) -> None:
    data = pose_data(records)

    assert len(data) == 4 * 5
    expected = records["JAM"][0].metrics["tar_at_far_1pct/30-60"]["value"]
    assert data.query("method == 'JAM' and pose == '30-60'")["tar"].item() == expected
    figure = draw_pose(data)
    np.testing.assert_allclose(figure.axes[0].lines[1].get_ydata()[2], 100 * expected)


def test_tsne_shows_some_people_frontal_and_in_profile() -> None:
    data = tsne_data(make_record("jam"), identities=3)

    assert data["identity"].nunique() == 3
    # Frontal is below 30 degrees, so two bins.
    assert data["pose"].value_counts().to_dict() == {"frontal": 3 * 2 * PROBES, "profile": 3 * PROBES}
    assert np.isfinite(data[["x", "y"]]).all(axis=None)
    pd.testing.assert_frame_equal(data, tsne_data(make_record("jam"), identities=3))
    assert len(draw_tsne({"JAM": data}).axes) == 1


def test_tsne_needs_two_people() -> None:
    with pytest.raises(BadInput, match="1 identities show both frontal and profile probes: expected at least two"):
        tsne_data(make_record("jam"), identities=1)


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
    for name in ("roc", "attention"):
        figure, _ = plt.subplots()
        data = pd.DataFrame({"far": [0.01], "tar": [1 / 3]})
        path = save_figure(
            figure, data, folder, name, notebook="notebooks/n.ipynb", tier="smoke", parameters={"people": 3}
        )

    assert folder == tmp_path / "figures" / "1_joint_attention" / "smoke"
    assert path == folder / "attention.png"
    names = {f"{name}.{ending}" for name in ("roc", "attention") for ending in ("png", "pdf", "csv")}
    assert {item.name for item in folder.iterdir()} == names | {"manifest.json"}
    assert path.read_bytes().startswith(b"\x89PNG")
    assert (folder / "roc.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "roc.csv").read_text() == "far,tar\n0.01,0.333333\n"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert list(manifest) == ["attention", "roc"]
    assert manifest["roc"]["notebook"] == "notebooks/n.ipynb"
    assert manifest["roc"]["parameters"] == {"people": 3}
    assert manifest["roc"]["tier"] == "smoke"


class LooksAtOnePlace:
    """A network whose every place attends to the second of four places alone."""

    def attention_of_images(self, images: torch.Tensor) -> torch.Tensor:
        attention = torch.zeros(len(images), 4, 4)
        attention[:, :, 1] = 1
        return attention


def test_received_attention_is_one_on_average_and_lies_where_it_was_put() -> None:
    received = received_attention(LooksAtOnePlace(), torch.zeros(2, 3, 8, 8))

    assert received.shape == (2, 8, 8)
    assert float(received.mean()) == pytest.approx(1)
    assert float(received[0, 0, 7]) == 4  # upper right, four times the uniform share
    assert float(received[0, 7, 0]) == 0


def test_uniform_attention_is_one_everywhere() -> None:
    class Uniform:
        def attention_of_images(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full((len(images), 9, 9), 1 / 9)

    np.testing.assert_allclose(received_attention(Uniform(), torch.zeros(1, 3, 9, 9)), 1, rtol=1e-6)


def test_pairs_turn_away_from_one_frontal_image() -> None:
    record = make_record("jam")
    scored = read_scores(record_path(folder_of(record)), record)
    count = len(scored["rows"])
    images = np.random.default_rng(0).integers(0, 256, (count, 3, 8, 8), np.uint8)
    arrays = {
        "images": images,
        "identity": scored["probe_identity"],
        "expression": np.zeros(count, np.int16),
        "angle": scored["probe_angle"],
        "cloud": np.zeros(count, np.int32),
    }
    pairs = attention_pairs(record, LooksAtOnePlace(), FaceArchive("made", "print", arrays), person=PEOPLE + 2)

    assert [round(pair.angle) for pair in pairs] == [20, 45, 75, 100]  # nearest to 15, 45, 70 and 90
    own = scored["probe_identity"] == scored["identities"][2]
    first = np.flatnonzero(own & (scored["probe_angle"] == scored["probe_angle"].min()))[0]
    for pair in pairs:
        np.testing.assert_allclose(pair.images[0] * 255, images[first], atol=1e-4)
        assert pair.images.shape == (2, 3, 8, 8)
        assert -1 <= pair.score <= 1
    numbers = pair_data({"JAM": pairs})
    assert (numbers["match"] == (numbers["score"] >= numbers["threshold"])).all()
    assert len(draw_pairs({"JAM": pairs}).axes) == 2 * len(POSE_STEPS) + 1
