"""The notebooks of paper 2 that need runs, with those of the smoke tier; a file of its own for the workers' sake."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebook_outputs import output_text
from smoke_notebooks import execute_from_runs

from facelib.faces.morphable_model import MorphableModel
from facelib.papers import PAPERS
from facelib.papers.normal_components import PAPER
from facelib.papers.status import needed_runs
from facelib.runs.folders import Run
from facelib.storage import read_json

FROM_RUNS = ("baseline", "expnet_lmcl", "expnet_cross_entropy", "truth", "disturbed_100")

pytestmark = [
    pytest.mark.slow,  # paper 1 shows the same in every `make test`
    pytest.mark.skipif(PAPER.name not in PAPERS, reason="kernels know registered papers only"),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Path:
    """A folder with the executed notebooks and what they wrote."""
    runs = (*needed_runs(Run(PAPER.name, "expnet_lmcl")).values(), *(Run(PAPER.name, name) for name in FROM_RUNS))
    return execute_from_runs(PAPER, runs, tmp_path_factory, {"tables": {"threads": 0}, "figures": {"people": 2}})


def test_train(executed: Path) -> None:
    text = output_text(executed / "0-train.ipynb")
    assert "kept the weights of the last epoch" in text
    assert "image/png" in text


def test_tables(executed: Path) -> None:
    tables = {f"table_{number}.{ending}" for number in PAPER.tables for ending in ("md", "csv", "tex")}
    pictures = {f"{name}.{ending}" for name in ("claims", "gains") for ending in ("csv", "png", "pdf")}
    assert {path.name for path in (executed / "tables").iterdir()} == tables | pictures | {
        "claims.json",
        "manifest.json",
    }
    text = output_text(executed / "1-tables.ipynb")
    assert "ExpNet, LMCL | ours" in text
    assert "No verdict: 14 of 14." in text


def test_figures(executed: Path) -> None:
    folder = executed / "figures"
    names = {"pipeline", "scans", "curves", "feature_spaces", "fidelity", "fidelity_bu4dfe", "error_sources"}
    names |= {"preparation", "training", "learning", "reading"}
    assert read_json(folder / "manifest.json", "").keys() == names
    assert all((folder / f"{name}.{ending}").exists() for name in names for ending in ("png", "pdf", "csv"))
    assert "facelib run normal_components diffusion_lmcl" in output_text(executed / "2-figures.ipynb")
