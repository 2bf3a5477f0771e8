"""Notebooks that read records show the committed ones of the laptop tier, and find their way where runs are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from notebook_outputs import execute_together, markdown_outputs, output_text
from tiny_runs import use_private_runs

from facelib.faces.morphable_model import MorphableModel
from facelib.papers import PAPERS, load_paper
from facelib.papers.published import published_tables
from facelib.report.manifest import figures_folder
from facelib.runs.folders import project_folder
from facelib.storage import read_json

TOLERANCE = 0.05  # of the unit that a table shows: percent, degrees or MB
TABLES = [(paper, number) for paper in PAPERS for number in published_tables(paper)]
DRAWN = {  # from committed records or without any; the other pictures are shown as committed
    "joint_attention": {"tar_by_pose", "tar_by_backbone", "transfer", "attention_course"},
    "sadrnet": {"position_map", "learning"},
    "msma": {"told", "errors_by_condition", "errors_by_protocol", "losses", "training", "learning"},
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[Path]:
    """A folder with what the notebooks of each paper wrote, without any run on this machine; all in one kernel."""
    folder = tmp_path_factory.mktemp("executed")
    notebooks, names = [], []
    for paper in PAPERS:
        home = project_folder() / "notebooks" / load_paper(paper).folder
        measure = {"threads": 0} if paper == "sadrnet" else {}
        for name, parameters in (
            ("tables", measure),
            ("figures", {}),
            ("figures", {"tier": "smoke"}),  # of which nothing is committed
        ):
            names.append(f"{paper}-{'-'.join((name, *map(str, parameters.values())))}")
            notebooks.append((home / f"{name}.ipynb", {"output": str(folder / paper)} | parameters))
    with pytest.MonkeyPatch.context() as patch:
        use_private_runs(patch, tmp_path_factory.mktemp("no_runs"))
        for copy, name in zip(execute_together(notebooks, folder), names, strict=True):
            copy.rename(folder / f"{name.removesuffix('-0')}.ipynb")
        yield folder


def committed(paper: str) -> Path:
    return figures_folder(load_paper(paper).folder, "laptop")


def stored(paper: str, name: str) -> Path:
    return project_folder() / "notebooks" / load_paper(paper).folder / f"{name}.ipynb"


def differences(path: Path, other: Path) -> list[str]:
    """Where two CSV files of a table differ: in text at all, in numbers by more than the tolerance."""
    first, second = (pd.read_csv(each, skiprows=1) for each in (path, other))
    if first.shape != second.shape or list(first) != list(second):
        return [f"{first.shape} and {second.shape}, {sorted(set(first) ^ set(second))}"]
    found = []
    for column in first:
        ours, theirs = first[column], second[column]
        if pd.api.types.is_numeric_dtype(ours) and pd.api.types.is_numeric_dtype(theirs):
            same = np.isclose(ours, theirs, rtol=0, atol=TOLERANCE, equal_nan=True)
        else:
            same = (ours.fillna("") == theirs.fillna("")).to_numpy()
        found += [f"{column}, row {row}: {ours[row]} and {theirs[row]}" for row in np.flatnonzero(~same)]
    return found


@pytest.mark.parametrize(("paper", "number"), TABLES)
def test_a_fresh_clone_gives_the_committed_table(executed: Path, paper: str, number: str) -> None:
    name = f"table_{number}.csv"

    assert differences(executed / paper / name, committed(paper) / name) == []
    for ending in ("csv", "md", "tex"):
        heads = [
            (folder / f"table_{number}.{ending}").read_text().splitlines()[0]
            for folder in (executed / paper, committed(paper))
        ]
        assert heads[0] == heads[1]


@pytest.mark.parametrize(("paper", "number"), TABLES)
def test_a_stored_notebook_shows_the_committed_table(paper: str, number: str) -> None:
    shown = [text.strip() for text in markdown_outputs(stored(paper, "tables"))]

    assert (committed(paper) / f"table_{number}.md").read_text().strip() in shown


@pytest.mark.parametrize("paper", PAPERS)
def test_a_fresh_clone_gives_the_committed_verdicts(executed: Path, paper: str) -> None:
    found, expected = (
        [(claim["name"], claim["verdict"]) for claim in read_json(folder / "claims.json", "")["claims"]]
        for folder in (executed / paper, committed(paper))
    )
    discussed = " ".join(markdown_outputs(stored(paper, "tables")))

    assert found == expected
    for verdict in {verdict for _, verdict in expected}:
        count = sum(verdict == each for _, each in expected)
        assert f"**{verdict.capitalize()}: {count} of {len(expected)}.**" in discussed


def test_a_wrong_value_in_a_table_is_found(tmp_path: Path) -> None:
    path = committed("sadrnet") / "table_4.csv"
    head, text = path.read_text().split("\n", 1)
    for change, wrong in ((0.04, 0), (0.1, 1)):
        table = pd.read_csv(path, skiprows=1)
        table.loc[2, "dense_3d"] += change
        (tmp_path / "changed.csv").write_text(f"{head}\n{table.to_csv(index=False)}")
        assert len(differences(tmp_path / "changed.csv", path)) == wrong
    (tmp_path / "changed.csv").write_text(f"{head}\n{text.replace('SADRNet', 'SADRNet (other)', 1)}")
    assert len(differences(tmp_path / "changed.csv", path)) == 1


@pytest.mark.parametrize("paper", PAPERS)
def test_pictures_that_need_runs_are_shown_as_committed(executed: Path, paper: str) -> None:
    text = output_text(executed / f"{paper}-figures.ipynb")
    pictures = {path.stem for path in committed(paper).glob("*.png")} - {"claims"}

    assert {path.stem for path in (executed / paper).glob("*.png")} == DRAWN[paper] | {"claims"}
    assert text.count("As committed: the runs behind this picture are not on this machine.") == len(
        pictures - DRAWN[paper]
    )


@pytest.mark.parametrize("paper", PAPERS)
def test_figures_of_a_tier_without_any_run_say_so(executed: Path, paper: str) -> None:
    text = output_text(executed / f"{paper}-figures-smoke.ipynb")

    assert "0 methods have runs" in text
    assert "its runs are missing, and no picture was committed" in text
    assert f"facelib run {paper}" in text


def test_what_needs_weights_says_which_command_makes_them(executed: Path) -> None:
    text = output_text(executed / "sadrnet-tables.ipynb")

    assert "make them with `facelib run sadrnet sadrnet --fold 0 --tier laptop`" in text
    assert re.search(r"\b(\d+) of \1 networks find landmarks better than the mean face", text)
