"""The notebooks of paper 2 that need runs, with those of the smoke tier; a file of its own for the workers' sake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from notebook_outputs import execute_together, output_text
from tiny_runs import use_private_runs, use_tiny_data

from facelib.faces.morphable_model import MorphableModel
from facelib.papers import PAPERS
from facelib.papers.normal_components import PAPER
from facelib.papers.run import train
from facelib.papers.status import needed_runs
from facelib.runs.folders import Run, project_folder
from facelib.storage import read_json

NOTEBOOKS = project_folder() / "notebooks" / PAPER.folder
FROM_RUNS = ("baseline", "expnet_lmcl", "expnet_cross_entropy", "truth", "disturbed_100")

pytestmark = [
    pytest.mark.slow,  # paper 1 shows the same in every `make test`
    pytest.mark.skipif(PAPER.name not in PAPERS, reason="kernels know registered papers only"),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[Path]:
    """A folder with the executed notebooks and what they wrote."""
    folder = tmp_path_factory.mktemp("executed")
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("notebook_runs"))
        for run in (*needed_runs(Run(PAPER.name, "expnet_lmcl")).values(), *(Run(PAPER.name, n) for n in FROM_RUNS)):
            train(run, say=lambda text: None)
        names: dict[str, dict[str, object]] = {"train": {}, "tables": {"threads": 0}, "figures": {"people": 2}}
        for name in ("tables", "figures"):
            names[name] |= {"tier": "smoke", "output": str(folder / name)}
        execute_together([(NOTEBOOKS / f"{name}.ipynb", parameters) for name, parameters in names.items()], folder)
        yield folder


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
