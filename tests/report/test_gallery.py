"""Where a notebook's pictures go, and what is shown of runs that only the repository has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from IPython import display
from made_records import commit, make_record, use_made_runs
from PIL import Image

from facelib.report.gallery import Gallery
from facelib.report.records import open_runs
from facelib.storage import read_json


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def gallery(output: str = "", tier: str = "laptop") -> Gallery:
    return Gallery(open_runs("joint_attention", tier), output)


def test_pictures_of_this_machines_runs_replace_the_committed_ones(tmp_path: Path) -> None:
    make_record("jam", tier="laptop")

    assert gallery().folder == gallery().home == tmp_path / "checkout" / "figures" / "1_joint_attention" / "laptop"
    assert gallery(tier="smoke").folder == tmp_path / "checkout" / "figures" / "1_joint_attention" / "smoke"


def test_pictures_that_lack_committed_runs_go_beside_the_runs(tmp_path: Path) -> None:
    make_record("jam", tier="laptop")
    commit(make_record("ir18", tier="laptop"))
    beside = tmp_path / "runs" / "joint_attention" / "laptop" / "figures"

    assert gallery().folder == beside
    assert gallery().home == tmp_path / "checkout" / "figures" / "1_joint_attention" / "laptop"
    make_record("ir18", tier="laptop")
    assert gallery().folder == gallery().home


def test_a_folder_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    commit(make_record("ir18", tier="laptop"))

    assert gallery(str(tmp_path / "mine")).folder == tmp_path / "mine"


def test_a_picture_is_written_with_its_numbers_and_its_notebook(tmp_path: Path) -> None:
    made = gallery(str(tmp_path / "mine"))
    made.save(plt.figure(), pd.DataFrame({"x": [1]}), "one", {"more": pd.DataFrame({"y": [2]})}, people=3)

    names = {"one.png", "one.pdf", "one.csv", "one_more.csv", "manifest.json"}
    assert {path.name for path in (tmp_path / "mine").iterdir()} == names
    entry = read_json(tmp_path / "mine" / "manifest.json", "")["one"]
    assert entry["notebook"] == "notebooks/1_joint_attention/figures.ipynb"
    assert entry["parameters"] == {"people": 3}


def test_numbers_are_drawn_or_the_committed_ones_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, numbers = gallery(str(tmp_path / "mine")), pd.DataFrame({"x": [1, 2]})

    assert made.drawn("one", numbers, lambda data: plt.figure()) is numbers
    assert (tmp_path / "mine" / "one.png").exists()
    none = made.drawn("two", pd.DataFrame(), lambda data: pytest.fail("there is nothing to draw"))
    assert none.empty
    assert "two: its runs are missing, and no picture was committed" in capsys.readouterr().out


def test_committed_pictures_are_shown_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(display, "display", shown.append)
    commit(make_record("ir18", tier="laptop"))
    made = gallery()
    made.home.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (300, 150)).save(made.home / "roc.png", dpi=(300, 300))
    made.show_committed("roc", "tsne")

    text, picture = shown
    assert text.data == "As committed: the runs behind this picture are not on this machine."
    assert picture.data == (made.home / "roc.png").read_bytes()
    assert picture.width == round(plt.rcParams["figure.dpi"])  # an inch
    assert capsys.readouterr().out == "tsne: its runs are missing, and no picture was committed\n"


def test_a_picture_without_resolution_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(display, "display", shown.append)
    commit(make_record("ir18", tier="laptop"))
    made = gallery()
    made.home.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20)).save(made.home / "old.png")
    made.show_committed("old")

    assert shown[1].width == 30
