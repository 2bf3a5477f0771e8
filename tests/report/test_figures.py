"""What all pictures share: which runs they show, their looks, and the files that they are."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from made_records import make_record, use_made_runs

from facelib.errors import MissingPart
from facelib.report.manifest import figures_folder, save_figure
from facelib.report.records import one_fold, open_runs
from facelib.report.style import EMPHASISED_COLOURS, line_looks, tier_label, use_house_style


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def test_no_two_of_thirty_methods_look_alike() -> None:
    labels = [f"method {number}" for number in range(30)]
    looks = line_looks(labels, emphasised=["method 29", "method 7"])

    assert len({(look["color"], str(look["linestyle"])) for look in looks.values()}) == 30
    assert looks["method 29"]["color"] == EMPHASISED_COLOURS[0]  # by its place among the emphasised
    assert looks["method 7"]["zorder"] > looks["method 8"]["zorder"]


def test_methods_without_runs_are_named() -> None:
    make_record("jam")
    runs = open_runs("joint_attention", "smoke")
    command = "facelib run joint_attention crosspoint --fold 0 --tier smoke"

    assert list(runs.local_records(["crosspoint", "jam"])) == ["JAM"]
    assert runs.missing(["crosspoint", "jam"]) == [f"CrossPoint: no run, `{command}`"]
    with pytest.raises(MissingPart, match=command):
        runs.require(["crosspoint", "jam_je"])
    runs.require(["crosspoint", "jam"])


def test_pictures_of_faces_take_one_fold() -> None:
    folds = {"JAM": [make_record("jam", fold) for fold in (0, 1, 2)], "IR-18": [make_record("ir18", 1)]}

    assert {record.fold for record in one_fold(folds).values()} == {1}
    with pytest.raises(MissingPart, match=r"share no fold.*facelib run joint_attention jam --fold 1 --tier smoke"):
        one_fold({"IR-18": folds["IR-18"], "JAM": folds["JAM"][:1]})
    assert one_fold({}) == {}


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
    folder = figures_folder("1_joint_attention", "smoke")
    data = pd.DataFrame({"far": [0.01], "tar": [1 / 3]})
    origin = {"notebook": "notebooks/n.ipynb", "tier": "smoke", "parameters": {"people": 3}}
    path = save_figure(plt.figure(), data, folder, "roc", **origin)
    save_figure(plt.figure(), data, folder, "attention", further={"shares": data * 2}, **origin)

    assert folder == tmp_path / "checkout" / "figures" / "1_joint_attention" / "smoke"
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
