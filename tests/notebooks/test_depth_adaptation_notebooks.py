"""The notebooks of paper 4 that need runs, with those of the smoke tier; a file of its own for the workers' sake."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from notebook_outputs import output_text
from smoke_notebooks import execute_from_runs

from facelib.faces.morphable_model import MorphableModel
from facelib.papers import PAPERS
from facelib.papers.depth_adaptation import PAPER
from facelib.runs.folders import Run
from facelib.storage import read_json

FROM_RUNS = ("dashapenet", "source_only", "mean_face", "icp_face", "dapose", "pose_source", "frontal")

pytestmark = [
    pytest.mark.slow,  # paper 1 shows the same in every `make test`
    pytest.mark.skipif(PAPER.name not in PAPERS, reason="kernels know registered papers only"),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Path:
    """A folder with the executed notebooks and what they wrote."""
    runs = (Run(PAPER.name, name) for name in FROM_RUNS)
    return execute_from_runs(PAPER, runs, tmp_path_factory, {"figures": {"page": Path("page.html")}})


def test_train(executed: Path) -> None:
    text = output_text(executed / "0-train.ipynb")
    assert "kept the weights of the last epoch" in text
    assert "no epoch has collapsed" in text
    assert "image/png" in text


def test_tables(executed: Path) -> None:
    shown = [number for number in PAPER.tables if number not in ("4", "ict", "ict_pose", "flight", "flight_pose")]
    tables = {f"table_{number}.{ending}" for number in shown for ending in ("md", "csv", "tex")}
    written = {path.name for path in (executed / "tables").iterdir()}
    assert tables | {"claims.json", "claims.csv", "claims.png", "manifest.json"} <= written
    text = output_text(executed / "1-tables.ipynb")
    assert "DASHapeNet | ours" in text
    assert f"No verdict: {len(PAPER.claims)} of {len(PAPER.claims)}." in text


def test_figures(executed: Path) -> None:
    folder = executed / "figures"
    names = {"sensor_frames", "sensor", "region", "samples", "clouds", "amount", "meshes_amount", "shapes", "sequence"}
    names |= {"adversarial", "domains", "training", "head"} | ({"other_sensor"} if find_spec("embreex") else set())
    assert read_json(folder / "manifest.json", "").keys() == names
    assert all((folder / f"{name}.{ending}").exists() for name in names for ending in ("png", "pdf", "csv"))
    assert "facelib run depth_adaptation lambda1_3" in output_text(executed / "2-figures.ipynb")
    assert (executed / "page.html").stat().st_size > 1e6
