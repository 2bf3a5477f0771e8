"""The notebooks of paper 5 that need runs, with those of the smoke tier; a file of its own for the workers' sake."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebook_outputs import output_text
from smoke_notebooks import execute_from_runs

from facelib.faces.morphable_model import MorphableModel
from facelib.papers.msma import PAPER
from facelib.papers.status import needed_runs
from facelib.runs.folders import Run
from facelib.storage import read_json

FROM_RUNS = ("base", "short", "no_landmarks", "mean_face")

pytestmark = pytest.mark.slow  # paper 1 shows the same in every `make test`


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Path:
    """A folder with the executed notebooks and what they wrote."""
    runs = (*needed_runs(Run(PAPER.name, "msma")).values(), *(Run(PAPER.name, name) for name in FROM_RUNS))
    return execute_from_runs(PAPER, runs, tmp_path_factory, {"figures": {"page": Path("page.html")}})


def test_train(executed: Path) -> None:
    text = output_text(executed / "0-train.ipynb")
    assert "kept the weights of the last epoch" in text
    assert "image/png" in text


def test_tables(executed: Path) -> None:
    tables = {f"table_{number}.{ending}" for number in PAPER.tables for ending in ("md", "csv", "tex")}
    claims = {"claims.json", "claims.csv", "claims.png", "claims.pdf", "manifest.json"}
    assert {path.name for path in (executed / "tables").iterdir()} == tables | claims
    text = output_text(executed / "1-tables.ipynb")
    assert "MSMA | ours" in text
    assert f"No verdict: {len(PAPER.claims)} of {len(PAPER.claims)}." in text


def test_figures(executed: Path) -> None:
    folder = executed / "figures"
    manifest = read_json(folder / "manifest.json", "")
    names = {"shapes", "textures", "relit", "conditions", "custom", "ablation", "expressions", "face"}
    names |= {"told", "errors_by_condition", "errors_by_protocol", "error_by_yaw", "losses", "training", "learning"}
    assert manifest.keys() == names
    assert {entry["tier"] for entry in manifest.values()} == {"smoke"}
    assert all((folder / f"{name}.{ending}").exists() for name in names for ending in ("png", "pdf", "csv"))
    assert (executed / "page.html").stat().st_size > 100_000
    assert "facelib run msma direct_fit" in output_text(executed / "2-figures.ipynb")
